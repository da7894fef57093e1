package engine

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Compile checks a document completely against the kinds of reg, without any
// network, and gives the Program. The Program is nil when the list has errors;
// the list holds every problem found, sorted.
//
// The texts and flows that the document names are read through files, which may be
// nil where it names none. The Program holds what was read, and nothing reads it
// again.
func Compile(doc *flow.Document, reg *step.Registry, files Files) (*Program, diag.List) {
	c := &compiler{
		texts: &texts{folder: filepath.Dir(doc.File), files: files, read: map[string]*textFile{}, flows: map[string]*calledFile{}},
		doc:   doc, reg: reg, open: map[string]bool{}, hidden: map[string]bool{},
		p:     &Program{Doc: doc, byID: map[string]*Step{}, usage: map[streamRef]*usage{}, hostOf: reg.Host},
		chain: []string{filepath.Base(doc.File)},
	}
	c.program()
	c.diags.Sort()
	c.diags = slices.CompactFunc(c.diags, func(a, b diag.Diagnostic) bool { // what several sends share is compiled for each
		return a.Code == b.Code && a.Span == b.Span && a.Summary == b.Summary
	})
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	c.p.countUses()
	c.p.Texts, c.p.Hash = c.texts.all(), c.texts.hash(doc.Hash)
	return c.p, c.diags
}

// compiler holds what grows while a document is compiled. A called flow has one
// of its own, for the same program.
type compiler struct {
	doc    *flow.Document
	reg    *step.Registry
	p      *Program
	base   *lang.Scope // inputs, env and run
	chain  []string    // the files that lead here, the one that is run first
	prefix string      // of the ids of this document's steps
	diags  diag.List
	used   []lang.Ref      // every reference of the document, for unused inputs
	seen   roster          // step ids compiled so far
	open   map[string]bool // step ids being compiled
	final  bool            // finally is being compiled
	unsure int             // conditions around that did not compile
	broken roster          // steps whose outputs a mistake hides, as steps.x
	hidden map[string]bool // the same of the records of the loops around
	placed map[string]placed
	texts  *texts
}

// dir is the folder of the document, from that of the flow that is run.
func (c *compiler) dir() string { return path.Dir(c.chain[len(c.chain)-1]) }

// openText reads a text that the document names.
func (c *compiler) openText(name string, at diag.Span) (*flow.Node, diag.List) {
	return c.texts.open(c.dir(), name, at)
}

func (c *compiler) program() {
	d := c.doc
	c.p.Name, c.p.Description = text(d.Flow), text(d.Description)
	c.p.Campaign, c.p.OncePer = text(d.Campaign), text(d.OncePer)
	if text(d.Class) == ledger.Service.String() {
		c.p.Class, c.p.classAt = ledger.Service, d.Class.Span
	}
	c.zone()
	c.p.Inputs = c.roots()
	c.p.base = c.base
	c.connection()
	c.guard()
	c.delivery()

	top := newView("")
	var st stageState
	for _, s := range d.Steps {
		c.topStep(s, top, &st)
	}
	c.p.Stages = st.stage + 1

	top.settle()
	top.over = append(top.over, func(sc *lang.Scope) *lang.Scope { return sc.With("run", runShape(true)) })
	c.final = true
	for _, s := range d.Finally {
		if x := c.step(s, top, place{final: true}); x != nil {
			setStage(x, c.p.Stages)
			c.p.Finally = append(c.p.Finally, x)
		}
	}
	c.p.Outputs = c.outputs(d.Outputs, c.scope(top, d.Outputs))
	c.schedule()
	c.moved()
	c.unusedInputs()
	c.advise()
	c.oneZone()
}

// roots makes the scope of the document without its steps, and gives its inputs.
func (c *compiler) roots() []Input {
	inputs := c.inputs()
	var fields []step.Field
	for _, in := range inputs {
		fields = append(fields, step.Field{Name: in.Name, Doc: in.Description, Shape: in.Shape})
	}
	c.base = lang.NewScope(c.p.zoneOrNil()).Within(c.prefix).
		With("inputs", step.ObjectOf(fields...)).
		With("env", step.ObjectOf(c.env()...)).
		With("run", runShape(false))
	return inputs
}

