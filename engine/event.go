package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// EventKind says what an Event is.
type EventKind string

// The events of a run, in the order in which they may come.
const (
	EventPlanning EventKind = "planning" // a stage begins to be planned
	EventStep     EventKind = "step"     // a step begins
	EventProgress EventKind = "progress" // Done of Total in a step; Total is 0 when unknown
	EventStepDone EventKind = "stepDone"
	EventPlanned  EventKind = "planned" // a stage is planned
	EventApplying EventKind = "applying"
	EventSettled  EventKind = "settled" // one send has an outcome
	EventWaiting  EventKind = "waiting" // for the next try of a send, or all of the run for a rail
	EventReading  EventKind = "reading" // Done of Total chats of sends whose outcome is unknown were read back
	EventCanary   EventKind = "canary"  // the first few are out: the others wait, or follow
	EventStopping EventKind = "stopping"
	EventWarning  EventKind = "warning"
	EventLocal    EventKind = "local" // a local step was performed
)

// Event is one thing that happened, for progress lines and events.jsonl.
type Event struct {
	At      time.Time `json:"at"`
	Kind    EventKind `json:"kind"`
	Stage   int       `json:"stage,omitempty"`
	Step    string    `json:"step,omitempty"`
	Done    int       `json:"done,omitempty"`
	Total   int       `json:"total,omitempty"`
	Seq     int64     `json:"seq,omitempty"`
	Contact int       `json:"contact,omitempty"`
	Status  string    `json:"status,omitempty"`
	Message int       `json:"messageId,omitempty"`
	Text    string    `json:"text,omitempty"` // the reason, the warning
	Until   time.Time `json:"until,omitzero"` // of waiting: when it ends
}

// appendJSON appends the event as its tags say, without going through reflection:
// there is one for each message.
func (e Event) appendJSON(b []byte) []byte {
	text := func(name, v string) {
		if v != "" {
			b, _ = jsontext.AppendQuote(append(b, name...), v) // an error tells of U+FFFD
		}
	}
	number := func(name string, v int64) {
		if v != 0 {
			b = strconv.AppendInt(append(b, name...), v, 10)
		}
	}
	moment := func(name string, v time.Time) {
		b = append(v.AppendFormat(append(append(b, name...), '"'), time.RFC3339Nano), '"')
	}
	moment(`{"at":`, e.At)
	b, _ = jsontext.AppendQuote(append(b, `,"kind":`...), string(e.Kind))
	number(`,"stage":`, int64(e.Stage))
	text(`,"step":`, e.Step)
	number(`,"done":`, int64(e.Done))
	number(`,"total":`, int64(e.Total))
	number(`,"seq":`, e.Seq)
	number(`,"contact":`, int64(e.Contact))
	text(`,"status":`, e.Status)
	number(`,"messageId":`, int64(e.Message))
	text(`,"text":`, e.Text)
	if !e.Until.IsZero() {
		moment(`,"until":`, e.Until)
	}
	return append(b, '}')
}

// StepError is a failure of one step, with the row it happened at.
type StepError struct {
	Step  string
	Item  []int  // the iteration, from 0, outermost loop first
	Doing string // "running", when empty
	Span  diag.Span
	Err   error
}

// Error reads "step find (row 3): …"; rows count from 1 for people.
func (e *StepError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %s", e.Step)
	if len(e.Item) > 0 {
		fmt.Fprintf(&b, " (%s)", rowName(e.Item))
	}
	if e.Doing != "" {
		b.WriteString(", " + e.Doing)
	}
	fmt.Fprintf(&b, ": %s", e.Err)
	return b.String()
}

// Unwrap gives the cause.
func (e *StepError) Unwrap() error { return e.Err }

// withoutStep is the text of an error where the step is named already.
func withoutStep(err error) string {
	var se *StepError
	if !errors.As(err, &se) {
		return err.Error()
	}
	if len(se.Item) == 0 {
		return se.Err.Error()
	}
	return rowName(se.Item) + ": " + se.Err.Error()
}

// rowName names an iteration for people.
func rowName(item []int) string {
	parts := make([]string, len(item))
	for i, n := range item {
		parts[i] = fmt.Sprint(n + 1)
	}
	return "row " + strings.Join(parts, ".")
}

// GuardError is a rail that held before anything was sent. Commands exit with 6.
type GuardError struct {
	Rail   string
	Reason string
	Hint   string
}

// Error names the rail.
func (e *GuardError) Error() string { return e.Rail + ": " + e.Reason }

// ConflictError is two rows of one plan that are the same send with another
// text. It comes in the StepError of its step.
type ConflictError struct {
	Step          string
	Key           string
	First, Second int64 // rows of the plan
}

// Error names both rows.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("rows %d and %d are the same send (%s) with different texts", e.First, e.Second, e.Key)
}

// Fix is what to change in the flow.
func (e *ConflictError) Fix() string {
	return "give the step a `key:` that tells the occasions apart,\nor pass its records through `distinct` first"
}

// StaleError is a plan that no longer fits. Commands exit with 9.
type StaleError struct {
	Reason string
	Hint   string
}

// Error is the reason.
func (e *StaleError) Error() string { return e.Reason }

func asError[T error](err error, target *T) bool { return errors.As(err, target) }
