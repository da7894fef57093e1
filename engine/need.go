package engine

import (
	"slices"

	"github.com/flowrunner/flowrunner/engine/lang"
)

// Need is something that one step takes from another.
type Need struct {
	Step string // whose it is
	Name string // the output; "status" for how the step ended, "" for all of it
}

// Needs lists what the step takes from others, each thing once, in the order in
// which it names them. What the steps of its body read is theirs.
func (s *Step) Needs() []Need {
	refs := ownRefs(s)
	for _, o := range slices.Concat(s.Items, s.gives()) {
		refs = append(refs, o.Value.Refs()...)
	}
	return needsIn(refs)
}

// Needs lists what the flow's outputs take from steps.
func (p *Program) Needs() []Need {
	var refs []lang.Ref
	for _, o := range p.Outputs {
		refs = append(refs, o.Value.Refs()...)
	}
	return needsIn(refs)
}

func needsIn(refs []lang.Ref) []Need {
	var out []Need
	for _, r := range refs {
		if len(r.Path) < 2 || r.Path[0] != "steps" {
			continue
		}
		x := Need{Step: r.Path[1]}
		switch {
		case len(r.Path) > 3:
			x.Name = r.Path[3]
		case len(r.Path) == 3 && r.Path[2] == "status":
			x.Name = "status"
		}
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
