package planfile

import "slices"

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
	return diff(before, after, dir, 0, each)
}

func diff(before, after, dir string, rows int, each func(Change) error) (n DiffCounts, err error) {
	var same []side // sends of one subject: nearly always one of each plan
	compare := func() error {
		later := slices.IndexFunc(same, func(s side) bool { return s.after })
		if later < 0 {
			later = len(same)
		}
		old, now := same[:later], same[later:]
		for i := range max(len(old), len(now)) {
			var c Change
			switch {
			case i >= len(now):
				n.Left++
				c = Change{Kind: Left, Before: old[i].Send}
			case i >= len(old):
				n.Came++
				c = Change{Kind: Came, After: now[i].Send}
			default:
				c = n.changed(old[i].Send, now[i].Send)
			}
			if c.Kind != "" {
				if err := each(c); err != nil {
					return err
				}
			}
		}
		same = same[:0]
		return nil
	}
	for s, err := range sortedSides(before, after, dir, rows) {
		if err == nil && len(same) > 0 && bySubject(same[0].Send, s.Send) != 0 {
			err = compare()
		}
		if err != nil {
			return n, err
		}
		same = append(same, s)
	}
	return n, compare()
}

// changed counts how the send of one subject differs; a Change without a kind is none.
func (n *DiffCounts) changed(old, now Send) Change {
	c := Change{Before: old, After: now}
	switch {
	case old.Status != now.Status || old.Reason != now.Reason:
		n.Decision++
		c.Kind = Decided
	case now.Status == StatusPlanned && old.Content != now.Content:
		n.Text++
		c.Kind = Text
	default:
		n.Same++
	}
	return c
}
