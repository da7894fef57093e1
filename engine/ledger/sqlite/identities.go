package sqlite

import (
	"bytes"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// An identity is a hash, so an index of identities is written everywhere at once. It
// stands in two tables (docs/adr/0030): a small one, new_identities, takes those of each
// fold in their order, which touches each of its pages once; and with each maxTail sends
// the identities of one slice move on to the large one, old_identities, all of which stand
// in one of as many parts of it. So what a send costs does not grow with the ledger until
// it has some millions. The view identities is both.
//
// That an identity is there once is each table's own rule, and is looked at in both before
// an intent is written.

// ageSlices is a power of two. With 8 and with 32 moving costs as much: the larger the small
// table, the less of the large one is written for each send, and the more of itself.
const ageSlices = 16

// slice is the range of identities that is moved on when the ledger has so many times
// maxTail sends. Each has its turn.
func slice(turn int64) (first, last ledger.Identity) {
	const width = 256 / ageSlices
	first[0] = byte(turn%ageSlices) * width
	last = ledger.Identity(bytes.Repeat([]byte{0xff}, len(last)))
	last[0] = first[0] + width - 1
	return first, last
}

// age moves on the slices whose turns came while the ledger's sends grew from one number
// to the other.
func (t *tx) age(from, to int64) error {
	each := int64(t.tail.most)
	for turn := from/each + 1; turn <= to/each; turn++ {
		first, last := slice(turn)
		if _, err := t.direct.moveIdentities.exec(first[:], last[:]); err != nil {
			return err
		}
		if _, err := t.direct.dropIdentities.exec(first[:], last[:]); err != nil {
			return err
		}
	}
	return nil
}

// selectIdentities reads the index in order.
const selectIdentities = `SELECT identity, n FROM identities ORDER BY identity`

// entry is a row of the index of identities.
type entry struct {
	identity ledger.Identity
	n        int64 // of the send
}

func scanEntry(row scanner) (e entry, err error) {
	var b []byte
	if err := row.Scan(&b, &e.n); err != nil {
		return e, badScan(err)
	}
	if len(b) != len(e.identity) {
		return e, fmt.Errorf("%w: the send %x", errBadRow, b)
	}
	copy(e.identity[:], b)
	return e, nil
}
