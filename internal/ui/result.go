package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Result draws what a run truly did. The counts add up, and the drawing says so.
func (s Style) Result(w io.Writer, r *engine.Result, tail ...string) {
	run := r.Run
	fmt.Fprintf(w, "%s %s of %s: %s\n\n", s.Bold("Run"), Safe(run.ID), s.Bold(Safe(run.Flow)), s.state(run.State, r.Counts.Unknown+r.StillUnknown))
	if len(r.Steps) == 0 {
		fmt.Fprint(w, "  nothing to send\n")
	} else {
		fmt.Fprintf(w, "  %s\n", s.balance(r.Counts))
	}
	if rest := others(r.Counts); rest != "" {
		fmt.Fprintf(w, "  %s\n", rest)
	}
	if n := r.ReadBack; n.Sent > 0 {
		fmt.Fprintf(w, "  %s of unknown outcome found in the chat, and so sent\n", Plural(n.Sent, "message", "messages"))
	}
	if n := r.ReadBack; n.Resent > 0 {
		fmt.Fprintf(w, "  %s of unknown outcome not in the chat, and sent again\n", Plural(n.Resent, "message", "messages"))
	}
	s.fingerprint(w, r.Fingerprint)
	if r.StillUnknown > 0 {
		fmt.Fprintf(w, "  %s\n", s.Warn(fmt.Sprintf("%s from an earlier run still unknown", Plural(r.StillUnknown, "message", "messages"))))
	}
	if r.StillRefused > 0 {
		fmt.Fprintf(w, "  %s refused for good in an earlier run\n", Plural(r.StillRefused, "message", "messages"))
	}
	if len(r.Steps) > 1 {
		fmt.Fprintln(w)
		for _, c := range r.Steps {
			fmt.Fprintf(w, "  %s  %s\n", Pad(Cut(Safe(c.Step), 20), 20), s.balance(c.Counts))
		}
	}
	s.problems(w, r)
	if len(r.Outputs) > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold("Outputs"))
		for _, o := range r.Outputs {
			fmt.Fprintf(w, "  %s: %s\n", Safe(o.Name), Cut(Safe(show(o.Value)), pageWidth-4-Width(Safe(o.Name))))
		}
	}
	for _, text := range r.Warnings {
		s.below(w, "\n  ", s.Warn, "warning:", text)
	}
	if len(r.Later) > 0 && r.Reason != "" {
		fmt.Fprintf(w, "\n  Never planned, since the run stopped: %s\n", Safe(laterSteps(r.Later)))
	}
	if r.Reason != "" {
		s.below(w, "\n  ", s.Bad, "Stopped:", before(r.Reason, r.Hint))
		if r.Hint != "" {
			s.below(w, "  ", plain, "fix:", r.Hint)
		}
	}
	closing(w, "  ", tail)
}

// below writes a text behind a word; what the terminal is too narrow for stands
// below it.
func (s Style) below(w io.Writer, indent string, paint func(string) string, word, text string) {
	column := len(strings.TrimLeft(indent, "\n")) + len(word) + 1
	lines := strings.ReplaceAll(s.fitted(Safe(text), column), "\n", "\n"+strings.Repeat(" ", column))
	fmt.Fprintf(w, "%s%s %s\n", indent, paint(word), lines)
}

// balance is the sum that every run must keep.
func (s Style) balance(c ledger.Counts) string {
	paint := func(n int, word string, p func(string) string) string {
		text := number(n) + " " + word
		if n > 0 {
			return p(text)
		}
		return text
	}
	return fmt.Sprintf("%s planned = %s + %s + %s + %s", number(c.Planned), paint(c.Sent, "sent", s.Good),
		paint(c.Failed, "failed", s.Bad), paint(c.Unknown, "unknown", s.Warn), paint(c.Skipped, "skipped", s.Warn))
}

// others are those who never became planned sends.
func others(c ledger.Counts) string {
	var parts []string
	add := func(n int, word string) {
		if n > 0 {
			parts = append(parts, number(n)+" "+word)
		}
	}
	add(c.AlreadySent, "already sent before")
	add(c.LeftOut, "left out")
	add(c.Duplicate, "duplicate")
	return strings.Join(parts, ", ")
}

// problems draws who did not get a message, and counts those whom the result
// does not name: most of them were not tried any more.
func (s Style) problems(w io.Writer, r *engine.Result) {
	var rows []RowDocument
	untried, more := r.Counts.Skipped, r.Counts.Failed+r.Counts.Unknown
	for _, p := range r.Problems {
		rows = append(rows, RowDocument{Step: p.Step, Contact: p.Contact, Status: p.Status, Reason: p.Reason})
		if p.Status == "skipped" {
			untried--
		} else {
			more--
		}
	}
	if r.Reason == "" {
		untried, more = 0, more+untried // no stop kept them back, but a rail or an earlier send
	}
	if len(rows) > 0 || untried > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold("Not sent, or not known"))
	}
	s.rows(w, rows)
	if untried > 0 {
		fmt.Fprintf(w, "  %8s  not tried, since the run stopped\n", number(untried))
	}
	if more > 0 {
		fmt.Fprintf(w, "  %8s  more\n", number(more))
	}
}

// rows draws who did not get a message. Equal reasons share a line with their
// count, so that a thousand of them can be read.
func (s Style) rows(w io.Writer, rows []RowDocument) {
	type group struct{ step, status, reason string }
	var order []group
	members := map[group][]string{}
	for _, r := range rows {
		g := group{r.Step, r.Status, r.Reason}
		if members[g] == nil {
			order = append(order, g)
		}
		who := fmt.Sprint(r.Contact)
		if r.Contact == 0 {
			who = Safe(r.Key)
		}
		members[g] = append(members[g], who)
	}
	for _, g := range order {
		who := members[g]
		lead := fmt.Sprintf("  %8s  ", number(len(who)))
		text := fmt.Sprintf("%s: %s", strings.ReplaceAll(Safe(g.status), "_", " "), Safe(g.reason))
		list := "contact " + who[0]
		if len(who) > 1 {
			list = "contacts " + strings.Join(who, ", ")
		}
		for _, part := range append(Wrap(text, pageWidth-len(lead)), Wrap(Safe(g.step)+", "+list, pageWidth-len(lead))...) {
			fmt.Fprintf(w, "%s%s\n", lead, part)
			lead = strings.Repeat(" ", len(lead))
		}
	}
}

func (s Style) state(st ledger.RunState, unknown int) string {
	switch st {
	case ledger.Finished:
		if unknown > 0 {
			return s.Warn(fmt.Sprintf("done, but %s unknown", number(unknown)))
		}
		return s.Good("done")
	case ledger.Running:
		return "running"
	case ledger.Interrupted, ledger.Stopped, ledger.Abandoned:
		return s.Warn(st.String())
	}
	return s.Bad(st.String())
}

// show is a run-time value in one line.
func show(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return x
	case time.Time:
		return x.Format("2006-01-02 15:04:05 -07:00")
	case time.Duration:
		return x.String()
	}
	b, err := json.Marshal(plainValue(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// maxShown is how many records of a list are shown as an output.
const maxShown = 1000

// plainValue makes a run-time value fit for JSON: a stream becomes a list, a
// duration its text.
func plainValue(v any) any {
	switch x := v.(type) {
	case time.Duration:
		return x.String()
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = plainValue(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plainValue(e)
		}
		return out
	case interface{ All() iter.Seq2[any, error] }:
		out := []any{}
		for e, err := range x.All() {
			if err != nil || len(out) == maxShown {
				break
			}
			out = append(out, plainValue(e))
		}
		return out
	}
	return v
}
