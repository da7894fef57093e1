package ui

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// WhyDocument is everything that is known about one contact.
type WhyDocument struct {
	Contact int                `json:"contactId"`
	Sends   []SendDocument     `json:"sends"` // newest first
	OptOuts []OptOutDocument   `json:"optOuts,omitempty"`
	Plans   []StandingDocument `json:"plans"` // of each run that has the contact, and of the last run of each flow
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
	Content   string             `json:"contentHash"` // SHA-256 of all that was sent, as in the plan
	Decisions []DecisionDocument `json:"decisions,omitempty"`
}

// SendOf describes a send and what people decided about it.
func SendOf(r ledger.Record, decided []ledger.Decided) SendDocument {
	d := SendDocument{
		Identity: r.Identity.String(), Flow: r.Flow, Campaign: r.Campaign, Step: r.Step, Period: r.Period, State: r.State.String(), At: r.At,
		Attempts: r.Attempts, Attempted: r.Attempted, Run: r.Run, Seq: r.Seq, MessageID: r.MessageID, Reason: r.Reason,
		Content: hex.EncodeToString(r.ContentHash[:]),
	}
	for _, x := range decided {
		d.Decisions = append(d.Decisions, DecisionOf(x, r.Seq, r.Step, r.Contact))
	}
	return d
}

// StandingDocument is how a run's plan stands to one contact.
type StandingDocument struct {
	Run      string              `json:"run"`
	Flow     string              `json:"flow"`
	Campaign string              `json:"campaign"`
	Started  time.Time           `json:"started"`
	Rows     []RecipientDocument `json:"rows"`              // empty when the contact is not in the plan
	LeftOut  []ReasonDocument    `json:"leftOut,omitempty"` // then: whom the steps left out
}

// StandingOf describes how a run's plan stands to one contact.
func StandingOf(run ledger.Run, rows []history.Row, leftOut []planfile.LeftOut) StandingDocument {
	d := StandingDocument{Run: run.ID, Flow: run.Flow, Campaign: run.Campaign, Started: run.Started, Rows: []RecipientDocument{}}
	for _, r := range rows {
		d.Rows = append(d.Rows, RecipientOf(r))
	}
	if len(rows) == 0 {
		for _, l := range leftOut {
			d.LeftOut = append(d.LeftOut, ReasonDocument{Step: l.Step, Reason: l.Reason, Count: l.Count})
		}
	}
	return d
}

// excluded reports whether a status means that the plan did not include the row.
func excluded(status string) bool {
	return status == planfile.StatusLeftOut || status == planfile.StatusDuplicate
}

// OptOutDocument is a message in which the contact asked for peace.
type OptOutDocument struct {
	Word      string    `json:"word"`
	MessageID int       `json:"messageId"`
	At        time.Time `json:"at"`
}

// Why draws what is known about one contact.
func (s Style) Why(w io.Writer, d *WhyDocument) {
	fmt.Fprintf(w, "%s\n", s.Bold(fmt.Sprintf("Contact %d", d.Contact)))
	for _, o := range d.OptOuts {
		fmt.Fprintln(w)
		s.wrapped(w, "  ", s.Warn(fmt.Sprintf("asked for peace on %s with %q, message %d", o.At.Format(moment), Safe(o.Word), o.MessageID)))
	}
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
	fmt.Fprintf(w, "\n  %s\n", s.Bold("The plan of "+Safe(p.Flow)+", "+p.Started.Format(moment)))
	s.wrapped(w, "    ", fmt.Sprintf("run %s, campaign %s", Safe(p.Run), Safe(p.Campaign)))
	for _, r := range p.Rows {
		verb := "included by"
		if excluded(r.Status) {
			verb = "excluded by"
		}
		text := fmt.Sprintf("%s %s (row %d): %s", verb, Safe(r.Step), r.Seq, words(r.Status))
		if r.Run != "" && r.Run != p.Run {
			text += " by run " + Safe(r.Run)
		}
		if r.Reason != "" {
			text += ", since: " + Safe(r.Reason)
		}
		s.wrapped(w, "    ", text)
		if r.TextHash != "" {
			s.wrapped(w, "      ", "text "+r.TextHash)
		}
	}
	if len(p.Rows) > 0 {
		return
	}
	s.wrapped(w, "    ", "This contact is not in the plan: no step has read it, or one has left it out. Steps that filter count whom they leave out, and name nobody:")
	for _, r := range p.LeftOut {
		s.wrapped(w, "      ", fmt.Sprintf("%s by %s: %s", number(r.Count), Safe(r.Step), Safe(r.Reason)))
	}
	if len(p.LeftOut) == 0 {
		fmt.Fprintln(w, "      nobody, so no step has read this contact")
	}
}

// whyColumns are the columns of why as CSV. A line is one decision about the
// contact: by a plan (included, excluded), of the ledger about a send (its
// state), or by a person (decided).
var whyColumns = []string{"decision", "at", "flow", "campaign", "run", "step", "seq", "status", "reason", "messageId", "textHash", "attempts", "identity", "by"}

// WriteCSV writes what is known about one contact, a decision a line.
func (d *WhyDocument) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := func(cells ...string) { _ = out.Write(cells) } // the error stays, for Error
	line(whyColumns...)
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, x := range d.Sends {
		line("ledger", at(x.At), cell(x.Flow), cell(x.Campaign), x.Run, cell(x.Step), fmt.Sprint(x.Seq), x.State, cell(x.Reason), filled(x.MessageID), "", filled(x.Attempts), x.Identity, "")
		for _, p := range x.Decisions {
			line("decided", at(p.At), cell(x.Flow), cell(x.Campaign), x.Run, cell(x.Step), fmt.Sprint(x.Seq), p.State, cell(p.Reason), filled(p.MessageID), "", "", x.Identity, cell(p.By))
		}
	}
	for _, p := range d.Plans {
		for _, r := range p.Rows {
			verb := "included"
			if excluded(r.Status) {
				verb = "excluded"
			}
			line(verb, at(p.Started), cell(p.Flow), cell(p.Campaign), p.Run, cell(r.Step), fmt.Sprint(r.Seq), r.Status, cell(r.Reason), filled(r.Message), r.TextHash, filled(r.Attempts), r.Identity, "")
		}
	}
	out.Flush()
	return out.Error()
}
