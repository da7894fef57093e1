package engine

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/step"
)

// identify settles who the contact of a send is: what person: gave, else the
// phone that the flow's records or, where perContact counts, the API tell, else
// the contact itself.
func (p *planner) identify(ctx context.Context, c *candidate) error {
	c.Internal, c.contact = c.recipient.Internal, ledger.PersonOfContact(c.Account, c.Contact)
	switch {
	case c.named != "":
		c.person = personNamed(c.named)
	case c.facts == nil && (len(p.p.Guard.PerContact) == 0 || p.p.Class != ledger.Marketing || c.Internal):
		c.person = c.contact
	default:
		f, err := p.factsOf(ctx, c)
		if err != nil {
			return err
		}
		c.person = c.contact
		if len(f.Numbers) > 0 {
			c.person = numberOf(f.Numbers[0])
		}
	}
	c.Person = c.person.String()
	return nil
}

// fullNumber is how many digits a number with the country's code has at least; a
// shorter one is an id of somebody's own.
const fullNumber = 10

// personNamed is the person whom a flow names: by a telephone number, the same as
// whoever has it, else by a name of its own.
func personNamed(name string) ledger.Person {
	forms, err := step.PhoneForms(name)
	if err == nil && !strings.HasPrefix(forms[0], "[") && (len(forms[0]) >= fullNumber || strings.HasPrefix(name, "+")) {
		return numberOf(forms[0])
	}
	return ledger.PersonNamed(name)
}

// mexico is how WhatsApp writes Mexican mobiles: with a 1 that others leave out.
const mexico, mexicoDigits = "521", 13

// numberOf is the person who has a telephone number, however it is written.
func numberOf(digits string) ledger.Person {
	if rest, ok := strings.CutPrefix(digits, mexico); ok && len(digits) == mexicoDigits {
		digits = "52" + rest
	}
	return ledger.PersonOfNumber(digits)
}

// perContact leaves out whoever was written to as often as is allowed: in the
// past that the ledger knows, and by the rows of this plan before. A send of unknown
// outcome is no reason against itself: sent again it takes the place of the first
// try, and the intent looks once more.
func (p *planner) perContact(ctx context.Context, c *candidate) (string, error) {
	if p.p.Class != ledger.Marketing {
		return "", nil
	}
	draft, err := p.draft(ctx)
	if err != nil {
		return "", err
	}
	for _, rule := range p.p.Guard.PerContact {
		past := ledger.Past{
			Person: c.person, Account: c.Account, Contact: c.Contact, Since: p.o.clock().Add(-rule.Per), But: cmp.Or(c.unsettled, p.run),
		}
		n, err := p.o.Store.Occasions(ctx, past)
		if err != nil {
			return "", err
		}
		others, _, err := draft.Others(ctx, c.person, c.contact)
		if err != nil {
			return "", err
		}
		if n+others >= rule.Most {
			p.acquaint(c, others)
			return rule.Reason(), nil
		}
	}
	return "", nil
}

// caps are the rules of perContact for an intent at this moment.
func (a *applier) caps() []ledger.Cap {
	var caps []ledger.Cap
	for _, rule := range a.p.Guard.PerContact {
		caps = append(caps, ledger.Cap{Most: rule.Most, Since: a.o.clock().Add(-rule.Per), Reason: rule.Reason()})
	}
	return caps
}

// personOf is whom a row of the plan is for.
func personOf(person string) ledger.Person {
	p, err := ledger.ParsePerson(person)
	if err != nil {
		return ledger.Person{} // a row without a contact
	}
	return p
}

// shared counts contacts of people who are in the plan with another contact too.
type shared struct {
	last     clientID
	contacts int
	examples []string
}

// maxShared is how many contacts a warning names.
const maxShared = 3

// meet registers that the plan writes to a contact, so that the person's other
// contacts are noticed. Of somebody who is known by the contact alone there are
// none.
func (p *planner) meet(ctx context.Context, c *candidate) error {
	if c.person == c.contact {
		return nil
	}
	draft, err := p.draft(ctx)
	if err != nil {
		return err
	}
	others, _, err := draft.Others(ctx, c.person, c.contact)
	if err != nil {
		return err
	}
	p.acquaint(c, others)
	return draft.Writes(ctx, c.person, c.contact, c.Seq)
}

// acquaint notes a contact whose person the plan writes to under others.
func (p *planner) acquaint(c *candidate, others int) {
	who := clientID{c.Account, c.Contact}
	if others == 0 || p.shared.last == who {
		return
	}
	p.shared.last = who
	if p.shared.contacts++; len(p.shared.examples) < maxShared {
		p.shared.examples = append(p.shared.examples, fmt.Sprint(c.Contact))
	}
}

// railWarnings is what a person should know of the plan beside its numbers.
func (p *planner) railWarnings() []string {
	s := p.shared
	if s.contacts == 0 {
		return nil
	}
	names := strings.Join(s.examples, ", ")
	if s.contacts > len(s.examples) {
		names += ", …"
	}
	text := fmt.Sprintf("%d contacts of this plan (%s) are people whom it has under another contact too", s.contacts, names)
	if s.contacts == 1 {
		text = fmt.Sprintf("1 contact of this plan (%s) is somebody whom it has under another contact too", names)
	}
	if len(p.p.Guard.PerContact) == 0 {
		text += "; guard.perContact: 1 per 1d would write to each person once"
	}
	return []string{text}
}
