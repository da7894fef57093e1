package sqlite

import "github.com/flowrunner/flowrunner/engine/ledger"

// maxIntents bounds how many open intents are remembered; more than any run has
// under way.
const maxIntents = 4096

// intents are the rows that this process wrote for the sends it is making, so
// that an outcome needs no look at the row before it. They are never believed:
// the row is changed only if it is still the same, to the checksum, and is read
// as ever if not. They belong to the writer's goroutine.
type intents map[ledger.Identity]*send

func (i *intents) remember(s *send) {
	if *i == nil {
		*i = intents{}
	}
	if len(*i) < maxIntents {
		(*i)[s.Identity] = s
	}
}

// take gives the intent of an identity, once.
func (i *intents) take(id ledger.Identity) (*send, bool) {
	s, ok := (*i)[id]
	delete(*i, id)
	return s, ok
}
