package chat2desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	errNotJSON = errors.New("the answer is no JSON")
	errCutOff  = errors.New("the answer broke off")
)

// maxDepth is how deep objects and lists may stand in each other, as for
// encoding/json.
const maxDepth = 10_000

// parseJSON reads a body into what encoding/json makes of it, with numbers as
// json.Number. fields, when not nil, are the members to keep of each record: an
// object that stands in the list data, or in a list that is the whole body. The
// others are checked and passed over, which is most of what reading a page costs.
func parseJSON(body []byte, fields []string) (any, error) {
	p := jsonParser{b: body, fields: fields}
	p.blanks()
	if p.i == len(p.b) {
		return nil, errNotJSON
	}
	var v any
	var err error
	switch p.b[p.i] {
	case '{':
		v, err = p.object(0, func(name string) (any, error) {
			if name == "data" && p.at('[') {
				return p.records(1)
			}
			return p.value(1)
		}, nil)
	case '[':
		v, err = p.records(0)
	default:
		v, err = p.value(0)
	}
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.i < len(p.b) {
		return nil, errNotJSON
	}
	return v, nil
}

// jsonParser is one reading of a body.
type jsonParser struct {
	b      []byte
	i      int
	fields []string
	spare  []byte // of texts with escapes
}

// broken is the error at the place reached: nothing more, or something wrong.
func (p *jsonParser) broken() error {
	if p.i >= len(p.b) {
		return errCutOff
	}
	return errNotJSON
}

func (p *jsonParser) blanks() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

// at reports whether c comes next.
func (p *jsonParser) at(c byte) bool { return p.i < len(p.b) && p.b[p.i] == c }

// records reads a list of records.
func (p *jsonParser) records(depth int) (any, error) {
	if p.fields == nil {
		return p.value(depth)
	}
	list := []any{}
	err := p.list(depth, func() error {
		v, err := p.record(depth + 1)
		list = append(list, v)
		return err
	})
	return list, err
}

// record reads the wanted members of an object; anything else whole.
func (p *jsonParser) record(depth int) (any, error) {
	if !p.at('{') {
		return p.value(depth)
	}
	return p.object(depth, func(string) (any, error) { return p.value(depth + 1) }, p.fields)
}

