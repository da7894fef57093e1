package flow

import "github.com/flowrunner/flowrunner/engine/diag"

// Project is one parsed project file, flowrunner.yaml. A field is nil where the
// key is absent.
type Project struct {
	File   string // as the user would name it
	Source []byte

	Ledger  *Node    // the lineage of the project's ledger
	Guard   *Section // the same section as a flow's
	Service []*Node  // the names of the flows that may be of the class service
}

const projectLevel = "a project file"

var projectShape = shape{is: section, keys: []string{"ledger", "guard", "service"}, inner: map[string]shape{
	"guard": guardShape, "service": {is: names},
}}

// ParseProject reads a project file as Parse reads a flow: the Project is never
// nil, and the List holds every problem of form. An empty file is a project that
// says nothing.
func ParseProject(file string, source []byte) (*Project, diag.List) {
	p := &Project{File: file, Source: source}
	root, problems := ParseNode(file, source)
	switch {
	case root == nil && len(problems) == 1 && problems[0].Code == "empty-file":
		return p, nil
	case root == nil || root.Broken || root.Kind == Scalar && root.Null:
	case root.Kind != Map:
		problems.Add("wrong-shape", root.Span, "%s is a map, found %s", projectLevel, root).
			WithHint("write key: value, one a line")
	default:
		checker{&problems}.section(root, projectShape, projectLevel)
		p.Ledger, p.Guard = root.Get("ledger"), sectionOf(root, "guard")
		g := grammar{out: &problems}
		g.guard(p.Guard)
		if service := root.Get("service"); isList(service) {
			p.Service = service.Items
		}
	}
	problems.Sort()
	return p, capped(problems, file)
}
