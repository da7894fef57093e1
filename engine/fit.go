package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Unfit lists why a plan that p was compiled from may not be applied with a ledger
// at a moment: *StaleError or *ledger.AppliedError, the first one being what Apply
// says. Whose account the token belongs to is not asked.
func (p *Program) Unfit(ctx context.Context, h planfile.Header, store ledger.Store, at time.Time) ([]error, error) {
	why, err := p.changed(h, store)
	if err != nil || len(why) > 0 {
		return why, err // nothing else can be said with another ledger
	}
	run, applied, err := store.FindRun(ctx, h.Run)
	if err != nil {
		return nil, err
	}
	if applied {
		return []error{&ledger.AppliedError{Run: run}}, nil // it is old by its own doing
	}
	if at.After(h.Expires) {
		why = append(why, planAgain("the plan expired at %s", h.Expires.In(p.Zone).Format("2006-01-02 15:04 MST")))
	}
	serial, err := store.Serial(ctx, h.Flow, h.Campaign)
	if err == nil && serial != h.Serial {
		why = append(why, planAgain("other sends of the flow %s (campaign %s) were recorded since the plan was made", h.Flow, h.Campaign))
	}
	return why, err
}

// changed lists what a plan is bound to for as long as its run lasts, and is not
// there any more.
func (p *Program) changed(h planfile.Header, store ledger.Store) (why []error, err error) {
	if h.FlowHash != p.Hash || h.Flow != p.Name {
		why = append(why, planAgain("the plan was made from another text of the flow"))
	}
	hash, err := hashOf(map[string]any(h.Inputs))
	if err != nil {
		return nil, err
	}
	if hash != h.InputsHash {
		why = append(why, planAgain("the plan was made with other inputs"))
	}
	if p.Guard.Window != "" && h.Window == "" {
		why = append(why, planAgain("guard.window holds now, and did not when the plan was made, so nobody looked when its contacts last wrote"))
	}
	if h.Lineage != store.Lineage() {
		why = append(why, planAgain("the plan was made with another ledger (%s) than this one (%s)", h.Lineage, store.Lineage()))
	}
	return why, nil
}

func planAgain(format string, args ...any) error {
	return &StaleError{Reason: fmt.Sprintf(format, args...), Hint: "plan again"}
}

// fits checks what the plan is bound to.
func (a *applier) fits(ctx context.Context, end planfile.End) error {
	h := a.head
	if (a.o.Sandbox != nil) != h.Sandbox {
		return &StaleError{
			Reason: fmt.Sprintf("the plan was made for %s", map[bool]string{true: "the sandbox", false: "the real API"}[h.Sandbox]),
			Hint:   "apply a sandbox plan with --sandbox, and a real one without",
		}
	}
	why, err := a.p.changed(h, a.o.Store)
	if err == nil && !a.o.Resume {
		why, err = a.p.Unfit(ctx, h, a.o.Store, a.started)
	}
	if err != nil {
		return err
	}
	if len(why) > 0 {
		return why[0]
	}
	if err := withinMaxSends(end.Counts.Planned, a.most()); err != nil {
		return err
	}
	if err := a.sameAccount(ctx); err != nil || a.o.Resume {
		return err
	}
	return a.withinMonth(end.Counts.Planned)
}
