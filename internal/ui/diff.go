package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// DiffDocument is how two plans differ.
type DiffDocument struct {
	Before  PlanSide            `json:"before"`
	After   PlanSide            `json:"after"`
	Counts  planfile.DiffCounts `json:"counts"`
	Reasons []ReasonDiff        `json:"reasons"` // left out, where the numbers differ
	Changes []ChangeDocument    `json:"changes"`
	Omitted int                 `json:"omitted,omitempty"` // changes that are counted and not listed

	reasons map[ReasonDocument]int // step and reason → index; its Count is 0
	counted []ReasonDiff
}

// PlanSide names one of two plans.
type PlanSide struct {
	Run         string    `json:"run"`
	Flow        string    `json:"flow"`
	Campaign    string    `json:"campaign"`
	Now         time.Time `json:"now"`
	ToSend      int       `json:"toSend"`
	Fingerprint string    `json:"fingerprint,omitempty"`
}

// ReasonDiff is how many a step left out for a reason in each plan.
type ReasonDiff struct {
	Step   string `json:"step"`
	Reason string `json:"reason"`
	Before int    `json:"before"`
	After  int    `json:"after"`
}

// ChangeDocument is one send that differs.
type ChangeDocument struct {
	Kind    planfile.ChangeKind `json:"kind"` // came, left, text or decision
	Step    string              `json:"step"`
	Contact int                 `json:"contactId,omitempty"`
	Key     string              `json:"key,omitempty"`
	Period  string              `json:"period,omitempty"`
	Before  *SendSide           `json:"before,omitempty"`
	After   *SendSide           `json:"after,omitempty"`
}

// SendSide is a send as one of the plans has it.
type SendSide struct {
	Seq    int64  `json:"seq"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"` // of one that is to be sent
}

// DiffOf begins the comparison of two plans.
func DiffOf(before, after planfile.Plan) *DiffDocument {
	side := func(p planfile.Plan) PlanSide {
		return PlanSide{p.Head.Run, p.Head.Flow, p.Head.Campaign, p.Head.Now, p.End.Counts.Planned, p.End.Fingerprint()}
	}
	return &DiffDocument{
		Before: side(before), After: side(after), Reasons: []ReasonDiff{}, Changes: []ChangeDocument{},
		reasons: map[ReasonDocument]int{},
	}
}

// Add lists a change.
func (d *DiffDocument) Add(c planfile.Change) {
	s := c.Send()
	x := ChangeDocument{Kind: c.Kind, Step: s.Step, Contact: s.Contact, Key: s.Key, Period: s.Period}
	if c.Kind != planfile.Came {
		x.Before = &SendSide{Seq: c.Before.Seq, Status: c.Before.Status, Reason: c.Before.Reason}
	}
	if c.Kind != planfile.Left {
		x.After = &SendSide{Seq: c.After.Seq, Status: c.After.Status, Reason: c.After.Reason}
	}
	d.Changes = append(d.Changes, x)
}

// Sides are the listed sends by their place in one of the plans.
func (d *DiffDocument) Sides(before bool) map[int64]*SendSide {
	all := map[int64]*SendSide{}
	for _, c := range d.Changes {
		side := c.After
		if before {
			side = c.Before
		}
		if side != nil {
			all[side.Seq] = side
		}
	}
	return all
}

// LeaveOut notes how many one of the plans leaves out for a reason.
func (d *DiffDocument) LeaveOut(l planfile.LeftOut, before bool) {
	key := ReasonDocument{Step: l.Step, Reason: l.Reason}
	i, ok := d.reasons[key]
	if !ok {
		i = len(d.counted)
		d.reasons[key] = i
		d.counted = append(d.counted, ReasonDiff{Step: l.Step, Reason: l.Reason})
	}
	if before {
		d.counted[i].Before += l.Count
	} else {
		d.counted[i].After += l.Count
	}
	d.Reasons = slices.DeleteFunc(slices.Clone(d.counted), func(r ReasonDiff) bool { return r.Before == r.After })
	c := d.Counts
	d.Omitted = c.Came + c.Left + c.Text + c.Decision - len(d.Changes)
}

// Differs reports whether anything differs, also whom nobody could name.
func (d *DiffDocument) Differs() bool { return d.Counts.Changed() || len(d.Reasons) > 0 }

// changeTitles says what each kind of change means, in the order in which they are
// shown.
var changeTitles = []struct {
	kind  planfile.ChangeKind
	title string
	sign  string
}{
	{planfile.Came, "Came", "+"},
	{planfile.Left, "Left", "-"},
	{planfile.Text, "Another text", "~"},
	{planfile.Decided, "Another decision", "!"},
}

// count is how many changes there are of a kind.
func (d *DiffDocument) count(kind planfile.ChangeKind) int {
	return map[planfile.ChangeKind]int{
		planfile.Came: d.Counts.Came, planfile.Left: d.Counts.Left, planfile.Text: d.Counts.Text, planfile.Decided: d.Counts.Decision,
	}[kind]
}

// summary counts the changes in a line.
func (d *DiffDocument) summary() string {
	var parts []string
	for _, t := range changeTitles {
		if n := d.count(t.kind); n > 0 {
			parts = append(parts, number(n)+" "+strings.ToLower(t.title))
		}
	}
	return strings.Join(append(parts, number(d.Counts.Same)+" the same"), ", ")
}

