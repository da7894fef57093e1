package engine

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// broadcast finds the first loop that sends to as many as a read gives, in a flow
// that states no cap.
func (l *linter) broadcast() {
	for _, s := range l.p.Steps {
		if loop := l.broadcasting(s); loop != nil {
			what := "loop"
			for loop.scope() != "" {
				what, loop = "step", loop.in // the one that uses the flow
			}
			l.warn("no-max-sends", loop.Span, "the %s %s sends to as many as a read gives, and no guard.maxSends caps it", what, loop.ID).
				WithDetail("When the list is longer than you think, up to %d people are written to. A run without a terminal sends nothing at all until the flow states its cap.", DefaultMaxSends).
				WithHint("add at the top of the flow: guard: { maxSends: 500 }, with the number that you expect at most")
			return
		}
	}
}

// broadcasting is the first loop at or below s that sends and whose list comes
// of a read.
func (l *linter) broadcasting(s *Step) *Step {
	if len(s.Sends) == 0 {
		return nil
	}
	if s.IsLoop() && l.unbounded(s.ForEach.Refs(), map[string]bool{}) {
		return s
	}
	for _, child := range s.Body {
		if loop := l.broadcasting(child); loop != nil {
			return loop
		}
	}
	return nil
}

// boundedAt is how many records a read may give, by a limit that stands in the
// flow, without being called a broadcast.
const boundedAt = 100

// unbounded reports whether anything that refs read comes, step by step, from a
// read without a small limit.
func (l *linter) unbounded(refs []lang.Ref, seen map[string]bool) bool {
	return slices.ContainsFunc(refs, func(r lang.Ref) bool {
		if call, ok := strings.CutSuffix(r.Path[0], "/inputs"); ok && !seen[r.Path[0]] {
			seen[r.Path[0]] = true
			return l.unbounded(ownRefs(l.p.byID[call]), seen)
		}
		if len(r.Path) < 2 || r.Path[0] != "steps" || seen[r.Path[1]] {
			return false
		}
		s := l.p.byID[r.Path[1]]
		if s == nil {
			return false
		}
		seen[s.ID] = true
		if n, ok := limitOf(s); ok && n <= boundedAt {
			return false
		}
		if s.Kind != nil && s.Kind.Effect == step.EffectRead {
			return true
		}
		return l.unbounded(allRefs(s), seen)
	})
}

// limitOf is how many records a step gives at most, where the flow says so.
func limitOf(s *Step) (int, bool) {
	for _, name := range []string{"limit", "count"} {
		if n, ok := s.call.Literals[name].(int); ok {
			return n, true
		}
	}
	return 0, false
}

// texts looks at the values that become text: messages above all.
func (l *linter) texts(s *Step) {
	for _, a := range s.Args {
		values := []*lang.Value{a.Value}
		for _, o := range a.Named {
			values = append(values, o.Value)
		}
		for _, v := range values {
			if v == nil {
				continue
			}
			l.unquoted(v.Node(), a.Field.Shape)
			if s.Kind != nil && s.Kind.Effect == step.EffectSend && a.Field.Shape.Form == step.FormText {
				l.secrets(v, a.Field.Name)
			}
		}
	}
	l.textLimit(s)
}

// textLimit finds texts that are longer than their channel takes, even before
// anything is filled in.
func (l *linter) textLimit(s *Step) {
	if s.Kind == nil || s.Kind.TextLimit == nil {
		return
	}
	name, most, of := s.Kind.TextLimit(s.call)
	for _, a := range s.Args {
		if name == "" || a.Field.Name != name || a.Value == nil {
			continue
		}
		if n := a.Value.LeastLength(); n > most {
			l.warn("text-over-limit", a.Value.Span(), "the %s has at least %d characters, and %s takes %d", name, n, of, most).
				WithDetail("The channel may refuse it, cut it, or send it as several messages. What the ${{ }} bring comes on top.").
				WithHint("shorten it, or send it in two steps")
		}
	}
}

// secretForms are the texts that are a secret whatever stands around them. A
// Chat2Desk token is 30 hexadecimal digits; a longer run of them may well be one.
var secretForms = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b[0-9a-f]{30}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b` +
		`|\b(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{10,}|\bgh[pousr]_[0-9A-Za-z]{20,}|\bglpat-[0-9A-Za-z_-]{16,}|\bxox[abprs]-[0-9A-Za-z-]{10,}|\bAKIA[0-9A-Z]{16}\b` +
		`|\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bBearer [0-9A-Za-z._~+/=-]{16,}`)
})

// secretNames are variables that hold a secret more often than not. The plainest
// names, such as those with TOKEN in them, are an error already.
var secretNames = regexp.MustCompile(`(?i)PASS|PWD|CREDENTIAL|(^|_)(AUTH|DSN|COOKIE|SESSION|CERT|PRIVATE)(_|$)|DATABASE_URL`)

// secrets finds what nobody outside should read in what people receive.
func (l *linter) secrets(v *lang.Value, param string) {
	n := v.Node()
	for _, m := range secretForms().FindAllStringIndex(n.Text, -1) {
		if n.Kind == flow.Scalar {
			l.secret(n.At(m[0], m[1]), "the %s holds what looks like a secret", param).Hide()
		}
	}
	for _, r := range v.Refs() {
		if r.Path[0] == "env" && len(r.Path) > 1 && secretNames.MatchString(r.Path[1]) {
			l.secret(r.Span, "the %s shows the variable "+r.Path[1]+", whose name is that of a secret", param)
		}
	}
}

func (l *linter) secret(at diag.Span, format, param string) *diag.Diagnostic {
	return l.warn("secret-in-text", at, format, param).
		WithDetail("Everybody who receives it, and everybody who reads the plan or the ledger, could use it.").
		WithHint("take it out, and replace the secret if the file has been shared; a link for one client belongs in a column of your data")
}

// leadingMark is a number whose first character is lost where it is read as one.
var leadingMark = regexp.MustCompile(`^(\+[0-9][0-9 ()-]{5,}|0[0-9]+)$`)

// unquoted finds phones and ids that stand without quotes where a text is wanted.
// They are read as text here, but not by every program that reads YAML.
func (l *linter) unquoted(n *flow.Node, want step.Shape) {
	switch {
	case n.Kind == flow.List:
		for _, item := range n.Items {
			l.unquoted(item, want.Element())
		}
	case n.Kind == flow.Map:
		for _, e := range n.Entries {
			f, _ := want.Field(e.Key.Text)
			l.unquoted(e.Value, f.Shape)
		}
	case n.Style == flow.Plain && (want.Form == step.FormText || want.Form == step.FormAny) && leadingMark.MatchString(n.Text):
		l.warn("unquoted-number", n.Span, "%s stands without quotes", n.Text).
			WithDetail("Here it is a text, as it is written. Editors, formatters and other programs take it for a number and may drop its first character.").
			WithHint("write %q", n.Text)
	}
}

// defaults looks at the texts that inputs declare.
func (l *linter) defaults() {
	for i, in := range l.p.Inputs {
		for _, key := range []string{"default", "enum"} {
			if n := l.p.Doc.Inputs[i].Node.Get(key); n != nil {
				l.unquoted(n, in.Shape)
			}
		}
	}
}
