package ui

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// RecipientDocument is one row of a run's plan, and what became of it.
type RecipientDocument struct {
	Contact  int        `json:"contactId,omitempty"`
	Step     string     `json:"step"`
	Key      string     `json:"key,omitempty"`
	Status   string     `json:"status"`
	Reason   string     `json:"reason,omitempty"`
	Message  int        `json:"messageId,omitempty"`
	At       *time.Time `json:"at,omitempty"`
	TextHash string     `json:"textHash,omitempty"`
	Attempts int        `json:"attempts,omitempty"`
	Seq      int64      `json:"seq"`
	Identity string     `json:"identity,omitempty"`
	Run      string     `json:"run,omitempty"` // that made the last attempt
}

// RecipientOf describes a row.
func RecipientOf(r history.Row) RecipientDocument {
	d := RecipientDocument{
		Contact: r.Contact, Step: r.Step, Key: r.Key, Status: r.Status, Reason: r.Reason, Message: r.Message, TextHash: r.TextHash,
		Attempts: r.Attempts, Seq: r.Seq, Identity: r.Identity, Run: r.By,
	}
	if !r.At.IsZero() {
		at := r.At.UTC()
		d.At = &at
	}
	return d
}

// Recipients writes the rows of a run one after another, however many they are.
type Recipients interface {
	Row(r history.Row) error
	// End closes the list; in JSON with the rest of the document.
	End(doc Document) error
}

// NewRecipients begins a list in the form table, csv or json.
func NewRecipients(w io.Writer, form string, s Style) Recipients {
	switch form {
	case "csv":
		return &recipientsCSV{w: csv.NewWriter(w)}
	case "json":
		return &recipientsJSON{w: w}
	}
	return &recipientsTable{w: w, s: s}
}

// recipientColumns are the columns of the CSV, as read_csv takes them.
var recipientColumns = []string{"contactId", "step", "key", "status", "reason", "messageId", "at", "textHash", "attempts", "seq", "identity", "run"}

type recipientsCSV struct {
	w     *csv.Writer
	begun bool
}

func (c *recipientsCSV) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.w.Write(recipientColumns)
}

func (c *recipientsCSV) Row(r history.Row) error {
	if err := c.begin(); err != nil {
		return err
	}
	at := ""
	if !r.At.IsZero() {
		at = r.At.UTC().Format(time.RFC3339)
	}
	return c.w.Write([]string{
		filled(r.Contact), cell(r.Step), cell(r.Key), r.Status, cell(r.Reason), filled(r.Message), at, r.TextHash, filled(r.Attempts),
		strconv.FormatInt(r.Seq, 10), r.Identity, r.By,
	})
}

func (c *recipientsCSV) End(Document) error {
	err := c.begin()
	c.w.Flush()
	if err == nil {
		err = c.w.Error()
	}
	return err
}

// recipientsJSON writes one document, row by row.
type recipientsJSON struct {
	w io.Writer
	n int
}

func (j *recipientsJSON) Row(r history.Row) error {
	line, err := marshalPlain(RecipientOf(r))
	if err != nil {
		return err
	}
	lead := ",\n    "
	if j.n == 0 {
		lead = "{\n  \"recipients\": [\n    "
	}
	j.n++
	_, err = io.WriteString(j.w, lead+line)
	return err
}

func (j *recipientsJSON) End(doc Document) error {
	lead := "\n  ],\n"
	if j.n == 0 {
		lead = "{\n  \"recipients\": [],\n"
	}
	var b strings.Builder
	if err := WriteJSON(&b, doc); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, lead+strings.TrimPrefix(b.String(), "{\n"))
	return err
}

// marshalPlain is JSON in one line, without escapes for HTML.
func marshalPlain(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// recipientsTable draws a line for each row, and one below for its reason.
type recipientsTable struct {
	w      io.Writer
	s      Style
	n      int
	counts map[string]int
}

func (t *recipientsTable) Row(r history.Row) error {
	if t.n == 0 {
		t.counts = map[string]int{}
		fmt.Fprintln(t.w, t.s.Bold(fmt.Sprintf("%-10s %-11s %-12s %-12s %-16s %s", "CONTACT", "STEP", "STATUS", "MESSAGE", "AT (UTC)", "TEXT")))
	}
	t.n++
	t.counts[r.Status]++
	at := ""
	if !r.At.IsZero() {
		at = r.At.UTC().Format("2006-01-02 15:04")
	}
	who := filled(r.Contact)
	if who == "" {
		who = "-"
	}
	line := fmt.Sprintf("%s %s %s %s %s %s", Pad(who, 10), Pad(Cut(Safe(r.Step), 11), 11), t.s.status(r.Status, 12), Pad(filled(r.Message), 12), Pad(at, 16), r.TextHash)
	_, err := fmt.Fprintln(t.w, strings.TrimRight(line, " "))
	if r.Key != "" && r.Key != filled(r.Contact) {
		t.s.wrapped(t.w, "  ", "key "+Safe(r.Key))
	}
	if r.Reason != "" {
		t.s.wrapped(t.w, "  ", Safe(r.Reason))
	}
	return err
}

// rowStatuses are the statuses of rows, in the order in which they are counted.
var rowStatuses = []string{
	planfile.StatusSent, planfile.StatusAlreadySent, planfile.StatusFailed, planfile.StatusUnknown,
	planfile.StatusSkipped, planfile.StatusLeftOut, planfile.StatusDuplicate,
}

// RowStatuses are the statuses that a row of a run can have.
func RowStatuses() []string { return append([]string(nil), rowStatuses...) }

func (t *recipientsTable) End(Document) error {
	if t.n == 0 {
		_, err := fmt.Fprintln(t.w, "No row of this run is like that.")
		return err
	}
	var parts []string
	for _, status := range rowStatuses {
		if n := t.counts[status]; n > 0 {
			parts = append(parts, number(n)+" "+words(status))
		}
	}
	_, err := fmt.Fprintf(t.w, "\n%s: %s\n", Plural(t.n, "row", "rows"), strings.Join(parts, ", "))
	return err
}

// words writes a status as people say it.
func words(status string) string { return strings.ReplaceAll(status, "_", " ") }

// status colours a status and fills it with spaces.
func (s Style) status(status string, width int) string {
	text := Pad(words(status), width)
	switch status {
	case planfile.StatusSent:
		return s.Good(text)
	case planfile.StatusFailed:
		return s.Bad(text)
	case planfile.StatusUnknown, planfile.StatusSkipped:
		return s.Warn(text)
	}
	return text
}
