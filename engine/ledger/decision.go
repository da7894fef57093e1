package ledger

import "time"

// Decision is what a person says about an unknown send, having looked at the
// chat where the runner could not.
type Decision struct {
	Identity  Identity
	State     State  // Sent, NotSent or Refused
	MessageID int    // for Sent; 0 when the person has none
	By        string // who decided
	Reason    string // one line, without personal data
	At        time.Time
}

// Decided is a decision as the ledger remembers it. Its State is what the send
// became.
type Decided struct {
	Decision
	From State // what the send was
}
