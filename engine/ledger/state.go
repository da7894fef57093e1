package ledger

import (
	"fmt"
	"slices"
)

// State is what is known of one send. The numbers are stored; never renumber.
type State uint8

// The states.
const (
	Planned State = iota // nothing was tried; the ledger has no record
	Intent               // durable before the attempt: from now on it may have gone out
	Sent                 // the API accepted it and gave a message id
	NotSent              // it surely did not go out; it may be tried again
	Refused              // it surely did not, and never will for this identity
	Unknown              // nobody knows; read-back or a person decides
)

var stateNames = [...]string{"planned", "intent", "sent", "not sent", "refused", "unknown"}

// String is the word used in messages and files.
func (s State) String() string {
	if !s.Valid() {
		return fmt.Sprintf("state %d", uint8(s))
	}
	return stateNames[s]
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool { return int(s) < len(stateNames) }

// ParseState reads what String wrote.
func ParseState(s string) (State, error) {
	if i := slices.Index(stateNames[:], s); i >= 0 {
		return State(i), nil
	}
	return 0, fmt.Errorf("state: %q is not one of %q", s, stateNames)
}

// next is the whole state machine of attempts. Nothing leads out of sent and
// refused, and nothing leads from unknown to a new intent: first somebody must
// find out that it is not sent. Store.Reconsider and Store.Retry alone go beside
// it, from refused to not sent, when a person asks for that.
var next = [...][]State{
	Planned: {Intent},
	Intent:  {Sent, NotSent, Refused, Unknown},
	Sent:    {},
	NotSent: {Intent},
	Refused: {},
	Unknown: {Sent, NotSent, Refused},
}

// May reports whether to may follow s.
func (s State) May(to State) bool { return s.Valid() && slices.Contains(next[s], to) }

// Final reports whether nothing can follow s.
func (s State) Final() bool { return s.Valid() && len(next[s]) == 0 }
