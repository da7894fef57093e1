package planfile

import (
	"encoding/json"
	"errors"
)

// decoder reads the records of one file. Those of which a plan has many are
// read by hand, in the form in which we write them; whatever else stands there
// is left to encoding/json.
type decoder struct{ names names }

func (d *decoder) record(line []byte) (any, error) {
	switch typeOf(line) {
	case "header":
		return as[Header](line)
	case "send":
		if r, ok := d.send(line); ok {
			return r, nil
		}
		return as[Send](line)
	case "local":
		return as[Local](line)
	case "item":
		if r, ok := d.item(line); ok {
			return r, nil
		}
		return as[Item](line)
	case "step":
		return as[Step](line)
	case "row":
		if r, ok := d.row(line); ok {
			return r, nil
		}
		return as[Row](line)
	case "leftOut":
		return as[LeftOut](line)
	case "optOut":
		return as[OptOut](line)
	case "end":
		return as[End](line)
	}
	return nil, errors.New("this is no record of a plan")
}

func as[T any](line []byte) (any, error) {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, err
	}
	return v, nil
}

// row reads {"type":…,"stream":…,"value":…}.
func (d *decoder) row(line []byte) (r Row, ok bool) {
	in := reader{b: line, names: &d.names}
	err := in.members(func(name string) error {
		switch name {
		case "type":
			return in.textInto(&r.Type)
		case "stream":
			return in.textInto(&r.Stream)
		case "value":
			return in.valueInto(&r.Value)
		}
		return errUnknownMember
	})
	return r, err == nil && in.end() == nil
}

var errUnknownMember = errors.New("read record: a member has another name")

// send reads a send; false leaves it to encoding/json.
func (d *decoder) send(line []byte) (r Send, ok bool) {
	in := reader{b: line, names: &d.names}
	err := in.members(func(name string) error {
		switch name {
		case "type":
			return in.textInto(&r.Type)
		case "seq":
			return intInto(&in, &r.Seq)
		case "step":
			return in.textInto(&r.Step)
		case "unit":
			return intInto(&in, &r.Unit)
		case "item":
			return intsInto(&in, &r.Item)
		case "status":
			return in.textInto(&r.Status)
		case "reason":
			return in.textInto(&r.Reason)
		case "rail":
			return in.textInto(&r.Rail)
		case "person":
			return in.textInto(&r.Person)
		case "messageId":
			return intInto(&in, &r.Message)
		case "identity":
			return in.textInto(&r.Identity)
		case "formerStep":
			return in.textInto(&r.Former)
		case "account":
			return in.textInto(&r.Account)
		case "key":
			return in.textInto(&r.Key)
		case "period":
			return in.textInto(&r.Period)
		case "contact":
			return intInto(&in, &r.Contact)
		case "zone":
			return in.textInto(&r.Zone)
		case "content":
			return in.textInto(&r.Content)
		case "textHash":
			return in.textInto(&r.TextHash)
		case "args":
			return in.valuesInto(&r.Args)
		}
		return errUnknownMember
	})
	return r, err == nil && in.end() == nil
}

// item reads an iteration; false leaves it to encoding/json.
func (d *decoder) item(line []byte) (r Item, ok bool) {
	in := reader{b: line, names: &d.names}
	err := in.members(func(name string) error {
		switch name {
		case "type":
			return in.textInto(&r.Type)
		case "loop":
			return in.textInto(&r.Loop)
		case "unit":
			return intInto(&in, &r.Unit)
		case "item":
			return intsInto(&in, &r.Item)
		case "status":
			return in.textInto(&r.Status)
		case "reason":
			return in.textInto(&r.Reason)
		case "sends":
			return intsInto(&in, &r.Sends)
		case "outputs":
			return in.valuesInto(&r.Outputs)
		case "scope":
			return in.valuesInto(&r.Scope)
		}
		return errUnknownMember
	})
	return r, err == nil && in.end() == nil
}

func (r *reader) textInto(to *string) (err error) {
	*to, err = r.text()
	return err
}

func (r *reader) valueInto(to *Value) (err error) {
	to.V, err = r.value(0)
	return err
}

func (r *reader) valuesInto(to *map[string]Value) error {
	*to = map[string]Value{}
	return r.members(func(name string) error {
		var v Value
		err := r.valueInto(&v)
		(*to)[name] = v
		return err
	})
}

func intInto[T int | int64](r *reader, to *T) error {
	v, err := r.number()
	if err != nil {
		return err
	}
	n, ok := v.(int)
	if !ok {
		return r.broken("a whole number is wanted")
	}
	*to = T(n)
	return nil
}

func intsInto[T int | int64](r *reader, to *[]T) error {
	*to = []T{}
	return r.list(func() error {
		var n T
		err := intInto(r, &n)
		*to = append(*to, n)
		return err
	})
}
