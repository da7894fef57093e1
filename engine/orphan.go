package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

// noOrphans stops a plan while sends are remembered under a step that the flow no
// longer has: most likely it was renamed, and everybody would count as not
// written to.
func (s *session) noOrphans(ctx context.Context) error {
	if s.o.Orphans || !s.p.HasSends() {
		return nil
	}
	campaign := s.p.CampaignOf(s.o)
	all, err := s.o.Store.Remembered(ctx, s.p.Name, campaign, s.p.Hash)
	if err != nil {
		return err
	}
	var orphans []ledger.RememberedStep
	sends := s.p.sendIDs()
	fresh := slices.Clone(sends) // those that the ledger does not know
	for _, r := range all {
		known := func(f formerStep) bool { return f.id == r.Step }
		switch {
		case slices.Contains(sends, r.Step):
			fresh = slices.DeleteFunc(fresh, func(id string) bool { return id == r.Step })
		case !slices.ContainsFunc(s.p.former, known):
			orphans = append(orphans, r)
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	steps, moves := make([]string, len(orphans)), make([]string, len(orphans))
	for i, r := range orphans {
		count := "1 send"
		if r.Sends != 1 {
			count = fmt.Sprintf("%d sends", r.Sends)
		}
		steps[i] = fmt.Sprintf("%s (%s, the last one %s)", r.Step, count, r.Last.In(s.p.Zone).Format("2006-01-02 15:04"))
		moves[i] = fmt.Sprintf("{ from: %s, to: %s }", r.Step, likely(r.Step, fresh, sends))
	}
	return &StaleError{
		Reason: fmt.Sprintf("sends of %s (campaign %s) are remembered under a step that the flow no longer has: %s; nothing was sent",
			s.p.Name, campaign, strings.Join(steps, ", ")),
		Hint: fmt.Sprintf("a step that was renamed: add at the top of the flow: moved: [%s]\n"+
			"another occasion, to which everybody is new: campaign: NAME, or --campaign NAME\n"+
			"a step that is gone, and the others are no successors: --accept-orphans, until the flow changes again", strings.Join(moves, ", ")),
	}
}

// likely is the send that a renamed step most likely is: the only new one, else
// the one whose id is most alike.
func likely(id string, fresh, sends []string) string {
	if len(fresh) == 1 {
		return fresh[0]
	}
	for _, list := range [][]string{fresh, sends} {
		if near := diag.Closest(id, list); near != "" {
			return near
		}
	}
	return slices.Concat(fresh, sends)[0]
}
