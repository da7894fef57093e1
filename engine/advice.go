package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// advise adds to problems with names what only the whole document and the
// registry can tell.
func (c *compiler) advise() {
	for i := range c.diags {
		d := &c.diags[i]
		switch name := c.written(d.Span); {
		case name == "":
		case d.Code == "unknown-field":
			c.adviseField(d, name)
		case d.Code == "unknown-name" && strings.HasPrefix(d.Summary, "unknown variable "):
			c.adviseVariable(d, name)
		case d.Code == "unknown-name" && strings.HasPrefix(d.Summary, "unknown step ") && d.Hint == "":
			d.Detail = "No step stands above this place whose result could be read."
			d.Hint = "add the step above this one"
		}
	}
}

// adviseField names the kind whose records have the field: a listing does not
// carry everything that a record of its own has.
func (c *compiler) adviseField(d *diag.Diagnostic, name string) {
	for _, kind := range c.reg.Kinds() {
		if kind.Effect != step.EffectRead {
			continue
		}
		for _, out := range kind.Outputs() {
			record := out.Shape
			if record.Form == step.FormList {
				record = record.Element()
			}
			f, ok := record.Field(name)
			if !ok || record.Form != step.FormObject {
				continue
			}
			if !carriedElsewhere(d, record) {
				continue
			}
			d.Detail = fmt.Sprintf("It is no field here, but %s gives it in %s. %s", kind.Name, out.Name, f.Doc)
			d.Hint = "add a step with `uses: " + kind.Name + "` and read it there"
			return
		}
	}
}

// carriedElsewhere reports whether what is suggested instead belongs to the record too:
// the name is then no slip, but a field that is carried elsewhere. A record that
// a flow made up itself has few fields.
func carriedElsewhere(d *diag.Diagnostic, record step.Shape) bool {
	if near, ok := strings.CutPrefix(d.Hint, "did you mean "); ok {
		_, ok = record.Field(strings.Trim(near, `"?`))
		return ok
	}
	names, ok := strings.CutPrefix(d.Hint, "use one of: ")
	if !ok {
		return false
	}
	all := strings.Split(names, ", ")
	return len(all) >= 8 && !slices.ContainsFunc(all, func(name string) bool {
		_, ok := record.Field(name)
		return !ok
	})
}

// adviseVariable says how a variable of the environment becomes known.
func (c *compiler) adviseVariable(d *diag.Diagnostic, name string) {
	if strings.HasPrefix(d.Hint, "did you mean") {
		return
	}
	if envSecret.MatchString(name) {
		d.Hint = "a secret is read with ${{ secrets." + name + " }}, where a secret is accepted"
		return
	}
	var names []string
	for _, n := range c.doc.Env {
		names = append(names, n.Text)
	}
	d.Hint = "list it at the top of the flow: env: [" + strings.Join(append(names, name), ", ") + "]"
}
