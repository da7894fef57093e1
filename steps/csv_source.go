package steps

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/flowrunner/flowrunner/engine/step"
)

// csvSource is a CSV file and how to read it.
type csvSource struct {
	path      string
	columns   step.Named[string] // what to read; empty reads every column as text
	delimiter rune               // 0 finds out from the first line
	header    bool
	encoding  string
	cells     cellReader
}

// csvRows is one reading of a csvSource.
type csvRows struct {
	*csvSource
	file    io.Closer
	reader  *csv.Reader
	columns []csvColumn
	width   int // cells of each row; 0 until known
	warn    func(format string, args ...any)
	warned  bool // of rows in a cell
	nothing bool // of a placeholder
}

// csvColumn is a column that is read.
type csvColumn struct {
	name, kind string
	index      int
	form       int // of its dates, as far as known
}

// rowError is a row that cannot be read. Those after it can.
type rowError struct{ error }

// open opens the file and reads its header. The caller closes what it gets.
func (s *csvSource) open(ctx context.Context) (*csvRows, error) {
	file, err := openFile(ctx, s.path)
	if err != nil {
		return nil, err
	}
	r := &csvRows{csvSource: s, file: file, warn: step.HostOf(ctx).Warn}
	if err := r.begin(file); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// sniffed is how much of a file is looked at to find out its delimiter.
const sniffed = 64 << 10

func (r *csvRows) begin(file io.Reader) error {
	raw := bufio.NewReader(file)
	if err := r.foreign(raw); err != nil {
		return err
	}
	if bom, _ := raw.Peek(3); string(bom) == "\ufeff" {
		_, _ = raw.Discard(3)
	}
	text := raw
	if r.encoding == "windows-1251" {
		text = bufio.NewReader(charmap.Windows1251.NewDecoder().Reader(raw))
	}
	text = bufio.NewReaderSize(text, sniffed)
	comma := r.delimiter
	if comma == 0 {
		comma = ','
		if r.header {
			start, _ := text.Peek(sniffed)
			comma = delimiterOf(start)
		}
	}
	r.reader = csv.NewReader(text)
	r.reader.Comma = comma
	r.reader.FieldsPerRecord = -1
	r.reader.ReuseRecord = true
	if !r.header {
		for i, c := range r.csvSource.columns {
			r.columns = append(r.columns, csvColumn{name: c.Name, kind: c.Value, index: i})
		}
		r.width = len(r.columns)
		return nil
	}
	return r.readHeader()
}

// foreign tells files that are no text at all from CSV files.
func (r *csvRows) foreign(raw *bufio.Reader) error {
	start, err := raw.Peek(4)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return fileError(r.path, err)
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return fmt.Errorf("%s: is encoded as UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)", r.path)
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte("\xd0\xcf\x11\xe0")):
		return fmt.Errorf("%s: is an Excel workbook; save it as CSV UTF-8", r.path)
	}
	return nil
}

// delimiterOf finds which of comma, semicolon and tab the first line has most.
func delimiterOf(start []byte) rune {
	line, _, _ := bytes.Cut(start, []byte("\n"))
	counts := map[byte]int{}
	quoted := false
	for _, c := range line {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return rune(best)
}

func (r *csvRows) readHeader() error {
	cells, err := r.reader.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: is empty; its first line should name the columns (or set header: false)", r.path)
	}
	if err != nil {
		return r.parseError(err)
	}
	names := make([]string, len(cells))
	for i, c := range cells {
		names[i] = strings.TrimSpace(c)
		if !utf8.ValidString(c) {
			return r.notUTF8()
		}
		if names[i] != "" && slices.Contains(names[:i], names[i]) {
			return fmt.Errorf("%s:1: two columns are named %q; rename one of them", r.path, names[i])
		}
	}
	r.width = len(names)
	if len(r.csvSource.columns) == 0 {
		for i, name := range names {
			if name != "" {
				r.columns = append(r.columns, csvColumn{name: name, index: i})
			}
		}
		return nil
	}
	for _, c := range r.csvSource.columns {
		i := slices.Index(names, c.Name)
		if i < 0 {
			return fmt.Errorf("%s:1: there is no column %q; the first line has: %s", r.path, c.Name, strings.Join(names, ", "))
		}
		r.columns = append(r.columns, csvColumn{name: c.Name, kind: c.Value, index: i})
	}
	return nil
}

