package cli

import (
	"io"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

// check compiles one flow, with the texts beside it and the rails of its project,
// and gives every problem. The Program is nil when there are errors. What
// is wrong with the project file itself is reported by validate and by what runs.
func check(file string, src []byte) (*engine.Program, diag.List) {
	p, list := checkWith(file, src, filesBeside(file))
	project, err := findProject(filepath.Dir(file))
	if p == nil || err != nil {
		return p, list
	}
	p, looser := project.program(p)
	if list = append(list, looser...); list.HasErrors() {
		p = nil
	}
	list.Sort()
	return p, list
}

func checkWith(file string, src []byte, files engine.Files) (*engine.Program, diag.List) {
	doc, list := flow.Parse(file, src)
	if list.HasErrors() && doc.Steps == nil {
		return nil, list
	}
	p, more := engine.Compile(doc, steps.Registry(), files)
	list = append(list, more...)
	list.Sort()
	if list.HasErrors() {
		return nil, list
	}
	return p, list
}

// load reads and compiles a flow that is going to run, and shows its warnings.
func (a *app) load(file string) (*engine.Program, error) {
	p, list, err := compile(file)
	if err != nil {
		return nil, err
	}
	advice := append(warnings(list), lints(p)...)
	advice.Sort()
	_, _ = io.WriteString(a.stderr, a.errStyle().Warnings(advice))
	return p, nil
}

// compile reads and compiles a flow that is only looked at: advice about it would
// be in the way.
func compile(file string) (*engine.Program, diag.List, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fileError("read", file, err)
	}
	p, list := check(file, src)
	return p, list, withSource(list.Err(), src)
}

// lints is the advice for a good flow.
func lints(p *engine.Program) diag.List {
	if p == nil {
		return nil
	}
	return p.Lint()
}
