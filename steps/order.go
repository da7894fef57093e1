package steps

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/spill"
)

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
// which they came. It belongs to one goroutine.
type order struct {
	*spill.Order[row]
	scratch step.Scratch
}

// newOrder begins an order by compare. Whoever begins one closes it.
func newOrder(ctx context.Context, compare func(a, b any) int) (order, error) {
	scratch, err := step.HostOf(ctx).Scratch()
	if err != nil {
		return order{}, err
	}
	by := func(a, b row) int { return cmp.Or(compare(a.key, b.key), cmp.Compare(a.n, b.n)) }
	f := rowForm{scratch}
	return order{spill.New(ctx, spill.Form[row]{Dir: scratch.Dir, Compare: by, Append: f.append, Read: f.read}), scratch}, nil
}

// rows gives all rows that were added, once.
func (o order) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for r, err := range o.All() {
			if err == nil && r.raw != nil {
				if r.rec, err = o.scratch.Read(r.raw); err != nil {
					err = fmt.Errorf("read what was put aside: %w", err)
				}
				r.raw = nil
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// rowForm is how a file has rows.
type rowForm struct{ scratch step.Scratch }

// append writes a row: its number, the length of its key, the key and the record.
func (f rowForm) append(b []byte, r row) ([]byte, error) {
	key, err := f.scratch.Append(nil, r.key)
	if err == nil {
		b = binary.AppendUvarint(b, uint64(r.n))
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		b, err = f.scratch.Append(b, r.rec)
	}
	if err != nil {
		return nil, fmt.Errorf("record %d cannot be put aside: %w", r.n, err)
	}
	return b, nil
}

// read reads what append wrote, but for the record, which nothing is compared by.
func (f rowForm) read(b []byte) (row, error) {
	n, size := binary.Uvarint(b)
	b = b[max(size, 0):]
	length, size := binary.Uvarint(b)
	b = b[max(size, 0):]
	if size <= 0 || length > uint64(len(b)) {
		return row{}, errors.New("what was put aside is damaged")
	}
	key, err := f.scratch.Read(b[:length])
	if err != nil {
		return row{}, fmt.Errorf("read what was put aside: %w", err)
	}
	return row{key: key, n: int(n), raw: b[length:]}, nil
}
