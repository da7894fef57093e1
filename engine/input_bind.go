package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// errNotUTF8 is of a value from outside.
var errNotUTF8 = errors.New("is not UTF-8; give it from a terminal, script or file that writes UTF-8")

// InputError is a value that the user gave and the flow does not take. Commands
// exit with 64.
type InputError struct {
	Problems []string // each a whole sentence
}

// Error joins the problems.
func (e *InputError) Error() string { return strings.Join(e.Problems, "\n") }

// BindInputs turns what the user gave (texts from --var and the environment,
// YAML values from a --var-file) into typed values, with defaults. Every problem
// is reported at once, as an *InputError.
func (p *Program) BindInputs(given map[string]any) (map[string]any, error) {
	out := map[string]any{}
	var problems []string
	var names []string
	for _, in := range p.Inputs {
		names = append(names, in.Name)
		raw, ok := given[in.Name]
		switch {
		case ok:
			v, err := in.parse(raw, in.Shape, p.Zone)
			if err == nil {
				if problem := in.check(v); problem != "" {
					err = fmt.Errorf("%s", problem)
				}
			}
			if err != nil {
				problems = append(problems, fmt.Sprintf("input %s %s", in.Name, in.hide(err.Error())))
				continue
			}
			out[in.Name] = v
		case in.HasDefault:
			out[in.Name] = in.Default
		case in.Required:
			what := in.Type
			if in.Description != "" {
				what += ": " + in.Description
			}
			problems = append(problems, fmt.Sprintf("input %s is required (%s); give it with --var %s=…", in.Name, what, in.Name))
		default:
			out[in.Name] = nil
		}
	}
	for name := range given {
		if !slices.Contains(names, name) {
			hint := didYouMean(name, names)
			problems = append(problems, fmt.Sprintf("the flow has no input %q%s", name, hint))
		}
	}
	slices.Sort(problems)
	if len(problems) > 0 {
		return nil, &InputError{problems}
	}
	return out, nil
}

// hide keeps a sensitive value out of a message.
func (in *Input) hide(problem string) string {
	if in.Sensitive {
		return "is not allowed (its value is not shown)"
	}
	return problem
}

// parse reads one given value as the wanted shape.
func (in *Input) parse(raw any, want step.Shape, zone *time.Location) (any, error) {
	if list, ok := raw.([]any); ok && want.Form == step.FormList {
		out := make([]any, len(list))
		for i, e := range list {
			v, err := in.parse(e, want.Element(), zone)
			if err != nil {
				return nil, fmt.Errorf("item %d %w", i+1, err)
			}
			out[i] = v
		}
		return out, nil
	}
	s, ok := raw.(string)
	if !ok {
		found := "empty"
		switch raw.(type) {
		case []any:
			found = "a list"
		case map[string]any:
			found = "a map"
		}
		return nil, fmt.Errorf("is %s, but %s is wanted", found, withArticle(want.Form.String()))
	}
	if !utf8.ValidString(s) {
		return nil, errNotUTF8 // messages would hold U+FFFD in place of letters
	}
	bad := func(example string) error {
		word := want.Form.String()
		if in.Type == "date" || in.Items == "date" {
			word = "date"
		}
		return fmt.Errorf("is %q, which is no %s; write it as %s", s, word, example)
	}
	switch want.Form {
	case step.FormInt:
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return nil, bad("17")
		}
		return n, nil
	case step.FormNumber:
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || f-f != 0 {
			return nil, bad("0.15")
		}
		return f, nil
	case step.FormBool:
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, bad("true or false")
	case step.FormDuration:
		d, err := lang.ParseDuration(s)
		if err != nil {
			return nil, bad("90d, 12h or 30m")
		}
		return d, nil
	case step.FormTime:
		parse, example := lang.ParseTime, "2026-03-01 10:30"
		if in.Type == "date" || in.Items == "date" {
			parse, example = lang.ParseDate, "2026-03-01"
		}
		t, err := parse(s, zone)
		if err != nil {
			return nil, bad(example)
		}
		return t, nil
	case step.FormList:
		if strings.TrimSpace(s) == "" {
			return []any{}, nil
		}
		var list []any
		for part := range strings.SplitSeq(s, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return in.parse(list, want, zone)
	}
	return s, nil
}

func withArticle(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