func text(n *flow.Node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

func (p *Program) zoneOrNil() *time.Location {
	if p.ZoneSet {
		return p.Zone
	}
	return nil
}

func runShape(applied bool) step.Shape {
	fields := []step.Field{
		{Name: "id", Doc: "The run's id.", Shape: step.ShapeText},
		{Name: "now", Doc: "The moment of planning.", Shape: step.ShapeTime},
	}
	if applied {
		fields = append(fields, step.Field{Name: "startedAt", Doc: "When apply began.", Shape: step.ShapeTime})
	}
	return step.ObjectOf(fields...)
}

// literal compiles a value that must be written out, without an expression.
func (c *compiler) literal(n *flow.Node, key string, f step.Field) (any, bool) {
	if n == nil {
		return nil, false
	}
	if hasExpression(n) {
		c.diags.Add("literal-wanted", n.Span, "%s takes no expression", key).
			WithDetail("It is settled before any step runs, so its value must stand in the file.").
			WithHint("write the value itself")
		c.usedAnyway(n)
		return nil, false
	}
	f.Name = key
	v, ds := lang.CompileValue(n, lang.NewScope(nil), f)
	c.diags = append(c.diags, ds...)
	if v == nil {
		return nil, false
	}
	x, ok := v.Literal()
	if x == "" {
		c.diags.Add("empty-value", n.Span, "%s is empty", key).WithHint("write a value, or take the line out")
		return nil, false
	}
	return x, ok
}

// hasExpression reports whether ${{ stands anywhere in a value.
func hasExpression(n *flow.Node) bool {
	return strings.Contains(strings.ReplaceAll(n.Text, "$${{", ""), "${{") || slices.ContainsFunc(n.Items, hasExpression)
}

// value compiles a value and remembers what it refers to.
func (c *compiler) value(n *flow.Node, sc *lang.Scope, f step.Field) *lang.Value {
	v, ds := lang.CompileValue(n, sc, f)
	c.diags = append(c.diags, c.fresh(ds)...)
	if v != nil {
		c.used = append(c.used, v.Refs()...)
	} else {
		c.usedAnyway(n)
	}
	return v
}

// expr compiles a bare expression and remembers what it refers to.
func (c *compiler) expr(n *flow.Node, sc *lang.Scope, want step.Shape) *lang.Expr {
	if n == nil {
		return nil
	}
	e, ds := lang.CompileExpr(n, sc, want)
	c.diags = append(c.diags, c.fresh(ds)...)
	if e != nil {
		c.used = append(c.used, e.Refs()...)
	} else {
		c.usedAnyway(n)
	}
	return e
}

var rootName = regexp.MustCompile(`steps\s*\??\.\s*[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*`)

// fresh leaves out what is only the consequence of a mistake that is reported
// already: what a broken step gives is not known, and so possibly nil.
func (c *compiler) fresh(ds diag.List) diag.List {
	if !c.anyBroken() && c.unsure == 0 {
		return ds
	}
	return slices.DeleteFunc(slices.Clone(ds), func(d diag.Diagnostic) bool {
		return d.Code == "maybe-nil" && (c.unsure > 0 || c.isBroken(c.written(d.Span)))
	})
}

// written is what stands at a place of the flow or of a text that it reads.
func (c *compiler) written(at diag.Span) string {
	src := c.doc.Source
	if at.File != c.doc.File {
		src = c.texts.source(at.File)
	}
	if at.Start.Offset >= at.End.Offset || at.End.Offset > len(src) {
		return ""
	}
	return string(src[at.Start.Offset:at.End.Offset])
}

// anyBroken reports whether a mistake hides anything at all.
func (c *compiler) anyBroken() bool { return len(c.broken.names) > 0 || len(c.hidden) > 0 }

// isBroken reports whether a text of the flow names anything broken.
func (c *compiler) isBroken(text string) bool {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "#") {
		return true // the record of a predicate; whose cannot be told here
	}
	return slices.ContainsFunc(rootName.FindAllString(text, -1), func(name string) bool {
		name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t\r\n?.", r) }), ".")
		return c.broken.has[name] || c.hidden[name]
	})
}

