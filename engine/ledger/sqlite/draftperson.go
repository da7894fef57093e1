package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// draftPersons finds the contacts of one person within a plan. The n-th contact of
// a person is a row whose identity is hashed of both, so that the same sieve and
// the same rows serve that hold the plan's sends. Rows of one contact come one
// after another, and are looked up once.
type draftPersons struct {
	sieve sieve
	rows  draftRows
	last  struct {
		person, contact ledger.Person
		others          int
		first           int64
	}
}

func personSlot(p ledger.Person, n int) ledger.Identity {
	return sha256.Sum256(binary.BigEndian.AppendUint32(p[:], uint32(n)))
}

// slots ranges over the contacts of a person. written says whether contact is one
// of them.
func (d *draftPersons) slots(person, contact ledger.Person) (others int, first int64, written bool, err error) {
	for n := 0; ; n++ {
		id := personSlot(person, n)
		if !d.sieve.has(id) {
			return others, first, written, nil
		}
		row, found, err := d.rows.find(id)
		if err != nil || !found {
			return others, first, written, err
		}
		if ledger.Person(row.content[:len(contact)]) == contact {
			written = true
			continue
		}
		if others++; others == 1 {
			first = row.seq
		}
	}
}

// Others counts the other contacts of a person.
func (d *draft) Others(_ context.Context, person, contact ledger.Person) (n int, first int64, err error) {
	if d.persons == nil {
		return 0, 0, nil
	}
	if last := &d.persons.last; last.person == person && last.contact == contact {
		return last.others, last.first, nil
	}
	n, first, _, err = d.persons.slots(person, contact)
	if err != nil {
		return 0, 0, fmt.Errorf("read draft: %w", err)
	}
	return n, first, nil
}

// Writes registers a contact of a person.
func (d *draft) Writes(_ context.Context, person, contact ledger.Person, seq int64) error {
	if d.closed {
		return ledger.ErrClosed
	}
	if d.persons == nil {
		d.persons = &draftPersons{}
	}
	last := &d.persons.last
	if last.person == person && last.contact == contact {
		return nil
	}
	others, first, written, err := d.persons.slots(person, contact)
	if err != nil {
		return fmt.Errorf("read draft: %w", err)
	}
	last.person, last.contact, last.others, last.first = person, contact, others, first
	if written {
		return nil
	}
	id := personSlot(person, others)
	row := draftRow{id: id, seq: seq}
	copy(row.content[:], contact[:])
	d.persons.sieve.add(id)
	if err := d.persons.rows.add(row); err != nil {
		return fmt.Errorf("add to draft: %w", err)
	}
	return nil
}
