package steps

import (
	"context"
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/step"
)

type writeJSONIn struct {
	Path  string                `flow:"path" doc:"The file, from the flow's directory; directories above it are made."`
	Value any                   `flow:"value" optional:"true" doc:"What to write, as one JSON value; either this or rows." held:"1,000,000 records"`
	Rows  step.Stream[step.Any] `flow:"rows" optional:"true" doc:"The records to write, as a list or one a line; either this or value."`
	Lines bool                  `flow:"lines" optional:"true" default:"false" doc:"Whether to write one record a line (JSON Lines) instead of a list."`
}

type writeJSONOut struct {
	Path string `flow:"path" doc:"The file that was written."`
}

var _ = declare(step.Local(step.Doc{
	Name:    "write_json",
	Summary: "Write a value or records to a JSON file.",
	Detail: "Times are written as RFC 3339 in the connection's zone, durations as text, secrets never. Writing is all or nothing: " +
		"when it fails, the old file is still there. Rows stream; a list in a value is held in memory, up to 1,000,000 records.",
	Since: since,
	Example: `flow: example-write-json
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
finally:
  - id: save
    uses: write_json
    with:
      path: out/clients.jsonl
      rows: ${{ steps.clients.outputs.clients }}
      lines: true
`,
	Infer: inferWriteJSON,
}, writeJSON))

var errValueOrRows = &step.ArgError{Param: "value", Problem: "or rows must be given, one of them and not both"}

func inferWriteJSON(c step.Call) ([]step.Field, error) {
	if err := literalPath(c); err != nil {
		return nil, err
	}
	_, value := c.Shapes["value"]
	_, rows := c.Shapes["rows"]
	switch {
	case value == rows:
		return nil, errValueOrRows
	case c.Shapes["value"].Form == step.FormSecret:
		return nil, &step.ArgError{Param: "value", Problem: "is a secret; secrets are never written to files"}
	case value && c.Literals["lines"] == true:
		return nil, &step.ArgError{Param: "lines", Problem: "is true, but one record a line needs rows, not value"}
	}
	return outputs[writeJSONOut](nil), nil
}

func writeJSON(ctx context.Context, in writeJSONIn) (writeJSONOut, error) {
	if in.Value != nil && !in.Rows.IsZero() {
		return writeJSONOut{}, errValueOrRows
	}
	err := replaceFile(ctx, in.Path, func(out io.Writer) error {
		if in.Rows.IsZero() {
			return in.writeValue(ctx, out)
		}
		return in.writeRows(ctx, out)
	})
	return writeJSONOut{Path: in.Path}, err
}

func (in writeJSONIn) writeValue(ctx context.Context, out io.Writer) error {
	text, err := jsonLine(ctx, in.Value)
	if err != nil {
		return &step.ArgError{Param: "value", Problem: err.Error()}
	}
	_, err = io.WriteString(out, text+"\n")
	return err
}

// writeRows writes a list with one record a line, so that a diff of two files
// shows records, or the records alone.
func (in writeJSONIn) writeRows(ctx context.Context, out io.Writer) error {
	before, between, after := "[\n  ", ",\n  ", "\n]\n"
	if in.Lines {
		before, between, after = "", "\n", "\n"
	}
	n := 0
	for rec, err := range in.Rows.All() {
		if err == nil {
			err = alive(ctx, n)
		}
		if err != nil {
			return err
		}
		n++
		text, err := jsonLine(ctx, rec)
		if err != nil {
			return fmt.Errorf("rows, record %d: %w", n, err)
		}
		lead := between
		if n == 1 {
			lead = before
		}
		if _, err := io.WriteString(out, lead+text); err != nil {
			return err
		}
	}
	switch {
	case n == 0 && in.Lines:
		after = ""
	case n == 0:
		after = "[]\n"
	}
	_, err := io.WriteString(out, after)
	return err
}

// jsonLine is a value as JSON in one line.
func jsonLine(ctx context.Context, v any) (string, error) {
	p, err := plainValue(v, step.HostOf(ctx).Zone())
	if err != nil {
		return "", err
	}
	return marshal(p)
}
