package guard

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Suppressed is one who is never written to: by a contact's id, by the ways in
// which a phone may be written, or by both where nothing tells the two apart.
type Suppressed struct {
	Contact int
	Numbers []string // as step.PhoneForms gives them; the address of a chat is one
}

// ListError is a file of suppressed people that cannot be used as it is. It does
// not repeat what stands there: that may be somebody's phone.
type ListError struct {
	File    string
	Line    int // 0 is the whole file
	Problem string
}

// Error names the file and the line.
func (e *ListError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem)
}

// ReadSuppressed ranges over a file of suppressed people: a CSV whose header has
// a column phone or contactId, separated by comma, semicolon or tab, or one value
// a line without a header. It ends with *ListError at the first row that names
// nobody, and also where the file has no rows or a cell of several lines: a list that
// is broken never looks like a shorter one.
func ReadSuppressed(file string, r io.Reader) iter.Seq2[Suppressed, error] {
	return func(yield func(Suppressed, error) bool) {
		in := bufio.NewReader(r)
		if bom, err := in.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
			_, _ = in.Discard(3)
		}
		l := &listReader{file: file, csv: csv.NewReader(in)}
		l.csv.FieldsPerRecord, l.csv.ReuseRecord = -1, true
		first, err := in.Peek(maxHeader)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			yield(Suppressed{}, &ListError{file, 0, "cannot be read: " + err.Error()})
			return
		}
		l.csv.Comma = delimiter(first)
		rows := 0
		for {
			s, ok, err := l.next()
			switch {
			case errors.Is(err, io.EOF) && rows == 0:
				yield(Suppressed{}, &ListError{file, 0, "names nobody; an empty list would look like one that was lost"})
				return
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Suppressed{}, err)
				return
			case !ok:
				continue
			}
			rows++
			if !yield(s, nil) {
				return
			}
		}
	}
}

// maxHeader is how much of a file is looked at for its header.
const maxHeader = 2048

// delimiter is what parts the columns of the first line.
func delimiter(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	for _, c := range ";\t" {
		if bytes.ContainsRune(line, c) && !bytes.ContainsRune(line, ',') {
			return c
		}
	}
	return ','
}

type listReader struct {
	file           string
	csv            *csv.Reader
	begun          bool
	phone, contact int // columns; -1 is none
	bare           bool
}

// next reads one row; not ok is a header or a blank one.
func (l *listReader) next() (s Suppressed, ok bool, err error) {
	row, err := l.csv.Read()
	if errors.Is(err, io.EOF) {
		return s, false, err
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return s, false, &ListError{l.file, bad.StartLine, "is no row of a CSV: " + bad.Err.Error()}
	}
	if err != nil {
		return s, false, &ListError{l.file, 0, "cannot be read: " + err.Error()}
	}
	line, _ := l.csv.FieldPos(0)
	if slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, "\n") }) {
		// A quote too many makes the rows up to the next one a cell.
		return s, false, &ListError{l.file, line, "has a cell of several lines, which may hold people; close the quote, or write the cell in one line"}
	}
	if !l.begun {
		l.begun = true
		find := func(name string) int {
			return slices.IndexFunc(row, func(cell string) bool { return strings.EqualFold(strings.TrimSpace(cell), name) })
		}
		if l.phone, l.contact = find("phone"), find("contactId"); l.phone >= 0 || l.contact >= 0 {
			return s, false, nil
		}
		l.bare = true
		if len(row) > 1 {
			return s, false, &ListError{l.file, line, "the header has neither phone nor contactId"}
		}
	}
	return l.read(row, line)
}

func (l *listReader) read(row []string, line int) (s Suppressed, ok bool, err error) {
	fail := func(problem string) (Suppressed, bool, error) {
		return Suppressed{}, false, &ListError{l.file, line, problem}
	}
	cell := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[i])
	}
	for _, text := range row {
		if !utf8.ValidString(text) && l.bare {
			return fail("is not UTF-8")
		}
	}
	if l.bare {
		text := cell(0)
		if len(row) > 1 {
			return fail("has more than one value, and the file has no header")
		}
		if text == "" {
			return s, false, nil
		}
		s.Contact, _ = strconv.Atoi(text)
		if s.Numbers, err = step.PhoneForms(text); err != nil && s.Contact < 1 {
			return fail("is neither a phone nor a contact's id")
		}
		return s, true, nil
	}
	phone, contact := cell(l.phone), cell(l.contact)
	if contact != "" {
		if s.Contact, err = strconv.Atoi(contact); err != nil || s.Contact < 1 {
			return fail("its contactId is no whole number from 1 on")
		}
	}
	if phone != "" {
		if s.Numbers, err = step.PhoneForms(phone); err != nil {
			return fail("its phone " + err.Error())
		}
	}
	if s.Contact == 0 && s.Numbers == nil {
		return fail("names nobody")
	}
	return s, true, nil
}
