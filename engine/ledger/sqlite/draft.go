package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// draft answers for nearly every send of a plan from two sieves in memory: one
// holds the plan's sends so far, one what the ledger remembers of the flow and
// campaign. Only where a sieve says "perhaps" is anything looked up.
type draft struct {
	store  *Store
	known  *sieve // nil: the ledger remembers nothing
	sieve  *sieve
	rows   draftRows
	closed bool

	persons *draftPersons // nil until one is registered
}

// Draft opens a scratch set for one plan.
func (s *Store) Draft(ctx context.Context, flow, campaign string) (ledger.Draft, error) {
	if s.writer != nil {
		_ = s.foldTail(ctx) // a look at both tables takes longer, and is as right
	}
	d := &draft{store: s, sieve: &sieve{}}
	for id, err := range scanAll(ctx, s, s.reader, scanIdentity, selectRemembered, flow, campaign) {
		if err != nil {
			return nil, fmt.Errorf("open draft: %w", err)
		}
		if d.known == nil {
			d.known = &sieve{}
		}
		d.known.add(id)
	}
	return d, nil
}

// selectRemembered needs no more than the index by run.
const selectRemembered = `
SELECT s.identity FROM every_send s WHERE s.run IN
	(SELECT n FROM runs WHERE scope = (SELECT id FROM scopes WHERE flow = ? AND campaign = ?))`

func scanIdentity(row scanner) (id ledger.Identity, err error) {
	var b []byte
	if err := row.Scan(&b); err != nil {
		return id, badScan(err)
	}
	if len(b) != len(id) {
		return id, fmt.Errorf("%w: the send %x", errBadRow, b)
	}
	copy(id[:], b)
	return id, nil
}

// Add registers a planned send.
func (d *draft) Add(ctx context.Context, id ledger.Identity, contentHash [32]byte, seq int64, former ...ledger.Identity) (ledger.Seen, error) {
	seen := ledger.Seen{Prior: -1}
	if d.closed {
		return seen, ledger.ErrClosed
	}
	row := draftRow{id: id, content: contentHash, seq: seq}
	if d.sieve.add(id) {
		prior, found, err := d.rows.find(id)
		if err != nil {
			return seen, fmt.Errorf("read draft: %w", err)
		}
		if found {
			seen.Prior, seen.SameContent = prior.seq, prior.content == contentHash
		}
	}
	if seen.Prior < 0 {
		if err := d.rows.add(row); err != nil {
			return seen, fmt.Errorf("add to draft: %w", err)
		}
	}
	if err := d.remember(ctx, &seen, id); err != nil {
		return seen, err
	}
	for _, id := range former {
		if err := d.remember(ctx, &seen, id); err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// remember notes what the ledger knows of an identity, unless more is known
// already.
func (d *draft) remember(ctx context.Context, seen *ledger.Seen, id ledger.Identity) error {
	if d.known == nil || !d.known.has(id) {
		return nil
	}
	record, found, err := d.store.Find(ctx, id)
	if err == nil && !found {
		return d.store.checkGap(ctx, id)
	}
	if found && (seen.Record == nil || record.State.Forbids() > seen.Record.State.Forbids()) {
		seen.Record = &record
	}
	return err
}

// Close throws the draft away.
func (d *draft) Close() error {
	d.closed = true
	err := d.rows.close()
	if d.persons != nil {
		err = errors.Join(err, d.persons.rows.close())
	}
	if err != nil {
		return fmt.Errorf("close draft: %w", err)
	}
	return nil
}
