package ui

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// RunDocument is one run of the ledger.
type RunDocument struct {
	ID       string        `json:"id"`
	Flow     string        `json:"flow"`
	Campaign string        `json:"campaign"`
	File     string        `json:"file"`
	Account  string        `json:"account,omitempty"`
	State    string        `json:"state"`
	Started  time.Time     `json:"started"`
	Finished *time.Time    `json:"finished,omitempty"`
	Counts   ledger.Counts `json:"counts"`
	Reason   string        `json:"reason,omitempty"`
}

// RunOf describes a run.
func RunOf(r ledger.Run) RunDocument {
	d := RunDocument{
		ID: r.ID, Flow: r.Flow, Campaign: r.Campaign, File: r.File, Account: r.Account, State: r.State.String(),
		Started: r.Started, Counts: r.Counts, Reason: r.Reason,
	}
	if !r.Finished.IsZero() {
		d.Finished = &r.Finished
	}
	return d
}

// HistoryDocument is one run with everybody who did not get its messages.
type HistoryDocument struct {
	RunDocument
	Open      bool               `json:"open"` // it can be gone on with
	Rows      []RowDocument      `json:"rows"` // planned sends that are not sent, and why
	LeftOut   []ReasonDocument   `json:"leftOut"`
	Sent      int                `json:"sent"`
	Unknown   int                `json:"unknown"`
	Settled   int                `json:"settled,omitempty"` // not sent by this run, but by a later one, or so a person says
	NotShown  int                `json:"notShown,omitempty"`
	Plan      string             `json:"plan,omitempty"`
	Decisions []DecisionDocument `json:"decisions,omitempty"`
}

// Add counts a row, and keeps it while there are not too many: when it was to be
// sent and is not, or nobody knows. Less than 0 at most is no bound.
func (h *HistoryDocument) Add(r history.Row, run string, most int) {
	switch r.Status {
	case planfile.StatusSent:
		if r.By != run {
			h.Settled++
		} else {
			h.Sent++
		}
		return
	case planfile.StatusAlreadySent, planfile.StatusLeftOut, planfile.StatusDuplicate:
		return
	case planfile.StatusUnknown:
		h.Unknown++
	}
	if most >= 0 && len(h.Rows) == most {
		h.NotShown++
		return
	}
	h.Rows = append(h.Rows, RowOf(r))
}

// RowOf describes a row in short.
func RowOf(r history.Row) RowDocument {
	return RowDocument{Seq: r.Seq, Step: r.Step, Contact: r.Contact, Key: r.Key, Status: r.Status, Reason: r.Reason}
}

// RowDocument is one row of a plan that did not become a sent message.
type RowDocument struct {
	Seq     int64  `json:"seq"`
	Step    string `json:"step"`
	Contact int    `json:"contactId,omitempty"`
	Key     string `json:"key,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
}

// RunsCSV writes the runs of a ledger, one a line.
func RunsCSV(w io.Writer, runs []RunDocument) error {
	out := csv.NewWriter(w)
	line := func(cells ...string) { _ = out.Write(cells) } // the error stays, for Error
	line("run", "flow", "campaign", "file", "account", "state", "started", "finished", "planned", "sent", "failed", "unknown", "skipped", "leftOut", "alreadySent", "duplicate", "reason")
	for _, r := range runs {
		finished, c := "", r.Counts
		if r.Finished != nil {
			finished = r.Finished.UTC().Format(time.RFC3339)
		}
		cells := []string{r.ID, cell(r.Flow), cell(r.Campaign), cell(r.File), cell(r.Account), r.State, r.Started.UTC().Format(time.RFC3339), finished}
		for _, n := range []int{c.Planned, c.Sent, c.Failed, c.Unknown, c.Skipped, c.LeftOut, c.AlreadySent, c.Duplicate} {
			cells = append(cells, strconv.Itoa(n))
		}
		line(append(cells, cell(r.Reason))...)
	}
	out.Flush()
	return out.Error()
}

// Runs draws the runs of a ledger, one a line.
func (s Style) Runs(w io.Writer, runs []ledger.Run) {
	if len(runs) == 0 {
		fmt.Fprintln(w, "There are no runs yet.")
		return
	}
	fmt.Fprintln(w, s.Bold(fmt.Sprintf("%-24s %-16s %-12s %7s %6s %7s", "RUN", "FLOW", "STATE", "PLANNED", "SENT", "UNKNOWN")))
	for _, r := range runs {
		state := Pad(r.State.String(), 12)
		if r.State != ledger.Finished {
			state = s.Warn(state)
		}
		fmt.Fprintf(w, "%s %s %s %7s %6s %7s\n", Pad(Cut(Safe(r.ID), 24), 24), Pad(Cut(Safe(r.Flow), 16), 16), state,
			number(r.Counts.Planned), number(r.Counts.Sent), number(r.Counts.Unknown))
	}
}

// History draws one run.
func (s Style) History(w io.Writer, r ledger.Run, h HistoryDocument, tail ...string) {
	fmt.Fprintf(w, "%s %s of %s: %s\n\n", s.Bold("Run"), Safe(r.ID), s.Bold(Safe(r.Flow)), s.state(r.State, h.Unknown))
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-9s %s\n", name, Cut(Safe(value), columns-12))
		}
	}
	field("file", r.File)
	field("campaign", r.Campaign)
	field("account", r.Account)
	field("started", r.Started.Format("2006-01-02 15:04:05 -07:00"))
	if !r.Finished.IsZero() {
		field("ended", r.Finished.Format("2006-01-02 15:04:05 -07:00"))
	}
	field("reason", r.Reason)
	fmt.Fprintf(w, "\n  %s\n", s.balance(r.Counts))
	if rest := others(r.Counts); rest != "" {
		fmt.Fprintf(w, "  %s\n", rest)
	}
	if h.Settled > 0 {
		fmt.Fprintf(w, "  %s sent since, by a later run or a person's word\n", number(h.Settled))
	}
	s.reasons(w, h.LeftOut)
	if len(h.Rows) > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold("Not sent, or not known"))
	}
	s.rows(w, h.Rows)
	if h.NotShown > 0 {
		fmt.Fprintf(w, "  %8s  more; --all shows everybody\n", number(h.NotShown))
	}
	s.decisions(w, h.Decisions)
	if len(tail) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range tail {
		fmt.Fprintf(w, "  %s\n", line)
	}
}
