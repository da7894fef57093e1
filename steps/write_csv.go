package steps

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// maxUnique is how many values of the unique column are remembered.
const maxUnique = 5_000_000

type writeCSVIn struct {
	Path      string                `flow:"path" doc:"The file, from the flow's directory; directories above it are made."`
	Rows      step.Stream[step.Any] `flow:"rows" doc:"The records to write, one a line."`
	Columns   []string              `flow:"columns" min:"1" doc:"The fields to write, in this order; without it all fields, in the order in which they were declared."`
	Mode      string                `flow:"mode" optional:"true" enum:"overwrite,append" default:"overwrite" doc:"Whether to write the file anew or to add rows at its end."`
	Unique    string                `flow:"unique" optional:"true" doc:"A column; a row whose value in it the file already has is left out." held:"5,000,000 values"`
	Delimiter string                `flow:"delimiter" optional:"true" default:"," doc:"What to put between cells, one character or tab."`
	BOM       bool                  `flow:"bom" optional:"true" default:"false" doc:"Whether to begin the file with a byte order mark, so that Excel reads it as UTF-8."`
}

type writeCSVOut struct {
	Path  string `flow:"path" doc:"The file that was written."`
	Count int    `flow:"count" doc:"How many rows were written."`
}

var _ = declare(step.Local(step.Doc{
	Name:    "write_csv",
	Summary: "Write records to a CSV file.",
	Detail: "The first line names the columns. A text that a spreadsheet would take for a formula gets a ' in front; lists and records " +
		"are written as JSON; times as RFC 3339 in the connection's zone; secrets never. Overwriting is all or nothing: when it fails, " +
		"the old file is still there. Appending needs the same columns as the file has. The values of a unique column are held in memory, " +
		"up to 5,000,000 values.",
	Since: since,
	Reads: columnsOnly,
	Example: `flow: example-write-csv
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 50
finally:
  - id: save
    uses: write_csv
    with:
      path: out/clients.csv
      rows: ${{ steps.clients.outputs.clients }}
      columns: [id, phone, assigned_name]
      bom: true
`,
	Infer: inferWriteCSV,
}, writeCSV))

func inferWriteCSV(c step.Call) ([]step.Field, error) {
	if err := literalPath(c); err != nil {
		return nil, err
	}
	row := c.Shapes["rows"].Element()
	switch row.Form {
	case step.FormAny:
	case step.FormObject:
		names := row.Names()
		for _, col := range literalTexts(c.Literals["columns"]) {
			if !row.Open && !slices.Contains(names, col) {
				return nil, &step.ArgError{Param: "columns", Problem: fmt.Sprintf("has %q, which is no field of the rows; write one of: %s", col, strings.Join(names, ", "))}
			}
		}
		if cols := literalTexts(c.Literals["columns"]); len(cols) > 0 {
			names = cols
		}
		if u, ok := c.Literals["unique"].(string); ok && !row.Open && !slices.Contains(names, u) {
			return nil, &step.ArgError{Param: "unique", Problem: fmt.Sprintf("is %q, which is no column; write one of: %s", u, strings.Join(names, ", "))}
		}
		for _, f := range row.Fields {
			if f.Shape.Form == step.FormSecret && slices.Contains(names, f.Name) {
				return nil, &step.ArgError{Param: "rows", Problem: "hold the secret " + f.Name + "; secrets are never written to files: leave it out with columns"}
			}
		}
	default:
		return nil, &step.ArgError{Param: "rows", Problem: fmt.Sprintf("hold %s, but records are wanted; make records of them with map", row)}
	}
	return outputs[writeCSVOut](nil), nil
}

