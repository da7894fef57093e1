package planfile

import (
	"iter"
)

// Change is how one send differs between two plans.
type Change struct {
	Kind   ChangeKind
	Before Send // zero of one that came
	After  Send // zero of one that left
}

// Send is the send as the later plan has it, else as the earlier one had it.
func (c Change) Send() Send {
	if c.Kind == Left {
		return c.Before
	}
	return c.After
}

// ChangeKind says in which way a send differs.
type ChangeKind string

// The kinds of changes.
const (
	Came    ChangeKind = "came"     // only the later plan has it
	Left    ChangeKind = "left"     // only the earlier plan has it
	Text    ChangeKind = "text"     // both send it, with another content
	Decided ChangeKind = "decision" // another status, or another reason for it
)

// DiffCounts counts the sends of two plans by what became of them.
type DiffCounts struct {
	Same     int `json:"same"`
	Came     int `json:"came"`
	Left     int `json:"left"`
	Text     int `json:"text"`
	Decision int `json:"decision"`
}

// Changed reports whether anything differs.
func (c DiffCounts) Changed() bool { return c.Came+c.Left+c.Text+c.Decision > 0 }

// Diff compares the sends of two plans that Check has accepted, by identity, and
// calls each for every one that differs, by step and then by key. Rows that were
// left out before it was known whom they were about have no identity, and are not
// compared. Its memory does not grow with the plans; files below dir, "" for the
// system's, do.
func Diff(before, after, dir string, each func(Change) error) (DiffCounts, error) {
	return diff(before, after, dir, sortedRows, each)
}

func diff(before, after, dir string, rows int, each func(Change) error) (n DiffCounts, err error) {
	a, stopA := iter.Pull2(sortedSends(before, dir, rows))
	defer stopA()
	b, stopB := iter.Pull2(sortedSends(after, dir, rows))
	defer stopB()
	old, err, moreOld := a()
	now, nerr, moreNow := b()
	for err == nil && nerr == nil && (moreOld || moreNow) {
		order := 0
		switch {
		case !moreNow:
			order = -1
		case !moreOld:
			order = 1
		default:
			x, y := old, now
			x.Seq, y.Seq = 0, 0
			order = bySubject(x, y)
		}
		var c Change
		switch {
		case order < 0:
			n.Left++
			c = Change{Kind: Left, Before: old}
		case order > 0:
			n.Came++
			c = Change{Kind: Came, After: now}
		case old.Status != now.Status || old.Reason != now.Reason:
			n.Decision++
			c = Change{Kind: Decided, Before: old, After: now}
		case now.Status == StatusPlanned && old.Content != now.Content:
			n.Text++
			c = Change{Kind: Text, Before: old, After: now}
		default:
			n.Same++
		}
		if c.Kind != "" {
			if err := each(c); err != nil {
				return n, err
			}
		}
		if order <= 0 {
			old, err, moreOld = a()
		}
		if order >= 0 {
			now, nerr, moreNow = b()
		}
	}
	if err == nil {
		err = nerr
	}
	return n, err
}