// dependsOnBroken reports whether anything that a step says names what is
// broken: its own outputs are then not known either.
func (c *compiler) dependsOnBroken(nodes ...*flow.Node) bool {
	return c.anyBroken() && slices.ContainsFunc(nodes, func(n *flow.Node) bool {
		return n != nil && c.isBroken(string(c.doc.Source[n.Span.Start.Offset:max(n.Span.Start.Offset, n.Span.End.Offset)]))
	})
}

// usedAnyway keeps an input that a broken expression mentions from being called
// unused as well: one mistake, one message.
func (c *compiler) usedAnyway(n *flow.Node) {
	for _, in := range c.doc.Inputs {
		if c.mentions(n, "inputs."+in.Name.Text) || c.mentions(n, "inputs?."+in.Name.Text) {
			c.used = append(c.used, lang.Ref{Path: []string{c.prefix + "inputs", in.Name.Text}})
		}
	}
}

// mentions reports whether a value, or a text that it reads, holds a name.
func (c *compiler) mentions(n *flow.Node, what string) bool {
	if mentions(n, what) {
		return true
	}
	return mentions(n, "file") && slices.ContainsFunc(c.texts.sources(), func(text []byte) bool { return strings.Contains(string(text), what) })
}

func mentions(n *flow.Node, what string) bool {
	if n == nil {
		return false
	}
	if strings.Contains(n.Text, what) {
		return true
	}
	return slices.ContainsFunc(n.Items, func(x *flow.Node) bool { return mentions(x, what) }) ||
		slices.ContainsFunc(n.Entries, func(e flow.Entry) bool { return mentions(e.Value, what) })
}

func (c *compiler) unusedInputs() {
	used := map[string]bool{}
	for _, r := range c.used {
		if r.Path[0] != c.prefix+"inputs" {
			continue
		}
		if len(r.Path) == 1 {
			return // the whole object is used
		}
		used[r.Path[1]] = true
	}
	for _, in := range c.doc.Inputs {
		if !used[in.Name.Text] && flow.IsName(in.Name.Text) && !c.misspelt(in.Name.Text) && !c.unreadable(in.Name.Text) {
			c.diags.Add("unused-input", in.Name.Span, "input %q is never used", in.Name.Text).
				WithDetail("No expression of the flow reads inputs.%s, so whoever sets it would change nothing.", in.Name.Text).
				WithHint("use ${{ inputs.%s }}, or delete the input", in.Name.Text)
		}
	}
}

// unreadable reports whether an input stands in a value that YAML could not read.
func (c *compiler) unreadable(input string) bool {
	var broken func(*flow.Node) bool
	broken = func(n *flow.Node) bool {
		return n != nil && (n.Broken || slices.ContainsFunc(n.Items, broken) ||
			slices.ContainsFunc(n.Entries, func(e flow.Entry) bool { return broken(e.Value) }))
	}
	return slices.ContainsFunc(slices.Concat(c.doc.Steps, c.doc.Finally), func(s *flow.Step) bool { return broken(s.Node) }) &&
		strings.Contains(string(c.doc.Source), "inputs."+input)
}

// misspelt reports whether a misspelt name is reported that means the input: it
// is then used, once that is corrected.
func (c *compiler) misspelt(input string) bool {
	return slices.ContainsFunc(c.diags, func(d diag.Diagnostic) bool {
		return d.Code == "unknown-name" && (d.Hint == `did you mean "inputs"?` ||
			strings.HasPrefix(d.Summary, "unknown input ") && d.Hint == `did you mean "`+input+`"?`)
	})
}

// outputs compiles a map of names to expressions.
func (c *compiler) outputs(n *flow.Node, sc *lang.Scope) []Output {
	if n == nil {
		return nil
	}
	var out []Output
	for _, e := range n.Entries {
		v := c.value(e.Value, sc, step.Field{Name: e.Key.Text, Shape: step.ShapeAny})
		c.diags = append(c.diags, lang.BracesForgotten(e.Value, sc)...)
		if v != nil {
			out = append(out, Output{Name: e.Key.Text, Value: v, needs: needsOf(v.Refs())})
		}
	}
	return out
}

// needsOf lists the steps whose outputs the references read.
func needsOf(refs []lang.Ref) []string {
	ids := map[string]bool{}
	for _, r := range refs {
		if len(r.Path) >= 2 && r.Path[0] == "steps" && !(len(r.Path) >= 3 && r.Path[2] == "status") {
			ids[r.Path[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
