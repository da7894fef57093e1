package lang

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flowrunner/flowrunner/engine/step"
)

// builtins are expr's own functions as this language has them: their names and
// meanings are expr's, but they keep element types, are nil on an empty list
// where expr fails, count characters where expr counts bytes, and give keys in
// order. Their results never depend on the run, so they take no Context.
func builtins() []Function {
	return slices.Concat(listBuiltins(), objectBuiltins(), textBuiltins(), numberBuiltins())
}

// catalogue is every function by name, made once.
var catalogue = sync.OnceValue(func() map[string]*Function {
	all := map[string]*Function{}
	for _, f := range slices.Concat(builtins(), Functions()) {
		all[f.Name] = &f
	}
	return all
})

// plainCalls are the builtins' bodies in the form that expr's machine calls.
var plainCalls = sync.OnceValue(func() map[string]func(args ...any) (any, error) {
	all := map[string]func(args ...any) (any, error){}
	for _, f := range builtins() {
		all[f.Name] = func(args ...any) (any, error) {
			out, err := f.Call(Context{}, args)
			return out, capped(f.Name, out, err)
		}
	}
	for _, f := range Functions() {
		delete(all, f.Name)
	}
	return all
})

func functionNamed(name string) *Function { return catalogue()[name] }

func plainCall(name string) func(args ...any) (any, error) { return plainCalls()[name] }

// callable lists every name that can be called.
func callable() []string {
	names := slices.Clone(predicateNames)
	for name := range catalogue() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Builtins documents expr's own functions as this language has them, those with
// a predicate excepted; sorted by name.
func Builtins() []Function {
	all := builtins()
	slices.SortFunc(all, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// refused explains the functions that expr has and this language has not.
func refused(name string) (instead string, ok bool) {
	switch name {
	case "get":
		return "name the field: record.field, or record?.field where the record may be nil", true
	case "reduce":
		return "use sum, count, map or join", true
	case "fromJSON":
		return "read JSON with a step: uses: read_json", true
	case "fromBase64", "toBase64":
		return "", true
	case "type":
		return "everything is typed before the run; compare with nil where a value may be missing", true
	case "timezone":
		return "every time is in connection.timezone", true
	case "bitand", "bitor", "bitxor", "bitnand", "bitnot", "bitshl", "bitshr", "bitushr":
		return "", true
	}
	return "", false
}

// maxResult is how many bytes a text made by a function may have: an expression
// of a few lines can double a text often enough to fill any memory.
const maxResult = 1 << 20

var errTooLong = fmt.Errorf("the text would be longer than %d KiB", maxResult>>10)

// maxElements is how many elements a list made by a function may have.
const maxElements = 1_000_000

// capped refuses a result that has grown out of hand.
func capped(name string, out any, err error) error {
	if err != nil {
		return err
	}
	switch x := out.(type) {
	case string:
		if len(x) > maxResult {
			return fmt.Errorf("%s: %w", name, errTooLong)
		}
	case []any:
		if len(x) > maxElements {
			return fmt.Errorf("%s: the list would have more than %d elements", name, maxElements)
		}
	}
	return nil
}

// same is the result of a function that gives a list like its first argument.
func same(args []step.Shape) (step.Shape, error) {
	s := args[0].NotNil()
	if s.Form == step.FormAny {
		return step.ListOf(step.ShapeAny), nil
	}
	return s, nil
}

// element is the result of a function that gives one element of its argument.
func element(args []step.Shape) (step.Shape, error) { return args[0].Element().OrNil(), nil }

// listParam is a parameter that takes any list.
func listParam() Param { return Param{Name: "list", Shape: step.ListOf(step.ShapeAny)} }

func textParam(name string) Param { return Param{Name: name, Shape: step.ShapeText} }

// noNilElements refuses a list whose elements may be nil, where they are
// compared or added.
func noNilElements(name string, list step.Shape) error {
	if list.Element().Nullable && list.Form == step.FormList && list.Elem != nil {
		return fmt.Errorf("the elements may be nil (%s): take those out first, %s(filter(list, # != nil))", list, name)
	}
	return nil
}

// listArg takes argument 0 as a list.
func listArg(args []any) ([]any, error) { return arg[[]any](args, 0, "list", "a list") }

func itoa(n int) string { return strconv.Itoa(n) }

var errNotFinite = errors.New("the result is too large for a number")
