package engine

import (
	"slices"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// Project is what a project file sets for each flow below it.
type Project struct {
	Guard Guard
}

// CompileProject checks what a project file says of its flows, under the same
// grammar as in a flow. The Project is nil when the list has errors.
func CompileProject(f *flow.Project) (*Project, diag.List) {
	c := &compiler{
		doc:   &flow.Document{File: f.File, Source: f.Source, Guard: f.Guard},
		texts: &texts{read: map[string]*textFile{}},
		chain: []string{f.File},
		p:     &Program{ZoneSet: true}, // which zone is for each flow to say
	}
	c.refuseUnbuilt()
	c.guard()
	for _, h := range c.p.Guard.Hours {
		if h.zone != nil {
			c.diags.Add("literal-wanted", h.zone.Span, "zone takes no expression in a project file").
				WithDetail("Each flow calls its records by its own names.").
				WithHint("write company, a time zone or a country; a flow may add its own hours with an expression")
		}
	}
	c.diags.Sort()
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	return &Project{Guard: c.p.Guard}, c.diags
}

// Under gives the program with the rails of its project beside its own; a nil
// project changes nothing. A flow may tighten what its project says and never
// loosen it: what is looser does not hold, and is a problem of the list.
func (p *Program) Under(project *Project) (*Program, diag.List) {
	if project == nil {
		return p, nil
	}
	var out diag.List
	under := *p
	under.Guard = p.Guard.under(project.Guard, p.ZoneSet, &out)
	out.Sort()
	return &under, out
}

// under joins the rails of a flow with those of its project, key by key.
func (g Guard) under(project Guard, zoneSet bool, out *diag.List) Guard {
	g.MaxSends = g.MaxSends.under(project.MaxSends, "maxSends", out)
	g.StopIf = slices.Concat(project.StopIf, g.StopIf)
	g.Hours = hoursUnder(g.Hours, project.Hours, zoneSet, out)
	return g
}

// under is the smaller of the two bounds. A flow that states a greater one says
// what does not hold.
func (b *Bound) under(project *Bound, key string, out *diag.List) *Bound {
	switch {
	case project == nil:
		return b
	case b == nil:
		return project
	case b.N > project.N:
		looser(out, b.At, project.At, key).
			WithDetail("The project allows %d, and a flow may tighten that and never loosen it.", project.N).
			WithHint("write %d or less, or raise it in the project file, where its owners see it", project.N)
		return project
	}
	return b
}

// looser reports a rail of a flow that would loosen that of its project.
func looser(out *diag.List, flow, project diag.Span, key string) *diag.Diagnostic {
	return out.Add("looser-than-project", flow, "guard.%s is looser than at %s", key, project)
}
