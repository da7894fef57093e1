package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/flowrunner/flowrunner/examples"
)

// The names of the files that every project has.
const (
	ProjectFile  = "flowrunner.yaml"
	SchemaFile   = "schema.json"
	IgnoreFile   = ".gitignore"
	WorkflowFile = ".github/workflows/flow.yml"
)

// File is one file of a new project. Path has slashes and starts at the
// project's folder.
type File struct {
	Path    string
	About   string
	Content []byte
}

// Facts are what a project must be told.
type Facts struct {
	Ledger  string // the id of the project's ledger
	Schema  []byte // the JSON Schema of flows
	Version string // of flowrunner, as `go install` takes it
}

//go:embed templates
var texts embed.FS

// Files makes every file of a project, in the order of Paths.
func (t Template) Files(f Facts) ([]File, error) {
	var files []File
	for _, path := range t.Paths() {
		file := File{Path: path}
		var err error
		switch path {
		case ProjectFile:
			file.About = "the project: its ledger and its cap"
			file.Content, err = t.render("flowrunner.yaml", f)
		case t.Flow:
			file.About = "the flow; begin here"
			file.Content, err = t.example(path)
		case t.Test():
			file.About = "its test"
			file.Content, err = t.example(path)
		case SchemaFile:
			file.About, file.Content = "what your editor completes and explains by", f.Schema
		case IgnoreFile:
			file.About = "what never goes into git"
			file.Content, err = t.render("gitignore", f)
		case WorkflowFile:
			file.About = "what GitHub does: check pull requests, run"
			file.Content, err = t.render("flow.yml", f)
		default:
			file.About = "made-up data; put yours here"
			if !slices.Contains(t.Data, path) {
				file.About = "texts that the test expects"
			}
			file.Content, err = examples.Files.ReadFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// example is a flow, or its test, as it stands in the folder of its project.
func (t Template) example(name string) ([]byte, error) {
	text, err := examples.Files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return []byte(strings.NewReplacer(
		"$schema=../schema.json", "$schema="+SchemaFile,
		"examples/"+t.Flow, t.Flow,
		"flowrunner test examples\n", "flowrunner test\n",
	).Replace(string(text))), nil
}

// render fills in a text. GitHub has ${{ }} of its own, so ours are << >>.
func (t Template) render(name string, f Facts) ([]byte, error) {
	text, err := texts.ReadFile("templates/" + name)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New(name).Delims("<<", ">>").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = parsed.Execute(&b, struct {
		Template
		Facts
		Test string
	}{t, f, t.Test()})
	return b.Bytes(), err
}
