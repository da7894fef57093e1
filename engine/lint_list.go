package engine

import (
	"strings"

	"github.com/flowrunner/flowrunner/engine/lang"
)

// streaming names, for functions that need a whole list, the kind that does the
// same record by record.
var streaming = map[string]string{"filter": "filter", "map": "map", "take": "limit", "uniq": "distinct", "sortBy": "sort"}

// collected finds lists that are collected in memory where they could stream.
func (l *linter) collected(s *Step) {
	l.counts(exprsOf(s))
	if s.ForEach != nil {
		l.whole(s.ForEach, "forEach")
	}
	for _, a := range s.Args {
		if a.Value != nil && a.Field.Shape.Stream {
			l.whole(a.Value, a.Field.Name)
		}
	}
}

// whole looks at a value that may be a stream: filter(stream, …) is none.
func (l *linter) whole(v *lang.Value, key string) {
	for _, e := range v.Exprs() {
		for _, c := range e.Collected() {
			kind := streaming[c.Function]
			if kind == "" || !c.Whole || !l.p.isStream(lang.Ref{Path: c.Path}) {
				continue
			}
			l.warn("list-collected", c.Span, "%s here collects the whole list", c.Function).
				WithDetail("The list %s streams: it never has to fit into memory. The function needs all of it at once, up to a limit.", strings.Join(c.Path, ".")).
				WithHint("put a step with `uses: %s` above, and write %s: ${{ steps.ID.outputs.items }}", kind, key)
		}
	}
}

// counts finds lists that are collected only to be counted, where their step
// counts them anyway.
func (l *linter) counts(exprs []*lang.Expr) {
	for _, e := range exprs {
		for _, c := range e.Collected() {
			count := l.counter(c)
			if count == "" {
				continue
			}
			l.warn("list-collected", c.Span, "the list is collected only to be counted").
				WithDetail("%s streams, and its step counts what passes.", strings.Join(c.Path, ".")).
				WithHint("write %s", count)
		}
	}
}

// counter is the path of the count that the step of a list gives, or "".
func (l *linter) counter(c lang.Collected) string {
	if c.Function != "len" || !l.p.isStream(lang.Ref{Path: c.Path}) || len(c.Path) != 4 {
		return ""
	}
	s := l.p.byID[c.Path[1]]
	for _, f := range s.Outs {
		if f.Count == c.Path[3] || s.IsLoop() && c.Path[3] == "items" && f.Name == "count" {
			return "steps." + s.ID + ".outputs." + f.Name
		}
	}
	return ""
}
