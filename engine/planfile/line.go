package planfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// maxLine bounds one record; longer ones are no plan of ours.
const maxLine = 16 << 20

// Line is one record of a plan that has not been read yet. It is valid until the
// next one comes.
type Line struct {
	Type     string // as that of the record
	From, To int64  // where it stands in the file, in bytes
	text     []byte
	path     string
	n        int // from 1; 0 where nobody has counted
	decoder  *decoder
}

// Record reads it: a value of type Header, Send, Local, Item, Step, Row, LeftOut,
// OptOut or End.
func (l Line) Record() (any, error) {
	rec, err := l.decoder.decode(l.text)
	return rec, l.wrong(err)
}

// Stream is the stream that a row belongs to.
func (l Line) Stream() (string, error) {
	name, err := l.decoder.stream(l.text)
	return name, l.wrong(err)
}

func (l Line) wrong(err error) error {
	if err == nil {
		return nil
	}
	return &Error{l.path, l.n, err.Error()}
}

// Lines streams the lines of a plan that Check has accepted, for a reader who does
// not want all of its records. An error is an *Error.
func Lines(path string) iter.Seq2[Line, error] { return linesFrom(path, 0) }

func linesFrom(path string, from int64) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f, err := os.Open(path)
		if err == nil && from > 0 {
			_, err = f.Seek(from, io.SeekStart)
		}
		if err != nil {
			yield(Line{}, fmt.Errorf("read plan: %w", err))
			return
		}
		defer f.Close()
		l := Line{To: from, path: path, decoder: &decoder{}}
		for text, err := range lines(f) {
			if from == 0 {
				l.n++
			}
			if err != nil {
				yield(Line{}, l.wrong(err))
				return
			}
			l.Type, l.From, l.To, l.text = typeOf(text), l.To, l.To+int64(len(text)), text
			if !yield(l, nil) {
				return
			}
		}
	}
}

// Records streams the records of a plan that Check has accepted: values of type
// Header, Send, Local, Item, Step, Row, LeftOut, OptOut and End.
func Records(path string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for line, err := range Lines(path) {
			var rec any
			if err == nil {
				rec, err = line.Record()
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

// Rows streams the values of one stream of a plan that Check has accepted. All of
// them stand between two places of the file.
func Rows(path, stream string, from, to int64) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for line, err := range linesFrom(path, from) {
			if err == nil && line.From >= to {
				return
			}
			if err == nil && line.Type != "row" {
				continue
			}
			var name string
			if err == nil {
				name, err = line.Stream()
			}
			if err == nil && name != stream {
				continue
			}
			var rec any
			if err == nil {
				rec, err = line.Record()
			}
			row, _ := rec.(Row)
			if !yield(row.Value.V, err) || err != nil {
				return
			}
		}
	}
}

// Values streams values that stand one a line, as AppendLine writes them.
func Values(r io.Reader) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		d := decoder{}
		for line, err := range lines(r) {
			var v any
			if err == nil {
				v, err = d.value(line)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// lines ranges over whole lines, their newline included. A last line without
// one is an error: something is cut off.
func lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		br := bufio.NewReaderSize(r, 1<<16)
		var long []byte
		for {
			part, err := br.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) || len(long) > 0 {
				long = append(long, part...)
				if len(long) > maxLine {
					yield(nil, fmt.Errorf("a record is longer than %d bytes", maxLine))
					return
				}
				if err != nil && errors.Is(err, bufio.ErrBufferFull) {
					continue
				}
				part = long
			}
			switch {
			case err == nil:
				if !yield(part, nil) {
					return
				}
				long = nil
			case errors.Is(err, io.EOF) && len(part) == 0:
				return
			case errors.Is(err, io.EOF):
				yield(nil, errors.New("the last line is cut off"))
				return
			default:
				yield(nil, err)
				return
			}
		}
	}
}
