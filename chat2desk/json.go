package chat2desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errNotJSON = errors.New("the answer is no JSON")
	errCutOff  = errors.New("the answer broke off")
)

// parseJSON reads a body into what encoding/json makes of it, with numbers as
// json.Number. fields, when not nil, are the members to keep of each record: an
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

// object reads an object; keep, when not nil, are the members to keep. Of a name
// that comes twice the last value counts.
func (p *jsonParser) object(keep []string, read func(name string) (any, error)) (any, error) {
	m := make(map[string]any, len(keep))
	if _, err := p.d.ReadToken(); err != nil {
		return nil, err
	}
	for p.d.PeekKind() == '"' {
		name, wanted, err := p.name(keep)
		if err != nil {
			return nil, err
		}
		if !wanted {
			if err := p.d.SkipValue(); err != nil {
				return nil, err
			}
			continue
		}
		if m[name], err = read(name); err != nil {
			return nil, err
		}
	}
	_, err := p.d.ReadToken() // its end, or what is wrong
	return m, err
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
	i := slices.IndexFunc(keep, func(s string) bool { return s == string(text) })
	if i < 0 {
		return "", false, nil
	}
	return keep[i], true, nil
}

// list reads a list.
func (p *jsonParser) list(element func() (any, error)) (any, error) {
	list := []any{}
	if _, err := p.d.ReadToken(); err != nil {
		return nil, err
	}
	for k := p.d.PeekKind(); k != ']' && k != 0; k = p.d.PeekKind() {
		v, err := element()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := p.d.ReadToken() // its end, or what is wrong
	return list, err
}
