package ledger

import "time"

// OptOut is a message in which a contact asked for peace. It is remembered for
// good, and only the word of it.
type OptOut struct {
	Account   string
	Contact   int
	Person    Person // zero where nobody knew who the contact is
	Word      string // as the flow that found it has it
	MessageID int
	At        time.Time // of the message
}

// Whom chooses opt-outs: those of a contact, and those of a person whichever
// contact they came from.
type Whom struct {
	Account string // of the contact; "" is any
	Contact int
	Persons []Person
}
