package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

const selectDecisions = `SELECT id, identity, was, state, message, who, reason, at FROM decisions`

// decisionID is the hash of everything in the row.
func decisionID(d ledger.Decided) [sha256.Size]byte {
	b := append([]byte(nil), d.Identity[:]...)
	for _, n := range []int64{int64(d.From), int64(d.State), int64(d.MessageID), nanos(d.At)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, text := range []string{d.By, d.Reason} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

func scanDecision(row scanner) (ledger.Decided, error) {
	var d ledger.Decided
	var id, identity []byte
	var from, to, at int64
	if err := row.Scan(&id, &identity, &from, &to, &d.MessageID, &d.By, &d.Reason, &at); err != nil {
		return ledger.Decided{}, badScan(err)
	}
	d.From, d.State, d.At = ledger.State(from), ledger.State(to), fromNanos(at)
	copy(d.Identity[:], identity)
	if sum := decisionID(d); string(sum[:]) != string(id) || len(identity) != len(d.Identity) || int64(d.From) != from || int64(d.State) != to {
		return ledger.Decided{}, fmt.Errorf("%w: the decision %x", errBadRow, id)
	}
	return d, nil
}

func (t *tx) addDecision(d ledger.Decided) (added bool, err error) {
	id := decisionID(d)
	done, err := t.stmt.addDecision.ExecContext(t.ctx, id[:], d.Identity[:], int(d.From), int(d.State), d.MessageID, d.By, d.Reason, nanos(d.At))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// Resolve records a person's decision about an unknown send.
func (s *Store) Resolve(ctx context.Context, d ledger.Decision) error {
	if d.At.IsZero() {
		d.At = s.now()
	}
	return s.write(ctx, func(t *tx) error {
		now, found, err := t.send(d.Identity)
		if err != nil {
			return err
		}
		now.Identity = d.Identity
		if !found || now.State != ledger.Unknown || !now.State.May(d.State) {
			return rejection{&ledger.ConflictError{Wanted: d.State, Record: now.Record}}
		}
		if d.State == ledger.Sent {
			if err := t.claim(now.Record, d.MessageID); err != nil {
				return err
			}
		} else {
			d.MessageID = 0
		}
		run, err := t.run(now.Run)
		if err != nil {
			return err
		}
		t.touched[run.scope] = true
		if _, err := t.addDecision(ledger.Decided{Decision: d, From: now.State}); err != nil {
			return err
		}
		now.State, now.MessageID, now.Reason, now.At = d.State, d.MessageID, d.Reason, d.At
		return t.settle(&now)
	})
}

// Decisions ranges over what people decided about one send, or about all.
func (s *Store) Decisions(ctx context.Context, id ledger.Identity) iter.Seq2[ledger.Decided, error] {
	query, args := selectDecisions, []any(nil)
	if id != (ledger.Identity{}) {
		query += ` WHERE identity = ?`
		args = append(args, id[:])
	}
	return scanAll(ctx, s, s.reader, scanDecision, query+` ORDER BY at, id`, args...)
}

// Reconsider makes the refused sends of a flow and campaign not sent. The earlier
// refusal stays in the reason.
func (s *Store) Reconsider(ctx context.Context, flow, campaign string) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		var scope int64
		switch err := t.stmt.findScope.QueryRowContext(t.ctx, flow, campaign).Scan(&scope); {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		n, err = t.reconsider(s.now(), scope, t.stmt.refusedSends, scope)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// reconsider makes the refused sends of a scope that a query finds not sent.
func (t *tx) reconsider(at time.Time, scope int64, query *sql.Stmt, of int64) (int, error) {
	refused, err := collectSends(query.QueryContext(t.ctx, of))
	if err != nil {
		return 0, err
	}
	for _, found := range refused {
		found.State, found.At = ledger.NotSent, at
		if found.Reason != "" {
			found.Reason = "was refused: " + found.Reason
		}
		if err := t.settle(&found); err != nil {
			return 0, err
		}
		t.touched[scope] = true
	}
	return len(refused), nil
}

// Retry opens a run that has ended, and makes its refused sends not sent.
func (s *Store) Retry(ctx context.Context, id string) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		run, err := t.run(id)
		if err != nil {
			return err
		}
		if run.state == ledger.Running || run.state == ledger.Abandoned {
			return rejection{&ledger.EndedError{Run: id, Known: true, State: run.state}}
		}
		if n, err = t.reconsider(s.now(), run.scope, t.stmt.refusedOfRun, run.n); err != nil {
			return err
		}
		t.touched[run.scope] = true
		_, err = t.stmt.interruptRun.ExecContext(t.ctx, run.n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// selectClaimant finds whose proof a message is. Its index holds sends that have
// a message alone.
const (
	selectClaimant      = `SELECT identity FROM sends` + claims
	selectEveryClaimant = `SELECT identity FROM every_send` + claims

	claims = ` WHERE message <> 0 AND message = ? AND contact = ? AND state = 2`
)

// claim refuses a message that stands for another send of the contact.
func (t *tx) claim(r ledger.Record, message int) error {
	if message == 0 {
		return nil
	}
	holder, taken, err := t.holder(r, message)
	if err != nil || !taken {
		return err
	}
	return rejection{&ledger.ClaimedError{Contact: r.Contact, MessageID: message, Wanted: r.Identity, Holder: holder}}
}

// holder finds the other send of the contact that a message stands for.
func (t *tx) holder(r ledger.Record, message int) (id ledger.Identity, found bool, err error) {
	var holder []byte
	err = t.stmt.claimant.QueryRowContext(t.ctx, message, r.Contact, r.Identity[:]).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return id, false, nil
	}
	copy(id[:], holder)
	return id, err == nil, badScan(err)
}

// Claimed finds the send whose message this is.
func (s *Store) Claimed(ctx context.Context, contact, messageID int) (id ledger.Identity, found bool, err error) {
	var holder []byte
	err = s.reader.QueryRowContext(ctx, selectEveryClaimant, messageID, contact).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, s.reading(badScan(err))
	}
	if copy(id[:], holder) != len(id) {
		return id, false, s.reading(fmt.Errorf("%w: the send %x", errBadRow, holder))
	}
	return id, true, nil
}
