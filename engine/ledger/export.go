package ledger

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// ExportFormat is the version of an exported ledger. Another meaning, or another
// field, is another version. Format 1 knew no persons, classes and opt-outs.
const ExportFormat = 2

// ExportHead opens an exported ledger.
type ExportHead struct {
	Lineage string
	Serial  int64         // all changes of the ledger
	Scopes  []ScopeSerial // and those of each flow and campaign
	Merged  []Merged      // ledgers that were merged into it
}

// ScopeSerial is how often a flow and campaign has changed.
type ScopeSerial struct {
	Flow     string `json:"flow"`
	Campaign string `json:"campaign"`
	Serial   int64  `json:"serial"`
}

// Merged names a ledger that was merged into another, and how many changes it
// held by then.
type Merged struct {
	Lineage string `json:"lineage"`
	Serial  int64  `json:"serial"`
}

// exportLine is one line of an exported ledger: one of its fields.
type exportLine struct {
	Head     *exportHead     `json:"ledger,omitempty"`
	Run      *exportRun      `json:"run,omitempty"`
	Send     *exportSend     `json:"send,omitempty"`
	Decision *exportDecision `json:"decision,omitempty"`
	OptOut   *exportOptOut   `json:"optOut,omitempty"`
	End      *exportEnd      `json:"end,omitempty"`
}

type exportHead struct {
	Format  int           `json:"format"`
	Lineage string        `json:"lineage"`
	Serial  int64         `json:"serial"`
	Scopes  []ScopeSerial `json:"scopes,omitempty"`
	Merged  []Merged      `json:"merged,omitempty"`
}

type exportRun struct {
	ID         string    `json:"id"`
	Flow       string    `json:"flow"`
	Campaign   string    `json:"campaign"`
	File       string    `json:"file,omitempty"`
	FlowHash   string    `json:"flowHash,omitempty"`
	InputsHash string    `json:"inputsHash,omitempty"`
	PlanHash   string    `json:"planHash,omitempty"`
	Account    string    `json:"account,omitempty"`
	State      string    `json:"state"`
	Started    time.Time `json:"started,omitzero"`
	Finished   time.Time `json:"finished,omitzero"`
	Counts     Counts    `json:"counts"`
	ExitCode   int       `json:"exitCode,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

// exportSend leaves out flow and campaign: they are its run's.
type exportSend struct {
	Identity  Identity  `json:"identity"`
	State     string    `json:"state"`
	Run       string    `json:"run"`
	Seq       int64     `json:"seq"`
	Step      string    `json:"step"`
	Period    string    `json:"period,omitempty"`
	Contact   int       `json:"contact,omitempty"`
	Person    Person    `json:"person,omitzero"`
	Class     string    `json:"class,omitempty"` // empty is marketing
	Content   Identity  `json:"content"`         // in the same form: 32 bytes in hex
	MessageID int       `json:"messageId,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Attempts  int       `json:"attempts"`
	Attempted time.Time `json:"attempted,omitzero"`
	At        time.Time `json:"at,omitzero"`
}

type exportDecision struct {
	Identity  Identity  `json:"identity"`
	From      string    `json:"from"`
	State     string    `json:"state"`
	MessageID int       `json:"messageId,omitempty"`
	By        string    `json:"by,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	At        time.Time `json:"at,omitzero"`
}

type exportOptOut struct {
	Account   string    `json:"account"`
	Contact   int       `json:"contact"`
	Person    Person    `json:"person,omitzero"`
	Word      string    `json:"word"`
	MessageID int       `json:"messageId"`
	At        time.Time `json:"at,omitzero"`
}

// exportEnd closes the file. Lines and hash are those of every line before.
type exportEnd struct {
	Lines  int64  `json:"lines"`
	SHA256 string `json:"sha256"`
}

func wireRun(r Run) exportRun {
	return exportRun{
		ID: r.ID, Flow: r.Flow, Campaign: r.Campaign, File: r.File, FlowHash: r.FlowHash, InputsHash: r.InputsHash, PlanHash: r.PlanHash,
		Account: r.Account, State: r.State.String(), Started: r.Started.UTC(), Finished: r.Finished.UTC(), Counts: r.Counts, ExitCode: r.ExitCode, Reason: r.Reason,
	}
}

func wireSend(r Record) exportSend {
	class := ""
	if r.Class != Marketing {
		class = r.Class.String()
	}
	return exportSend{
		Identity: r.Identity, State: r.State.String(), Run: r.Run, Seq: r.Seq, Step: r.Step, Period: r.Period, Contact: r.Contact,
		Person: r.Person, Class: class,
		Content: r.ContentHash, MessageID: r.MessageID, Reason: r.Reason, Attempts: r.Attempts, Attempted: r.Attempted.UTC(), At: r.At.UTC(),
	}
}

func wireDecision(d Decided) exportDecision {
	return exportDecision{
		Identity: d.Identity, From: d.From.String(), State: d.State.String(), MessageID: d.MessageID, By: d.By, Reason: d.Reason, At: d.At.UTC(),
	}
}

func wireOptOut(o OptOut) exportOptOut {
	return exportOptOut{Account: o.Account, Contact: o.Contact, Person: o.Person, Word: o.Word, MessageID: o.MessageID, At: o.At.UTC()}
}

// Exporter writes a ledger as lines of JSON: its head, its runs, its sends, its
// decisions, its opt-outs, and a closing line that proves the rest. No run may follow a send of
// it.
type Exporter struct {
	w     *bufio.Writer
	lines int64
	sum   hash.Hash
}

// NewExporter writes the head.
func NewExporter(w io.Writer, h ExportHead) (*Exporter, error) {
	e := &Exporter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	return e, e.put(exportLine{Head: &exportHead{Format: ExportFormat, Lineage: h.Lineage, Serial: h.Serial, Scopes: h.Scopes, Merged: h.Merged}})
}

// Run writes a run.
func (e *Exporter) Run(r Run) error {
	wire := wireRun(r)
	return e.put(exportLine{Run: &wire})
}

// Send writes what is known of a send.
func (e *Exporter) Send(r Record) error {
	wire := wireSend(r)
	return e.put(exportLine{Send: &wire})
}

// Decision writes a decision.
func (e *Exporter) Decision(d Decided) error {
	wire := wireDecision(d)
	return e.put(exportLine{Decision: &wire})
}

// OptOut writes an opt-out.
func (e *Exporter) OptOut(o OptOut) error {
	wire := wireOptOut(o)
	return e.put(exportLine{OptOut: &wire})
}

// Close writes the closing line. Without it the file is not whole.
func (e *Exporter) Close() error {
	end := exportEnd{Lines: e.lines, SHA256: hex.EncodeToString(e.sum.Sum(nil))}
	if err := e.put(exportLine{End: &end}); err != nil {
		return err
	}
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	return nil
}

func (e *Exporter) put(line exportLine) error {
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	data = append(data, '\n')
	e.lines++
	_, _ = e.sum.Write(data) // a hash takes everything
	if _, err := e.w.Write(data); err != nil {
		return fmt.Errorf("export ledger: %w", err)
	}
	return nil
}
