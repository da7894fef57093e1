package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// DecisionDocument is what a person decided about an unknown send.
type DecisionDocument struct {
	Identity  string    `json:"identity"`
	Seq       int64     `json:"seq,omitempty"`
	Step      string    `json:"step,omitempty"`
	Contact   int       `json:"contactId,omitempty"`
	From      string    `json:"from"`
	State     string    `json:"state"`
	MessageID int       `json:"messageId,omitempty"`
	By        string    `json:"by,omitempty"`
	Reason    string    `json:"reason"`
	At        time.Time `json:"at"`
}

// DecisionOf describes a decision about a row of a plan.
func DecisionOf(d ledger.Decided, seq int64, step string, contact int) DecisionDocument {
	return DecisionDocument{
		Identity: d.Identity.String(), Seq: seq, Step: step, Contact: contact, From: d.From.String(), State: d.State.String(),
		MessageID: d.MessageID, By: d.By, Reason: d.Reason, At: d.At,
	}
}

// Decide adds what people decided about a row of the run's plan.
func (h *HistoryDocument) Decide(list []ledger.Decided, seq int64, step string, contact int) {
	for _, d := range list {
		h.Decisions = append(h.Decisions, DecisionOf(d, seq, step, contact))
	}
}

// moment is how the tables write a time.
const moment = "2006-01-02 15:04:05 -07:00"

// decisions draws what people decided.
func (s Style) decisions(w io.Writer, list []DecisionDocument) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n  %s\n", s.Bold("Decided by a person"))
	for _, d := range list {
		who := fmt.Sprintf("contact %d", d.Contact)
		if d.Step != "" {
			who = Safe(d.Step) + ", " + who
		}
		s.decision(w, "    ", who+": ", d)
	}
}

// decision draws what was decided, why, by whom and when.
func (s Style) decision(w io.Writer, indent, lead string, d DecisionDocument) {
	text := lead + d.State
	if d.MessageID != 0 {
		text += fmt.Sprintf(" (message %d)", d.MessageID)
	}
	s.wrapped(w, indent, text+", since: "+Safe(d.Reason))
	fmt.Fprintf(w, "%s  %s\n", indent, s.Dim(Cut(fmt.Sprintf("by %s on %s", Safe(d.By), d.At.Format(moment)), pageWidth-len(indent)-2)))
}

// UnknownSend is a send that a person is about to decide about.
type UnknownSend struct {
	Seq int64
	ledger.Record
	Text string // "" when its plan is gone
}

// Unknown draws what a decision is about: total sends, of which some are shown.
func (s Style) Unknown(w io.Writer, r ledger.Run, rows []UnknownSend, total int) {
	fmt.Fprintf(w, "%s %s of %s: %s\n", s.Bold("Run"), Safe(r.ID), s.Bold(Safe(r.Flow)), s.Warn(Plural(total, "unknown send", "unknown sends")))
	for _, u := range rows {
		fmt.Fprintf(w, "\n  %s, step %s, row %d\n", s.Bold(fmt.Sprintf("contact %d", u.Contact)), Safe(u.Step), u.Seq)
		when := u.Attempted.Format(moment)
		if u.Run != r.ID {
			when += ", by run " + Safe(u.Run)
		}
		s.labelled(w, "tried", when)
		s.labelled(w, "reason", Safe(u.Reason))
		for i, line := range strings.Split(strings.TrimRight(u.Text, "\n"), "\n") {
			s.labelled(w, map[bool]string{true: "text"}[i == 0], Safe(line))
		}
	}
	if more := total - len(rows); more > 0 {
		fmt.Fprintf(w, "\n  and %s more\n", number(more))
	}
	fmt.Fprintln(w)
}

// labelled writes a text behind its name, and nothing when there is none.
func (s Style) labelled(w io.Writer, name, text string) {
	if text == "" {
		return
	}
	for _, line := range Wrap(text, pageWidth-12) {
		fmt.Fprintf(w, "    %-7s %s\n", name, line)
		name = ""
	}
}
