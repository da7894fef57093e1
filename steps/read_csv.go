package steps

import (
	"context"
	"errors"
	"io"

	"github.com/flowrunner/flowrunner/engine/step"
)

type readCSVIn struct {
	Path       string             `flow:"path" doc:"The file, from the flow's directory."`
	Columns    step.Named[string] `flow:"columns" enum:"string,integer,number,boolean,duration,date,time" doc:"The columns to read, name by name with their types; without it every column is read as text."`
	Delimiter  string             `flow:"delimiter" optional:"true" default:"found out" doc:"What stands between cells, one character or tab; without it comma, semicolon or tab, whichever the first line has."`
	Header     *bool              `flow:"header" default:"true" doc:"Whether the first line names the columns; without one, columns gives the names in order."`
	Encoding   string             `flow:"encoding" optional:"true" enum:"utf-8,windows-1251" default:"utf-8" doc:"How the file is encoded; Excel in Russian often writes windows-1251."`
	Decimal    string             `flow:"decimal" optional:"true" enum:".|," default:"." doc:"The decimal sign of number columns."`
	DateFormat string             `flow:"dateFormat" optional:"true" default:"2026-01-31 or 31.01.2026" doc:"How dates and times are written, as in MM/dd/yyyy HH:mm."`
	OnBadRow   string             `flow:"onBadRow" optional:"true" enum:"fail,skip" default:"fail" doc:"Whether a row that cannot be read stops the flow (fail) or is left out and counted (skip)."`
}

type readCSVOut struct {
	Rows  step.Stream[map[string]any] `flow:"rows" doc:"One record a row, with the columns as fields; an empty cell is nil."`
	Count int                         `flow:"count" count:"rows" doc:"How many rows were read."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "read_csv",
	Summary: "Read the rows of a CSV file.",
	Detail: "With columns the rows have exactly those fields, typed and possibly nil, and other columns of the file are not read. " +
		"Without it every field is text or nil, and its names are known only when the file is read. Times without a zone are in the connection's timezone. " +
		"Phones and codes with leading zeros are best read as string. A quote that takes rows into its cell stops the flow, whatever onBadRow says.",
	Since: since,
	Example: `flow: example-read-csv
connection:
  timezone: Europe/Moscow
steps:
  - id: visits
    uses: read_csv
    with:
      path: visits.csv
      columns: { phone: string, at: time, price: number }
outputs:
  visits: ${{ steps.visits.outputs.count }}
`,
	Files: map[string]string{"visits.csv": "phone,at,price\n79160000001,2026-12-01 10:30,1500\n79160000002,2026-12-01 12:00,\n"},
	Infer: inferReadCSV,
	LocalTime: func(c step.Call) string {
		for _, column := range c.Shapes["columns"].Fields {
			if t, _ := literalColumn(c, column.Name); t == "date" || t == "time" {
				return "What the column " + column.Name + " means"
			}
		}
		return ""
	},
}, readCSV))

// literalColumn is the type that a call gives a column.
func literalColumn(c step.Call, name string) (string, bool) {
	columns, _ := c.Literals["columns"].(step.Named[any])
	for _, column := range columns {
		if column.Name == name {
			t, ok := column.Value.(string)
			return t, ok
		}
	}
	return "", false
}

func inferReadCSV(c step.Call) ([]step.Field, error) {
	if err := literalPath(c); err != nil {
		return nil, err
	}
	cell := step.ShapeText.OrNil()
	row := step.Shape{Form: step.FormObject, Open: true, Elem: &cell}
	if columns, ok := c.Shapes["columns"]; ok {
		var err error
		if row, err = recordOf(columns, c.Literals["columns"], "columns", cellTypes); err != nil {
			return nil, err
		}
	} else if header, ok := c.Literals["header"]; ok && header == false {
		return nil, errNoColumns
	}
	return outputs[readCSVOut](map[string]step.Shape{"rows": step.StreamShape(row)}), nil
}

var errNoColumns = &step.ArgError{Param: "columns", Problem: "is missing; without a header line it must name the columns in order, as in `phone: string`"}

func readCSV(ctx context.Context, in readCSVIn) (readCSVOut, error) {
	src, err := in.source(ctx)
	if err != nil {
		return readCSVOut{}, err
	}
	// A file that is missing or has another header is found before anything is
	// done with its rows.
	probe, err := src.open(ctx)
	if err != nil {
		return readCSVOut{}, err
	}
	if err := probe.file.Close(); err != nil {
		return readCSVOut{}, fileError(in.Path, err)
	}
	return readCSVOut{Rows: step.StreamOf(func(yield func(map[string]any, error) bool) {
		rows, err := src.open(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.file.Close()
		rows.give(ctx, in.OnBadRow == "skip", yield)
	})}, nil
}

// source reads the parameters.
func (in readCSVIn) source(ctx context.Context) (*csvSource, error) {
	src := &csvSource{path: in.Path, columns: in.Columns, header: in.Header == nil || *in.Header, encoding: in.Encoding}
	if !src.header && len(in.Columns) == 0 {
		return nil, errNoColumns
	}
	var err error
	if src.delimiter, err = delimiterRune(in.Delimiter); err != nil {
		return nil, err
	}
	forms, err := layoutsFor(in.DateFormat)
	if err != nil {
		return nil, &step.ArgError{Param: "dateFormat", Problem: err.Error()}
	}
	src.cells = cellReader{zone: step.HostOf(ctx).Zone(), decimal: in.Decimal, layouts: forms}
	if src.cells.decimal == "" {
		src.cells.decimal = "."
	}
	return src, nil
}

// give passes the rows on. With skip, bad ones are counted and the first of
// them is told to the user.
func (r *csvRows) give(ctx context.Context, skip bool, yield func(map[string]any, error) bool) {
	skipped := 0
	defer leaveOut(ctx, "a row of "+r.path+" that could not be read", &skipped)
	for n := 0; ; n++ {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			return
		}
		var bad rowError
		if skip && errors.As(err, &bad) {
			if skipped++; skipped == 1 {
				step.HostOf(ctx).Warn("%v (this row is skipped, and others like it)", err)
			}
			continue
		}
		if err == nil {
			err = alive(ctx, n)
		}
		if !yield(row, err) || err != nil {
			return
		}
	}
}
