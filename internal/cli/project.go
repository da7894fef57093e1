package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// projectFile stands at the top of a project and is committed with it.
const projectFile = "flowrunner.yaml"

// project is what a project's file says.
type project struct {
	dir      string
	ledger   string // the lineage that the project's ledger must have; "" pins none
	maxSends *int
}

// findProject looks for the project file from a folder upward; nil when there is
// none.
func findProject(from string) (*project, error) {
	dir, err := filepath.Abs(from)
	if err != nil {
		return nil, fmt.Errorf("find project: %w", err)
	}
	for {
		path := filepath.Join(dir, projectFile)
		if _, err := os.Stat(path); err == nil {
			return readProject(path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fileError("read", path, err)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, nil
		}
		dir = up
	}
}

func readProject(path string) (*project, error) {
	node, src, err := readNode(path)
	if err != nil {
		return nil, withSource(err, src)
	}
	p := &project{dir: filepath.Dir(path)}
	var list diag.List
	p.read(node, &list)
	list.Sort()
	return p, withSource(list.Err(), src)
}

func (p *project) read(top *flow.Node, out *diag.List) {
	for key, v := range entries(top, "a project file", []string{"ledger", "guard"}, out) {
		switch key {
		case "ledger":
			if v.Kind != flow.Scalar || v.Null {
				out.Add("wrong-shape", v.Span, "ledger is the id of a ledger, found %s", v).
					WithHint("write the id that the error about another ledger names, or delete the key")
				continue
			}
			p.ledger = v.Text
		case "guard":
			for key, v := range entries(v, "guard", []string{"maxSends"}, out) {
				n, err := strconv.Atoi(v.Text)
				if key != "maxSends" || v.Kind != flow.Scalar || err != nil || n < 0 {
					out.Add("wrong-value", v.Span, "maxSends is a whole number, found %s", v).WithHint("write maxSends: 5000")
					continue
				}
				p.maxSends = &n
			}
		}
	}
}

// entries ranges over the known keys of a map and reports the others.
func entries(n *flow.Node, where string, known []string, out *diag.List) map[string]*flow.Node {
	if n == nil || n.Kind == flow.Scalar && n.Null {
		return nil
	}
	if n.Kind != flow.Map {
		out.Add("wrong-shape", n.Span, "%s is a map, found %s", where, n).WithHint("write key: value, one a line")
		return nil
	}
	got := map[string]*flow.Node{}
	for _, e := range n.Entries {
		ok := false
		for _, k := range known {
			ok = ok || k == e.Key.Text
		}
		if !ok {
			out.Add("unknown-key", e.Key.Span, "%s has no key %q", where, e.Key.Text).WithHint("%s", diag.DidYouMean(e.Key.Text, known))
			continue
		}
		got[e.Key.Text] = e.Value
	}
	return got
}

// fileError says in plain words why a file cannot be used.
func fileError(doing, path string, err error) error {
	reason := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		reason = pe.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{fmt.Sprintf("there is no file %s", path), "check the name and the folder that you are in"}
	}
	return fmt.Errorf("%s %s: %w", doing, path, reason)
}
