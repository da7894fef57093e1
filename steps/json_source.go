package steps

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"github.com/flowrunner/flowrunner/engine/step"
)

// maxDocument is how much of a JSON file is held in memory as one value, and
// maxLine how long one line of JSON Lines may be, both in bytes.
const (
	maxDocument = 64 << 20
	maxLine     = 16 << 20
)

// jsonSource is a JSON file and how to read it.
type jsonSource struct {
	path  string
	types step.Named[string]
	cells cellReader
	had   map[string]bool // the fields of types that some record had
}

func newJSONSource(path string, types step.Named[string], zone *time.Location) *jsonSource {
	return &jsonSource{path: path, types: types, cells: cellReader{zone: zone, layouts: standard}, had: map[string]bool{}}
}

// document reads the whole file as one value.
func (s *jsonSource) document(file io.Reader) (any, error) {
	data, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, fileError(s.path, err)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%s: is larger than %d MiB, which is all that is read as one value; "+
			"set type to read a list record by record, or write one record a line and set lines: true", s.path, maxDocument>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	return s.decode(data, 1)
}

// decode reads one JSON value that begins in the given line of the file.
func (s *jsonSource) decode(data []byte, line int) (any, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s:%d: is not encoded as UTF-8; save it as UTF-8", s.path, line)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, s.syntax(err, data, line, int(dec.InputOffset()))
	}
	end := int(dec.InputOffset())
	if rest := bytes.TrimLeft(data[end:], " \t\r\n"); len(rest) > 0 {
		return nil, s.at(data, line, len(data)-len(rest), "something follows the value; for one value a line set lines: true")
	}
	return step.FromJSON(v), nil
}

// syntax says where a JSON text is broken.
func (s *jsonSource) syntax(err error, data []byte, line, offset int) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return s.at(data, line, max(0, int(syntax.Offset)-1), "is no JSON: "+err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.at(data, line, len(data), "is no whole JSON: it ends too early")
	}
	return s.at(data, line, offset, "is no JSON: "+err.Error())
}

// at makes an error with the place of an offset, columns counted in characters.
func (s *jsonSource) at(data []byte, line, offset int, problem string) error {
	before := data[:min(offset, len(data))]
	line += bytes.Count(before, []byte("\n"))
	col := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%s:%d:%d: %s", s.path, line, col, problem)
}

// lines gives the value of each line; blank lines are none.
func (s *jsonSource) lines(file io.Reader) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		scan := bufio.NewScanner(file)
		scan.Buffer(make([]byte, 0, 64<<10), maxLine)
		for n := 1; scan.Scan(); n++ {
			line := scan.Bytes()
			if n == 1 {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			v, err := s.decode(line, n)
			if err == nil {
				v, err = s.record(v, fmt.Sprintf("%s:%d", s.path, n))
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
			yield(nil, fmt.Errorf("%s: has a line longer than %d MiB", s.path, maxLine>>20))
		} else if err != nil {
			yield(nil, fileError(s.path, err))
		}
	}
}

// list gives the elements of the list that the file is, one by one.
func (s *jsonSource) list(file io.Reader) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		text := bufio.NewReader(transform.NewReader(file, encoding.UTF8Validator)) // encoding/json would put U+FFFD in its place
		if bom, _ := text.Peek(3); string(bom) == "\ufeff" {
			_, _ = text.Discard(3)
		}
		dec := json.NewDecoder(text)
		dec.UseNumber()
		fail := func(err error) {
			switch {
			case errors.Is(err, encoding.ErrInvalidUTF8):
				yield(nil, fmt.Errorf("%s: is not encoded as UTF-8, somewhere after byte %d; save it as UTF-8", s.path, dec.InputOffset()))
				return
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				err = errors.New("it ends too early")
			}
			yield(nil, fmt.Errorf("%s: is no JSON at byte %d: %w", s.path, dec.InputOffset(), err))
		}
		open, err := dec.Token()
		if err != nil {
			fail(err)
			return
		}
		if open != json.Delim('[') {
			yield(nil, fmt.Errorf("%s: is no list of records; for one record a line set lines: true, for a single value leave type out", s.path))
			return
		}
		for n := 1; dec.More(); n++ {
			var v any
			if err := dec.Decode(&v); err != nil {
				fail(err)
				return
			}
			v, err := s.record(step.FromJSON(v), fmt.Sprintf("%s: record %d", s.path, n))
			if !yield(v, err) || err != nil {
				return
			}
		}
		if _, err := dec.Token(); err != nil {
			fail(err)
			return
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			yield(nil, fmt.Errorf("%s: something follows the list at byte %d", s.path, dec.InputOffset()))
		}
	}
}

// record reads a value by the types asked for.
func (s *jsonSource) record(v any, where string) (any, error) {
	if len(s.types) == 0 {
		return v, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: is no record; type needs records, as in {\"phone\": \"…\"}", where)
	}
	out := make(map[string]any, len(s.types))
	for _, t := range s.types {
		field, ok := m[t.Name]
		if ok {
			s.had[t.Name] = true
		}
		got, err := s.typed(field, t.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: field %s: %w", where, t.Name, err)
		}
		out[t.Name] = got
	}
	return out, nil
}

// typed turns a JSON value into the type asked for, without guessing: only
// texts become dates, times and durations, and only integers become numbers.
func (s *jsonSource) typed(v any, kind string) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case string:
		switch kind {
		case "string":
			return x, nil
		case "date", "time", "duration":
			return s.cells.read(x, kind, new(int))
		}
	case bool:
		if kind == "boolean" {
			return x, nil
		}
	case int:
		switch kind {
		case "integer":
			return x, nil
		case "number":
			return float64(x), nil
		}
	case float64:
		if kind == "number" {
			return x, nil
		}
	}
	if kind == "any" {
		return v, nil
	}
	text, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s is no %s", cut(text), kind)
}
