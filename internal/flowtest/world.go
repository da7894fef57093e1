package flowtest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// readWorld makes the account of a case: a map, or a file that holds one. It is
// made for the case's moment and in the flow's zone unless it says otherwise.
func (c *Case) readWorld(r *reader, s *Suite) {
	n := c.world
	if n != nil && n.Kind == flow.Scalar {
		if n = c.worldFile(r, s); n == nil {
			return
		}
	}
	seed, ok := n.Data(nil).(map[string]any)
	if n != nil && !ok {
		r.out.Add("wrong-shape", n.Span, "world is a map, or the path of a file that holds one, found %s", n).WithHint("write world: { clients: [{ id: 1001, name: Anna }] }")
		return
	}
	if !ok {
		seed = map[string]any{}
	}
	if _, ok := seed["now"]; !ok {
		seed["now"] = c.setup.now
	}
	if _, ok := seed["company"]; !ok && s.program.ZoneSet {
		seed["company"] = map[string]any{"timezone": s.program.Zone.String()}
	}
	w, err := sandbox.FromSeed(seed)
	var several interface{ Unwrap() []error }
	switch {
	case err == nil:
		c.setup.world = w
	case errors.As(err, &several):
		for _, e := range several.Unwrap() {
			path, what, _ := strings.Cut(e.Error(), ": ")
			key, value := locate(n, path)
			if list, ok := strings.CutPrefix(what, "there is no such key; allowed are "); ok {
				name := path[strings.LastIndex(path, ".")+1:]
				d := r.out.Add("unknown-key", key, "%s has no key %q", strings.TrimSuffix("the world's "+strings.TrimSuffix(path, name), "."), name).
					WithDetail("It takes: %s.", list)
				if hint := diag.DidYouMean(name, strings.Split(list, ", ")); hint != "" {
					d.WithHint("%s", hint)
				}
				continue
			}
			r.out.Add("wrong-value", value, "%s of the world: %s", path, what)
		}
	default:
		r.out.Add("wrong-value", n.Span, "the world cannot be made: %s", err)
	}
}

func (c *Case) worldFile(r *reader, s *Suite) *flow.Node {
	name, ok := r.text(c.world, "world")
	if !ok {
		return nil
	}
	path := filepath.Join(filepath.Dir(s.File), filepath.FromSlash(name))
	src, err := os.ReadFile(path)
	if err != nil {
		r.out.Add("wrong-value", c.world.Span, "there is no file %s", path).WithHint("write the path of a world from the test file's folder, or a map")
		return nil
	}
	n, list := flow.ParseNode(path, src)
	*r.out = append(*r.out, list...)
	if list.HasErrors() {
		return nil
	}
	return n
}

var pathPart = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// locate finds the key and the value of clients[0].name, as near as it can.
func locate(n *flow.Node, path string) (key, value diag.Span) {
	if n == nil {
		return key, value
	}
	key, value = n.Span, n.Span
	for _, part := range pathPart.FindAllString(path, -1) {
		var next *flow.Node
		if i, err := strconv.Atoi(strings.Trim(part, "[]")); err == nil && strings.HasPrefix(part, "[") {
			if n.Kind == flow.List && i < len(n.Items) {
				next = n.Items[i]
				key = next.Span
			}
		} else {
			for _, e := range n.Entries {
				if e.Key.Text == part {
					next, key = e.Value, e.Key.Span
				}
			}
		}
		if next == nil {
			return key, value
		}
		n, value = next, next.Span
	}
	return key, value
}
