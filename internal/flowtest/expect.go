package flowtest

import (
	"regexp"
	"slices"

	"github.com/flowrunner/flowrunner/engine/flow"
)

// expectation is what a case says must come of it. given holds the keys that are
// written: what is not written is not looked at.
type expectation struct {
	given map[string]bool
	node  *flow.Node

	sends       []wantSend
	some        bool // sends and leftOut need not be complete
	leftOut     []wantLeftOut
	counts      map[string]int
	outputs     *flow.Node
	files       []wantFile
	stops       wantStop
	diagnostics []wantDiagnostic
	golden      bool

	outputValues map[string]any // of outputs, when the flow is known
}

// wantSend is one message that must go out.
type wantSend struct {
	node     *flow.Node
	step     string
	contact  int
	key      string
	text     *string
	contains []string
	matches  []*regexp.Regexp
	with     map[string]any // arguments of the step, when the flow is known
}

// wantLeftOut is somebody, or so many, that a step must leave out.
type wantLeftOut struct {
	node    *flow.Node
	step    string
	reason  string
	contact int
	count   int // -1: not said
}

type wantFile struct{ path, text string }

type wantStop struct {
	exit    int // 0: not said
	message []string
}

type wantDiagnostic struct {
	code string
	line int // 0: not said
}

var (
	expectKeys  = []string{"sends", "leftOut", "only", "counts", "outputs", "files", "stops", "diagnostics", "texts"}
	sendKeys    = []string{"step", "contact", "key", "text", "contains", "matches", "with"}
	leftOutKeys = []string{"step", "reason", "contact", "count"}
	stopKeys    = []string{"exit", "message"}
	planCounts  = []string{"planned", "alreadySent", "leftOut", "duplicates", "unknown", "refused"}
	applyCounts = []string{"sent", "failed", "skipped"}
)

func (x *expectation) read(r *reader, n *flow.Node, c *Case) {
	m := r.fields(n, "expect", expectKeys)
	x.node, x.given = n, map[string]bool{}
	for key := range m {
		x.given[key] = true
	}
	if n.Kind == flow.Map && len(n.Entries) == 0 {
		r.out.Add("missing-value", n.Span, "expect says nothing, so the case could not fail").WithHint("write sends:, counts:, stops: or diagnostics: under expect")
	}
	for _, item := range r.list(m["sends"], "sends") {
		x.send(r, item)
	}
	for _, item := range r.list(m["leftOut"], "leftOut") {
		x.leave(r, item)
	}
	if v := m["only"]; v != nil {
		if x.some = v.Text == "some"; !x.some {
			r.out.Add("wrong-value", v.Span, "only takes one word, found %s", v).
				WithDetail("Without it sends and leftOut must be complete.").WithHint("write only: some, or delete it")
		}
	}
	x.readCounts(r, m["counts"], c)
	if x.outputs = m["outputs"]; x.outputs != nil && !c.apply {
		r.out.Add("wrong-value", x.outputs.Span, "outputs are known only when the plan was applied").WithHint("write apply: true in the case")
	}
	x.readFiles(r, m["files"], c)
	if s := m["stops"]; s != nil {
		x.stop(r, s)
	}
	for _, item := range r.list(m["diagnostics"], "diagnostics") {
		x.diagnostic(r, item)
	}
	if v := m["texts"]; v != nil {
		if x.golden = v.Text == "golden"; !x.golden {
			r.out.Add("wrong-value", v.Span, "texts takes one word, found %s", v).
				WithDetail("The texts stand in a file of their own, which flowrunner test --update writes.").WithHint("write texts: golden")
		}
	}
}

