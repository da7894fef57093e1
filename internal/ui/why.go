package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// WhyDocument is everything that is known about one contact.
type WhyDocument struct {
	Contact int                `json:"contactId"`
	Sends   []SendDocument     `json:"sends"` // newest first
	Plans   []StandingDocument `json:"plans"` // of the last run of each flow
}

// SendDocument is what the ledger knows of one send.
type SendDocument struct {
	Identity  string             `json:"identity"`
	Flow      string             `json:"flow"`
	Campaign  string             `json:"campaign"`
	Step      string             `json:"step"`
	Period    string             `json:"period,omitempty"`
	State     string             `json:"state"`
	At        time.Time          `json:"at"`
	Attempts  int                `json:"attempts"`
	Attempted time.Time          `json:"attempted"`
	Run       string             `json:"run"`
	Seq       int64              `json:"seq"`
	MessageID int                `json:"messageId,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Decisions []DecisionDocument `json:"decisions,omitempty"`
}

// SendOf describes a send and what people decided about it.
func SendOf(r ledger.Record, decided []ledger.Decided) SendDocument {
	d := SendDocument{
		Identity: r.Identity.String(), Flow: r.Flow, Campaign: r.Campaign, Step: r.Step, Period: r.Period, State: r.State.String(), At: r.At,
		Attempts: r.Attempts, Attempted: r.Attempted, Run: r.Run, Seq: r.Seq, MessageID: r.MessageID, Reason: r.Reason,
	}
	for _, x := range decided {
		d.Decisions = append(d.Decisions, DecisionOf(x, r.Seq, r.Step, r.Contact))
	}
	return d
}

// StandingDocument is what a run's plan says about one contact.
type StandingDocument struct {
	Run      string           `json:"run"`
	Flow     string           `json:"flow"`
	Campaign string           `json:"campaign"`
	Started  time.Time        `json:"started"`
	Rows     []RowDocument    `json:"rows"`              // empty when the contact is not in the plan
	LeftOut  []ReasonDocument `json:"leftOut,omitempty"` // then: whom the steps left out
}

// Why draws what is known about one contact.
func (s Style) Why(w io.Writer, d *WhyDocument) {
	fmt.Fprintf(w, "%s\n", s.Bold(fmt.Sprintf("Contact %d", d.Contact)))
	if len(d.Sends) == 0 {
		fmt.Fprintf(w, "\n  The ledger knows of no send to this contact.\n")
	}
	for _, x := range d.Sends {
		s.send(w, x)
	}
	for _, p := range d.Plans {
		s.standing(w, p)
	}
}

func (s Style) send(w io.Writer, x SendDocument) {
	state := s.Warn(x.State)
	if x.State == ledger.Sent.String() {
		state = s.Good(x.State)
	}
	fmt.Fprintf(w, "\n  %s  %s\n", state, x.At.Format(moment))
	what := fmt.Sprintf("%s, campaign %s, step %s", Safe(x.Flow), Safe(x.Campaign), Safe(x.Step))
	if x.Period != "" {
		what += ", " + Safe(x.Period)
	}
	s.wrapped(w, "    ", what)
	how := "run " + Safe(x.Run)
	if x.MessageID != 0 {
		how += fmt.Sprintf(", message %d", x.MessageID)
	}
	s.wrapped(w, "    ", how)
	if x.Attempts > 1 {
		s.wrapped(w, "    ", fmt.Sprintf("attempt %d, on %s", x.Attempts, x.Attempted.Format(moment)))
	}
	if x.Reason != "" {
		s.wrapped(w, "    ", Safe(x.Reason))
	}
	for _, d := range x.Decisions {
		s.decision(w, "    ", "a person decided: ", d)
	}
}

func (s Style) standing(w io.Writer, p StandingDocument) {
	fmt.Fprintf(w, "\n  %s\n", s.Bold("The last plan of "+Safe(p.Flow)))
	s.wrapped(w, "    ", fmt.Sprintf("run %s, campaign %s", Safe(p.Run), Safe(p.Campaign)))
	for _, r := range p.Rows {
		text := fmt.Sprintf("row %d, step %s: %s", r.Seq, Safe(r.Step), strings.ReplaceAll(r.Status, "_", " "))
		if r.Reason != "" {
			text += ", since: " + Safe(r.Reason)
		}
		if r.Status == planfile.StatusPlanned && r.Reason == "" {
			text += " (what became of it stands above)"
		}
		s.wrapped(w, "    ", text)
	}
	if len(p.Rows) > 0 {
		return
	}
	s.wrapped(w, "    ", "This contact is not in the plan: no step has read it, or one has left it out. The plan names nobody whom it leaves out, but counts them:")
	for _, r := range p.LeftOut {
		s.wrapped(w, "      ", fmt.Sprintf("%s by %s: %s", number(r.Count), Safe(r.Step), Safe(r.Reason)))
	}
	if len(p.LeftOut) == 0 {
		fmt.Fprintln(w, "      nobody, so no step has read this contact")
	}
}
