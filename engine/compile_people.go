package engine

import (
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// PerContact is how often one person may be written to, and where a file says so.
type PerContact struct {
	guard.PerContact
	At diag.Span
}

func (c *compiler) perContact() {
	n := c.doc.Guard.Get("perContact")
	v, ok := c.literal(n, "perContact", step.Field{Shape: step.ShapeText})
	if !ok {
		return
	}
	rule, err := guard.ParsePerContact(v.(string), lang.ParseDuration)
	if err != nil {
		c.diags.Add("wrong-per-contact", n.Span, "%s", err).
			WithDetail("guard.perContact says on how many occasions one person may be written to within a stretch of time.").
			WithHint("write perContact: 1 per 7d")
		return
	}
	c.p.Guard.PerContact = []PerContact{{rule, n.Span}}
}

// suppress compiles whom never to write to.
func (c *compiler) suppress() {
	n := c.doc.Guard.Get("suppress")
	if n == nil || n.Kind != flow.Map {
		return
	}
	sc := c.p.base
	if sc == nil {
		sc = lang.NewScope(nil) // of a project, which has no inputs
	}
	list := func(key string, elem step.Shape) *lang.Value {
		v := n.Get(key)
		if v == nil || v.Kind == flow.Scalar && !strings.Contains(v.Text, "${{") {
			return nil // that it is no list has been said
		}
		return c.value(v, sc, step.Field{Name: key, Shape: step.ListOf(elem), NonEmpty: true})
	}
	s := Suppress{Files: list("files", step.ShapeText), Tags: list("tags", step.ShapeInt), Words: list("words", step.ShapeText)}
	if len(n.Entries) == 0 {
		c.diags.Add("wrong-suppress", n.Span, "suppress names nobody").
			WithDetail("It takes files of phones or contacts, ids of tags, and words with which people ask for peace.").
			WithHint("write suppress: { words: [stop] }, or delete the key")
	}
	c.p.Guard.Suppress = []Suppress{s}
}

// person compiles who the contact of a send is.
func (c *compiler) person(n *flow.Node, sc *lang.Scope, f step.Field) *lang.Value {
	v := c.value(n, sc, f)
	if v == nil {
		return nil
	}
	switch shape := v.Shape(); shape.Form {
	case step.FormText, step.FormInt, step.FormAny, step.FormNil:
		return v
	default:
		c.diags.Add("wrong-type", n.Span, "a person must be a text or an integer, not %s", shape.NotNil()).
			WithHint("name what all contacts of one person share, such as ${{ client.external_id }}")
		return nil
	}
}

// The fields of a client's record that tell whose it is.
var numberFields = []string{"phone", "assigned_phone", "client_phone"}

// factFields are the fields that the rails read of the records of a loop, from
// which its sends take their contacts.
func (p *Program) factFields(loop *Step) []string {
	var fields []string
	for _, send := range loop.Sends {
		if len(send.record) == 0 || send.record[0] != loop.As {
			continue
		}
		fields = append(fields, send.record[1:min(2, len(send.record))]...)
		if len(send.record) == 1 {
			fields = append(fields, slices.Concat([]string{"id"}, numberFields)...)
			if p.Guard.Window != "" {
				fields = append(fields, "last_client_message")
			}
		}
	}
	return fields
}
