package engine

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Called is a flow that a step uses: `uses: ./greet.yaml`.
type Called struct {
	File    string  // as problems name it
	Inputs  []Input // what it takes; the step's Args give them
	Outputs []Output

	base    *lang.Scope // its inputs, env and run
	capture [][]string  // see Step.capture
}

// How flows may call each other.
const (
	maxCalls       = 8    // one inside another
	maxCalledSteps = 1000 // of all called flows of a program, each as often as it is called
)

// calledFile is a flow beside the one that is run, read once.
type calledFile struct {
	doc      *flow.Document
	problems diag.List
}

// isFlowPath reports whether `uses` means a file and no kind.
func isFlowPath(uses string) bool {
	return strings.ContainsAny(uses, `/\`) || isYAML(uses)
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// call compiles a step that runs another flow: its own `with`, and that flow as
// the body of the step, in a scope of its own.
func (c *compiler) call(s *flow.Step, x *Step, sc *lang.Scope, at place) (ok, good bool) {
	file, name := c.calledFlow(s.Uses)
	if file == nil || file.problems.HasErrors() && file.doc.Steps == nil {
		if file != nil {
			c.diags = append(c.diags, file.problems...)
		}
		c.usedAnyway(s.With)
		return false, false
	}
	x.Called = &Called{File: file.doc.File}
	sub := &compiler{
		doc: file.doc, reg: c.reg, p: c.p, texts: c.texts, diags: slices.Clone(file.problems),
		chain: append(slices.Clip(c.chain), name), prefix: x.ID + "/",
		open: map[string]bool{}, hidden: map[string]bool{}, final: c.final,
	}
	sub.refuseOfRuns()
	sub.sameConnection()
	sub.period(file.doc.OncePer)
	x.Called.Inputs = sub.roots()
	x.Called.base = sub.base
	good = c.callInputs(s, x, sc)

	top := newView(sub.prefix)
	at.body = &body{owner: path.Base(name), call: s.ID.Text}
	for _, inner := range file.doc.Steps {
		y := sub.step(inner, top, at)
		if y == nil {
			good = false
			continue
		}
		y.in = x
		x.Body = append(x.Body, y)
		x.Sends = append(x.Sends, y.Sends...)
		x.maxLevel = max(x.maxLevel, y.maxLevel)
	}
	if at.final && c.prefix == "" && len(x.Sends) > 0 {
		c.diags.Add("send-in-finally", s.Uses.Span, "finally holds no send, and %s sends", path.Base(name)).
			WithDetail("finally runs also after a failure or a stop; a message from there could never be planned or approved.").
			WithHint("move the step to steps")
	}
	x.Called.Outputs = sub.outputs(file.doc.Outputs, sub.scope(top, file.doc.Outputs))
	x.Outs, x.Called.capture = c.settling(x, x.Called.Outputs, top, false)
	good = fill(&x.Outs, file.doc.Outputs) && good
	sub.unusedInputs()
	sub.advise()
	c.diags = append(c.diags, sub.diags...)
	return true, good && !sub.diags.HasErrors()
}

// calledFlow finds the file that `uses` names, and its path from the folder of
// the flow that is run; nil with a problem when it cannot be used.
func (c *compiler) calledFlow(n *flow.Node) (*calledFile, string) {
	name := path.Join(c.dir(), n.Text)
	refuse := func(format string, args ...any) *diag.Diagnostic {
		return c.diags.Add("called-flow", n.Span, format, args...)
	}
	switch {
	case strings.Contains(n.Text, "${{"):
		refuse("the path of a flow is written out").
			WithDetail("Which flow runs must be known before anything is computed, since all of it is checked.").
			WithHint("write uses: ./greet.yaml, and choose between flows with `if` on several steps")
		return nil, ""
	case strings.Contains(n.Text, `\`):
		d := refuse(`"%s" is no path of a flow`, n.Text).WithDetail("Paths have slashes on every system.")
		if better := flowPathLike(strings.ReplaceAll(n.Text, `\`, "/")); better != "" {
			d.WithHint("write uses: %s", better)
		} else {
			d.WithHint("write the path of a flow, such as ./greet.yaml")
		}
		return nil, ""
	case path.IsAbs(n.Text) || !isYAML(n.Text) || !strings.HasPrefix(n.Text, "./") && !strings.HasPrefix(n.Text, "../"):
		d := refuse("%q is no path of a flow", n.Text).
			WithDetail("A flow is named by its path from the folder of this file. It begins with ./ or ../ and ends in .yaml or .yml.")
		if better := flowPathLike(n.Text); better != "" {
			d.WithHint("write uses: %s", better)
		} else {
			d.WithHint("write the path of a flow, such as ./greet.yaml")
		}
		return nil, ""
	case slices.Contains(c.chain, name):
		from := slices.Index(c.chain, name)
		refuse("the flow %s uses itself", path.Base(name)).
			WithDetail("It would never end: %s.", strings.Join(append(slices.Clone(c.chain[from:]), name), " → ")).
			WithHint("take this step out; to repeat a flow for many records, put forEach on the step that uses it")
		return nil, ""
	case len(c.chain) > maxCalls:
		refuse("too many flows call one another").
			WithDetail("At most %d may stand one inside another; here it is %s.", maxCalls, strings.Join(append(slices.Clone(c.chain), name), " → ")).
			WithHint("write the innermost steps into the flow that uses them")
		return nil, ""
	case c.texts.files == nil:
		refuse("the flow %s is not at hand here", n.Text).
			WithDetail("The flow was given as a text alone, without the folder that it stands in.").
			WithHint("check the flow as a file")
		return nil, ""
	}
	f, err := c.texts.flow(name)
	if err != nil {
		otherwise := "write the path of a flow, such as ./greet.yaml"
		if errors.Is(err, errOutside) {
			otherwise = "move the flow into the project"
		}
		refuse("the flow %s cannot be used: %s", n.Text, fileReason(err)).
			WithDetail("Its path begins at the folder of this file and stays inside the project: the folder of flowrunner.yaml, or that of the flow that is run.").
			WithHint("%s", nearFile(n.Text, err, otherwise))
		return nil, ""
	}
	if c.texts.steps += f.steps(); c.texts.steps > maxCalledSteps {
		c.diags.Add("too-many-steps", n.Span, "the flows that are used have too many steps").
			WithDetail("Together they may have %d, each counted as often as it is used.", maxCalledSteps).
			WithHint("use a flow once, with forEach, in place of once for each record")
		return nil, ""
	}
	return f, name
}

// elsewhere are an address, a drive of Windows and a home, from which no path
// inside the project can be told.
var elsewhere = regexp.MustCompile(`^[A-Za-z]+:|^~`)

// flowPathLike is the path of a flow that text most likely meant, or "".
func flowPathLike(text string) string {
	if name := path.Base(text); elsewhere.MatchString(text) || strings.Trim(name, "./") == "" || path.Ext(name) != "" && !isYAML(name) {
		return ""
	}
	better := path.Clean(strings.TrimLeft(text, "/"))
	if !strings.HasPrefix(better, "../") {
		better = "./" + better
	}
	if !isYAML(better) {
		better += ".yaml"
	}
	return better
}

// flow reads a flow by its path, once.
func (t *texts) flow(name string) (*calledFile, error) {
	if f := t.flows[name]; f != nil {
		return f, nil
	}
	src, err := t.files(name)
	if err != nil {
		return nil, err
	}
	if !t.fits(src) {
		return nil, fmt.Errorf("it and the texts beside it have more than 1 MiB (%d bytes), and each plan holds them", maxTexts)
	}
	f := &calledFile{}
	f.doc, f.problems = flow.ParseCalled(filepath.Join(t.folder, filepath.FromSlash(name)), src)
	t.flows[name] = f
	return f, nil
}

// steps counts the steps of the flow.
func (f *calledFile) steps() int {
	var count func([]*flow.Step) int
	count = func(list []*flow.Step) int {
		n := len(list)
		for _, s := range list {
			n += count(s.Steps)
		}
		return n
	}
	return count(f.doc.Steps)
}

// refuseOfRuns refuses in a called flow what belongs to a run as a whole: the
// flow that is run says it for all.
func (c *compiler) refuseOfRuns() {
	for _, k := range []struct{ key, why string }{
		{"campaign", "One run has one campaign."},
		{"guard", "Rails hold for a run as a whole, whichever step a message comes from."},
		{"delivery", "What to do about unknown outcomes is settled for a run as a whole."},
		{"schedule", "Only the flow that is run has a schedule."},
		{"moved", "Sends are remembered under the flow that is run and its calling step."},
		{"finally", "Only the flow that is run knows when everything has been sent."},
	} {
		if key := c.doc.Key(k.key); key != nil {
			c.diags.Add("called-flow-key", key.Span, "%s cannot stand in a flow that another one uses", k.key).
				WithDetail("%s Here it would be ignored, and so it is refused.", k.why).
				WithHint("write it in %s, or move the steps that both need into a flow of their own", c.chain[0])
		}
	}
}

// sameConnection holds the connection of a called flow to that of the flow that
// is run: a run has one.
func (c *compiler) sameConnection() {
	s := c.doc.Connection
	if s == nil {
		return
	}
	for _, e := range s.Node.Entries {
		theirs := c.p.Doc.Connection.Get(e.Key.Text)
		if theirs != nil && theirs.Text == e.Value.Text {
			continue
		}
		d := c.diags.Add("called-flow-key", e.Key.Span, "connection.%s is not that of %s", e.Key.Text, c.chain[0])
		if theirs == nil {
			d.WithDetail("A run has one connection, that of the flow that is run, and %s says nothing of it.", c.chain[0]).
				WithHint("write the line in %s as well, or delete it here", c.chain[0])
			continue
		}
		d.WithDetail("A run has one connection, that of the flow that is run, and there it says: %s.", theirs.Text).
			WithHint("write the same in both, or delete it here")
	}
}

// callInputs compiles `with` of a call against the inputs of the called flow.
func (c *compiler) callInputs(s *flow.Step, x *Step, sc *lang.Scope) (good bool) {
	file := filepath.Base(x.Called.File)
	var names []string
	for _, in := range x.Called.Inputs {
		names = append(names, in.Name)
	}
	before := len(c.diags)
	given, misspelt := map[string]*flow.Node{}, map[string]bool{}
	if s.With != nil {
		for _, e := range s.With.Entries {
			if slices.Contains(names, e.Key.Text) {
				given[e.Key.Text] = e.Value
				continue
			}
			if e.Value.Broken {
				continue // part of what flow.Parse has reported
			}
			d := c.diags.Add("unknown-parameter", e.Key.Span, "%s has no input %q", file, e.Key.Text)
			d.WithDetail("It takes: %s.", strings.Join(names, ", ")).WithHint("use one of these, or delete it")
			if len(names) == 0 {
				d.WithDetail("It takes no inputs.").WithHint("delete it, or declare it there under inputs:")
			}
			if near := diag.Closest(e.Key.Text, names); near != "" {
				d.WithHint("did you mean %q?", near)
				misspelt[near] = true
			}
			c.usedAnyway(e.Value)
		}
	}
	for i := range x.Called.Inputs {
		in := &x.Called.Inputs[i]
		n, ok := given[in.Name]
		switch {
		case ok:
			c.callInput(x, in, n, sc)
		case in.Required && !misspelt[in.Name] && (s.With == nil || !s.With.Broken):
			c.diags.Add("missing-parameter", s.Uses.Span, "%s needs the input %q", file, in.Name).
				WithDetail("%s", strings.TrimSpace("It is required. "+in.Description)).WithHint("add under with:  %s: …", in.Name)
		}
	}
	return len(c.diags) == before
}

// callInput compiles one input that is given.
func (c *compiler) callInput(x *Step, in *Input, n *flow.Node, sc *lang.Scope) {
	field := step.Field{Name: in.Name, Doc: in.Description, Shape: in.Shape, Optional: !in.Required}
	for _, e := range in.Enum {
		if word, ok := e.(string); ok && in.Shape.Form == step.FormText {
			field.Enum = append(field.Enum, word)
		}
	}
	v := c.value(n, sc, field)
	if v == nil {
		return
	}
	if shape := v.Shape(); shape.Nullable && !in.Shape.Nullable && shape.Form != step.FormAny {
		what := c.written(v.Span())
		c.diags.Add("maybe-nil", v.Span(), "the input %q of %s may be nil: %s", in.Name, filepath.Base(x.Called.File), what).
			WithDetail("Its type there has no nil.").WithHint("write ${{ … ?? … }} with what it is then, or leave those out with `if`")
		return
	}
	x.Args = append(x.Args, Arg{Field: field, Value: v})
	if lit, ok := v.Literal(); ok && lit != nil {
		if problem := in.check(lit); problem != "" {
			c.diags.Add("wrong-input", n.Span, "the input %q of %s does not take this value", in.Name, filepath.Base(x.Called.File)).
				WithDetail("It %s.", problem).WithHint("write a value that it takes, or change what it takes in %s", filepath.Base(x.Called.File))
		}
	}
}

// passOn gives the items of a loop over a called flow that flow's outputs.
func (c *compiler) passOn(x *Step, sc *lang.Scope) []Output {
	var out []Output
	for _, f := range x.Outs {
		text := fmt.Sprintf("${{ steps.%s.outputs.%s }}", x.Local(), f.Name)
		if v := c.value(flow.TextNode(x.Called.File, text), sc, step.Field{Name: f.Name, Shape: step.ShapeAny}); v != nil {
			out = append(out, Output{Name: f.Name, Value: v, needs: needsOf(v.Refs())})
		}
	}
	return out
}