// value reads any value.
func (p *jsonParser) value(depth int) (any, error) {
	if p.i == len(p.b) {
		return nil, errCutOff
	}
	switch c := p.b[p.i]; c {
	case '{':
		return p.object(depth, func(string) (any, error) { return p.value(depth + 1) }, nil)
	case '[':
		list := []any{}
		err := p.list(depth, func() error {
			v, err := p.value(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		text, err := p.text()
		return string(text), err
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		from := p.i
		err := p.number()
		return json.Number(p.b[from:p.i]), err
	}
}

// skip passes over a value.
func (p *jsonParser) skip(depth int) error {
	if p.i == len(p.b) {
		return errCutOff
	}
	switch p.b[p.i] {
	case '{':
		return p.members(depth, func([]byte) error { return p.skip(depth + 1) })
	case '[':
		return p.list(depth, func() error { return p.skip(depth + 1) })
	case '"':
		_, err := p.raw()
		return err
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	return p.number()
}

// object reads an object; keep, when not nil, are the members to keep. Of a name
// that comes twice the last value counts.
func (p *jsonParser) object(depth int, read func(name string) (any, error), keep []string) (any, error) {
	m := make(map[string]any, len(keep))
	err := p.members(depth, func(name []byte) error {
		if keep == nil {
			name := string(name)
			v, err := read(name)
			m[name] = v
			return err
		}
		i := slices.IndexFunc(keep, func(s string) bool { return s == string(name) })
		if i < 0 {
			return p.skip(depth + 1)
		}
		v, err := read(keep[i])
		m[keep[i]] = v
		return err
	})
	return m, err
}

// members calls value for each member of an object, where its value begins.
func (p *jsonParser) members(depth int, value func(name []byte) error) error {
	if depth >= maxDepth {
		return errNotJSON
	}
	p.i++
	if p.blanks(); p.at('}') {
		p.i++
		return nil
	}
	for {
		if p.blanks(); !p.at('"') {
			return p.broken()
		}
		name, err := p.text()
		if err != nil {
			return err
		}
		if p.blanks(); !p.at(':') {
			return p.broken()
		}
		p.i++
		p.blanks()
		if err := value(name); err != nil {
			return err
		}
		if p.blanks(); !p.at(',') {
			break
		}
		p.i++
	}
	if !p.at('}') {
		return p.broken()
	}
	p.i++
	return nil
}

// list calls element for each element of a list, where it begins.
func (p *jsonParser) list(depth int, element func() error) error {
	if depth >= maxDepth {
		return errNotJSON
	}
	p.i++
	if p.blanks(); p.at(']') {
		p.i++
		return nil
	}
	for {
		p.blanks()
		if err := element(); err != nil {
			return err
		}
		if p.blanks(); !p.at(',') {
			break
		}
		p.i++
	}
	if !p.at(']') {
		return p.broken()
	}
	p.i++
	return nil
}

func (p *jsonParser) word(want string) error {
	for i := range len(want) {
		if !p.at(want[i]) {
			return p.broken()
		}
		p.i++
	}
	return nil
}

// number passes over a number as JSON writes it.
func (p *jsonParser) number() error {
	if p.at('-') {
		p.i++
	}
	if p.at('0') {
		p.i++
	} else if err := p.digits(); err != nil {
		return err
	}
	if p.at('.') {
		p.i++
		if err := p.digits(); err != nil {
			return err
		}
	}
	if p.at('e') || p.at('E') {
		p.i++
		if p.at('+') || p.at('-') {
			p.i++
		}
		return p.digits()
	}
	return nil
}

// digits passes over one digit or more.
func (p *jsonParser) digits() error {
	from := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	if p.i == from {
		return p.broken()
	}
	return nil
}

// raw passes over a text and reports whether it is plain: what stands between
// the quotes is the text.
func (p *jsonParser) raw() (plain bool, err error) {
	plain = true
	for p.i++; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '"':
			p.i++
			return plain, nil
		case c == '\\':
			plain = false
			if err := p.escape(); err != nil {
				return false, err
			}
		case c < ' ':
			return false, errNotJSON
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return false, errCutOff
}

// escape passes over what a backslash introduces, up to its last byte.
func (p *jsonParser) escape() error {
	p.i++
	if p.i == len(p.b) {
		return errCutOff
	}
	if p.b[p.i] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), p.b[p.i]) < 0 {
			return errNotJSON
		}
		return nil
	}
	for range 4 {
		p.i++
		if p.i == len(p.b) {
			return errCutOff
		}
		if c := p.b[p.i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') || p.b[p.i] < '0' {
			return errNotJSON
		}
	}
	return nil
}

// text reads a text. The bytes are good until the next text is read.
func (p *jsonParser) text() ([]byte, error) {
	from := p.i + 1
	plain, err := p.raw()
	if err != nil {
		return nil, err
	}
	s := p.b[from : p.i-1]
	if plain || bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) {
		return s, nil
	}
	p.spare = unescape(p.spare[:0], s)
	return p.spare, nil
}

// unescape appends a text as it is meant: escapes resolved, and U+FFFD for what
// is no UTF-8 or half a surrogate pair.
func unescape(to, s []byte) []byte {
	for len(s) > 0 {
		switch {
		case s[0] != '\\':
			r, n := utf8.DecodeRune(s)
			to, s = utf8.AppendRune(to, r), s[n:]
		case s[1] != 'u':
			to, s = append(to, escapes[s[1]]), s[2:]
		default:
			r := codeUnit(s)
			s = s[6:]
			if utf16.IsSurrogate(r) {
				second := rune(-1)
				if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
					second = codeUnit(s)
				}
				if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
					s = s[6:]
				}
			}
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// codeUnit reads the four digits of a \u.
func codeUnit(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 32)
	return rune(n)
}