func (x *expectation) send(r *reader, item *flow.Node) {
	m := r.fields(item, "a send", sendKeys)
	w := wantSend{node: item}
	if v := m["step"]; v != nil {
		w.step, _ = r.text(v, "step")
	}
	if v := m["contact"]; v != nil {
		w.contact = r.number(v, "contact")
	}
	if v := m["key"]; v != nil {
		w.key, _ = r.text(v, "key")
	}
	if item.Kind == flow.Map && m["contact"] == nil && m["key"] == nil {
		r.missing(item, "contact", "a send", "contact: 1001")
	}
	if v := m["text"]; v != nil {
		text := v.Text
		if v.Kind != flow.Scalar {
			r.text(v, "text")
		}
		w.text = &text
	}
	if v := m["contains"]; v != nil {
		w.contains = r.texts(v, "contains")
	}
	if v := m["matches"]; v != nil {
		for _, pattern := range r.texts(v, "matches") {
			re, err := regexp.Compile(pattern)
			if err != nil {
				r.out.Add("bad-pattern", v.Span, "the pattern is no regular expression").WithDetail("Go's syntax is used, and it says: %s.", err)
				continue
			}
			w.matches = append(w.matches, re)
		}
	}
	x.sends = append(x.sends, w)
}

func (x *expectation) leave(r *reader, item *flow.Node) {
	m := r.fields(item, "an entry of leftOut", leftOutKeys)
	w := wantLeftOut{node: item, count: -1}
	if v := r.required(item, m, "step", "an entry of leftOut", "step: send"); v != nil {
		w.step, _ = r.text(v, "step")
	}
	if v := m["reason"]; v != nil {
		w.reason, _ = r.text(v, "reason")
	}
	if v := m["contact"]; v != nil {
		w.contact = r.number(v, "contact")
	}
	if v := m["count"]; v != nil {
		w.count = r.number(v, "count")
		if m["contact"] != nil {
			r.out.Add("wrong-value", v.Span, "count and contact cannot stand together").WithHint("write an entry for each contact, or only their count")
		}
	}
	x.leftOut = append(x.leftOut, w)
}

func (x *expectation) readCounts(r *reader, n *flow.Node, c *Case) {
	if n == nil {
		return
	}
	x.counts = map[string]int{}
	for key, v := range r.fields(n, "counts", slices.Concat(planCounts, applyCounts)) {
		x.counts[key] = r.number(v, key)
		if slices.Contains(applyCounts, key) && !c.apply {
			r.out.Add("wrong-value", v.Span, "%s is known only when the plan was applied", key).WithHint("write apply: true in the case, or count planned")
		}
	}
}

func (x *expectation) readFiles(r *reader, n *flow.Node, c *Case) {
	if n == nil {
		return
	}
	if n.Kind != flow.Map {
		r.fields(n, "files", nil)
		return
	}
	if !c.apply {
		r.out.Add("wrong-value", n.Span, "files are written only when the plan is applied").WithHint("write apply: true in the case")
	}
	for _, e := range n.Entries {
		if e.Value.Kind != flow.Scalar {
			r.text(e.Value, e.Key.Text)
		}
		x.files = append(x.files, wantFile{e.Key.Text, e.Value.Text})
	}
}

func (x *expectation) stop(r *reader, n *flow.Node) {
	m := r.fields(n, "stops", stopKeys)
	if v := m["exit"]; v != nil {
		if x.stops.exit = r.number(v, "exit"); x.stops.exit == 0 {
			r.out.Add("wrong-value", v.Span, "a run that stops does not exit with 0").WithHint("`flowrunner help exit-codes` lists the codes")
		}
	}
	if v := m["message"]; v != nil {
		x.stops.message = r.texts(v, "message")
	}
}

func (x *expectation) diagnostic(r *reader, n *flow.Node) {
	if n.Kind == flow.Scalar {
		code, _ := r.text(n, "diagnostics")
		x.diagnostics = append(x.diagnostics, wantDiagnostic{code: code})
		return
	}
	m := r.fields(n, "a diagnostic", []string{"code", "line"})
	var w wantDiagnostic
	if v := r.required(n, m, "code", "a diagnostic", "code: unknown-field"); v != nil {
		w.code, _ = r.text(v, "code")
	}
	if v := m["line"]; v != nil {
		w.line = r.number(v, "line")
	}
	x.diagnostics = append(x.diagnostics, w)
}
