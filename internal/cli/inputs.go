package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// inputFlags are where a flow's inputs come from.
type inputFlags struct {
	vars  []string
	files []string
}

func (o *inputFlags) register(f *pflag.FlagSet) {
	f.StringArrayVar(&o.vars, "var", nil, "an input, as `name=value`; may be repeated")
	f.StringArrayVar(&o.files, "var-file", nil, "a YAML `file` of inputs; may be repeated")
}

// given reports whether the command names any.
func (o *inputFlags) given() bool { return len(o.vars)+len(o.files) > 0 }

// variable is the beginning of the variables that set inputs.
const variable = "FLOWRUNNER_VAR_"

// bind reads the inputs: files first, then the environment, then --var, each
// winning over the one before.
func (o *inputFlags) bind(a *app, p *engine.Program) (map[string]any, error) {
	given := map[string]any{}
	for _, file := range o.files {
		values, err := readValues(file)
		if err != nil {
			return nil, err
		}
		for name, v := range values {
			given[name] = v
		}
	}
	for _, in := range p.Inputs {
		if v, ok := a.env.lookup(variable + in.Name); ok {
			given[in.Name] = v
		}
	}
	seen := map[string]bool{}
	for _, kv := range o.vars {
		name, value, ok := strings.Cut(kv, "=")
		switch {
		case !ok || name == "":
			return nil, &usageError{fmt.Sprintf("--var %s is no name=value", name), "write --var name=value"}
		case seen[name]:
			return nil, &usageError{fmt.Sprintf("--var %s is given twice", name), "keep one of the two"}
		}
		seen[name] = true
		given[name] = value
	}
	for _, in := range p.Inputs {
		if text, ok := given[in.Name].(string); ok && in.Sensitive {
			a.secrets.Add(text)
		}
	}
	return p.BindInputs(given)
}

// arguments are the flags as arguments of another process.
func (o *inputFlags) arguments() ([]string, error) {
	var args []string
	for _, kv := range o.vars {
		args = append(args, "--var", kv)
	}
	for _, file := range o.files {
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, fileError("find", file, err)
		}
		args = append(args, "--var-file", path)
	}
	return args, nil
}

// readValues reads a YAML map of names to texts and lists.
func readValues(file string) (map[string]any, error) {
	v, err := readYAML(file)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, &usageError{file + " holds no map of inputs", "write name: value, one a line"}
	}
	for name, x := range m {
		if x == nil {
			m[name] = ""
		}
	}
	return m, nil
}

// readYAML reads any YAML file as generic values. Scalars stay as they are
// written: what they mean is for whoever takes them to say.
func readYAML(file string) (any, error) {
	node, src, err := readNode(file)
	if err != nil {
		return nil, &argumentError{withSource(err, src)}
	}
	return node.Data(nil), nil
}

// readNode reads a YAML file with the places of its values.
func readNode(file string) (*flow.Node, []byte, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fileError("read", file, err)
	}
	node, list := flow.ParseNode(file, src)
	return node, src, list.Err()
}

// warnings are the part of a list that stops nothing.
func warnings(l diag.List) diag.List {
	var out diag.List
	for _, d := range l {
		if d.Severity == diag.Warning {
			out = append(out, d)
		}
	}
	return out
}
