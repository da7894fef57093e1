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
	last  personLook
}

// personLook is what was found of a contact of a person.
type personLook struct {
	person, contact ledger.Person
	others          int
	first           int64           // Seq of the first of the others
	written         bool            // the contact is one of the person's
	free            ledger.Identity // of the person's next contact
}

// personSlot is the identity of a person's n-th contact. That of the first is the person,
// which is a hash already.
func personSlot(p ledger.Person, n int) ledger.Identity {
	if n == 0 {
		return ledger.Identity(append(p[:], p[:]...))
	}
	var b [len(p) + 4]byte
	copy(b[:], p[:])
	binary.BigEndian.PutUint32(b[len(p):], uint32(n))
	return sha256.Sum256(b[:])
}

// look ranges over the contacts of a person.
func (d *draftPersons) look(person, contact ledger.Person) (*personLook, error) {
	if d.last.person == person && d.last.contact == contact {
		return &d.last, nil
	}
	d.last = personLook{}
	l := personLook{person: person, contact: contact}
	for n := 0; ; n++ {
		l.free = personSlot(person, n)
		if !d.sieve.has(l.free) {
			break
		}
		row, found, err := d.rows.find(l.free)
		if err != nil {
			return nil, fmt.Errorf("read draft: %w", err)
		}
		if !found {
			break
		}
		if ledger.Person(row.content[:len(contact)]) == contact {
			l.written = true
			continue
		}
		if l.others++; l.others == 1 {
			l.first = row.seq
		}
	}
	d.last = l
	return &d.last, nil
}

// Others counts the other contacts of a person.
func (d *draft) Others(_ context.Context, person, contact ledger.Person) (n int, first int64, err error) {
	if d.persons == nil {
		return 0, 0, nil
	}
	l, err := d.persons.look(person, contact)
	if err != nil {
		return 0, 0, err
	}
	return l.others, l.first, nil
}

// Writes registers a contact of a person.
func (d *draft) Writes(_ context.Context, person, contact ledger.Person, seq int64) error {
	if d.closed {
		return ledger.ErrClosed
	}
	if d.persons == nil {
		d.persons = &draftPersons{}
	}
	l, err := d.persons.look(person, contact)
	if err != nil || l.written {
		return err
	}
	row := draftRow{id: l.free, seq: seq}
	copy(row.content[:], contact[:])
	d.persons.sieve.add(l.free)
	if err := d.persons.rows.add(row); err != nil {
		return fmt.Errorf("add to draft: %w", err)
	}
	l.written = true
	return nil
}
