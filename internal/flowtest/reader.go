package flowtest

import (
	"errors"
	"strconv"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// reader takes a node apart and reports what does not belong.
type reader struct{ out *diag.List }

// add takes over the problems of an error that may be a diag.Errors.
func (r *reader) add(err error, at diag.Span) {
	var list diag.Errors
	switch {
	case err == nil:
	case errors.As(err, &list):
		*r.out = append(*r.out, list...)
	default:
		r.out.Add("wrong-value", at, "%s", err)
	}
}

// fields gives the values of a map's known keys and reports the others.
func (r *reader) fields(n *flow.Node, where string, known []string) map[string]*flow.Node {
	got := map[string]*flow.Node{}
	if n == nil || n.Broken {
		return got
	}
	if n.Kind != flow.Map {
		r.out.Add("wrong-shape", n.Span, "%s is a map, found %s", where, n).
			WithDetail("%s", takes(known)).WithHint("write key: value, one a line")
		return got
	}
	for _, e := range n.Entries {
		ok := false
		for _, k := range known {
			ok = ok || k == e.Key.Text
		}
		if !ok {
			d := r.out.Add("unknown-key", e.Key.Span, "%s has no key %q", where, e.Key.Text).
				WithDetail("%s", takes(known))
			if hint := diag.DidYouMean(e.Key.Text, known); hint != "" {
				d.WithHint("%s", hint)
			}
			continue
		}
		got[e.Key.Text] = e.Value
	}
	return got
}

func takes(known []string) string {
	if len(known) == 0 {
		return "The flow has none."
	}
	return "It takes: " + strings.Join(known, ", ") + "."
}

// required gives the value of a key that must be there, nil with a problem when
// it is not.
func (r *reader) required(n *flow.Node, m map[string]*flow.Node, key, where, write string) *flow.Node {
	if m[key] == nil && n.Kind == flow.Map {
		r.missing(n, key, where, write)
	}
	return m[key]
}

func (r *reader) missing(n *flow.Node, key, where, write string) {
	at := n.Span
	if len(n.Entries) > 0 {
		at = n.Entries[0].Key.Span
	}
	r.out.Add("missing-key", at, "%s has no %q", where, key).WithDetail("The key %q is required.", key).WithHint("write: %s", write)
}

func (r *reader) list(n *flow.Node, what string) []*flow.Node {
	if n == nil || n.Broken {
		return nil
	}
	if n.Kind != flow.List {
		r.out.Add("wrong-shape", n.Span, "%s is a list, found %s", what, n).WithHint("write each on a line of its own, after a dash")
		return nil
	}
	return n.Items
}

// text reads a text that is not empty.
func (r *reader) text(n *flow.Node, what string) (string, bool) {
	if n.Broken {
		return "", false
	}
	if n.Kind != flow.Scalar || n.Null || n.Text == "" {
		r.out.Add("wrong-shape", n.Span, "%s is a text, found %s", what, n).WithHint("write %s: and a text", what)
		return "", false
	}
	return n.Text, true
}

// texts reads a text or a list of texts.
func (r *reader) texts(n *flow.Node, what string) []string {
	items := []*flow.Node{n}
	if n.Kind == flow.List {
		items = n.Items
	}
	var out []string
	for _, item := range items {
		if s, ok := r.text(item, what); ok {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) number(n *flow.Node, what string) int {
	v, err := strconv.Atoi(n.Text)
	if n.Broken {
		return 0
	}
	if n.Kind != flow.Scalar || err != nil || v < 0 {
		r.out.Add("wrong-value", n.Span, "%s is a whole number, found %s", what, n).WithHint("write %s: 17", what)
		return 0
	}
	return v
}

func (r *reader) boolean(n *flow.Node, what string) bool {
	if n.Kind != flow.Scalar || n.Text != "true" && n.Text != "false" {
		r.out.Add("wrong-value", n.Span, "%s is true or false, found %s", what, n).WithHint("write %s: true", what)
	}
	return n.Text == "true"
}
