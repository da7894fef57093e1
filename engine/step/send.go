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

// Accepted is the outputs of a send that was made.
type Accepted interface {
	// Message is the id of the message that proves it; 0 when it has none.
	Message() int
}

// Attempt is one try of a send.
type Attempt struct {
	ExternalID string    // ours, one per identity; stored and echoed by the API
	At         time.Time // when the intent became durable, by the clock of this machine

	// What follows is for reading back alone.

	// Age is how long ago the attempt was made, at least. It is below 0 when this
	// machine's clock says that the attempt is still to come, so that it has been
	// set back and no time of it can be trusted.
	Age time.Duration
	// Changed says that the arguments are not those of the attempt, but what the
	// flow would send today.
	Changed bool
	// Claimed reports whether a message is the proof of another send. Nil is of
	// none.
	Claimed func(messageID int) (bool, error)
}

// Finding is what reading back has shown.
type Finding uint8

// The findings. Only a readable history that does not show it is NotThere.
const (
	CannotTell Finding = iota
	Happened
	NotThere
)

// Reading is what came of one look for an attempt. The zero Reading proves
// nothing.
type Reading struct {
	Finding   Finding
	MessageID int    // of Happened: the message that proves it; 0 when it has no id
	Evidence  string // how it was found, or why nobody can tell; one line, without personal data
}

// Settle reads back whether an attempt happened. It changes nothing. A message
// that Attempt.Claimed knows is no proof. An error means that the history could
// not be read this time; CannotTell means that reading it proves nothing.
type Settle[In any] func(context.Context, In, Attempt) (Reading, error)

// NoSettle says that a kind's sends cannot be read back: an unknown one stays
// unknown until a person decides.
func NoSettle[In any]() Settle[In] { return nil }
