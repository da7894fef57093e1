package engine

import (
	"context"
	"iter"

	"github.com/flowrunner/flowrunner/engine/lang"
	"github.com/flowrunner/flowrunner/engine/step"
)

// People tells what the rails must know of clients. Its calls go over the
// connection of ctx's Host and at its pace.
type People interface {
	// Known gives the facts that a client's record holds, as a step gave it. It makes
	// no call.
	Known(record map[string]any) step.Facts

	// Read asks for one client; ok is false when there is no such client.
	Read(ctx context.Context, contact int) (f step.Facts, ok bool, err error)

	// Tagged ranges over the ids of the clients with any of the tags.
	Tagged(ctx context.Context, tags []int) iter.Seq2[int, error]

	// Wrote gives the newest messages that a client wrote, at most so many.
	Wrote(ctx context.Context, contact, most int) ([]step.Inbound, error)
}

// contactFields are what a record must have to be a client's.
var contactFields = []string{"id", "phone", "assigned_phone", "last_client_message"}

// recordOf is the path of the client's record that a send's contactId is taken
// from, nil when it is taken from elsewhere: client for ${{ client.id }}.
func recordOf(x *Step, sc *lang.Scope) []string {
	for _, a := range x.Args {
		if a.Field.Name != contactParam || a.Value == nil {
			continue
		}
		ref, ok := a.Value.Reference()
		if last := len(ref.Path) - 1; ok && last > 0 && ref.Path[last] == "id" {
			shape, ok := sc.ShapeAt(ref.Path[:last])
			if !ok || shape.Form != step.FormObject {
				return nil
			}
			for _, name := range contactFields {
				if _, has := shape.Field(name); !has {
					return nil
				}
			}
			return ref.Path[:last]
		}
	}
	return nil
}

// told gives the facts of a send's contact that its record in the flow holds, and false
// where it holds not all that the rails may want.
func (p *planner) told(st *Step, f *frame, facts *step.Facts) bool {
	if st.record == nil || p.o.People == nil {
		return false
	}
	record, ok := f.lookup(st.record).(map[string]any)
	if !ok {
		return false
	}
	for _, name := range contactFields {
		if _, has := record[name]; !has && (name != "last_client_message" || p.p.Guard.Window != "") {
			return false
		}
	}
	*facts = p.o.People.Known(record)
	return true
}

// clientID names a client: its id means something in its account alone.
type clientID struct {
	account string
	contact int
}

// maxFacts bounds how many clients are remembered that the rails had to ask for.
const maxFacts = 10_000

// factsOf gives what is known of the contact of a send: from its record in the
// flow, else by asking, once for each contact.
func (p *planner) factsOf(ctx context.Context, c *candidate) (step.Facts, error) {
	if c.facts != nil {
		return *c.facts, nil
	}
	who := clientID{c.Account, c.Contact}
	if f, ok := p.asked[who]; ok {
		c.facts = &f
		return f, nil
	}
	f, err := p.readFacts(ctx, c)
	if err != nil {
		return f, err
	}
	if len(p.asked) >= maxFacts {
		clear(p.asked)
	}
	p.asked[who], c.facts = f, &f
	return f, nil
}

func (p *planner) readFacts(ctx context.Context, c *candidate) (step.Facts, error) {
	f := step.Facts{Contact: c.Contact}
	if p.o.People == nil {
		return f, nil
	}
	ctx, err := p.hosted(ctx, c.st)
	if err != nil {
		return f, err
	}
	p.railCalls++
	read, ok, err := p.o.People.Read(ctx, c.Contact)
	if err != nil {
		return f, &StepError{Step: c.st.ID, Item: c.Item, Doing: "asking who the contact is", Span: c.st.Span, Err: err}
	}
	if !ok {
		return f, nil // the API will refuse the send, with its own words
	}
	return read, nil
}

// hosted is a context in which calls go over the connection of a step.
func (s *session) hosted(ctx context.Context, st *Step) (context.Context, error) {
	conn, err := s.connection(st)
	if err != nil {
		return nil, err
	}
	return step.WithHost(ctx, &host{s: s, st: st, conn: conn}), nil
}
