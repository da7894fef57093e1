package engine

import (
	"context"
	"sync"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// rowSet is a set of rows of a plan. It takes a bit for each: a million rows that are
// side by side take some hundred kilobytes.
type rowSet map[int64]uint64 // seq / 64 → bits

func (s rowSet) add(seq int64)      { s[seq/64] |= 1 << (seq % 64) }
func (s rowSet) has(seq int64) bool { return s[seq/64]&(1<<(seq%64)) != 0 }

func (s rowSet) remove(seq int64) {
	if s.has(seq) {
		s[seq/64] &^= 1 << (seq % 64)
	}
}

// deferred are the sends and local steps of one stage that come after the others,
// since the hours of their recipients are closed. It keeps no row itself: the plan is
// read again for them.
type deferred struct {
	mu    sync.Mutex
	rows  rowSet
	count int
	next  *closed // the one that opens first
}

// put defers a row; c is what keeps it back, nil where only an earlier row of its
// iteration does.
func (d *deferred) put(seq int64, c *closed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rows == nil {
		d.rows = rowSet{}
	}
	d.rows.add(seq)
	d.count++
	if c != nil && (d.next == nil || c.rule.Otherwise > d.next.rule.Otherwise ||
		c.rule.Otherwise == d.next.rule.Otherwise && c.opens.Before(d.next.opens)) {
		d.next = c
	}
}

// take empties it, and gives what was in it.
func (d *deferred) take() (has func(seq int64) bool, next *closed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows, next := d.rows, d.next
	d.rows, d.next, d.count = nil, nil, 0
	return rows.has, next
}

// any reports whether something is deferred.
func (d *deferred) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count > 0
}

// afterTheRest brings what was deferred so far to an end, before anything that
// comes after it in the plan: it waits for the next hours to open, performs those
// whose hours these are, and so on, until nothing is left or the run stops.
func (a *applier) afterTheRest(ctx context.Context, path string, pool *pool) error {
	pool.wait()
	for {
		has, next := a.later.take()
		if next == nil || a.stopReason() != "" || !a.await(next) {
			return nil
		}
		var current unit
		for rec, err := range planfile.Records(path) {
			if err != nil {
				return err
			}
			step, id, seq, todo := "", int64(0), int64(0), action{}
			switch r := rec.(type) {
			case planfile.Send:
				step, id, seq = r.Step, r.Unit, r.Seq
				if !has(seq) {
					continue
				}
				if err := a.renew(ctx, &r); err != nil {
					return err
				}
				todo.send = &r
			case planfile.Local:
				step, id, seq, todo.local = r.Step, r.Unit, r.Seq, &r
			}
			if !has(seq) {
				continue
			}
			if id != current.id {
				a.submit(pool, current)
				a.widen(pool, step)
				current = unit{id: id}
			}
			current.actions = append(current.actions, todo)
		}
		a.submit(pool, current)
		pool.wait()
	}
}
