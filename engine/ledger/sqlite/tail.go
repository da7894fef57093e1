package sqlite

import (
	"math/rand/v2"
	"sync"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// maxTail is how many sends the tail may hold before they are moved to their
// table. With twice as many moving costs a tenth less and the pause, of some 25 ms, is
// twice as long; with half as many it costs a tenth more.
const maxTail = 4096

// tail is what the writer knows of the table of the same name: the sends that it
// has put there since they were last moved to the table of sends with its indexes
// (docs/adr/0018). No other process has any there, since whoever notices that
// another one has written moves them all first.
//
// It belongs to the writer's goroutine, but for the numbers of the rows, which
// readers ask for. Those are hints: a row may not be durable yet, or moved already.
type tail struct {
	most        int   // sends that it may hold
	first, next int64 // the numbers that this process gives to its rows begin at first
	people      map[ledger.Person]bool
	contacts    map[int]bool
	messages    map[int]bool // of those that were sent
	highest     int          // no message in the table of sends is above it; unlooked when nobody has looked

	mu    sync.RWMutex
	rows  map[ledger.Identity]int64
	moved map[ledger.Identity]int64 // by a transaction that is not durable yet
}

// unlooked stands for the highest message while it is not known.
const unlooked = -1

// newTail begins to number at random, so that rows of two processes are told
// apart.
func newTail() *tail {
	first := rand.Int64N(1<<30) << 32
	return &tail{
		most: maxTail, first: first, next: first, highest: unlooked,
		people: map[ledger.Person]bool{}, contacts: map[int]bool{}, messages: map[int]bool{},
		rows: map[ledger.Identity]int64{}, moved: map[ledger.Identity]int64{},
	}
}

// owns reports whether a row was put there by this process.
func (l *tail) owns(n int64) bool { return n >= l.first && n < l.first+1<<32 }

// hint is where a reader finds an identity, if it was in the tail a moment ago.
func (l *tail) hint(id ledger.Identity) (n int64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n, ok = l.rows[id]; !ok {
		n, ok = l.moved[id]
	}
	return n, ok
}

func (l *tail) add(s *send, n int64) {
	l.mu.Lock()
	l.rows[s.Identity] = n
	l.mu.Unlock()
	l.people[s.Person] = true
	l.contacts[s.Contact] = true
}

// concerns reports whether anything in the tail was for a person or a contact.
func (l *tail) concerns(p ledger.Person, contact int) bool {
	return !p.IsZero() && l.people[p] || contact != 0 && l.contacts[contact]
}

// empty notes that all rows were moved; until that is durable, readers may still
// find them where they were.
func (l *tail) empty() {
	clear(l.people)
	clear(l.contacts)
	clear(l.messages)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.moved) == 0 {
		l.rows, l.moved = l.moved, l.rows
		return
	}
	for id, n := range l.rows {
		l.moved[id] = n
	}
	clear(l.rows)
}

// committed notes that what was moved is durable where it is now.
func (l *tail) committed() {
	if len(l.moved) > 0 {
		l.mu.Lock()
		clear(l.moved)
		l.mu.Unlock()
	}
}

// selectFirstOfTail finds a row of the tail, of which all are of one process.
const selectFirstOfTail = `SELECT n FROM tail LIMIT 1`

// fold moves what this process has put into the tail to the table of sends, in its
// order. Whatever is not an intent of a new send or the outcome of an own one begins
// with it, so that only those know of two tables.
func (t *tx) fold() error {
	t.tail.highest = unlooked
	if len(t.tail.rows) == 0 {
		return nil
	}
	return t.foldAll()
}

// foldAll folds what any process has put there.
func (t *tx) foldAll() error {
	t.tail.highest = unlooked
	t.tail.empty()
	if _, found, err := t.direct.firstOfTail.number(); err != nil || !found {
		return err
	}
	last, _, err := t.direct.lastSend.number()
	if err != nil {
		return err
	}
	folded, err := t.direct.foldTail.exec()
	if err == nil {
		_, err = t.direct.addIdentities.exec(last)
	}
	if err == nil {
		err = t.age(last, last+folded)
	}
	if err != nil {
		return err
	}
	_, err = t.direct.emptyTail.exec()
	return err
}

// addToTail writes the intent of a new send, unless its identity has one; added says
// which.
func (t *tx) addToTail(s *send, scope int64) (added bool, err error) {
	add := t.direct.addToTail
	if may, err := t.known.may(t, s.Identity, scope); err != nil {
		return false, err
	} else if !may {
		add = t.direct.addUnknown
	}
	n := t.tail.next
	at := any(nanos(s.At))
	changed, err := add.exec(n, s.Identity[:], s.run, s.Seq, s.Step, s.Period, int64(s.Contact), s.ContentHash[:], at, at, int64(s.sumIn(&t.room)),
		personBytes(&s.Person), int64(s.Class))
	if err != nil || changed == 0 {
		return false, err
	}
	t.tail.next++
	t.tail.add(s, n)
	return true, nil
}

// settleInTail settles an open intent that stands in the tail.
func (t *tx) settleInTail(n int64, was, now *send) (settled bool, err error) {
	free, err := t.free(now)
	if err != nil || !free {
		return false, err
	}
	changed, err := t.direct.settleInTail.exec(int64(now.State), int64(now.MessageID), now.Reason, nanos(now.At), int64(now.sumIn(&t.room)), n, int64(was.sumIn(&t.room)))
	if err != nil || changed == 0 {
		return false, err
	}
	if now.MessageID != 0 {
		t.tail.messages[now.MessageID] = true
	}
	return true, nil
}

// free reports whether no other send holds the message of s. Message ids mostly
// grow, and one above all that are known needs no look.
func (t *tx) free(s *send) (bool, error) {
	if s.MessageID == 0 {
		return true, nil
	}
	if t.tail.messages[s.MessageID] {
		return false, nil // of another contact, perhaps: who asks again is told
	}
	if t.tail.highest == unlooked {
		highest, _, err := t.direct.highestMessage.number()
		if err != nil {
			return false, err
		}
		t.tail.highest = int(highest)
	}
	if s.MessageID > t.tail.highest {
		return true, nil
	}
	_, taken, err := t.holder(s.Record, s.MessageID)
	return !taken, err
}