// who names whom a send is for.
func (c ChangeDocument) who() string {
	who := c.Key
	if c.Contact != 0 {
		who = fmt.Sprintf("contact %d", c.Contact)
		if c.Key != "" && c.Key != fmt.Sprint(c.Contact) {
			who += " (" + c.Key + ")"
		}
	}
	if c.Period != "" {
		who += ", " + c.Period
	}
	return who
}

// fate is what a plan says of a send.
func (s *SendSide) fate() string {
	switch {
	case s == nil:
		return "not in the plan"
	case s.Reason != "":
		return s.Status + ": " + s.Reason
	}
	return s.Status
}

// fates is what the plans say of a send, as far as that is worth saying.
func (c ChangeDocument) fates() string {
	switch {
	case c.Kind == planfile.Text:
		return ""
	case c.Kind == planfile.Decided:
		return c.Before.fate() + " → " + c.After.fate()
	case c.Kind == planfile.Came && c.After.Status != planfile.StatusPlanned:
		return c.After.fate()
	case c.Kind == planfile.Left && c.Before.Status != planfile.StatusPlanned:
		return c.Before.fate()
	}
	return ""
}

// Diff draws how two plans differ.
func (s Style) Diff(w io.Writer, d *DiffDocument) {
	for _, x := range []struct {
		name string
		PlanSide
	}{{"Before", d.Before}, {"After", d.After}} {
		line := fmt.Sprintf("%s %s of %s (campaign %s): %s", s.Bold(Pad(x.name, 6)), Safe(x.Run), s.Bold(Safe(x.Flow)), Safe(x.Campaign), Plural(x.ToSend, "message", "messages"))
		fmt.Fprintln(w, line)
	}
	if !d.Differs() {
		fmt.Fprint(w, "\n  The same messages to the same people.\n")
		return
	}
	fmt.Fprintf(w, "\n  %s\n", d.summary())
	for _, t := range changeTitles {
		s.changes(w, d, t.kind, t.title, t.sign)
	}
	if len(d.Reasons) > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold("Left out, before and after"))
		for _, r := range d.Reasons {
			lead := fmt.Sprintf("  %7s %7s  %s  ", number(r.Before), number(r.After), Cut(Safe(r.Step), 20))
			hanging(w, lead, Width(lead), Safe(r.Reason))
		}
	}
}

func (s Style) changes(w io.Writer, d *DiffDocument, kind planfile.ChangeKind, title, sign string) {
	n := d.count(kind)
	if n == 0 {
		return
	}
	fmt.Fprintf(w, "\n  %s\n", s.Bold(title))
	for _, c := range d.Changes {
		if c.Kind != kind {
			continue
		}
		n--
		text := Safe(c.Step) + " to " + Safe(c.who())
		if why := c.fates(); why != "" {
			text += ": " + Safe(why)
		}
		hanging(w, "  "+sign+" ", 4, text)
		if kind == planfile.Text {
			s.sideText(w, "-", c.Before.Text, s.Bad)
			s.sideText(w, "+", c.After.Text, s.Good)
		}
	}
	if n > 0 {
		fmt.Fprintf(w, "    and %s more; --limit shows more of them\n", number(n))
	}
}

// sideText draws a text as one of the plans has it.
func (s Style) sideText(w io.Writer, sign, text string, paint func(string) string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for _, part := range Wrap(Safe(line), pageWidth-8) {
			fmt.Fprintf(w, "      %s\n", paint(sign+" "+part))
		}
	}
}

// WriteMarkdown writes the differences for a review. Texts are left out unless they
// are asked for: they hold names.
func (d *DiffDocument) WriteMarkdown(w io.Writer, unmask bool) error {
	m := &markdown{}
	r := &Report{Unmasked: unmask}
	m.line("## Plans of %s", code(d.After.Flow))
	m.line("")
	for _, x := range []struct {
		name string
		PlanSide
	}{{"Before", d.Before}, {"After", d.After}} {
		m.item("", "%s: %s (campaign %s), %s", x.name, code(x.Run), code(x.Campaign), Plural(x.ToSend, "message", "messages"))
	}
	m.line("")
	if d.Differs() {
		m.line("**%s**", capital(d.summary()))
	} else {
		m.line("**The same messages to the same people.**")
	}
	for _, t := range changeTitles {
		n := d.count(t.kind)
		m.section(t.title, n)
		for _, c := range d.Changes {
			if c.Kind != t.kind {
				continue
			}
			n--
			text := code(c.Step) + " to " + code(r.hide(c.who()))
			if why := c.fates(); why != "" {
				text += ": " + code(r.hide(why))
			}
			m.item("", "%s", text)
			if unmask && t.kind == planfile.Text {
				m.item("  ", "before: %s", code(c.Before.Text))
				m.item("  ", "after: %s", code(c.After.Text))
			}
		}
		if n > 0 {
			m.item("", "and %s more", number(n))
		}
	}
	m.section("Left out, before and after", len(d.Reasons))
	for _, x := range d.Reasons {
		m.item("", "%s → %s by %s: %s", number(x.Before), number(x.After), code(x.Step), code(r.hide(x.Reason)))
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}