// next reads one row. io.EOF is the end, a rowError a row that can be skipped.
func (r *csvRows) next() (map[string]any, error) {
	cells, err := r.reader.Read()
	if err != nil {
		return nil, r.parseError(err)
	}
	line, _ := r.reader.FieldPos(0)
	if r.width == 0 {
		r.width = len(cells)
	}
	if len(cells) != r.width {
		return nil, rowError{fmt.Errorf("%s:%d: has %d cells where %d are wanted; look for a missing quote or a delimiter that is not %q",
			r.path, line, len(cells), r.width, string(r.reader.Comma))}
	}
	r.swallowed(cells)
	row := make(map[string]any, len(r.columns))
	for i := range r.columns {
		c := &r.columns[i]
		if !utf8.ValidString(cells[c.index]) {
			return nil, r.notUTF8()
		}
		v, err := r.cells.read(cells[c.index], c.kind, &c.form)
		if err != nil {
			line, col := r.reader.FieldPos(c.index)
			return nil, rowError{fmt.Errorf("%s:%d:%d: column %s: %w", r.path, line, col, c.name, err)}
		}
		if !r.nothing && placeholders[cells[c.index]] && (c.kind == "string" || c.kind == "") {
			r.nothing = true
			line, col := r.reader.FieldPos(c.index)
			r.warn("%s:%d:%d: column %s: %q is read as this text, and would be sent as it is; only an empty cell is nil", r.path, line, col, c.name, cells[c.index])
		}
		row[c.name] = v
	}
	return row, nil
}

// placeholders are what databases and data frames write where nothing is.
var placeholders = map[string]bool{
	"NULL": true, "null": true, `\N`: true, "NaN": true, "nan": true, "None": true, "nil": true, "<nil>": true, "undefined": true, "#N/A": true, "N/A": true,
}

// swallowed tells the user once of a cell that looks as if its quotes held rows: a
// quote too many, and another one further down, are no error of the form.
func (r *csvRows) swallowed(cells []string) {
	for i, cell := range cells {
		if r.warned || r.width < 2 || strings.Count(cell, "\n") < 2 {
			continue
		}
		lines := strings.Split(cell, "\n")
		alike := func(line string) bool { return strings.Count(line, string(r.reader.Comma)) == r.width-1 }
		if inner := lines[1 : len(lines)-1]; slices.ContainsFunc(inner, func(line string) bool { return !alike(line) }) {
			continue
		}
		r.warned = true
		line, col := r.reader.FieldPos(i)
		r.warn("%s:%d:%d: this cell has %d lines, which look like rows; if they are, a quote (\") is missing or too many", r.path, line, col, len(lines))
	}
}

func (r *csvRows) notUTF8() error {
	line, _ := r.reader.FieldPos(0)
	return fmt.Errorf("%s:%d: is not encoded as UTF-8; save the file as UTF-8 or set encoding: windows-1251", r.path, line)
}

// parseError says what is wrong with the quotes of a row.
func (r *csvRows) parseError(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		if errors.Is(err, io.EOF) {
			return err
		}
		return fileError(r.path, err)
	}
	if errors.Is(p.Err, csv.ErrQuote) && p.Line > p.StartLine {
		// Not a bad row but the loss of all that the quote has swallowed, which nobody
		// would count.
		return fmt.Errorf(`%s:%d: a cell in quotes that begins in this row has not ended properly by line %d, so that no row between them can be read; close the quote ("), double it, or delete it`,
			r.path, p.StartLine, p.Line)
	}
	problem := `a quote (") stands in the middle of a cell; double it and put the whole cell in quotes`
	if errors.Is(p.Err, csv.ErrQuote) {
		problem = fmt.Sprintf(`a cell in quotes that begins in line %d does not end properly; a quote inside it must be doubled`, p.StartLine)
	}
	return rowError{fmt.Errorf("%s:%d:%d: %s", r.path, p.Line, p.Column, problem)}
}

// delimiterRune reads the delimiter parameter.
func delimiterRune(text string) (rune, error) {
	switch text {
	case "":
		return 0, nil
	case "tab", `\t`:
		return '\t', nil
	}
	c, n := utf8.DecodeRuneInString(text)
	if n != len(text) || c == utf8.RuneError || strings.ContainsRune("\"\r\n\x00", c) {
		return 0, &step.ArgError{Param: "delimiter", Problem: fmt.Sprintf("is %q; one character is wanted, such as \",\", \";\" or \"tab\"", text)}
	}
	return c, nil
}
