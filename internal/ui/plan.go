package ui

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Plan draws what a person must know before a plan is applied. tail closes it:
// what happened to the plan, or what to type next.
func (s Style) Plan(w io.Writer, p *engine.Summary, tail ...string) {
	h := p.Head
	where := ""
	if h.Sandbox {
		where = ", sandbox"
	}
	fmt.Fprintf(w, "%s %s of %s (campaign %s%s)\n", s.Bold("Plan"), Safe(h.Run), s.Bold(Safe(h.Flow)), Safe(h.Campaign), where)
	if h.Slot != nil {
		fmt.Fprintf(w, "  %s\n", s.Dim(slotLine(*h.Slot, p.Next)))
	}
	if len(h.Only) > 0 {
		names := make([]string, len(h.Only))
		for i, id := range h.Only {
			names[i] = fmt.Sprint(id)
		}
		fmt.Fprintf(w, "  Only for %s: %s\n", map[bool]string{true: "the contact", false: "the contacts"}[len(names) == 1], strings.Join(names, ", "))
	}
	for _, why := range p.Unfit {
		s.warned(w, "It cannot be applied: "+Safe(why))
	}
	if len(h.Suppress) > 0 {
		parts := make([]string, len(h.Suppress))
		for i, l := range h.Suppress {
			parts[i] = fmt.Sprintf("%s (%s)", l.By, number(l.Count))
		}
		s.wrapped(w, "  ", "Never to those in: "+Safe(strings.Join(parts, ", ")))
	}
	if len(p.Project) > 0 {
		s.wrapped(w, "  ", "Rails of the project: "+Safe(strings.Join(p.Project, "; ")))
	}
	s.planSteps(w, p)
	var left []ReasonDocument
	for _, l := range p.LeftOut {
		left = append(left, ReasonDocument{l.Step, l.Reason, l.Count})
	}
	s.reasons(w, left)
	s.planHours(w, p)
	s.planSamples(w, p)
	if len(p.Locals) > 0 {
		fmt.Fprintf(w, "\n  After the sends: %s.\n", Safe(strings.Join(p.Locals, ", ")))
	}
	if len(p.End.Later) > 0 {
		fmt.Fprintf(w, "\n  Planned when the sends above have settled: %s.\n", Safe(laterSteps(p.End.Later)))
		fmt.Fprintf(w, "  All stages together send at most %s.\n", Plural(h.MaxSends, "message", "messages"))
	}
	for _, text := range p.End.Warnings {
		fmt.Fprintln(w)
		s.warned(w, Safe(text)+".")
	}
	fmt.Fprintf(w, "\n  %s\n", s.estimate(p))
	s.fingerprint(w, p.End.Fingerprint())
	for _, line := range tail {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

// warned writes a text that deserves a look, each of its lines in that colour.
func (s Style) warned(w io.Writer, text string) {
	for _, line := range Wrap(text, pageWidth-2) {
		fmt.Fprintf(w, "  %s\n", s.Warn(line))
	}
}

// planHours says how many could not be sent now.
func (s Style) planHours(w io.Writer, p *engine.Summary) {
	if p.Outside == 0 {
		return
	}
	who := "all of them are"
	if p.Outside < p.End.Counts.Planned {
		who = number(p.Outside) + " of them are"
	}
	text := "Now " + who + " outside guard.hours"
	if !p.Opens.IsZero() {
		text += "; the first open on " + p.Opens.In(p.Head.Now.Location()).Format("Mon 2006-01-02 at 15:04 -07:00")
	}
	fmt.Fprintf(w, "\n  %s.\n", s.Warn(text))
}

func (s Style) planSteps(w io.Writer, p *engine.Summary) {
	if len(p.Steps) == 0 {
		fmt.Fprint(w, "\n  Nothing to send: this flow has no sending step in this stage.\n")
		return
	}
	for _, st := range p.Steps {
		fmt.Fprintf(w, "\n  %s", s.Bold(Safe(st.Step)))
		if st.Title != "" {
			fmt.Fprintf(w, "  %s", s.Dim(Safe(st.Title)))
		}
		fmt.Fprintln(w)
		c := st.Counts
		line := func(n int, always bool, text string, paint func(string) string) {
			if n > 0 || always {
				fmt.Fprintf(w, "  %s  %s\n", paint(fmt.Sprintf("%8s", number(n))), text)
			}
		}
		line(c.Planned, true, "would get a message", s.Good)
		sent := "already sent"
		if p.Since != nil && c.AlreadySent > 0 {
			sent += ", the last one " + p.Since.In(p.Head.Now.Location()).Format("2006-01-02 15:04")
		}
		line(c.AlreadySent, false, sent, plain)
		line(c.Changed, false, "of these had another text; a changed text is not sent again", s.Dim)
		line(c.LeftOut, false, "left out", plain)
		line(c.Duplicate, false, "the same message twice in this plan; it is sent once", plain)
		line(c.Unknown, false, "unknown from an earlier run; "+unknownPlan(p.Head.Delivery), s.Warn)
		line(c.Refused, false, "refused for good in an earlier run", plain)
	}
	if c := p.End.Counts; c.AlreadySent > 0 && c.Planned+c.Unknown+c.Refused+len(p.End.Later) == 0 {
		fmt.Fprintln(w)
		s.wrapped(w, "  ", servedAlready(p))
	}
}

// day and minute are how plans write moments that people chose.
const (
	day    = "Monday, 2006-01-02"
	minute = "2006-01-02 15:04"
)

// slotLine says which slot of its schedule a plan serves.
func slotLine(slot time.Time, next *time.Time) string {
	text := "For the slot of " + slot.Format("Mon "+minute)
	if next != nil {
		text += "; the next one is " + next.Format("Mon "+minute)
	}
	return text
}

// servedAlready says since when nobody is left to write to, and what to add to
// the flow for the next time.
func servedAlready(p *engine.Summary) string {
	zone := p.Head.Now.Location()
	text := "Everybody was served already"
	if p.First != nil {
		text += ", since " + p.First.In(zone).Format(minute)
	}
	at := p.Head.Now
	if p.Head.Slot != nil {
		at = *p.Head.Slot
	}
	once, again := "campaign", time.Time{}
	for _, st := range p.Steps {
		begins, ok := periodAfter(st.OncePer, at)
		if !ok {
			once, again = st.OncePer, time.Time{}
			break
		}
		if again.IsZero() || begins.Before(again) {
			once, again = st.OncePer, begins
		}
	}
	switch {
	case p.Next != nil && once != "campaign":
		text += fmt.Sprintf(". It is `oncePer: %s`; the next slot is %s.", once, p.Next.Format("Mon "+minute))
	case !again.IsZero():
		text += fmt.Sprintf(". It is `oncePer: %s`; the next %s begins on %s.", once, once, again.Format(day))
	case once == "campaign":
		return text + ". To write to the same people again, add a line to the flow: `campaign: NAME` for another occasion, or " +
			"`oncePer: week` (or month, day) for each week anew."
	default:
		text += "."
	}
	return text + " To write to the same people before that, add a line to the flow: `campaign: NAME`, or give --campaign NAME."
}

// periodAfter is when the next period begins, false where none does by itself.
func periodAfter(once string, at time.Time) (time.Time, bool) {
	y, m, d := at.Date()
	switch once {
	case "month":
		m, d = m+1, 1
	case "week":
		d += 7 - (int(at.Weekday())+6)%7
	case "day":
		d++
	default:
		return time.Time{}, false
	}
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location()), true
}

// unknownPlan says what apply does with sends whose outcome nobody knows.
func unknownPlan(d *planfile.Delivery) string {
	switch {
	case d != nil && d.Unknown == string(engine.NeverResend):
		return "read back, and never sent again"
	case d != nil && d.Unknown == string(engine.Resend):
		return "sent again unless the chat has it"
	}
	return "read back before anything is sent again"
}

// reasons draws how many were left out where, and why.
func (s Style) reasons(w io.Writer, list []ReasonDocument) {
	if len(list) == 0 {
		return
	}
	width := 0
	for _, l := range list {
		width = max(width, min(24, Width(Safe(l.Step))))
	}
	fmt.Fprintf(w, "\n  %s\n", s.Bold("Left out"))
	for _, l := range list {
		lead := fmt.Sprintf("  %8s  %s  ", number(l.Count), Pad(Cut(Safe(l.Step), width), width))
		hanging(w, lead, Width(lead), Safe(l.Reason))
	}
}

func (s Style) planSamples(w io.Writer, p *engine.Summary) {
	if len(p.Samples) == 0 {
		return
	}
	title := fmt.Sprintf("%s, complete", Plural(len(p.Samples), "message", "messages"))
	if n := p.End.Counts.Planned; n > len(p.Samples) {
		title = fmt.Sprintf("%d of %s messages, complete", len(p.Samples), number(n))
	}
	fmt.Fprintf(w, "\n  %s\n", s.Bold(title))
	for _, x := range p.Samples {
		head := fmt.Sprintf("%s to contact %d", Safe(x.Step), x.Contact)
		if x.Contact == 0 {
			head = fmt.Sprintf("%s for %s", Safe(x.Step), Safe(x.Key))
		}
		s.frame(w, head, x.Preview.Text, x.Preview.Details)
	}
}

// frame draws one text as it would be received, with what else is sent below.
func (s Style) frame(w io.Writer, head, text string, details map[string]string) {
	const inner = pageWidth - 4
	fmt.Fprintf(w, "  %s %s\n", s.Dim("┌"), s.Dim(Cut(head, inner)))
	for line := range strings.SplitSeq(text, "\n") {
		for _, part := range Wrap(Safe(line), inner) {
			fmt.Fprintf(w, "  %s\n", strings.TrimRight(s.Dim("│")+" "+part, " "))
		}
	}
	var more []string
	for _, k := range slices.Sorted(maps.Keys(details)) {
		more = append(more, Safe(k)+": "+Safe(details[k]))
	}
	fmt.Fprintf(w, "  %s\n", strings.TrimRight(s.Dim("└")+" "+s.Dim(Cut(strings.Join(more, " · "), inner)), " "))
}

// fingerprint draws what people compare to be sure of a plan.
func (s Style) fingerprint(w io.Writer, text string) {
	if text != "" {
		fmt.Fprintf(w, "  Fingerprint of people and texts: %s\n", text)
	}
}

// estimate says what planning has cost and what applying will.
func (s Style) estimate(p *engine.Summary) string {
	text := fmt.Sprintf("Planning made %s.", Plural(int(p.End.Calls), "call", "calls"))
	if n := p.End.Asked; n > 0 {
		text = fmt.Sprintf("Planning made %s, %s of them for the rails.", Plural(int(p.End.Calls), "call", "calls"), number(int(n)))
	}
	if p.Calls > 0 {
		text += fmt.Sprintf(" Sending makes about %s", number(p.Calls))
		if p.Takes > 0 {
			text += ", in " + spell(p.Takes)
		}
		text += "."
	}
	if p.Left != nil {
		text += fmt.Sprintf(" Calls left this month: %s.", number(*p.Left))
	}
	return text
}

// spell writes a duration as people say it.
func spell(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under a second"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// laterSteps names the sending steps of later stages, each with its bound.
func laterSteps(list []planfile.Later) string {
	parts := make([]string, len(list))
	for i, l := range list {
		parts[i] = l.Step
		if l.UpTo > 0 {
			parts[i] += " (up to " + number(l.UpTo) + ")"
		}
	}
	return strings.Join(parts, ", ")
}
