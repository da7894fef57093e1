package ui

import (
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Document is what a command with -o json prints: the same facts as the text, in
// one JSON document. Absent parts did not happen.
type Document struct {
	OK        bool               `json:"ok"`
	ExitCode  int                `json:"exitCode"`
	Error     *ErrorDocument     `json:"error,omitempty"`
	Plan      *PlanDocument      `json:"plan,omitempty"`
	Diff      *DiffDocument      `json:"diff,omitempty"`
	Result    *ResultDocument    `json:"result,omitempty"`
	Files     []FileDocument     `json:"files,omitempty"`
	Runs      []RunDocument      `json:"runs,omitempty"`
	Run       *HistoryDocument   `json:"run,omitempty"`
	Decisions []DecisionDocument `json:"decisions,omitempty"`
	Why       *WhyDocument       `json:"why,omitempty"`
	Locks     []LockDocument     `json:"locks,omitempty"`
	Ledger    *LedgerDocument    `json:"ledger,omitempty"`
	Import    *ImportDocument    `json:"import,omitempty"`
	Torture   *TortureDocument   `json:"torture,omitempty"`
	Checks    []CheckDocument    `json:"checks,omitempty"`
	Recovered *RecoveredDocument `json:"recovered,omitempty"`
	Stopping  string             `json:"stopping,omitempty"` // the run that was asked to stop
}

// WriteJSON prints a document.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// ErrorDocument is what kept a command from its end.
type ErrorDocument struct {
	Message  string               `json:"message"`
	Hint     string               `json:"hint,omitempty"`
	Place    string               `json:"place,omitempty"`
	Step     string               `json:"step,omitempty"`
	Problems []DiagnosticDocument `json:"problems,omitempty"`
}

// ErrorOf describes an error.
func ErrorOf(err error) *ErrorDocument {
	if err == nil {
		return nil
	}
	d := &ErrorDocument{}
	d.Message, d.Hint = reasonOf(err)
	var list diag.Errors
	if errors.As(err, &list) {
		d.Problems = Diagnostics(diag.List(list))
	}
	var st *engine.StepError
	if errors.As(err, &st) {
		d.Step, d.Place = st.Step, st.Span.String()
	}
	return d
}

// DiagnosticDocument is one problem of a file.
type DiagnosticDocument struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	EndLine  int    `json:"endLine,omitempty"`
	EndCol   int    `json:"endColumn,omitempty"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// Diagnostics describes a list.
func Diagnostics(l diag.List) []DiagnosticDocument {
	out := make([]DiagnosticDocument, len(l))
	for i, d := range l {
		out[i] = DiagnosticDocument{
			Code: d.Code, Severity: d.Severity.String(), File: d.Span.File, Line: d.Span.Start.Line, Column: d.Span.Start.Col,
			EndLine: d.Span.End.Line, EndCol: d.Span.End.Col, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint,
		}
	}
	return out
}

// FileDocument is one validated file.
type FileDocument struct {
	File     string               `json:"file"`
	OK       bool                 `json:"ok"`
	Flow     string               `json:"flow,omitempty"`
	Problems []DiagnosticDocument `json:"problems"`
	Held     []HeldDocument       `json:"held,omitempty"`
}

// HeldDocument is something that a flow holds in memory.
type HeldDocument struct {
	By     string `json:"by"`
	What   string `json:"what"`
	UpTo   string `json:"upTo"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// PlanDocument is a plan.
type PlanDocument struct {
	Run           string            `json:"run"`
	Path          string            `json:"path,omitempty"`
	Unfit         []string          `json:"unfit,omitempty"`       // why it cannot be applied
	Fingerprint   string            `json:"fingerprint,omitempty"` // of the planned sends: people and texts
	Flow          string            `json:"flow"`
	File          string            `json:"file"`
	Campaign      string            `json:"campaign"`
	Sandbox       bool              `json:"sandbox"`
	Stage         int               `json:"stage"`
	Stages        int               `json:"stages"`
	Now           time.Time         `json:"now"`
	Slot          *time.Time        `json:"slot,omitempty"`     // of the schedule
	NextSlot      *time.Time        `json:"nextSlot,omitempty"` // and the one after it
	Expires       time.Time         `json:"expires"`
	MaxSends      int               `json:"maxSends"`
	ToSend        int               `json:"toSend"`
	AlreadySent   int               `json:"alreadySent"`
	LeftOut       int               `json:"leftOut"`
	Duplicate     int               `json:"duplicate"`
	Unknown       int               `json:"unknown"`
	Refused       int               `json:"refused"`
	Changed       int               `json:"changed"`
	Steps         []PlanStep        `json:"steps"`
	Reasons       []ReasonDocument  `json:"reasons"`
	Samples       []MessageDocument `json:"samples"`
	Locals        []string          `json:"locals,omitempty"`
	Later         []planfile.Later  `json:"later,omitempty"`
	Only          []int             `json:"only,omitempty"` // --only: nobody but these contacts
	Warnings      []string          `json:"warnings,omitempty"`
	PlanningCalls int64             `json:"planningCalls"`
	RailCalls     int64             `json:"railCalls,omitempty"` // of these, what the rails asked
	ProjectRails  []string          `json:"projectRails,omitempty"`
	SendingCalls  int               `json:"sendingCalls"`
	Seconds       float64           `json:"seconds,omitempty"`
	CallsLeft     *int              `json:"callsLeftThisMonth,omitempty"`
	OutsideHours  int               `json:"outsideHours,omitempty"`
	HoursOpen     time.Time         `json:"hoursOpen,omitzero"`
}

// PlanStep is the balance of one sending step of a plan.
type PlanStep struct {
	Step        string `json:"step"`
	ToSend      int    `json:"toSend"`
	AlreadySent int    `json:"alreadySent"`
	LeftOut     int    `json:"leftOut"`
	Duplicate   int    `json:"duplicate"`
	Unknown     int    `json:"unknown"`
	Refused     int    `json:"refused"`
	Changed     int    `json:"changed"`
}

// ReasonDocument counts those whom a step did not pass on.
type ReasonDocument struct {
	Step   string `json:"step"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// MessageDocument is one planned message.
type MessageDocument struct {
	Seq     int64             `json:"seq"`
	Step    string            `json:"step"`
	Contact int               `json:"contactId,omitempty"`
	Key     string            `json:"key,omitempty"`
	Text    string            `json:"text"`
	Details map[string]string `json:"details,omitempty"`
}

// PlanOf describes a plan that stands at path.
func PlanOf(p *engine.Summary, path string) *PlanDocument {
	h, c := p.Head, p.End.Counts
	d := &PlanDocument{
		Run: h.Run, Path: path, Unfit: p.Unfit, Fingerprint: p.End.Fingerprint(), Flow: h.Flow, File: h.File, Campaign: h.Campaign, Sandbox: h.Sandbox, Stage: h.Stage, Stages: h.Stages,
		Now: h.Now, Slot: h.Slot, NextSlot: p.Next, Expires: h.Expires, MaxSends: h.MaxSends,
		ToSend: c.Planned, AlreadySent: c.AlreadySent, LeftOut: c.LeftOut, Duplicate: c.Duplicate, Unknown: c.Unknown, Refused: c.Refused, Changed: c.Changed,
		Steps: []PlanStep{}, Reasons: []ReasonDocument{}, Samples: []MessageDocument{}, Locals: p.Locals, Later: p.End.Later,
		Only: h.Only, ProjectRails: p.Project, Warnings: p.End.Warnings, PlanningCalls: p.End.Calls, RailCalls: p.End.Asked, SendingCalls: p.Calls, Seconds: p.Takes.Seconds(),
		CallsLeft: p.Left, OutsideHours: p.Outside, HoursOpen: p.Opens,
	}
	for _, s := range p.Steps {
		c := s.Counts
		d.Steps = append(d.Steps, PlanStep{s.Step, c.Planned, c.AlreadySent, c.LeftOut, c.Duplicate, c.Unknown, c.Refused, c.Changed})
	}
	for _, l := range p.LeftOut {
		d.Reasons = append(d.Reasons, ReasonDocument{l.Step, l.Reason, l.Count})
	}
	for _, s := range p.Samples {
		d.Samples = append(d.Samples, MessageDocument{s.Seq, s.Step, s.Contact, s.Key, s.Preview.Text, s.Preview.Details})
	}
	return d
}

// ResultDocument is what a run did.
type ResultDocument struct {
	Run          string               `json:"run"`
	Flow         string               `json:"flow"`
	Campaign     string               `json:"campaign"`
	Fingerprint  string               `json:"fingerprint,omitempty"` // of the plan's first stage: people and texts
	State        string               `json:"state"`
	Counts       ledger.Counts        `json:"counts"`
	StillUnknown int                  `json:"stillUnknown,omitempty"`
	StillRefused int                  `json:"stillRefused,omitempty"`
	ReadBack     engine.ReadBack      `json:"readBack,omitzero"`
	Steps        []*engine.StepCounts `json:"steps"`
	Problems     []engine.Problem     `json:"problems"`
	Reasons      []ReasonDocument     `json:"reasons"` // who was left out, and why
	Outputs      map[string]any       `json:"outputs"`
	Later        []planfile.Later     `json:"later,omitempty"`
	Warnings     []string             `json:"warnings,omitempty"`
	Reason       string               `json:"reason,omitempty"`
	Hint         string               `json:"hint,omitempty"`
	Calls        int64                `json:"calls"`
	Next         string               `json:"next,omitempty"`
}

// ResultOf describes a result; next is the command to type.
func ResultOf(r *engine.Result, next string) *ResultDocument {
	d := &ResultDocument{
		Run: r.Run.ID, Flow: r.Run.Flow, Campaign: r.Run.Campaign, Fingerprint: r.Fingerprint, State: r.Run.State.String(), Counts: r.Counts,
		StillUnknown: r.StillUnknown, StillRefused: r.StillRefused, ReadBack: r.ReadBack, Steps: r.Steps, Problems: r.Problems, Outputs: map[string]any{}, Later: r.Later,
		Warnings: r.Warnings, Reason: r.Reason, Hint: r.Hint, Calls: r.Calls, Next: next, Reasons: []ReasonDocument{},
	}
	for _, l := range r.LeftOut {
		d.Reasons = append(d.Reasons, ReasonDocument{l.Step, l.Reason, l.Count})
	}
	if d.Steps == nil {
		d.Steps = []*engine.StepCounts{}
	}
	if d.Problems == nil {
		d.Problems = []engine.Problem{}
	}
	for _, o := range r.Outputs {
		d.Outputs[o.Name] = plainValue(o.Value)
	}
	return d
}
