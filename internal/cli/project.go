package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// projectFile stands at the top of a project and is committed with it.
const projectFile = "flowrunner.yaml"

// project is what a project's file says.
type project struct {
	dir    string
	ledger string // the lineage that the project's ledger must have; "" pins none
	rules  *engine.Project
}

// findProject looks for the project file from a folder upward; nil when there is
// none.
func findProject(from string) (*project, error) {
	path, err := projectPath(from)
	if path == "" || err != nil {
		return nil, err
	}
	return readProject(path)
}

// projectPath is the project file that holds for a folder, "" when there is none.
func projectPath(from string) (string, error) {
	dir, err := filepath.Abs(from)
	if err != nil {
		return "", fmt.Errorf("find project: %w", err)
	}
	for {
		path := filepath.Join(dir, projectFile)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fileError("read", path, err)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", nil
		}
		dir = up
	}
}

// filesBeside reads what a flow has beside it, up to the top of its project.
func filesBeside(file string) engine.Files {
	folder := filepath.Dir(file)
	if path, err := projectPath(folder); path != "" && err == nil {
		return engine.FilesIn(filepath.Dir(path), folder)
	}
	return engine.FilesIn(folder, folder)
}

func readProject(path string) (*project, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError("read", path, err)
	}
	p, list := parseProject(path, src)
	return p, withSource(list.Err(), src)
}

// parseProject checks a project's file. What can be read of it is in the project,
// whatever the list says.
func parseProject(path string, src []byte) (*project, diag.List) {
	f, list := flow.ParseProject(shorten(path), src)
	rules, more := engine.CompileProject(f)
	list = append(list, more...)
	list.Sort()
	p := &project{dir: filepath.Dir(path), rules: rules}
	if f.Ledger != nil {
		p.ledger = f.Ledger.Text
	}
	return p, list
}

// program puts a flow's program under the rails of the project, nil for none.
// What the flow loosens is in the list.
func (p *project) program(flow *engine.Program) (*engine.Program, diag.List) {
	if p == nil {
		return flow.Under(nil)
	}
	return flow.Under(p.rules)
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

// walkError is fileError for a folder that was looked through: what could not be
// read may lie deep in it.
func walkError(dir string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		dir = pe.Path
	}
	return fileError("read", dir, err)
}
