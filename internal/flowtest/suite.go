package flowtest

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Suffix is how the name of a test file ends.
const Suffix = "_test.yaml"

// Suite is one test file, checked against its flow.
type Suite struct {
	File     string // as the user named it
	Source   []byte
	FlowFile string
	Cases    []*Case

	program  *engine.Program // nil when the flow has errors
	problems diag.List       // of the flow, warnings included
	source   []byte          // of the flow
}

// Program is the flow under test; nil when it has errors.
func (s *Suite) Program() *engine.Program { return s.program }

// Case is one test. Nodes are what is read only when the flow is known.
type Case struct {
	Name string

	node, now, campaign, inputs, env, world, mocks, sent, files *flow.Node

	apply  bool
	expect expectation
	setup  setup
}

// suiteKeys and caseKeys are every key of the form.
var (
	suiteKeys = []string{"flow", "cases"}
	caseKeys  = []string{"name", "inputs", "env", "now", "campaign", "world", "mocks", "files", "sent", "apply", "expect"}
)

// Load reads a test file and checks it completely, against its flow too. The
// error is a diag.Errors, or of reading the file. A flow with errors is no error
// here unless a case expects that it has none: see FlowProblems. beside gives
// what reads the texts and flows beside the flow of a path.
func Load(file string, kinds *step.Registry, beside func(flowFile string) engine.Files) (*Suite, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &Suite{File: file, Source: src}
	root, problems := flow.ParseNode(file, src)
	if root == nil || root.Broken {
		return s, problems.Err()
	}
	r := &reader{out: &problems}
	top := r.fields(root, "a test file", suiteKeys)
	s.cases(r, root, top["cases"])
	if n := r.required(root, top, "flow", "a test file", "flow: ./broadcast.yaml"); n != nil {
		s.loadFlow(r, n, kinds, beside)
	}
	if s.program != nil {
		for _, c := range s.Cases {
			c.prepare(r, s)
		}
	}
	problems.Sort()
	return s, problems.Err()
}

// loadFlow reads and compiles the flow under test.
func (s *Suite) loadFlow(r *reader, n *flow.Node, kinds *step.Registry, beside func(string) engine.Files) {
	name, ok := r.text(n, "flow")
	if !ok {
		return
	}
	s.FlowFile = filepath.Join(filepath.Dir(s.File), filepath.FromSlash(name))
	src, err := os.ReadFile(s.FlowFile)
	if err != nil {
		r.out.Add("wrong-value", n.Span, "there is no flow %s", s.FlowFile).
			WithDetail("The path starts at the folder of the test file.").WithHint("write the path of the flow, such as ./broadcast.yaml")
		return
	}
	s.source = src
	doc, list := flow.Parse(s.FlowFile, src)
	if !list.HasErrors() || doc.Steps != nil {
		var more diag.List
		s.program, more = engine.Compile(doc, kinds, beside(s.FlowFile))
		list = append(list, more...)
	}
	list.Sort()
	if list.HasErrors() {
		s.program = nil
	}
	s.problems = list
}

// FlowProblems are the problems of a flow that a case needs to be valid, with
// the flow's text. The list is empty when nothing is in the way.
func (s *Suite) FlowProblems() (diag.List, []byte) {
	if s.program != nil {
		return nil, nil
	}
	for _, c := range s.Cases {
		if !c.expect.given["diagnostics"] {
			return s.problems, s.source
		}
	}
	return nil, nil
}

func (s *Suite) cases(r *reader, root, n *flow.Node) {
	if n == nil && root.Kind != flow.Map {
		return
	}
	if n == nil {
		r.missing(root, "cases", "a test file", "cases:\n  - name: everybody gets it\n    expect: { sends: [] }")
		return
	}
	names, slugs := map[string]bool{}, map[string]string{}
	for _, item := range r.list(n, "cases") {
		c := &Case{node: item}
		m := r.fields(item, "a case", caseKeys)
		if item.Kind != flow.Map {
			continue
		}
		name := r.required(item, m, "name", "a case", "name: whoever wrote lately gets the offer")
		if name != nil {
			c.Name, _ = r.text(name, "name")
			if names[c.Name] {
				r.out.Add("duplicate-key", name.Span, "two cases are named %q", c.Name).WithHint("give each case a name of its own")
			} else if other, ok := slugs[slug(c.Name)]; ok {
				r.out.Add("duplicate-key", name.Span, "the names %q and %q would share one golden file", other, c.Name).WithHint("let them differ in letters or digits")
			}
			names[c.Name], slugs[slug(c.Name)] = true, c.Name
		}
		c.now, c.campaign, c.inputs, c.env = m["now"], m["campaign"], m["inputs"], m["env"]
		c.world, c.mocks, c.sent, c.files = m["world"], m["mocks"], m["sent"], m["files"]
		if m["apply"] != nil {
			c.apply = r.boolean(m["apply"], "apply")
		}
		if e := r.required(item, m, "expect", "a case", "expect: { sends: [] }"); e != nil {
			c.expect.read(r, e, c)
		}
		s.Cases = append(s.Cases, c)
	}
}

// slug is a case's name as the name of a file.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}
