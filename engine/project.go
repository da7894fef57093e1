package engine

import (
	"cmp"
	"slices"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Project is what a project file sets for each flow below it.
type Project struct {
	Guard   Guard
	Service []string // the names of the flows that may be of the class service
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
	project := &Project{Guard: c.p.Guard}
	for _, name := range f.Service {
		project.Service = append(project.Service, name.Text)
	}
	return project, c.diags
}

// Under gives the program with the rails of its project beside its own; a nil
// project has none. A flow may tighten what its project says and never loosen it:
// what is looser does not hold, and is a problem of the list. So is a flow of the
// class service that its project does not list, since no perContact holds it.
func (p *Program) Under(project *Project) (*Program, diag.List) {
	var out diag.List
	if p.Class == ledger.Service && (project == nil || !slices.Contains(project.Service, p.Name)) {
		out.Add("service-not-listed", p.classAt, "the flow %s may not be of the class service", p.Name).
			WithDetail("No perContact holds a service flow and none counts it, so the owners of the project say which flows those are: under service: in flowrunner.yaml.").
			WithHint("write service: [%s] in flowrunner.yaml, or delete class:", p.Name)
	}
	if project == nil {
		return p, out
	}
	under := *p
	under.project = project.Guard.stated()
	under.Guard = p.Guard.under(project.Guard, p.ZoneSet, &out)
	out.Sort()
	under.findWanted() // its rails may read more
	return &under, out
}

// under joins the rails of a flow with those of its project, key by key.
func (g Guard) under(project Guard, zoneSet bool, out *diag.List) Guard {
	g.MaxSends = g.MaxSends.under(project.MaxSends, "maxSends", out)
	for _, own := range g.PerContact {
		for _, rule := range project.PerContact {
			if own.LooserThan(rule.PerContact) {
				looser(out, own.At, rule.At, "perContact").
					WithDetail("The project allows %s, and a flow may tighten that and never loosen it.", rule.Text).
					WithHint("write what is stricter, or delete the line: the project's rule holds anyway")
			}
		}
	}
	for _, s := range project.Suppress {
		s.Project = true
		g.Suppress = append(slices.Clip(g.Suppress), s)
	}
	g.Window = cmp.Or(g.Window, project.Window)
	g.PerContact = slices.Concat(project.PerContact, g.PerContact)
	g.MonthlyCalls = g.MonthlyCalls.under(project.MonthlyCalls, "monthlyCalls", out)
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
