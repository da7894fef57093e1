package step

import (
	"context"
	"time"
)

// Recipient is who a send is for. The zero Recipient is "nobody in particular".
type Recipient struct {
	Contact int // Chat2Desk client id
	// Internal is a message about the contact that stays with the operators: nobody
	// is written to, and no rail about people concerns it.
	Internal bool
}

// PersonParam is the parameter by which a flow names the person behind a
// contact. Every send to a contact has it; the engine evaluates it for its rails
// and hands it to no kind.
const PersonParam = "person"

// ContactParam is the parameter that names the recipient of a send.
const ContactParam = "contactId"

var personField = Field{
	Name: PersonParam, Shape: ShapeAny, Optional: true, Default: "the assigned phone, else a real phone, else the contact",
	Doc: "Who the contact is, for guard.perContact: the same text or number for all contacts of one person. It is kept as a hash.",
}

// Preview is what a person reviews before a send, and what its content is.
type Preview struct {
	Text    string            // the rendered text
	Details map[string]string // what else is sent: attachment, channel, transport
}

// Prepared is a send before any attempt.
type Prepared struct {
	Key       string
	Recipient Recipient
	Preview   Preview
}

// Attempt is one try of a send.
type Attempt struct {
	ExternalID string    // ours, one per identity; stored and echoed by the API
	At         time.Time // when the intent became durable
}

// Finding is what reading back has shown.
type Finding uint8

// The findings. Only a readable history that does not show it is NotThere.
const (
	CannotTell Finding = iota
	Happened
	NotThere
)

// Settle reads back whether an attempt happened.
type Settle[In any] func(context.Context, In, Attempt) (Finding, error)

// NoSettle says that a kind's sends cannot be read back: an unknown one stays
// unknown until a person decides.
func NoSettle[In any]() Settle[In] { return nil }
