package flowtest

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/step"
)

// runID is the id of every run of a case, so that a text or a path that holds it
// is always the same.
const runID = "test-run"

// setup is what a case gives, checked against the flow.
type setup struct {
	now      time.Time
	inputs   map[string]any
	env      map[string]string
	campaign string
	world    sandbox.World
	mocks    map[string]*mock
	sent     []sentBefore
	files    []wantFile
}

// sentBefore is a send that an earlier run has made.
type sentBefore struct {
	step    *engine.Step
	key     string
	other   string // another campaign than the case's
	contact int
	at      time.Time
	state   ledger.State
}

// defaultNow is the clock of a case that sets none: a Monday morning in the
// company's zone.
func defaultNow(zone *time.Location) time.Time { return time.Date(2026, 3, 2, 10, 30, 0, 0, zone) }

// prepare checks everything that a case says against the flow.
func (c *Case) prepare(r *reader, s *Suite) {
	p := s.program
	c.setup = setup{now: c.moment(r, c.now, "now", p.Zone, defaultNow(p.Zone)), env: map[string]string{}}
	if c.campaign != nil {
		c.setup.campaign, _ = r.text(c.campaign, "campaign")
	}
	c.readInputs(r, p)
	c.readEnv(r, p)
	known := p.Evaluator(c.setup.inputs, c.setup.env, runID, c.setup.now)
	c.readMocks(r, p, known)
	c.readWorld(r, s)
	c.readSent(r, p)
	c.readFiles(r)
	c.expect.check(r, p, known)
}

// moment reads a time in the company's zone.
func (c *Case) moment(r *reader, n *flow.Node, what string, zone *time.Location, absent time.Time) time.Time {
	if n == nil {
		return absent
	}
	v, err := engine.NewEvaluator(zone).Value(n, step.Field{Name: what, Shape: step.ShapeTime})
	r.add(err, n.Span)
	t, ok := v.(time.Time)
	if !ok {
		return absent
	}
	return t
}

func (c *Case) readInputs(r *reader, p *engine.Program) {
	given := map[string]any{}
	if c.inputs != nil {
		if c.inputs.Kind != flow.Map {
			r.fields(c.inputs, "inputs", nil)
			return
		}
		given, _ = c.inputs.Data(nil).(map[string]any)
	}
	bound, err := p.BindInputs(given)
	var wrong *engine.InputError
	if errors.As(err, &wrong) {
		for _, problem := range wrong.Problems {
			summary, hint := problem, ""
			if before, _, ok := strings.Cut(problem, "; give it with --var "); ok {
				summary, hint = before, "add it under inputs: of the case"
			}
			r.out.Add("wrong-value", c.inputPlace(problem), "%s", summary).WithHint("%s", hint)
		}
	}
	c.setup.inputs = bound
}

// inputPlace is where the input that a problem speaks of is written.
func (c *Case) inputPlace(problem string) diag.Span {
	if c.inputs == nil {
		if len(c.node.Entries) == 0 {
			return c.node.Span
		}
		return c.node.Entries[0].Key.Span
	}
	for _, e := range c.inputs.Entries {
		if strings.HasPrefix(problem, "input "+e.Key.Text+" ") {
			return e.Value.Span
		}
		if strings.HasPrefix(problem, `the flow has no input "`+e.Key.Text+`"`) {
			return e.Key.Span
		}
	}
	return c.inputs.Span
}

func (c *Case) readEnv(r *reader, p *engine.Program) {
	if c.env == nil {
		return
	}
	for name, n := range r.fields(c.env, "env", p.Env) {
		if n.Kind != flow.Scalar {
			r.text(n, name)
		}
		c.setup.env[name] = n.Text
	}
}

// sentStates are the words of status under sent.
var sentStates = map[string]ledger.State{"sent": ledger.Sent, "unknown": ledger.Unknown, "refused": ledger.Refused}

