package steps

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/step"
)

type readJSONIn struct {
	Path  string             `flow:"path" doc:"The file, from the flow's directory."`
	Lines bool               `flow:"lines" optional:"true" default:"false" doc:"Whether the file holds one JSON value a line (JSON Lines)."`
	Type  step.Named[string] `flow:"type" enum:"string,integer,number,boolean,duration,date,time,any" doc:"The fields of each record with their types; the file then holds a list of records, or one a line."`
}

// readJSONOut is everything that the kind may give; Infer says which of the two
// a use of it has.
type readJSONOut struct {
	Value any                   `flow:"value" doc:"The whole content of the file, without lines or type."`
	Rows  step.Stream[step.Any] `flow:"rows" doc:"The records, with lines or type; with type they have exactly its fields, each possibly nil."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "read_json",
	Summary: "Read a JSON file, whole or record by record.",
	Detail: "With lines or type the output is rows, which stream; without them it is value. Numbers without a fraction are integers. " +
		"With type, texts are read as dates, times and durations where it says so, and other fields of the file are not read; " +
		"one that no record has is told.",
	Since: since,
	Example: `flow: example-read-json
steps:
  - id: segment
    uses: read_json
    with:
      path: segment.json
      type: { phone: string, visits: integer }
  - id: often
    uses: filter
    with:
      items: ${{ steps.segment.outputs.rows }}
      where: (item.visits ?? 0) >= 3
outputs:
  often: ${{ steps.often.outputs.count }}
`,
	Files: map[string]string{"segment.json": `[{"phone": "79160000001", "visits": 4}, {"phone": "79160000002", "visits": 1}]` + "\n"},
	Infer: inferReadJSON,
}, readJSON))

func inferReadJSON(c step.Call) ([]step.Field, error) {
	if err := literalPath(c); err != nil {
		return nil, err
	}
	lines, literal := c.Literals["lines"]
	if _, written := c.Shapes["lines"]; written && !literal {
		return nil, &step.ArgError{Param: "lines", Problem: "is an expression; write true or false, since it decides what the outputs are"}
	}
	names, typed := c.Shapes["type"]
	if !typed && lines != true {
		return outputs[readJSONOut](nil)[:1], nil
	}
	row := step.ShapeAny
	if typed {
		var err error
		if row, err = recordOf(names, c.Literals["type"], "type", jsonTypes); err != nil {
			return nil, err
		}
	}
	return outputs[readJSONOut](map[string]step.Shape{"rows": step.StreamShape(row)})[1:], nil
}

func readJSON(ctx context.Context, in readJSONIn) (readJSONOut, error) {
	file, err := openFile(ctx, in.Path)
	if err != nil {
		return readJSONOut{}, err
	}
	defer file.Close()
	zone := step.HostOf(ctx).Zone()
	if !in.Lines && len(in.Type) == 0 {
		value, err := newJSONSource(in.Path, nil, zone).document(file)
		return readJSONOut{Value: value}, err
	}
	return readJSONOut{Rows: step.StreamOf(func(yield func(any, error) bool) {
		file, err := openFile(ctx, in.Path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		src := newJSONSource(in.Path, in.Type, zone)
		read := src.list
		if in.Lines {
			read = src.lines
		}
		n := 0
		for rec, err := range read(file) {
			if err == nil {
				err = alive(ctx, n)
			}
			n++
			if !yield(rec, err) || err != nil {
				return
			}
		}
		for _, t := range in.Type {
			if n > 0 && !src.had[t.Name] { // probably misspelt, and everybody would be left out for it
				step.HostOf(ctx).Warn("%s: no record has the field %s; it is nil in all of them", in.Path, t.Name)
			}
		}
	})}, nil
}
