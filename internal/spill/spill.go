package spill

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"sync"

	"github.com/lanrat/extsort"
)

// Chunk is how many records are sorted in memory at once. As many wait to be written, and
// as many are being written.
const Chunk = 8192

// Form says how the records of an Order are compared, and how a file has them.
type Form[T any] struct {
	Dir string // of the file; "" is the system's
	// Chunk is how many records are sorted in memory at once; 0 is the constant.
	Chunk int
	// Compare decides the order. Equal records come in any order. It is called by several
	// goroutines.
	Compare func(a, b T) int
	// Append adds a record to b, Read reads what it has added. Each is called by one
	// goroutine at a time, but not by that of the Order. Read may keep what it is given.
	Append func(b []byte, rec T) ([]byte, error)
	Read   func(b []byte) (T, error)
}

// Order brings records into order, in the same memory however many there are. It belongs to
// one goroutine. Its file has no name any more once it is open, where the system allows
// that.
type Order[T any] struct {
	form   Form[T]
	cancel context.CancelFunc
	ended  func() error // why the context was
	input  chan T
	output <-chan T
	errs   <-chan error

	mu     sync.Mutex
	failed error // of Append or Read
}

// New begins an Order. Whoever begins one closes it.
func New[T any](ctx context.Context, form Form[T]) *Order[T] {
	form.Dir, form.Chunk = cmp.Or(form.Dir, os.TempDir()), cmp.Or(form.Chunk, Chunk)
	ended := func() error { return context.Cause(ctx) }
	within, cancel := context.WithCancel(ctx)
	o := &Order[T]{form: form, cancel: cancel, ended: ended, input: make(chan T, 64)}
	var sorter *extsort.GenericSorter[T]
	sorter, o.output, o.errs = extsort.Generic(o.input, o.read, o.write, form.Compare, &extsort.Config{
		ChunkSize: form.Chunk, NumWorkers: 1, SortedChanBuffSize: 64, TempFilesDir: form.Dir,
	})
	go sorter.Sort(within)
	return o
}

// Add takes a record.
func (o *Order[T]) Add(rec T) error {
	select {
	case o.input <- rec:
		return nil
	case err := <-o.errs:
		return o.why(err)
	}
}

// All gives all records that were added, once.
func (o *Order[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		close(o.input)
		o.input = nil
		for rec := range o.output {
			if !yield(rec, nil) {
				return
			}
		}
		if err := <-o.errs; err != nil {
			var none T
			yield(none, o.why(err))
		}
	}
}

// Close ends the Order, also in its middle, and removes its file.
func (o *Order[T]) Close() {
	o.cancel()
	if o.input != nil {
		close(o.input)
	}
	for range o.output { //nolint:revive // until it has ended
	}
}

// why prefers what we know to what the library tells of it.
func (o *Order[T]) why(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil {
		return o.failed
	}
	if ended := o.ended(); ended != nil {
		return ended
	}
	return fmt.Errorf("put records aside in %s: %w", o.form.Dir, err)
}

func (o *Order[T]) write(rec T) ([]byte, error) {
	b, err := o.form.Append(nil, rec)
	return b, o.keep(err)
}

func (o *Order[T]) read(b []byte) (T, error) {
	rec, err := o.form.Read(b)
	return rec, o.keep(err)
}

// keep remembers the first error of Append or Read.
func (o *Order[T]) keep(err error) error {
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.failed = cmp.Or(o.failed, err)
	}
	return err
}
