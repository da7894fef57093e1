package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// ownName refuses a flow whose name belongs to another file of the same state:
// the one that the flow's last run was made from, as long as it is there and
// still has the name. The same file in another checkout of the project is the
// same flow.
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
		plan := j.state.plan(run.ID)
		other := filepath.Join(folderOf(plan, run.File), filepath.Base(run.File))
		if placeOf(other) == placeOf(j.p.Doc.File) || nameIn(other) != j.p.Name {
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

// placeOf is where a file stands in its project, or its name where it has none.
func placeOf(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	p, err := findProject(filepath.Dir(abs))
	if err != nil || p == nil {
		return filepath.Base(abs)
	}
	place, err := filepath.Rel(p.dir, abs)
	if err != nil {
		return filepath.Base(abs)
	}
	return place
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
