package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// encoder writes JSON without reflection: listings are the hot path. Values of
// one level are separated by itself.
type encoder struct{ b []byte }

// comma is due before a key or value unless one has just been opened.
func (e *encoder) comma() {
	if n := len(e.b); n > 0 {
		switch e.b[n-1] {
		case '{', '[', ':', '\n': // a new line begins a value of its own
		default:
			e.b = append(e.b, ',')
		}
	}
}

func (e *encoder) open(bracket byte) {
	e.comma()
	e.b = append(e.b, bracket)
}

func (e *encoder) close(bracket byte) { e.b = append(e.b, bracket) }

func (e *encoder) key(name string) {
	e.comma()
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) raw(json string) {
	e.comma()
	e.b = append(e.b, json...)
}

func (e *encoder) int(v int64) {
	e.comma()
	e.b = strconv.AppendInt(e.b, v, 10)
}

func (e *encoder) text(v string) {
	e.comma()
	e.b = appendQuoted(e.b, v)
}

// member writes a whole member whose value is JSON already.
func (e *encoder) member(name, json string) {
	e.key(name)
	e.raw(json)
}

func (e *encoder) number(name string, v int64) {
	e.key(name)
	e.int(v)
}

// id writes a number, and null for none.
func (e *encoder) id(name string, v int64) {
	if v == 0 {
		e.member(name, "null")
		return
	}
	e.number(name, v)
}

func (e *encoder) string(name, v string) {
	e.key(name)
	e.text(v)
}

// orNull writes a text, and null for none.
func (e *encoder) orNull(name, v string) {
	if v == "" {
		e.member(name, "null")
		return
	}
	e.string(name, v)
}

func (e *encoder) bool(name string, v bool) { e.member(name, strconv.FormatBool(v)) }

// bit writes 0 or 1, which the API has where one expects a bool.
func (e *encoder) bit(name string, v bool) {
	if v {
		e.member(name, "1")
		return
	}
	e.member(name, "0")
}

// digits writes a number as a string, as statistics do.
func (e *encoder) digits(name string, v int64) { e.string(name, strconv.FormatInt(v, 10)) }

func (e *encoder) texts(name string, list []string) {
	e.key(name)
	e.open('[')
	for _, v := range list {
		e.text(v)
	}
	e.close(']')
}

// createdLayout is the API's own: a blank and "UTC", not RFC 3339.
const (
	createdLayout = "2006-01-02T15:04:05" + createdZone
	createdZone   = " UTC"
)

func (e *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		e.member(name, "null")
		return
	}
	e.key(name)
	e.b = append(e.b, '"')
	// Go is quick with a layout of its own. It has the same digits, and of UTC a "Z".
	e.b = t.UTC().Truncate(time.Second).AppendFormat(e.b, time.RFC3339)
	e.b = append(e.b[:len(e.b)-1], createdZone+`"`...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), `\ufffd`...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
