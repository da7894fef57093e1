package planfile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may stand in each other, as
// encoding/json does.
const maxDepth = 10_000

// maxNames bounds how many names of members are kept for the next record.
const maxNames = 512

// names are the names of members met so far: records of one file have the same
// ones over and over.
type names map[string]string

func (n *names) of(raw []byte) string {
	if s, ok := (*n)[string(raw)]; ok {
		return s
	}
	s := string(raw)
	if *n == nil {
		*n = names{}
	}
	if len(*n) < maxNames {
		(*n)[s] = s
	}
	return s
}

// reader reads one JSON value strictly, making Go values in one pass. No memory
// of its input is kept.
type reader struct {
	b     []byte
	i     int
	names *names
	width int // members of the last object, a guess for the next
}

func (r *reader) broken(format string, args ...any) error {
	return fmt.Errorf("read value: byte %d: "+format, append([]any{r.i}, args...)...)
}

func (r *reader) blanks() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// end is an error when anything but blanks follows.
func (r *reader) end() error {
	if r.blanks(); r.i < len(r.b) {
		return r.broken("something follows the value")
	}
	return nil
}

// peek is the next byte that is no blank, 0 at the end.
func (r *reader) peek() byte {
	if r.blanks(); r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) take(c byte) error {
	if r.peek() != c {
		return r.broken("%q is wanted", c)
	}
	r.i++
	return nil
}

func (r *reader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, r.broken("it is too deep")
	}
	switch c := r.peek(); c {
	case '"':
		return r.text()
	case '{':
		return r.object(depth)
	case '[':
		list := []any{}
		err := r.list(func() error {
			v, err := r.value(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	}
	return r.number()
}

func (r *reader) word(w string) error {
	if len(r.b)-r.i < len(w) || string(r.b[r.i:r.i+len(w)]) != w {
		return r.broken("%s is wanted", w)
	}
	r.i += len(w)
	return nil
}

// list calls each for every element.
func (r *reader) list(each func() error) error {
	if err := r.take('['); err != nil {
		return err
	}
	if r.peek() == ']' {
		r.i++
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if r.peek() == ']' {
			r.i++
			return nil
		}
		if err := r.take(','); err != nil {
			return err
		}
	}
}

// members calls each for every member of an object, to read its value.
func (r *reader) members(each func(name string) error) error {
	if err := r.take('{'); err != nil {
		return err
	}
	if r.peek() == '}' {
		r.i++
		return nil
	}
	for {
		name, err := r.name()
		if err == nil {
			err = r.take(':')
		}
		if err == nil {
			err = each(name)
		}
		if err != nil {
			return err
		}
		if r.peek() == '}' {
			r.i++
			return nil
		}
		if err := r.take(','); err != nil {
			return err
		}
	}
}

func (r *reader) object(depth int) (any, error) {
	out, marked := make(map[string]any, r.width), false
	err := r.members(func(name string) error {
		v, err := r.value(depth + 1)
		out[name] = v
		marked = marked || name != "" && name[0] == '$'
		return err
	})
	if r.width = len(out); err != nil || !marked {
		return out, err
	}
	return unmark(out)
}

// plainText is a text that stands as it is, without its quotes; ok is false
// where encoding/json must have a look.
func (r *reader) plainText() (raw []byte, ok bool) {
	if r.peek() != '"' {
		return nil, false
	}
	rest, high := r.b[r.i+1:], false
	for n, c := range rest {
		switch {
		case c == '"':
			if raw = rest[:n]; high && !utf8.Valid(raw) {
				return nil, false
			}
			r.i += n + 2
			return raw, true
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			high = true
		}
	}
	return nil, false
}

func (r *reader) name() (string, error) {
	if raw, ok := r.plainText(); ok {
		return r.names.of(raw), nil
	}
	return r.text()
}

func (r *reader) text() (string, error) {
	if raw, ok := r.plainText(); ok {
		return string(raw), nil
	}
	if err := r.take('"'); err != nil {
		return "", err
	}
	from := r.i - 1
	for ; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case '\\':
			r.i++
		case '"':
			r.i++
			var s string
			err := json.Unmarshal(r.b[from:r.i], &s)
			return s, err
		}
	}
	return "", r.broken("a text does not end")
}

// number reads an int, or a float64 when there is a point or an exponent.
func (r *reader) number() (any, error) {
	r.blanks()
	from := r.i
	digits := func() bool {
		before := r.i
		for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
			r.i++
		}
		return r.i > before
	}
	is := func(set string) bool {
		for k := range len(set) {
			if r.i < len(r.b) && r.b[r.i] == set[k] {
				r.i++
				return true
			}
		}
		return false
	}
	is("-")
	ok, fraction := true, false
	if !is("0") {
		ok = digits()
	}
	if ok && is(".") {
		fraction, ok = true, digits()
	}
	if ok && is("eE") {
		is("+-")
		fraction, ok = true, digits()
	}
	if !ok {
		return nil, r.broken("a value is wanted")
	}
	written := string(r.b[from:r.i])
	if fraction {
		return strconv.ParseFloat(written, 64)
	}
	return strconv.Atoi(written)
}
