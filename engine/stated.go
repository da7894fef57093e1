package engine

import (
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/lang"
)

// stated lists the rails of one file as a person would write them there, so that
// whoever reads a plan sees what holds it without that file.
func (g Guard) stated() []string {
	var all []string
	add := func(key, format string, args ...any) { all = append(all, key+" "+fmt.Sprintf(format, args...)) }
	if g.MaxSends != nil {
		add("maxSends", "%d", g.MaxSends.N)
	}
	if g.MonthlyCalls != nil {
		add("monthlyCalls", "%d", g.MonthlyCalls.N)
	}
	for _, h := range g.Hours {
		add("hours", "%s", h)
	}
	for _, rule := range g.PerContact {
		add("perContact", "%s", rule.Text)
	}
	for _, s := range g.Suppress {
		var by []string
		for _, list := range []struct {
			name string
			v    *lang.Value
		}{{"files", s.Files}, {"tags", s.Tags}, {"words", s.Words}} {
			if list.v != nil {
				by = append(by, list.name)
			}
		}
		add("suppress", "by %s", strings.Join(by, ", "))
	}
	if g.Window != "" {
		add("window", "%s", g.Window)
	}
	for _, s := range g.StopIf {
		add("stopIf", "%s", s.Source())
	}
	return all
}
