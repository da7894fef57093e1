package ui

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Graph is a flow as boxes and arrows: stages and blocks around steps, and what
// flows between them.
type Graph struct {
	title  string
	groups []*graphBox // stages, finally
	last   *graphBox   // the flow's outputs, nil when it has none
	edges  []graphEdge
}

// graphBox is a step, or something with steps in it.
type graphBox struct {
	id     string
	label  []string // lines
	effect step.Effect
	final  bool        // no step: the flow's outputs
	inner  []*graphBox // of a stage or block
}

type graphEdge struct {
	from, to *graphBox
	label    string
	order    bool // one after the other, with nothing that flows
}

// maxCondition is how much of a condition a box shows, in columns.
const maxCondition = 48

// GraphOf draws a program.
func GraphOf(p *engine.Program) *Graph {
	g := &Graph{title: p.Name}
	boxes := map[string]*graphBox{}
	for n := range p.Stages {
		group := &graphBox{id: fmt.Sprintf("stage_%d", n+1), label: []string{fmt.Sprintf("stage %d", n+1)}}
		if p.Stages == 1 {
			group.label = []string{p.Name}
		}
		for _, s := range p.Steps {
			if s.Stage == n {
				group.inner = append(group.inner, boxOf(s, boxes))
			}
		}
		g.groups = append(g.groups, group)
	}
	if len(p.Finally) > 0 {
		group := &graphBox{id: "finally", label: []string{"finally"}}
		for _, s := range p.Finally {
			group.inner = append(group.inner, boxOf(s, boxes))
		}
		g.groups = append(g.groups, group)
	}
	for i := 1; i < len(g.groups); i++ {
		g.edges = append(g.edges, graphEdge{from: g.groups[i-1], to: g.groups[i], label: "when all has settled", order: true})
	}
	p.Walk(func(s *engine.Step) { g.connect(boxes, s.Needs(), boxes[s.ID]) })
	if reads := p.Needs(); len(reads) > 0 {
		g.last = &graphBox{id: "outputs", label: []string{"outputs"}, final: true}
		for _, o := range p.Outputs {
			g.last.label = append(g.last.label, o.Name)
		}
		g.connect(boxes, reads, g.last)
	}
	return g
}

func boxOf(s *engine.Step, boxes map[string]*graphBox) *graphBox {
	b := &graphBox{id: "step_" + strings.ReplaceAll(s.ID, "/", "__"), label: []string{s.Local()}, effect: s.Effect()}
	boxes[s.ID] = b
	if s.Title != "" {
		b.label[0] = s.Title + " (" + s.Local() + ")"
	}
	if s.Kind != nil {
		b.label = append(b.label, s.Kind.Name)
	}
	if s.Called != nil {
		b.label = append(b.label, "./"+filepath.Base(s.Called.File))
	}
	if s.IsLoop() {
		b.label = append(b.label, "for each "+s.As)
	}
	if s.If != nil {
		b.label = append(b.label, "if "+Cut(strings.Join(strings.Fields(s.If.Source()), " "), maxCondition))
	}
	for _, inner := range s.Body {
		b.inner = append(b.inner, boxOf(inner, boxes))
	}
	return b
}

// connect draws an arrow from each step read, with the names of what is read.
func (g *Graph) connect(boxes map[string]*graphBox, reads []engine.Need, to *graphBox) {
	var sources []string
	names := map[string][]string{}
	for _, r := range reads {
		from := boxes[r.Step]
		if from == nil || to.holds(from) {
			continue
		}
		if !slices.Contains(sources, r.Step) {
			sources = append(sources, r.Step)
		}
		if r.Name != "" {
			names[r.Step] = append(names[r.Step], r.Name)
		}
	}
	for _, id := range sources {
		g.edges = append(g.edges, graphEdge{from: boxes[id], to: to, label: strings.Join(names[id], ", ")})
	}
}

// holds reports whether x is b or stands in it.
func (b *graphBox) holds(x *graphBox) bool {
	return b == x || slices.ContainsFunc(b.inner, func(inner *graphBox) bool { return inner.holds(x) })
}

// first is a box of b that is no group.
func (b *graphBox) first() *graphBox {
	for len(b.inner) > 0 {
		b = b.inner[0]
	}
	return b
}

// graphColours are those of the effects: fill and line.
var graphColours = map[step.Effect][2]string{
	step.EffectCompute: {"#f4f4f5", "#71717a"},
	step.EffectRead:    {"#e0f2fe", "#0369a1"},
	step.EffectLocal:   {"#fef9c3", "#a16207"},
	step.EffectSend:    {"#fee2e2", "#b91c1c"},
}

