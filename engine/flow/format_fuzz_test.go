package flow_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// FuzzFormat holds that formatting never changes what a flow means, that a
// second time changes nothing, and that nothing that can be parsed is refused.
func FuzzFormat(f *testing.F) {
	for _, path := range flows(f) {
		source, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(source)
	}
	for _, text := range blocks(f) {
		f.Add([]byte(text))
	}
	const step = "flow: a\nsteps:\n  - id: b\n    uses: set\n    with:\n"
	for _, with := range []string{
		"      a: |+\n        x\n\n\n      b: 1\n", "      a: |2\n          x\n", "      a: >\n        x\n         y\n\n        z", "      a: \"x\\\n        y\"\n",
		"      a: 'x\n\n        y'  # c\n", "      a: [1, # one\n        2,\n        # two\n        [3]] # after\n", "      ? a\n      : b\n", "      &x a: &y 1\n      *x : *y\n",
		"      a: &x\n      b: *x\n", "      a:\n      - - 1\n        - 2\n      -   # c\n        k: v\n      # end\n", "      a: {}\n      b: [] # none\n      c: {x: , y: 1}\n",
		"      a: \"\\u200b\"\n      b: '\"\\'\n      c: \"\\\"x\\\"\"\n", "      a: # one\n        # two\n        x: 1\n       # three\n      # four\n", "      a: |-\n\n        x\n      \n\n\n      b: yes\n",
		"      a: [b: c]\n", "      a: x\u2028 y\n", "      <<: {a: 1}\n", "      a: ~\n      b:\n      c: null\n",
	} {
		f.Add([]byte(step + with))
	}
	for _, with := range []string{
		"a: |+\n  x\n\n\nb: [x, 'y']", "- - x # c\n# d\n- y: 'z'\n  # e\n", "{a: [b, {c: d}], # e\n  f: 'g'}", "k: >-\n   x\n\n   y\n\n\n# c\n", "&a x: *a\n? y\n: z",
	} {
		f.Add([]byte(with))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		if len(source) < 1<<14 {
			requireFormats(t, source)
			lines := strings.Join(strings.Split(string(source), "\n"), "\n      ")
			requireFormats(t, []byte(step+"      "+lines))
			requireFormats(t, []byte(step+"      k: "+lines+"\n      # end\n  # last\n"))
		}
	})
}

// gluedAnchor is an anchor with something right behind it that no name holds,
// which YAML libraries read in different ways.
var gluedAnchor = regexp.MustCompile(`&[^\s,\]}]*[^\sA-Za-z0-9_,\]}-]`)

func requireFormats(t *testing.T, source []byte) {
	t.Helper()
	before, problems := flow.Parse("f", source)
	once, refused := flow.Format("f", source)
	if problems.HasErrors() {
		require.Nil(t, once)
		require.Equal(t, diag.FormatAll(problems, source), diag.FormatAll(refused, source))
		return
	}
	if once == nil && gluedAnchor.Match(source) {
		require.Equal(t, "not-formattable", refused[len(refused)-1].Code)
		return
	}
	require.NotNil(t, once, "%q: %s", source, diag.FormatAll(refused, source))
	after, problems := flow.Parse("f", once)
	require.False(t, problems.HasErrors(), "%q\n%q: %v", source, once, problems)
	requireSame(t, before, after)
	twice, _ := flow.Format("f", once)
	require.Equal(t, string(once), string(twice), "%q", source)
}

// blocks are the flows that stand in the documentation.
func blocks(t testing.TB) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	fence := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	var all []string
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	require.NotEmpty(t, all)
	return all
}

// requireSame compares two documents in everything but places: structure, kinds
// and texts, and the order in which an author wrote names of their own.
func requireSame(t testing.TB, a, b *flow.Document) {
	t.Helper()
	var say func(w *strings.Builder, n *flow.Node, depth int)
	say = func(w *strings.Builder, n *flow.Node, depth int) {
		if n == nil || depth > 70 || w.Len() > 1<<18 {
			w.WriteString("-")
			return
		}
		switch n.Kind {
		case flow.Map:
			w.WriteString("{")
			for _, e := range n.Entries {
				say(w, e.Key, depth+1)
				w.WriteString(": ")
				say(w, e.Value, depth+1)
				w.WriteString(", ")
			}
			w.WriteString("}")
		case flow.List:
			w.WriteString("[")
			for _, item := range n.Items {
				say(w, item, depth+1)
				w.WriteString(", ")
			}
			w.WriteString("]")
		default:
			w.WriteString(n.String() + strings.ReplaceAll(n.Text, "\n", "\\n"))
			if n.Null {
				w.WriteString(" null")
			}
		}
	}
	document := func(d *flow.Document) string {
		var w strings.Builder
		section := func(name string, s *flow.Section, keys ...string) {
			for _, k := range keys {
				w.WriteString("\n" + name + "." + k + ": ")
				if n := s.Get(k); k == "suppress" || k == "hours" {
					for _, inner := range []string{"files", "tags", "words", "allow", "days", "zone", "otherwise", "maxWait"} {
						say(&w, n.Get(inner), 0)
					}
				} else {
					say(&w, n, 0)
				}
			}
		}
		nodes := func(list ...*flow.Node) {
			for _, n := range list {
				w.WriteString("\n")
				say(&w, n, 0)
			}
		}
		nodes(d.Flow, d.Description, d.Campaign, d.OncePer, d.Outputs)
		nodes(d.Env...)
		for _, in := range d.Inputs {
			nodes(in.Name)
			section("input", &flow.Section{Node: in.Node}, "type", "items", "required", "default", "pattern", "enum", "min", "max", "description", "sensitive")
		}
		section("connection", d.Connection, "apiToken", "baseUrl", "authScheme", "rate", "timezone", "account")
		section("guard", d.Guard, "maxSends", "perContact", "suppress", "hours", "stopIf", "window")
		section("delivery", d.Delivery, "unknown", "settle")
		section("schedule", d.Schedule, "cron")
		if d.Moved != nil {
			for _, m := range d.Moved.Items {
				nodes(m.Get("from"), m.Get("to"))
			}
		}
		var steps func([]*flow.Step)
		steps = func(list []*flow.Step) {
			w.WriteString("(")
			for _, s := range list {
				nodes(s.ID, s.Name, s.Uses, s.With, s.If, s.Else, s.ForEach, s.As, s.Key, s.Concurrency, s.Outputs, s.Timeout, s.OnError, s.OncePer)
				section("retry", s.Retry, "attempts", "backoff")
				steps(s.Steps)
			}
			w.WriteString(")")
		}
		steps(d.Steps)
		steps(d.Finally)
		return w.String()
	}
	require.Equal(t, document(a), document(b))
}
