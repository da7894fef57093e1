package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// ownName refuses a flow whose name belongs to another file of the same state:
// the one that the flow's last run was made from, as long as it is there and
// still has the name.
func (j *job) ownName(ctx context.Context) error {
	if !j.p.HasSends() {
		return nil
	}
	for run, err := range j.store.Runs(ctx) {
		if err != nil {
			return err
		}
		if run.Flow != j.p.Name {
			continue
		}
		plan := filepath.Join(engine.RunDir(j.state.dir, run.ID), "plan.jsonl")
		other := filepath.Join(folderOf(plan, run.File), filepath.Base(run.File))
		if sameFile(other, j.p.Doc.File) || nameIn(other) != j.p.Name {
			return nil
		}
		var problems diag.List
		problems.Add("flow-name-taken", j.p.Doc.Flow.Span, "the flow %q is already that of another file", j.p.Name).
			WithDetail("%s has this name too, and its sends are remembered in the same state (%s). Each would take the other's for its own.",
				shorten(other), shorten(j.state.dir)).
			WithHint("give one of the two another name, or another state with --state")
		return j.fail(problems.Err())
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// nameIn is the flow name in a file, "" where there is none.
func nameIn(file string) string {
	src, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	doc, _ := flow.Parse(file, src)
	if doc.Flow == nil {
		return ""
	}
	return doc.Flow.Text
}