func (c *Case) readSent(r *reader, p *engine.Program) {
	for _, item := range r.list(c.sent, "sent") {
		m := r.fields(item, "an entry of sent", []string{"step", "contact", "key", "campaign", "at", "status"})
		if item.Kind != flow.Map {
			continue
		}
		b := sentBefore{at: c.moment(r, m["at"], "at", p.Zone, c.setup.now.Add(-24*time.Hour)), state: ledger.Sent}
		if v := r.required(item, m, "step", "an entry of sent", "step: send"); v != nil {
			b.step = sendNamed(r, p, v)
		}
		if v := m["contact"]; v != nil {
			b.contact = r.number(v, "contact")
			b.key = v.Text
		}
		if v := m["key"]; v != nil {
			b.key, _ = r.text(v, "key")
		}
		if v := m["campaign"]; v != nil {
			b.other, _ = r.text(v, "campaign")
		}
		if v := m["status"]; v != nil {
			state, ok := sentStates[v.Text]
			if !ok {
				r.out.Add("unknown-value", v.Span, "status is one of %s, found %s", strings.Join(slices.Sorted(maps.Keys(sentStates)), ", "), v).
					WithHint("write status: sent, or leave it out")
			}
			b.state = state
		}
		switch {
		case b.step == nil:
			continue
		case b.step.Key != nil && m["key"] == nil:
			r.missing(item, "key", "an entry of sent", "key: and what the step's `key:` gave, since "+b.step.ID+" has one")
		case b.key == "":
			r.missing(item, "contact", "an entry of sent", "contact: 1001")
		}
		if b.at.After(c.setup.now) {
			r.out.Add("wrong-value", m["at"].Span, "at is later than now").WithHint("write a moment before %s", c.setup.now.Format("2006-01-02 15:04"))
		}
		c.setup.sent = append(c.setup.sent, b)
	}
}

// sendNamed finds a sending step.
func sendNamed(r *reader, p *engine.Program, n *flow.Node) *engine.Step {
	name, ok := r.text(n, "step")
	if !ok {
		return nil
	}
	var ids []string
	for _, st := range p.Steps {
		for _, send := range st.Sends {
			ids = append(ids, send.ID)
			if send.ID == name {
				return send
			}
		}
	}
	d := r.out.Add("unknown-name", n.Span, "the flow has no step %q that sends", name)
	if hint := diag.DidYouMean(name, ids); hint != "" {
		d.WithHint("%s", hint)
	}
	return nil
}

// onlySend is the sending step of a flow that has just one.
func onlySend(p *engine.Program) *engine.Step {
	var all []*engine.Step
	for _, st := range p.Steps {
		all = append(all, st.Sends...)
	}
	if len(all) != 1 {
		return nil
	}
	return all[0]
}

func (c *Case) readFiles(r *reader) {
	if c.files == nil {
		return
	}
	if c.files.Kind != flow.Map {
		r.fields(c.files, "files", nil)
		return
	}
	for _, e := range c.files.Entries {
		if !filepath.IsLocal(filepath.FromSlash(e.Key.Text)) {
			r.out.Add("wrong-value", e.Key.Span, "a file of a case lies below the flow's folder").WithHint("write a path such as appointments.csv")
			continue
		}
		if e.Value.Kind != flow.Scalar {
			r.text(e.Value, e.Key.Text)
		}
		c.setup.files = append(c.setup.files, wantFile{e.Key.Text, e.Value.Text})
	}
}

// check compares the names of an expectation with the flow.
func (x *expectation) check(r *reader, p *engine.Program, known *engine.Evaluator) {
	for i, w := range x.sends {
		st := onlySend(p)
		if n := w.node.Get("step"); n != nil {
			st = sendNamed(r, p, n)
		}
		n := w.node.Get("with")
		switch {
		case n == nil:
		case st != nil:
			x.sends[i].with = readArgs(r, st, n, known)
		case w.node.Get("step") == nil:
			r.out.Add("missing-key", n.Span, "with needs a step, since several of the flow send").WithHint("write step: and its id")
		}
	}
	for _, w := range x.leftOut {
		n := w.node.Get("step")
		if n == nil || w.step == "" {
			continue
		}
		if _, ok := p.Step(w.step); !ok {
			d := r.out.Add("unknown-name", n.Span, "the flow has no step %q", w.step)
			var ids []string
			p.Walk(func(st *engine.Step) { ids = append(ids, st.ID) })
			if hint := diag.DidYouMean(w.step, ids); hint != "" {
				d.WithHint("%s", hint)
			}
		}
	}
	if x.outputs == nil {
		return
	}
	names := make([]string, 0, len(p.Outputs))
	shapes := map[string]step.Shape{}
	for _, o := range p.Outputs {
		names, shapes[o.Name] = append(names, o.Name), o.Value.Shape()
	}
	x.outputValues = map[string]any{}
	for name, n := range r.fields(x.outputs, "outputs", names) {
		v, err := known.Value(n, step.Field{Name: name, Shape: plain(shapes[name]).OrNil()})
		r.add(err, n.Span)
		x.outputValues[name] = v
	}
}