var graphEffects = []step.Effect{step.EffectCompute, step.EffectRead, step.EffectLocal, step.EffectSend}

// Mermaid writes the graph as a Mermaid flowchart.
func (g *Graph) Mermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, group := range g.groups {
		group.mermaid(&b, "  ")
	}
	if g.last != nil {
		g.last.mermaid(&b, "  ")
	}
	for _, e := range g.edges {
		arrow := "-->"
		if e.order {
			arrow = "-.->"
		}
		if e.label != "" {
			arrow += "|" + mermaidText(e.label) + "|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", e.from.id, arrow, e.to.id)
	}
	for _, e := range graphEffects {
		c := graphColours[e]
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:#18181b\n", e, c[0], c[1])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidShapes open and close a box of each effect.
var mermaidShapes = map[step.Effect][2]string{
	step.EffectCompute: {"[", "]"},
	step.EffectRead:    {"[(", ")]"},
	step.EffectLocal:   {"[/", "/]"},
	step.EffectSend:    {"{{", "}}"},
}

func (b *graphBox) mermaid(w *strings.Builder, indent string) {
	text := mermaidText(b.label...)
	switch {
	case len(b.inner) > 0:
		fmt.Fprintf(w, "%ssubgraph %s[%s]\n", indent, b.id, text)
		for _, inner := range b.inner {
			inner.mermaid(w, indent+"  ")
		}
		fmt.Fprintf(w, "%send\n", indent)
	case b.final:
		fmt.Fprintf(w, "%s%s([%s])\n", indent, b.id, text)
	default:
		shape := mermaidShapes[b.effect]
		fmt.Fprintf(w, "%s%s%s%s%s:::%s\n", indent, b.id, shape[0], text, shape[1], b.effect)
	}
}

// mermaidText quotes lines of a label. Mermaid has no escapes in quotes but the
// names and numbers of characters.
func mermaidText(lines ...string) string {
	escape := strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\\", "#92;")
	safe := make([]string, len(lines))
	for i, line := range lines {
		safe[i] = escape.Replace(line)
	}
	return `"` + strings.Join(safe, "<br/>") + `"`
}

// DOT writes the graph in the language of Graphviz.
func (g *Graph) DOT(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", dotText(g.title))
	b.WriteString("  compound=true\n  fontname=\"sans-serif\"\n  node [fontname=\"sans-serif\", style=filled]\n  edge [fontname=\"sans-serif\", fontsize=10]\n")
	for _, group := range g.groups {
		group.dot(&b, "  ")
	}
	if g.last != nil {
		g.last.dot(&b, "  ")
	}
	for _, e := range g.edges {
		var facts []string
		if e.label != "" {
			facts = append(facts, "label="+dotText(e.label))
		}
		if e.order {
			facts = append(facts, "style=dotted")
		}
		if len(e.from.inner) > 0 {
			facts = append(facts, "ltail="+dotText("cluster_"+e.from.id))
		}
		if len(e.to.inner) > 0 {
			facts = append(facts, "lhead="+dotText("cluster_"+e.to.id))
		}
		fmt.Fprintf(&b, "  %s -> %s", e.from.first().id, e.to.first().id)
		if len(facts) > 0 {
			fmt.Fprintf(&b, " [%s]", strings.Join(facts, ", "))
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotShapes are the shapes of the effects.
var dotShapes = map[step.Effect]string{
	step.EffectCompute: "box", step.EffectRead: "cylinder", step.EffectLocal: "note", step.EffectSend: "hexagon",
}

func (b *graphBox) dot(w *strings.Builder, indent string) {
	text := dotText(b.label...)
	switch {
	case len(b.inner) > 0:
		fmt.Fprintf(w, "%ssubgraph %s {\n%s  label=%s\n", indent, dotText("cluster_"+b.id), indent, text)
		for _, inner := range b.inner {
			inner.dot(w, indent+"  ")
		}
		fmt.Fprintf(w, "%s}\n", indent)
	case b.final:
		fmt.Fprintf(w, "%s%s [label=%s, shape=ellipse, fillcolor=\"#ffffff\"]\n", indent, b.id, text)
	default:
		c := graphColours[b.effect]
		fmt.Fprintf(w, "%s%s [label=%s, shape=%s, fillcolor=%q, color=%q]\n", indent, b.id, text, dotShapes[b.effect], c[0], c[1])
	}
}

// dotText quotes lines of a label.
func dotText(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	safe := make([]string, len(lines))
	for i, line := range lines {
		safe[i] = escape.Replace(line)
	}
	return `"` + strings.Join(safe, `\n`) + `"`
}
