package flow

import (
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// grammar fills a Document from a map and reports what does not belong.
type grammar struct {
	doc   *Document
	out   *diag.List
	ids   map[string]*Node // step ids of the whole flow
	count int              // of steps
}

func (g *grammar) document(root *Node) {
	if root.Kind != Map {
		g.out.Add("wrong-shape", root.Span, "the file is not a flow").
			WithDetail("A flow is a map of keys such as flow and steps; here stands %s.", root).
			WithHint("begin the file with: flow: a-name")
		return
	}
	c := checker{g.out}
	c.section(root, flowShape, topLevel)
	d := g.doc
	d.root = root
	d.Flow = root.Get("flow")
	d.Description = root.Get("description")
	d.Campaign = root.Get("campaign")
	d.Class = root.Get("class")
	d.OncePer = root.Get("oncePer")
	d.Connection = sectionOf(root, "connection")
	d.Guard = sectionOf(root, "guard")
	d.Delivery = sectionOf(root, "delivery")
	d.Schedule = sectionOf(root, "schedule")
	d.Moved = root.Get("moved")
	d.Outputs = root.Get("outputs")
	if env := root.Get("env"); isList(env) {
		d.Env = env.Items
		for _, n := range env.Items {
			g.name(n, plainName, "environment variable", nil)
		}
	}

	if d.Flow == nil && !misspelt(root, "flow", topLevel, flowShape.keys) {
		g.missing(root, "flow", topLevel, "flow: a-name\nThe name is the identity under which sends are remembered.")
	}
	g.name(d.Flow, dottedName, "flow name", nil)
	g.name(d.Campaign, dottedName, "campaign name", nil)
	g.oneOf(d.Class, "class", classes)
	g.oneOf(d.OncePer, "oncePer", periods)
	g.oneOf(d.Delivery.Get("unknown"), "unknown", unknownPolicies)
	g.guard(d.Guard)
	g.inputs(root.Get("inputs"))
	g.moved(d.Moved)
	if s := d.Schedule; s != nil && len(s.Node.Entries) == 0 { // another key than its only one is reported as such
		g.missing(s.Node, "cron", "schedule", `schedule: { cron: "0 10 * * 1" }`)
	}

	steps := root.Get("steps")
	switch {
	case steps == nil && misspelt(root, "steps", topLevel, flowShape.keys):
	case steps == nil:
		g.missing(root, "steps", topLevel, "steps:\n  - id: clients\n    uses: chat2desk_list_clients")
	case isList(steps) && len(steps.Items) == 0:
		g.out.Add("no-steps", steps.Span, "the flow has no steps").
			WithHint("write at least one step:\n  - id: clients\n    uses: chat2desk_list_clients")
	}
	d.Steps = g.steps(steps, nil)
	d.Finally = g.steps(root.Get("finally"), nil)
}

func isList(n *Node) bool { return n != nil && n.Kind == List }
func isMap(n *Node) bool  { return n != nil && n.Kind == Map }

// isText reports whether n is a scalar with something in it.
func isText(n *Node) bool {
	return n != nil && n.Kind == Scalar && !n.Null && !n.Broken
}

// sectionOf is nil when the key is absent or holds no map.
func sectionOf(n *Node, key string) *Section {
	for _, e := range n.Entries {
		if e.Key.Text == key && e.Value.Kind == Map {
			return &Section{Key: e.Key, Node: e.Value}
		}
	}
	return nil
}

// missing points at the beginning of the map that lacks the key.
func (g *grammar) missing(n *Node, key, subject, write string) {
	at := n.Span
	if len(n.Entries) > 0 {
		at = n.Entries[0].Key.Span
	}
	g.out.Add("missing-key", at, "%s has no %q", subject, key).
		WithDetail("The key %q is required.", key).
		WithHint("write: %s", write)
}

// guard checks the words of the rails, in a flow or in a project file.
func (g *grammar) guard(s *Section) {
	g.oneOf(s.Get("window"), "window", windows)
	if hours := s.Get("hours"); isMap(hours) {
		g.oneOf(hours.Get("otherwise"), "otherwise", closedPolicies)
	}
}

func (g *grammar) inputs(n *Node) {
	if !isMap(n) {
		return
	}
	c := checker{g.out}
	for _, e := range n.Entries {
		g.name(e.Key, plainName, "input name", reserved)
		if c.fits(e.Value, inputShape, "an input") {
			g.oneOf(e.Value.Get("type"), "type", inputTypes)
			g.oneOf(e.Value.Get("items"), "items", inputTypes)
		}
		if e.Value.Kind == Map {
			g.doc.Inputs = append(g.doc.Inputs, &Input{Name: e.Key, Node: e.Value})
		}
	}
}

func (g *grammar) moved(n *Node) {
	if !isList(n) {
		return
	}
	c := checker{g.out}
	for _, item := range n.Items {
		if !c.fits(item, movedShape, "an item of moved") {
			continue
		}
		for _, key := range movedShape.keys {
			if item.Get(key) == nil {
				g.missing(item, key, "an item of moved", "{ from: old_id, to: new_id }")
			}
			g.name(item.Get(key), stepPath, "step id", nil)
		}
	}
}

// steps reads a list of steps; loops are the `as` names of the loops around it.
func (g *grammar) steps(n *Node, loops []*Node) []*Step {
	if !isList(n) {
		return nil
	}
	var steps []*Step
	for _, item := range n.Items {
		if g.count++; g.count > maxSteps {
			if g.count == maxSteps+1 {
				g.out.Add("too-many-steps", item.Span, "the flow has too many steps").
					WithDetail("At most 1,000 steps are read.").
					WithHint("use forEach to repeat a step, or split the flow")
			}
			return steps
		}
		if !(checker{g.out}).fits(item, stepShape, stepSubject) {
			continue
		}
		steps = append(steps, g.step(item, loops))
	}
	return steps
}

func (g *grammar) step(n *Node, loops []*Node) *Step {
	s := &Step{
		Node: n,
		ID:   n.Get("id"), Name: n.Get("name"), Uses: n.Get("uses"), With: n.Get("with"),
		If: n.Get("if"), Else: n.Get("else"), ForEach: n.Get("forEach"), As: n.Get("as"),
		Key: n.Get("key"), Concurrency: n.Get("concurrency"), Outputs: n.Get("outputs"),
		Retry: sectionOf(n, "retry"), Timeout: n.Get("timeout"), OnError: n.Get("onError"), OncePer: n.Get("oncePer"),
	}
	g.id(s)
	g.oneOf(s.OnError, "onError", errorPolicies)
	g.oneOf(s.OncePer, "oncePer", periods)
	g.together(s)
	if s.ForEach != nil {
		loops = g.loop(s, loops)
	}
	nested := n.Get("steps")
	if isList(nested) && len(nested.Items) == 0 {
		g.out.Add("no-steps", nested.Span, "the block has no steps").WithHint("write at least one step in it, or remove the block")
	}
	s.Steps = g.steps(nested, loops)
	return s
}

func (g *grammar) id(s *Step) {
	if s.ID == nil {
		if misspelt(s.Node, "id", stepSubject, stepShape.keys) {
			return
		}
		g.missing(s.Node, "id", stepSubject, "id: a_name\nOther steps and the memory of sends refer to it.")
		return
	}
	if !g.name(s.ID, plainName, "step id", reserved) {
		return
	}
	if first := g.ids[s.ID.Text]; first == s.ID {
		g.out.Add("duplicate-step", s.ID.Span, "an alias repeats the step %q", s.ID.Text).
			WithDetail("It repeats the id too, and step ids are unique in the whole flow.").
			WithHint("write the second step out; an alias may repeat its with:")
		return
	} else if first != nil {
		g.out.Add("duplicate-step", s.ID.Span, "two steps have the id %q", s.ID.Text).
			WithDetail("The other one stands at line %d. Step ids are unique in the whole flow, loops and finally included.", first.Span.Start.Line).
			WithHint("rename one of the two")
		return
	}
	g.ids[s.ID.Text] = s.ID
}

// together checks which keys of a step need or exclude each other.
func (g *grammar) together(s *Step) {
	block := key(s.Node, "steps")
	uses := key(s.Node, "uses")
	if slices.ContainsFunc(s.Node.Entries, func(e Entry) bool { return e.Value.Broken && !e.Value.Null }) {
		return // the value has run into the lines below it, and their keys are lost
	}
	switch {
	case uses == nil && block == nil && (misspelt(s.Node, "uses", stepSubject, stepShape.keys) || misspelt(s.Node, "steps", stepSubject, stepShape.keys)):
	case uses == nil && block == nil:
		at := s.Node.Span
		if len(s.Node.Entries) > 0 {
			at = s.Node.Entries[0].Key.Span
		}
		g.out.Add("no-kind", at, "a step does nothing").
			WithDetail("A step uses a kind, or is a block with steps of its own.").
			WithHint("write uses: and a kind, such as uses: filter, or steps: and a list")
	case uses != nil && block != nil:
		g.out.Add("uses-and-steps", later(uses, block).Span, "a step has both uses and steps").
			WithDetail("A step uses a kind, or is a block with steps of its own, never both.").
			WithHint("move the kind into a step of its own in the block")
	}
	g.needs(s.Node, "with", "uses", "parameters belong to the kind that a step uses")
	g.needs(s.Node, "else", "if", "it is the reason shown for those that an if left out")
	g.needs(s.Node, "as", "forEach", "it names the item of a loop")
	g.needs(s.Node, "concurrency", "forEach", "it says how many iterations of a loop run at once")
}

func (g *grammar) needs(n *Node, has, other, reason string) {
	k := key(n, has)
	if k == nil || key(n, other) != nil || misspelt(n, other, stepSubject, stepShape.keys) {
		return
	}
	g.out.Add("needs-key", k.Span, "%q without %q", has, other).
		WithDetail("The key %q stands only beside %q: %s.", has, other, reason).
		WithHint("add %s:, or remove %s:", other, has)
}

// key finds a key of a map itself.
func key(n *Node, name string) *Node {
	for _, e := range n.Entries {
		if e.Key.Text == name {
			return e.Key
		}
	}
	return nil
}

// misspelt reports whether a map has an unknown key that probably means name;
// that is reported, and that name is absent need not be.
func misspelt(n *Node, name, subject string, keys []string) bool {
	for _, e := range n.Entries {
		if !contains(keys, e.Key.Text) && meant(e.Key.Text, keys, subject) == name {
			return true
		}
	}
	return false
}

func later(a, b *Node) *Node {
	if a.Span.Start.Offset > b.Span.Start.Offset {
		return a
	}
	return b
}

// loop checks the name of a loop's item against those of the loops around it.
func (g *grammar) loop(s *Step, loops []*Node) []*Node {
	as := s.As
	if as == nil {
		as = &Node{Text: "item", Span: key(s.Node, "forEach").Span}
	} else if !g.name(as, plainName, "loop name", reservedLoop) {
		return loops
	}
	for _, outer := range loops {
		if outer.Text == as.Text {
			g.out.Add("loop-name-taken", as.Span, "two nested loops call their item %q", as.Text).
				WithDetail("The loop around it, at line %d, has the same name, so its item could not be reached here. Without as: the name is item.", outer.Span.Start.Line).
				WithHint("give this loop a name of its own, such as as: %s", freeName(loops))
			return loops
		}
	}
	return append(loops[:len(loops):len(loops)], as)
}

func freeName(loops []*Node) string {
	for _, name := range []string{"client", "row", "message", "entry", "element"} {
		free := true
		for _, l := range loops {
			free = free && l.Text != name
		}
		if free {
			return name
		}
	}
	return "inner"
}

func short(text string) string {
	if r := []rune(text); len(r) > maxShown {
		return string(r[:maxShown-1]) + "…"
	}
	return text
}

// The words of keys that take one of a few.
var (
	windows         = []string{"whatsapp"}
	classes         = []string{"marketing", "service"}
	periods         = []string{"campaign", "month", "week", "day", "run"}
	errorPolicies   = []string{"stop", "continue"}
	closedPolicies  = []string{"stop", "wait", "skip"}
	unknownPolicies = []string{"verify", "never-resend", "resend"}
	inputTypes      = []string{"string", "integer", "number", "boolean", "duration", "date", "time", "list", "path"}
)

// oneOf reports n when it is written but none of the words.
func (g *grammar) oneOf(n *Node, key string, words []string) {
	if !isText(n) || contains(words, n.Text) {
		return
	}
	d := g.out.Add("unknown-word", n.Span, "%q is no value of %q", short(n.Text), key).
		WithDetail("The key %q takes one of: %s.", key, strings.Join(words, ", "))
	if c := diag.Closest(n.Text, words); c != "" {
		d.WithHint("did you mean %q?", c)
	} else {
		d.WithHint("write %s: %s", key, words[0])
	}
}
