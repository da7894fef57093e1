package chat2desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errNotJSON = errors.New("the answer is no JSON")
	errCutOff  = errors.New("the answer broke off")
)

// parseJSON reads a body into what encoding/json makes of it, with numbers as
// json.Number and objects as object. fields, when not nil, are the members to keep of each record: an
// object that stands in the list data, or in a list that is the whole body. The
// others are checked and passed over, which is most of what reading a page costs.
func parseJSON(body []byte, fields []string) (any, error) {
	// As lenient as encoding/json: a slip of the server's is no reason to lose an
	// answer that says whether a message was accepted.
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	p := jsonParser{d: jsontext.NewDecoder(bytes.NewBuffer(body), lenient...), fields: fields}
	v, err := p.body()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCutOff
	case err != nil:
		return nil, errNotJSON
	}
	if _, err := p.d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON // something follows
	}
	return v, nil
}

// jsonParser is one reading of a body.
type jsonParser struct {
	d      *jsontext.Decoder
	fields []string
	begun  []member // those of the objects that are being read, the outermost first
	listed []any    // as well of the lists
}

func (p *jsonParser) body() (any, error) {
	switch p.d.PeekKind() {
	case '{':
		return p.object(nil, func(name string) (any, error) {
			if name == "data" && p.d.PeekKind() == '[' {
				return p.list(p.record)
			}
			return p.value()
		})
	case '[':
		return p.list(p.record)
	}
	return p.value()
}

// record reads the wanted members of an object; anything else whole.
func (p *jsonParser) record() (any, error) {
	if p.fields == nil || p.d.PeekKind() != '{' {
		return p.value()
	}
	return p.object(p.fields, p.member)
}

// value reads any value.
func (p *jsonParser) value() (any, error) {
	switch p.d.PeekKind() {
	case '{':
		return p.object(nil, p.member)
	case '[':
		return p.list(p.value)
	}
	t, err := p.d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func (p *jsonParser) member(string) (any, error) { return p.value() }

// object reads an object; keep, when not nil, are the members to keep.
func (p *jsonParser) object(keep []string, read func(name string) (any, error)) (any, error) {
	from := len(p.begun)
	if _, err := p.d.ReadToken(); err != nil {
		return nil, err
	}
	for p.d.PeekKind() == '"' {
		name, wanted, err := p.name(keep)
		if err != nil {
			return nil, err
		}
		if !wanted {
			if _, err := p.d.ReadValue(); err != nil {
				return nil, err
			}
			continue
		}
		v, err := read(name)
		if err != nil {
			return nil, err
		}
		p.begun = append(p.begun, member{name, v})
	}
	o := make(object, len(p.begun)-from)
	copy(o, p.begun[from:])
	p.begun = p.begun[:from]
	_, err := p.d.ReadToken() // its end, or what is wrong
	return o, err
}

// name reads the name of a member, and says whether it is to be kept.
func (p *jsonParser) name(keep []string) (name string, wanted bool, err error) {
	if keep == nil {
		t, err := p.d.ReadToken()
		if err != nil {
			return "", false, err
		}
		return t.String(), true, nil
	}
	raw, err := p.d.ReadValue()
	if err != nil {
		return "", false, err
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text, _ = jsontext.AppendUnquote(nil, raw) // an error tells of U+FFFD
	}
	for _, name := range keep {
		if name == string(text) {
			return name, true, nil
		}
	}
	return "", false, nil
}

// list reads a list.
func (p *jsonParser) list(element func() (any, error)) (any, error) {
	from := len(p.listed)
	if _, err := p.d.ReadToken(); err != nil {
		return nil, err
	}
	for k := p.d.PeekKind(); k != ']' && k != 0; k = p.d.PeekKind() {
		v, err := element()
		if err != nil {
			return nil, err
		}
		p.listed = append(p.listed, v)
	}
	list := make([]any, len(p.listed)-from)
	copy(list, p.listed[from:])
	p.listed = p.listed[:from]
	_, err := p.d.ReadToken() // its end, or what is wrong
	return list, err
}
