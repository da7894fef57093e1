package steps

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/lanrat/extsort"

	"github.com/flowrunner/flowrunner/engine/step"
)

// chunkRecords is how many records are sorted in memory at once. As many wait to be
// written, and as many are being written.
const chunkRecords = 8192

// row is a record on its way through an order.
type row struct {
	key any
	n   int // from 1, as the records came
	rec any
	raw []byte // the record as a file has it, in place of rec
}

// keyed gives the records of a stream with the value of an expression for each, which is
// the parameter of that name.
func keyed(ctx context.Context, in step.Stream[step.Any], by step.Expr, name string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		n := 0
		for rec, err := range in.All() {
			if err == nil {
				err = alive(ctx, n)
			}
			n++
			r := row{n: n, rec: rec}
			if err == nil {
				r.key, err = evaluate(by, name, rec, n)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// order brings rows into the order of their keys, and those of equal keys into that in
// which they came. What is more than one chunk goes through a file, so it takes the same
// memory however many there are. It belongs to one goroutine.
type order struct {
	scratch step.Scratch
	cancel  context.CancelFunc
	ended   func() error // why the flow was ended
	input   chan row
	output  <-chan row
	errs    <-chan error

	mu     sync.Mutex
	failed error // why a row cannot be written or read
}

// newOrder begins an order by compare. Whoever begins one closes it.
func newOrder(ctx context.Context, compare func(a, b any) int) (*order, error) {
	scratch, err := step.HostOf(ctx).Scratch()
	if err != nil {
		return nil, err
	}
	ended := func() error { return context.Cause(ctx) }
	within, cancel := context.WithCancel(ctx)
	o := &order{scratch: scratch, cancel: cancel, ended: ended, input: make(chan row, 64)}
	by := func(a, b row) int { return cmp.Or(compare(a.key, b.key), cmp.Compare(a.n, b.n)) }
	var sorter *extsort.GenericSorter[row]
	sorter, o.output, o.errs = extsort.Generic(o.input, o.decode, o.encode, by, &extsort.Config{
		ChunkSize: chunkRecords, NumWorkers: 1, SortedChanBuffSize: 64, TempFilesDir: scratch.Dir,
	})
	go sorter.Sort(within)
	return o, nil
}

// add takes a row.
func (o *order) add(r row) error {
	select {
	case o.input <- r:
		return nil
	case err := <-o.errs:
		return o.why(err)
	}
}

// rows gives all rows that were added, once.
func (o *order) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		close(o.input)
		o.input = nil
		for r := range o.output {
			if r.raw != nil {
				var err error
				if r.rec, err = o.scratch.Read(r.raw); err != nil {
					yield(row{}, fmt.Errorf("read what was put aside: %w", err))
					return
				}
				r.raw = nil
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := <-o.errs; err != nil {
			yield(row{}, o.why(err))
		}
	}
}

// close ends the order, also in its middle, and removes its file.
func (o *order) close() {
	o.cancel()
	if o.input != nil {
		close(o.input)
	}
	for range o.output { //nolint:revive // until it has ended
	}
}

// why prefers what we know to what the library tells of it.
func (o *order) why(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil {
		return o.failed
	}
	if ended := o.ended(); ended != nil {
		return ended
	}
	return fmt.Errorf("put records aside in %s: %w", o.scratch.Dir, err)
}

func (o *order) fail(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = cmp.Or(o.failed, err)
	return err
}

// encode writes a row: its number, the length of its key, the key and the record.
func (o *order) encode(r row) ([]byte, error) {
	key, err := o.scratch.Append(nil, r.key)
	if err != nil {
		return nil, o.fail(fmt.Errorf("record %d cannot be put aside: %w", r.n, err))
	}
	b := binary.AppendUvarint(nil, uint64(r.n))
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	if b, err = o.scratch.Append(b, r.rec); err != nil {
		return nil, o.fail(fmt.Errorf("record %d cannot be put aside: %w", r.n, err))
	}
	return b, nil
}

// decode reads what encode wrote, but for the record, which nothing is compared by.
func (o *order) decode(b []byte) (row, error) {
	n, size := binary.Uvarint(b)
	b = b[max(size, 0):]
	length, size := binary.Uvarint(b)
	b = b[max(size, 0):]
	if size <= 0 || length > uint64(len(b)) {
		return row{}, o.fail(errors.New("what was put aside is damaged"))
	}
	key, err := o.scratch.Read(b[:length])
	if err != nil {
		return row{}, o.fail(fmt.Errorf("read what was put aside: %w", err))
	}
	return row{key: key, n: int(n), raw: b[length:]}, nil
}
