package flowtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// outcome is what a case has really done.
type outcome struct {
	p        *engine.Program
	dir      string            // of the state
	files    map[string]string // those that the case looks at, as far as they were written
	visits   []engine.Visit
	warnings []string

	result *engine.Result // nil: not applied
	exit   int
	reason string // why it stopped

	sends   []message
	counts  map[string]int
	leftOut []left // by step and reason
}

// message is one message that was planned or, when the plan was applied, has
// gone out.
type message struct {
	step    string
	contact int
	key     string
	text    string
	args    map[string]any
	status  string // planned, sent, failed, already_sent, …
	reason  string
}

// left is how many a step has left out for one reason, and whom, where known.
type left struct {
	step, reason string
	count        int
	contacts     []int
}

func (g *outcome) visit(v engine.Visit) { g.visits = append(g.visits, v) }

func (g *outcome) event(e engine.Event) {
	if e.Kind == engine.EventWarning {
		g.warnings = append(g.warnings, e.Text)
	}
}

// failed notes an error that ended planning or applying.
func (g *outcome) failed(err error, exitCode func([]engine.Cause) int) {
	if err == nil {
		return
	}
	g.exit, g.reason = exitCode([]engine.Cause{engine.CauseOf(err)}), err.Error()
}

// ended notes how an applied run ended.
func (g *outcome) ended(r *engine.Result, exitCode func([]engine.Cause) int) {
	g.exit, g.reason = exitCode(r.Causes), r.Reason
	if g.exit != 0 && g.reason == "" {
		g.reason = fmt.Sprintf("%d failed, %d unknown", r.Counts.Failed, r.Counts.Unknown)
		for _, p := range r.Problems {
			g.reason += fmt.Sprintf("; contact %d: %s", p.Contact, p.Reason)
		}
	}
}

// read takes the plans of the run apart.
func (g *outcome) read(ctx context.Context, store ledger.Store) error {
	became := map[int64]ledger.Record{}
	for rec, err := range store.Records(ctx, ledger.Filter{Run: runID}) {
		if err != nil {
			return err
		}
		became[rec.Seq] = rec
	}
	total := planfile.Counts{}
	for _, path := range planfile.Stages(engine.RunDir(g.dir, runID)) {
		for rec, err := range planfile.Records(path) {
			if err != nil {
				return err
			}
			switch r := rec.(type) {
			case planfile.Send:
				g.send(r, became)
			case planfile.LeftOut:
				g.leave(r.Step, r.Reason, r.Count)
			case planfile.End:
				total.Plus(r.Counts)
			}
		}
	}
	g.contactsLeft()
	g.counts = map[string]int{
		"planned": total.Planned, "alreadySent": total.AlreadySent, "leftOut": total.LeftOut, "duplicates": total.Duplicate,
		"unknown": total.Unknown, "refused": total.Refused,
	}
	if g.result != nil {
		c := g.result.Counts
		g.counts["planned"], g.counts["sent"], g.counts["failed"], g.counts["skipped"] = c.Planned, c.Sent, c.Failed, c.Skipped
		g.counts["unknown"] = c.Unknown + g.result.StillUnknown
	}
	return nil
}

func (g *outcome) send(r planfile.Send, became map[int64]ledger.Record) {
	m := message{step: r.Step, contact: r.Contact, key: r.Key, status: r.Status, reason: r.Reason}
	if r.Status == planfile.StatusPlanned {
		if s, ok := g.p.Sample(r); ok {
			m.text = s.Preview.Text
		}
		m.args = r.Args
		if g.result != nil {
			m.status = planfile.StatusSkipped
			if rec, ok := became[r.Seq]; ok {
				m.status, m.reason = rec.State.String(), rec.Reason
			}
		}
	}
	if r.Status != planfile.StatusLeftOut {
		g.sends = append(g.sends, m)
	}
}

// keep reads the files that a case looks at, before its folder is gone.
func (g *outcome) keep(dir string, wanted []wantFile) error {
	g.files = map[string]string{}
	for _, w := range wanted {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(w.path)))
		switch {
		case err == nil:
			g.files[w.path] = string(text)
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	return nil
}

// out lists the messages that go out.
func (g *outcome) out() []message {
	want := planfile.StatusPlanned
	if g.result != nil {
		want = ledger.Sent.String()
	}
	return slices.DeleteFunc(slices.Clone(g.sends), func(m message) bool { return m.status != want })
}

func (g *outcome) leave(step, reason string, n int) {
	for i, l := range g.leftOut {
		if l.step == step && l.reason == reason {
			g.leftOut[i].count += n
			return
		}
	}
	g.leftOut = append(g.leftOut, left{step: step, reason: reason, count: n})
}

// contactsLeft adds whom sends have left out, in the order of the iterations.
func (g *outcome) contactsLeft() {
	visits := slices.DeleteFunc(slices.Clone(g.visits), func(v engine.Visit) bool { return !v.LeftOut || v.Contact == 0 })
	slices.SortStableFunc(visits, func(a, b engine.Visit) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), slices.Compare(a.Item, b.Item))
	})
	for _, v := range visits {
		for i, l := range g.leftOut {
			if l.step == v.Step && l.reason == v.Reason {
				g.leftOut[i].contacts = append(g.leftOut[i].contacts, v.Contact)
			}
		}
	}
}

// whyNot says what became of somebody who got no message, "" when nothing is
// known.
func (g *outcome) whyNot(contact int) string {
	for _, m := range g.sends {
		switch {
		case m.contact != contact || contact == 0:
		case m.status == planfile.StatusAlreadySent:
			return "it was sent before"
		case m.reason != "":
			return m.status + ": " + m.reason
		}
	}
	for _, l := range g.leftOut {
		if slices.Contains(l.contacts, contact) {
			return "left out by " + l.step + ": " + l.reason
		}
	}
	return ""
}