// literalTexts are the texts of a list written without expressions.
func literalTexts(v any) []string {
	list, _ := v.([]any)
	var texts []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// columnsOnly are the fields that a file with columns takes.
func columnsOnly(c step.Call, _ string) ([]string, bool) {
	columns := literalTexts(c.Literals["columns"])
	if unique, ok := c.Literals["unique"].(string); ok {
		columns = append(columns, unique)
	} else if _, written := c.Shapes["unique"]; written {
		return nil, false
	}
	return columns, c.Literals["columns"] != nil
}

func writeCSV(ctx context.Context, in writeCSVIn) (writeCSVOut, error) {
	comma, err := delimiterRune(in.Delimiter)
	if err != nil {
		return writeCSVOut{}, err
	}
	if comma == 0 {
		comma = ','
	}
	w := &csvWriter{in: in, comma: comma, zone: step.HostOf(ctx).Zone(), columns: in.Columns, exact: len(in.Columns) > 0, seen: map[string]bool{}}
	if !w.exact {
		if row := step.CallOf(ctx).Shapes["rows"].Element(); row.Form == step.FormObject && !row.Open {
			w.columns, w.exact = row.Names(), true
		}
	}
	defer leaveOut(ctx, "already in "+in.Path, &w.left)
	if in.Mode == "append" {
		err = appendFile(ctx, in.Path, func(old *os.File, size int64, out io.Writer) error {
			if size > 0 {
				if err := w.continueFile(old, size, out); err != nil {
					return err
				}
			}
			return w.write(ctx, out)
		})
	} else {
		err = replaceFile(ctx, in.Path, func(out io.Writer) error { return w.write(ctx, out) })
	}
	if err != nil {
		return writeCSVOut{}, err
	}
	return writeCSVOut{Path: in.Path, Count: w.count}, nil
}

// csvWriter writes the rows of one call.
type csvWriter struct {
	in          writeCSVIn
	comma       rune
	zone        *time.Location
	columns     []string
	exact       bool // columns are known not to lose a field by mistake
	begun       bool // the file has its header
	seen        map[string]bool
	unique      int    // index of the unique column
	filled      []bool // columns that some row has
	count, left int
}

func (w *csvWriter) write(ctx context.Context, out io.Writer) error {
	cw := csv.NewWriter(out)
	cw.Comma = w.comma
	if w.exact || w.begun {
		if err := w.begin(cw, out); err != nil {
			return err
		}
	}
	n := 0
	for rec, err := range w.in.Rows.All() {
		if err == nil {
			err = alive(ctx, n)
		}
		if err != nil {
			return err
		}
		n++
		row, ok := rec.(map[string]any)
		if !ok {
			return fmt.Errorf("rows, record %d: is no record; make records with map", n)
		}
		if w.columns == nil {
			w.columns = sortedNames(row)
			if err := w.begin(cw, out); err != nil {
				return err
			}
		}
		if err := w.writeRow(cw, out, row, n); err != nil {
			return err
		}
	}
	for i, name := range w.columns {
		if n > 0 && !w.filled[i] {
			step.HostOf(ctx).Warn("%s: no row has the field %s; its column is empty", w.in.Path, name)
		}
	}
	cw.Flush()
	return cw.Error()
}

// begin writes the header, but for a file that has one.
func (w *csvWriter) begin(cw *csv.Writer, out io.Writer) error {
	if w.in.Unique != "" {
		if w.unique = slices.Index(w.columns, w.in.Unique); w.unique < 0 {
			return &step.ArgError{Param: "unique", Problem: fmt.Sprintf("is %q, which is no column; write one of: %s", w.in.Unique, strings.Join(w.columns, ", "))}
		}
	}
	if w.begun {
		return nil
	}
	w.begun = true
	if w.in.BOM {
		if _, err := io.WriteString(out, "\ufeff"); err != nil {
			return err
		}
	}
	header := make([]string, len(w.columns))
	for i, c := range w.columns {
		header[i] = harmless(c)
	}
	return cw.Write(header)
}

func (w *csvWriter) writeRow(cw *csv.Writer, out io.Writer, row map[string]any, n int) error {
	if !w.exact {
		for name := range row {
			if !slices.Contains(w.columns, name) {
				return fmt.Errorf("rows, record %d: has the field %s, which the first record had not; name the fields to write in columns", n, name)
			}
		}
	}
	if w.filled == nil {
		w.filled = make([]bool, len(w.columns))
	}
	cells := make([]string, len(w.columns))
	for i, name := range w.columns {
		value, ok := row[name]
		w.filled[i] = w.filled[i] || ok
		text, err := textOf(value, w.zone)
		if err != nil {
			return fmt.Errorf("rows, record %d: field %s %w", n, name, err)
		}
		if _, isText := value.(string); isText {
			text = harmless(text)
		}
		cells[i] = text
	}
	if w.in.Unique != "" {
		if key := cells[w.unique]; key != "" {
			if w.seen[key] {
				w.left++
				return nil
			}
			if len(w.seen) == maxUnique {
				return tooMany("unique", maxUnique, "begin a new file")
			}
			w.seen[key] = true
		}
	}
	w.count++
	if len(cells) == 1 && cells[0] == "" {
		// A line with nothing in it would not be read as a row.
		cw.Flush()
		_, err := io.WriteString(out, "\"\"\n")
		return errors.Join(cw.Error(), err)
	}
	return cw.Write(cells)
}

// continueFile reads what is in the file already: its columns must be ours, and
// the values of the unique column count as seen.
func (w *csvWriter) continueFile(old *os.File, size int64, out io.Writer) error {
	r := csv.NewReader(io.NewSectionReader(old, 0, size))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = w.comma, -1, true
	header, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: cannot be continued, its first line is no header: %w", w.in.Path, err)
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	if !w.exact {
		w.columns = header
	}
	ours := make([]string, len(w.columns))
	for i, c := range w.columns {
		ours[i] = harmless(c)
	}
	if w.exact && !slices.Equal(ours, header) {
		return fmt.Errorf("%s: has the columns %s, but the rows have %s; write to another file or set columns",
			w.in.Path, strings.Join(header, ", "), strings.Join(w.columns, ", "))
	}
	w.begun = true
	last := make([]byte, 1)
	if _, err := old.ReadAt(last, size-1); err != nil {
		return fileError(w.in.Path, err)
	}
	if last[0] != '\n' {
		if _, err := io.WriteString(out, "\n"); err != nil {
			return err
		}
	}
	i := slices.Index(w.columns, w.in.Unique)
	if w.in.Unique == "" || i < 0 {
		return nil
	}
	for {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: cannot be continued: %w", w.in.Path, err)
		case i < len(cells):
			w.seen[cells[i]] = true
		}
	}
}

// harmless puts a ' before a text that a spreadsheet would run as a formula. A
// number, so also a phone that begins with +, stays as it is.
func harmless(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "+-.0123456789") == "" {
		return text
	}
	return "'" + text
}
