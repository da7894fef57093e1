package ui

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
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
	Warnings  []string           `json:"warnings,omitempty"` // of its plans
	Decisions []DecisionDocument `json:"decisions,omitempty"`
}

// Concerns reports whether a row was to be sent and is not, or nobody knows.
func Concerns(r history.Row) bool {
	switch r.Status {
	case planfile.StatusSent, planfile.StatusAlreadySent, planfile.StatusLeftOut, planfile.StatusDuplicate:
		return false
	}
	return true
}

// Add counts a row, and keeps it while there are not more than most: when it
// concerns somebody who has no message.
func (h *HistoryDocument) Add(r history.Row, run string, most int) {
	switch r.Status {
	case planfile.StatusSent:
		if r.By != run {
			h.Settled++
		} else {
			h.Sent++
		}
	case planfile.StatusUnknown:
		h.Unknown++
	}
	if !Concerns(r) {
		return
	}
	if len(h.Rows) == most {
		h.NotShown++
		return
	}
	h.Rows = append(h.Rows, RowOf(r))
}

// Warn adds what a plan has warned of. Plans of later stages may say the same.
func (h *HistoryDocument) Warn(texts []string) {
	for _, text := range texts {
		if !slices.Contains(h.Warnings, text) {
			h.Warnings = append(h.Warnings, text)
		}
	}
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

// hasWarned comes before what a plan has warned of, when its run is looked at later.
const hasWarned = "The plan has warned: "

// batch is how many rows are drawn together, those with one reason in one line:
// however many rows a run has, no more are held.
const batch = 1000

// History draws one run. The rows of more are drawn after those of h, which counts
// them as not shown; nil is none.
func (s Style) History(w io.Writer, r ledger.Run, h HistoryDocument, more iter.Seq2[RowDocument, error], tail ...string) error {
	fmt.Fprintf(w, "%s %s of %s: %s\n\n", s.Bold("Run"), Safe(r.ID), s.Bold(Safe(r.Flow)), s.state(r.State, h.Unknown))
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-9s %s\n", name, Cut(Safe(value), pageWidth-12))
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
	if len(h.Rows) > 0 || more != nil && h.NotShown > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold("Not sent, or not known"))
	}
	s.rows(w, h.Rows)
	if more != nil {
		if err := s.batches(w, more); err != nil {
			return err
		}
	} else if h.NotShown > 0 {
		fmt.Fprintf(w, "  %8s  more; --all shows everybody\n", number(h.NotShown))
	}
	for _, text := range h.Warnings {
		fmt.Fprintln(w)
		s.warned(w, hasWarned+Safe(text)+".")
	}
	s.decisions(w, h.Decisions)
	closing(w, "  ", tail)
	return nil
}

func (s Style) batches(w io.Writer, more iter.Seq2[RowDocument, error]) error {
	var held []RowDocument
	for row, err := range more {
		if err != nil {
			return err
		}
		if held = append(held, row); len(held) == batch {
			s.rows(w, held)
			held = held[:0]
		}
	}
	s.rows(w, held)
	return nil
}

// WriteHistory prints a run as JSON, with rows in place of those of h, one after
// another however many they are. doc is the rest of the document when all of them
// were written; an error of rows stands in it instead, with its exit code, and is
// returned.
func WriteHistory(w io.Writer, h HistoryDocument, rows iter.Seq2[RowDocument, error], doc Document, code func(error) int) error {
	const mark = "\n    \"rows\": [],\n"
	h.Rows, h.NotShown = []RowDocument{}, 0
	var run strings.Builder
	if err := WriteJSON(&run, struct {
		Run HistoryDocument `json:"run"`
	}{h}); err != nil {
		return err
	}
	before, after, _ := strings.Cut(strings.TrimSuffix(run.String(), "\n}\n"), mark)
	if _, err := io.WriteString(w, before+"\n    \"rows\": ["); err != nil {
		return err
	}
	end, lead, broken := "", "\n      ", error(nil)
	for row, err := range rows {
		if err != nil {
			doc, broken = Document{ExitCode: code(err), Error: ErrorOf(err)}, err
			break
		}
		line, err := marshalPlain(row)
		if err == nil {
			_, err = io.WriteString(w, lead+line)
		}
		if err != nil {
			return err
		}
		end, lead = "\n    ", ",\n      "
	}
	var rest strings.Builder
	if err := WriteJSON(&rest, doc); err != nil {
		return err
	}
	if _, err := io.WriteString(w, end+"],\n"+after+",\n"+strings.TrimPrefix(rest.String(), "{\n")); err != nil {
		return err
	}
	return broken
}
