package planfile

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// cursor reads a line as this package writes it: members in our order, no blanks.
// Whatever else it meets makes it give up, and the line is read in the general
// way; what it does read is what the general way reads.
type cursor struct {
	b    []byte // what is left of the line
	odd  bool   // it gave up
	deep int
	size int // of the last object: the records of a stream have much the same members
	// names keeps one copy of the name of each member, of which plans have few.
	names map[string]string
}

const (
	maxDeep  = 64  // lists and objects inside each other
	maxNames = 512 // names that are kept
)

// begin takes a line, and passes over its head.
func (c *cursor) begin(line []byte, head string) {
	c.b, c.odd, c.deep = line, false, 0
	c.literal(head)
}

// closed passes over the end of a record, and reports whether all of the line was read.
func (c *cursor) closed() bool {
	c.literal("}")
	return c.ended()
}

// ended reports whether all of the line was read.
func (c *cursor) ended() bool { return !c.odd && len(c.b) == 1 && c.b[0] == '\n' }

// send reads a send. Texts that are those of last share their memory.
func (c *cursor) send(line []byte, last *Send) (r Send, ok bool) {
	c.begin(line, `{"type":"send"`)
	r.Type = "send"
	r.Seq = c.whole(`,"seq":`)
	r.Step = c.text(`,"step":`, last.Step)
	r.Unit = c.whole(`,"unit":`)
	r.Item = wholes(c, `,"item":`, short)
	r.Status = c.text(`,"status":`, last.Status)
	r.Reason = c.text(`,"reason":`, last.Reason)
	r.Rail = c.text(`,"rail":`, last.Rail)
	r.Since = c.moment(`,"since":`)
	r.Message = short(c, c.whole(`,"messageId":`))
	r.Changed = c.skip(`,"changed":true`)
	r.Identity = c.text(`,"identity":`, "")
	r.Former = c.text(`,"formerStep":`, last.Former)
	r.Account = c.text(`,"account":`, last.Account)
	r.Key = c.text(`,"key":`, "")
	r.Period = c.text(`,"period":`, last.Period)
	r.Contact = short(c, c.whole(`,"contact":`))
	r.Zone = c.text(`,"zone":`, last.Zone)
	r.Content = c.text(`,"content":`, "")
	r.TextHash = c.text(`,"textHash":`, last.TextHash)
	r.Args = c.values(`,"args":`)
	r.Internal = c.skip(`,"internal":true`)
	r.Person = c.text(`,"person":`, "")
	r.Known = c.texts(`,"known":`)
	r.LastWrote = c.moment(`,"lastWrote":`)
	return r, c.closed()
}

func (c *cursor) item(line []byte) (r Item, ok bool) {
	c.begin(line, `{"type":"item"`)
	r.Type = "item"
	r.Loop = c.text(`,"loop":`, "")
	r.Unit = c.whole(`,"unit":`)
	r.Item = wholes(c, `,"item":`, short)
	r.Status = c.text(`,"status":`, "")
	r.Reason = c.text(`,"reason":`, "")
	r.Sends = wholes(c, `,"sends":`, func(_ *cursor, n int64) int64 { return n })
	r.Outputs = c.values(`,"outputs":`)
	r.Scope = c.values(`,"scope":`)
	return r, c.closed()
}

func (c *cursor) row(line []byte) (r Row, ok bool) {
	c.begin(line, `{"type":"row"`)
	r.Type = "row"
	r.Stream = c.text(`,"stream":`, "")
	c.literal(`,"value":`)
	r.Value.V = c.value()
	return r, c.closed()
}

// stream reads the stream that the line of a row belongs to.
func (c *cursor) stream(line []byte) (name string, ok bool) {
	c.begin(line, `{"type":"row","stream":`)
	name = c.name()
	return name, !c.odd
}

// lone reads the line of a value.
func (c *cursor) lone(line []byte) (any, bool) {
	c.begin(line, "")
	v := c.value()
	return v, c.ended()
}

// skip passes over what follows if it is s.
func (c *cursor) skip(s string) bool {
	if len(c.b) < len(s) || string(c.b[:len(s)]) != s {
		return false
	}
	c.b = c.b[len(s):]
	return true
}

// literal passes over what must follow.
func (c *cursor) literal(s string) {
	if !c.skip(s) {
		c.odd = true
	}
}

// text reads the text of a member, "" where it is absent. One that equals last is
// last.
func (c *cursor) text(name, last string) string {
	if !c.skip(name) {
		return ""
	}
	raw := c.raw()
	if string(raw) == last {
		return last
	}
	return string(raw)
}

