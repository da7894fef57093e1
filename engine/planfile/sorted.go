package planfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/flowrunner/flowrunner/internal/spill"
)

// side is a send of one of two plans.
type side struct {
	Send
	after bool // of the later plan
}

// sortedSides ranges over the sends of two plans that have an identity, without what
// they send, ordered by bySubject, those of the earlier plan first. A send that stands
// in a plan twice comes once. A file in dir holds what is more than so many rows, 0 for
// the usual number.
func sortedSides(before, after, dir string, rows int) iter.Seq2[side, error] {
	return func(yield func(side, error) bool) {
		read := &decoder{}
		o := spill.New(context.Background(), spill.Form[side]{
			Dir: dir, Chunk: rows,
			Compare: func(a, b side) int {
				return cmp.Or(bySubject(a.Send, b.Send), compareBools(a.after, b.after), cmp.Compare(a.Seq, b.Seq))
			},
			Append: func(b []byte, s side) ([]byte, error) {
				return appendLine(append(b, map[bool]byte{false: 'b', true: 'a'}[s.after]), s.Send)
			},
			Read: func(b []byte) (side, error) {
				rec, err := read.decode(b[1:])
				s, ok := rec.(Send)
				if err == nil && !ok {
					err = errors.New("what was put aside is no send")
				}
				return side{s, b[0] == 'a'}, err
			},
		})
		defer o.Close()
		err := addSides(o, before, false)
		if err == nil {
			err = addSides(o, after, true)
		}
		if err != nil {
			yield(side{}, err)
			return
		}
		for s, err := range o.All() {
			if err != nil {
				err = fmt.Errorf("sort plan: %w", err)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func addSides(o *spill.Order[side], path string, after bool) error {
	for rec, err := range Records(path) {
		if err != nil {
			return err
		}
		r, ok := rec.(Send)
		if !ok || r.Identity == "" || r.Status == StatusDuplicate {
			continue
		}
		err := o.Add(side{Send{
			Type: r.Type, Seq: r.Seq, Step: r.Step, Status: r.Status, Reason: r.Reason, Identity: r.Identity,
			Key: r.Key, Period: r.Period, Contact: r.Contact, Content: r.Content,
		}, after})
		if err != nil {
			return fmt.Errorf("sort plan: %w", err)
		}
	}
	return nil
}

// bySubject orders sends by whom and what they are about. Sends of one identity are
// neighbours in it, as long as flow and campaign are the same.
func bySubject(a, b Send) int {
	return cmp.Or(
		cmp.Compare(a.Step, b.Step), compareKeys(a.Key, b.Key), cmp.Compare(a.Period, b.Period), cmp.Compare(a.Identity, b.Identity),
	)
}

// compareKeys orders ids as numbers, before all other texts.
func compareKeys(a, b string) int {
	x, xerr := strconv.ParseUint(a, 10, 63)
	y, yerr := strconv.ParseUint(b, 10, 63)
	switch {
	case xerr == nil && yerr == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case xerr == nil:
		return -1
	case yerr == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
