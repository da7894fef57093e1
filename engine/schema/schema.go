package schema

import (
	"bytes"
	"strings"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// JSON gives the schema of a flow file, indented and with a newline at its end.
// It depends on the grammar and on the kinds alone.
func JSON(reg *step.Registry) ([]byte, error) {
	flowRule, stepRule, inputRule := flow.Reference()
	kinds := reg.Kinds()

	definitions := new(object).
		set("expression", new(object).
			set("description", "An expression: ${{ … }}.").
			set("type", "string").
			set("pattern", expressionText)).
		set("input", section(inputRule, "inputs", "An input of the flow.")).
		set("step", stepSchema(stepRule, kinds))
	for _, k := range kinds {
		definitions.set(k.Name, kindSchema(k))
	}

	root := new(object).
		set("$schema", "http://json-schema.org/draft-07/schema#").
		set("title", "flowrunner flow").
		set("description", "One flow: what should be true of messages to the clients of a Chat2Desk account.")
	root.add(section(flowRule, "", ""))
	root.set("definitions", definitions)

	var out bytes.Buffer
	if err := write(&out, root, ""); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// text is any scalar: YAML reads a phone without quotes as a number, and the
// program takes what is written.
func text() *object { return new(object).set("type", []string{"string", "number", "boolean"}) }

func ref(name string) *object { return new(object).set("$ref", "#/definitions/"+name) }

// section describes a map of fixed keys. path leads to it, as in "connection".
func section(r flow.Rule, path, doc string) *object {
	properties := new(object)
	var required []string
	for _, k := range r.Keys {
		at := join(path, k.Key)
		properties.set(k.Key, described(keySchema(k, at), keyDoc(at), keyMarkdown(k, at)))
		if k.Required {
			required = append(required, k.Key)
		}
	}
	s := new(object).setIf("description", doc).set("type", "object")
	if len(required) > 0 {
		s.set("required", required)
	}
	return s.set("properties", properties).set("additionalProperties", false)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// described puts a description before a schema, for people with and without
// Markdown. Beside a $ref draft-07 ignores it, so the reference is wrapped.
func described(s *object, doc, markdown string) *object {
	if doc == "" {
		return s
	}
	d := new(object).set("description", doc)
	if markdown != doc {
		d.setIf("markdownDescription", markdown)
	}
	if len(s.names) > 0 && s.names[0] == "$ref" {
		return d.set("allOf", []any{s})
	}
	return d.add(s)
}

func keySchema(r flow.Rule, path string) *object {
	s := new(object)
	switch r.Takes {
	case flow.TakesAnything:
	case flow.TakesNames:
		s.set("type", "array").set("items", text())
	case flow.TakesTextOrList:
		s.set("type", []string{"string", "number", "boolean", "array"})
	case flow.TakesList:
		s.set("type", "array")
	case flow.TakesTable:
		s.set("type", "object")
	case flow.TakesSteps:
		s.set("type", "array").set("minItems", 1).set("items", ref("step"))
	case flow.TakesInputs:
		s.set("type", "object").set("additionalProperties", ref("input"))
	case flow.TakesSection:
		s = section(r, path, "")
	default:
		s = keyForm(path)
		if r.Words != nil {
			s = new(object).set("enum", r.Words)
		}
	}
	if r.Template {
		return new(object).set("anyOf", []any{s, ref("expression")})
	}
	return s
}

// stepSchema describes a step: its keys, and for each kind what `with` holds.
func stepSchema(r flow.Rule, kinds []step.Kind) *object {
	s := section(r, "steps", "One step: a use of a kind, or a block with steps of its own.")
	for i, name := range s.names {
		if name != "properties" {
			continue
		}
		properties := s.values[i].(*object)
		for j, key := range properties.names {
			if key == "uses" {
				properties.values[j] = usesSchema(kinds)
			}
		}
	}
	s.set("oneOf", []any{
		new(object).set("required", []string{"uses"}),
		new(object).set("required", []string{"steps"}),
	})
	var cases []any
	for _, k := range kinds {
		then := new(object).set("properties", new(object).set("with", ref(k.Name)))
		if len(requiredParams(k)) > 0 {
			then.set("required", []string{"with"})
		}
		cases = append(cases, new(object).
			set("if", new(object).
				set("required", []string{"uses"}).
				set("properties", new(object).set("uses", new(object).set("const", k.Name)))).
			set("then", then))
	}
	return s.set("allOf", cases)
}

// usesSchema lists the kinds, each with its summary for completion.
func usesSchema(kinds []step.Kind) *object {
	var each []any
	for _, k := range kinds {
		each = append(each, described(new(object).set("const", k.Name), k.Summary, kindMarkdown(k)))
	}
	each = append(each, described(new(object).set("type", "string").set("pattern", flowPath),
		"Another flow, by its path from the folder of this one: ./greet.yaml. Its inputs stand under with.", ""))
	return new(object).set("description", keyDoc("steps.uses")).set("oneOf", each)
}

// flowPath is how another flow is named.
const flowPath = `^\.\.?/.*\.ya?ml$`

func requiredParams(k step.Kind) []string {
	var names []string
	for _, p := range k.Params() {
		if !p.Optional {
			names = append(names, p.Name)
		}
	}
	return names
}

// kindSchema describes what `with` of one kind holds.
func kindSchema(k step.Kind) *object {
	s := described(new(object).set("type", "object"), strings.TrimSpace(k.Summary+" "+k.Detail), kindMarkdown(k))
	if k.OpenParams {
		return s
	}
	if names := requiredParams(k); len(names) > 0 {
		s.set("required", names)
	}
	properties := new(object)
	for _, p := range k.Params() {
		param := described(paramSchema(p), paramDoc(p), paramMarkdown(p))
		if d := paramDefault(p); d != nil {
			param.set("default", d)
		}
		properties.set(p.Name, param)
	}
	return s.set("properties", properties).set("additionalProperties", false)
}

// paramSchema describes what may be written as a parameter: a value of its
// type, or an expression that gives one.
func paramSchema(p step.Field) *object {
	switch {
	case p.Bare:
		return text()
	case p.Named && p.Enum != nil:
		return new(object).set("type", "object").set("additionalProperties", new(object).set("enum", p.Enum))
	case p.Named:
		return new(object).set("type", "object")
	case p.Enum != nil:
		return orExpression(new(object).set("enum", p.Enum))
	}
	return shapeSchema(p.Shape, p.Min, p.Max)
}

func shapeSchema(shape step.Shape, least, most *float64) *object {
	s := new(object)
	bounds := func(low, high string) *object {
		if least != nil {
			s.set(low, *least)
		}
		if most != nil {
			s.set(high, *most)
		}
		return s
	}
	switch shape.Form {
	case step.FormBool:
		return scalar("boolean", boolText, true)
	case step.FormInt:
		s = scalar("integer", intText, true)
		return bounds("minimum", "maximum")
	case step.FormNumber:
		s = scalar("number", numberText, true)
		return bounds("minimum", "maximum")
	case step.FormList:
		s.set("type", "array")
		bounds("minItems", "maxItems")
		if elem := shape.Element(); elem.Form != step.FormAny && elem.Form != step.FormObject {
			s.set("items", shapeSchema(elem, nil, nil))
		}
	case step.FormObject:
		s.set("type", "object")
	case step.FormText, step.FormTime, step.FormDuration:
		return text() // which includes expressions
	case step.FormSecret:
		return ref("expression")
	default:
		return s
	}
	return orExpression(s)
}

func orExpression(s *object) *object {
	return new(object).set("anyOf", []any{s, ref("expression")})
}