// raw reads a text. The bytes are valid until the line is gone.
func (c *cursor) raw() []byte {
	if len(c.b) == 0 || c.b[0] != '"' {
		c.odd = true
		return nil
	}
	ascii := true
	for i := 1; i < len(c.b); i++ {
		switch x := c.b[i]; {
		case x == '"':
			text := c.b[1:i]
			c.b = c.b[i+1:]
			if !ascii && !utf8.Valid(text) {
				c.odd = true
			}
			return text
		case x == '\\':
			return c.escaped(i)
		case x < ' ':
			c.odd = true
			return nil
		case x >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.odd = true
	return nil
}

// escaped reads a text whose first escape stands at i.
func (c *cursor) escaped(i int) []byte {
	for ; i < len(c.b) && c.b[i] != '"'; i++ {
		if c.b[i] == '\\' {
			i++
		}
	}
	if i >= len(c.b) {
		c.odd = true
		return nil
	}
	text, err := jsontext.AppendUnquote(nil, c.b[:i+1])
	c.odd = c.odd || err != nil
	c.b = c.b[i+1:]
	return text
}

// digits reads an integer.
func (c *cursor) digits() int64 {
	i := 0
	for i < len(c.b) && (c.b[i] == '-' || c.b[i] >= '0' && c.b[i] <= '9') {
		i++
	}
	n, err := strconv.ParseInt(string(c.b[:i]), 10, 64)
	// What is written otherwise, as 007 or -0, is not ours.
	var few [20]byte
	if err != nil || !bytes.Equal(strconv.AppendInt(few[:0], n, 10), c.b[:i]) {
		c.odd = true
	}
	c.b = c.b[i:]
	return n
}

// short is an integer that must fit into an int.
func short(c *cursor, n int64) int {
	if int64(int(n)) != n {
		c.odd = true
	}
	return int(n)
}

// whole reads the integer of a member, 0 where it is absent.
func (c *cursor) whole(name string) int64 {
	if !c.skip(name) {
		return 0
	}
	return c.digits()
}

// wholes reads the list of integers of a member, nil where it is absent or null.
func wholes[T int | int64](c *cursor, name string, as func(*cursor, int64) T) (list []T) {
	if !c.skip(name) || c.skip("null") {
		return nil
	}
	c.literal("[")
	if c.skip("]") {
		return []T{}
	}
	for !c.odd {
		list = append(list, as(c, c.digits()))
		if c.skip("]") {
			break
		}
		c.literal(",")
	}
	return list
}

func (c *cursor) texts(name string) (list []string) {
	if !c.skip(name) {
		return nil
	}
	c.literal("[")
	for !c.odd {
		list = append(list, string(c.raw()))
		if c.skip("]") {
			break
		}
		c.literal(",")
	}
	return list
}

func (c *cursor) moment(name string) *time.Time {
	if !c.skip(name) {
		return nil
	}
	var t time.Time
	text := c.raw()
	err := t.UnmarshalText(text)
	// Package time also reads what is no RFC 3339, such as an hour of one digit.
	var few [64]byte
	if again, wrong := t.AppendText(few[:0]); err != nil || wrong != nil || !bytes.Equal(again, text) {
		c.odd = true
	}
	return &t
}

// values reads the values of a member, nil where it is absent.
func (c *cursor) values(name string) Members {
	if !c.skip(name) {
		return nil
	}
	all := Members{}
	c.members(func(name string) { all[name] = c.value() })
	return all
}

// members reads an object whose names are sorted, as we write them.
func (c *cursor) members(each func(name string)) {
	c.literal("{")
	if c.skip("}") {
		return
	}
	last := ""
	for first := true; !c.odd; first = false {
		name := c.name()
		c.literal(":")
		if !first && name <= last {
			c.odd = true // or twice, of which the general way knows what counts
		}
		last = name
		if c.odd {
			return
		}
		each(name)
		if c.skip("}") {
			return
		}
		c.literal(",")
	}
}

func (c *cursor) name() string {
	raw := c.raw()
	name, known := c.names[string(raw)]
	if !known {
		name = string(raw)
		if c.names == nil {
			c.names = map[string]string{}
		}
		if len(c.names) < maxNames {
			c.names[name] = name
		}
	}
	return name
}

// value reads any value.
func (c *cursor) value() any {
	if len(c.b) == 0 || c.odd {
		c.odd = true
		return nil
	}
	switch c.b[0] {
	case '"':
		return string(c.raw())
	case '{':
		return c.object()
	case '[':
		return c.list()
	case 't':
		c.literal("true")
		return true
	case 'f':
		c.literal("false")
		return false
	case 'n':
		c.literal("null")
		return nil
	}
	return c.number()
}

// number reads an integer or a number, which has a point or an exponent.
func (c *cursor) number() any {
	i := bytes.IndexFunc(c.b, func(r rune) bool {
		return (r < '0' || r > '9') && r != '-' && r != '+' && r != '.' && r != 'e' && r != 'E'
	})
	if i < 0 {
		c.odd = true
		return nil
	}
	text := c.b[:i]
	if !bytes.ContainsAny(text, ".eE") {
		return short(c, c.digits())
	}
	x, err := strconv.ParseFloat(string(text), 64)
	c.odd = c.odd || err != nil || !jsontext.Value(text).IsValid()
	c.b = c.b[i:]
	return x
}

func (c *cursor) enter() {
	if c.deep++; c.deep > maxDeep {
		c.odd = true
	}
}

func (c *cursor) list() any {
	c.enter()
	defer func() { c.deep-- }()
	list := []any{}
	c.literal("[")
	if c.skip("]") {
		return list
	}
	for !c.odd {
		list = append(list, c.value())
		if c.skip("]") {
			break
		}
		c.literal(",")
	}
	return list
}

func (c *cursor) object() any {
	c.enter()
	defer func() { c.deep-- }()
	out, marked := make(map[string]any, min(c.size, 64)), false
	c.members(func(name string) {
		out[name] = c.value()
		marked = marked || name != "" && name[0] == '$'
	})
	c.size = len(out)
	if !marked || c.odd {
		return out
	}
	v, err := unmark(out)
	c.odd = c.odd || err != nil
	return v
}
