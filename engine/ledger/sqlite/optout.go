package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

const selectOptOuts = `SELECT id, account, contact, person, word, message, at FROM optouts`

// optOutID is the hash of everything in the row.
func optOutID(o ledger.OptOut) [sha256.Size]byte {
	var b []byte
	for _, n := range []int64{int64(o.Contact), int64(o.MessageID), nanos(o.At)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, text := range []string{o.Account, o.Word, string(personBytes(&o.Person))} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

func scanOptOut(row scanner) (o ledger.OptOut, err error) {
	var id, person []byte
	var at int64
	if err := row.Scan(&id, &o.Account, &o.Contact, &person, &o.Word, &o.MessageID, &at); err != nil {
		return o, badScan(err)
	}
	known := false
	o.Person, known = scanPerson(person)
	o.At = fromNanos(at)
	if sum := optOutID(o); string(sum[:]) != string(id) || !known {
		return o, fmt.Errorf("%w: the opt-out %x", errBadRow, id)
	}
	return o, nil
}

// ofNoFlow is the name of the flow and campaign whose changes belong to none: flows
// have names. They count for the mark, so that a ledger which has lost them is noticed.
const ofNoFlow = ""

func (t *tx) addOptOut(o ledger.OptOut) (added bool, err error) {
	id := optOutID(o)
	added, err = changed(t.stmt.addOptOut.ExecContext(t.ctx, id[:], o.Account, o.Contact, personBytes(&o.Person), o.Word, o.MessageID, nanos(o.At)))
	if err != nil || !added {
		return false, err
	}
	scope, err := t.scope(ofNoFlow, ofNoFlow)
	t.touched[scope] = true
	return err == nil, err
}

// OptOut remembers that somebody asked for peace.
func (s *Store) OptOut(ctx context.Context, o ledger.OptOut) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.addOptOut(o)
		return err
	})
}

// OptOuts ranges over the opt-outs of whom, or over all.
func (s *Store) OptOuts(ctx context.Context, whom *ledger.Whom) iter.Seq2[ledger.OptOut, error] {
	query, args := selectOptOuts, []any(nil)
	if whom != nil {
		query += ` WHERE contact = ?1 AND (?2 = '' OR account = ?2)`
		args = append(args, whom.Contact, whom.Account)
		if len(whom.Persons) > 0 {
			query += ` OR person <> x'' AND person IN (?` + strings.Repeat(`, ?`, len(whom.Persons)-1) + `)`
		}
		for _, p := range whom.Persons {
			args = append(args, personBytes(&p))
		}
	}
	return scanAll(ctx, s, s.reader, scanOptOut, query+` ORDER BY at, id`, args...)
}
