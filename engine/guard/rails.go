package guard

import (
	"fmt"
	"sync"

	"github.com/flowrunner/flowrunner/engine/step"
)

// Fields are the names that a stopIf expression may use.
var Fields = []step.Field{
	{Name: "planned", Doc: "Sends that the plan lists.", Shape: step.ShapeInt},
	{Name: "attempted", Doc: "Sends that have an outcome.", Shape: step.ShapeInt},
	{Name: "sent", Doc: "Sends that the API accepted.", Shape: step.ShapeInt},
	{Name: "failed", Doc: "Sends that were refused for good.", Shape: step.ShapeInt},
	{Name: "unknown", Doc: "Sends of which nobody knows.", Shape: step.ShapeInt},
	{Name: "failureRate", Doc: "failed / attempted, 0 to 1.", Shape: step.ShapeNumber},
	{Name: "unknownRate", Doc: "unknown / attempted, 0 to 1.", Shape: step.ShapeNumber},
}

// Predicate is a compiled stopIf expression.
type Predicate interface {
	Eval(env map[string]any) (any, error)
	Source() string
}

// Outcome is what a rail must know of one settled send.
type Outcome uint8

// The outcomes that are counted.
const (
	Sent Outcome = iota
	Failed
	Unknown
)

// maxUnknownRow is how many unknown outcomes in a row stop a run: an API that
// answers nobody any more would otherwise leave a whole audience in doubt.
const maxUnknownRow = 10

// Rails watches the outcomes of one run. It is safe for use from many
// goroutines.
type Rails struct {
	stopIf []Predicate

	mu                                  sync.Mutex
	planned, sent, failed, unknown, row int
	stopped                             string
}

// NewRails watches a run of planned sends. Any of stopIf stops it; without one
// the default does: failed >= 20 and failureRate > 0.2.
func NewRails(planned int, stopIf []Predicate) *Rails {
	return &Rails{planned: planned, stopIf: stopIf}
}

// Count takes one outcome and returns the reason when the run must stop now,
// "" otherwise. Once stopped it stays stopped with the first reason.
func (r *Rails) Count(o Outcome) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o {
	case Sent:
		r.sent, r.row = r.sent+1, 0
	case Failed:
		r.failed, r.row = r.failed+1, 0
	case Unknown:
		r.unknown, r.row = r.unknown+1, r.row+1
	}
	if r.stopped == "" {
		r.stopped = r.verdict()
	}
	return r.stopped
}

// Found makes one of the unknown sends a sent one. It stops nothing.
func (r *Rails) Found() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unknown, r.sent, r.row = r.unknown-1, r.sent+1, 0
}

// Missing takes back one of the unknown sends: it surely did not go out, and is
// counted when it is tried again.
func (r *Rails) Missing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unknown--
}

func (r *Rails) verdict() string {
	attempted := r.sent + r.failed + r.unknown
	rate := func(n int) float64 { return float64(n) / float64(max(1, attempted)) }
	if r.row >= maxUnknownRow {
		return fmt.Sprintf("the outcome of %d sends in a row is unknown", r.row)
	}
	if len(r.stopIf) == 0 {
		if r.failed >= 20 && rate(r.failed) > 0.2 {
			return fmt.Sprintf("stopIf: %d of %d sends were refused (failed >= 20 and failureRate > 0.2)", r.failed, attempted)
		}
		return ""
	}
	env := map[string]any{
		"planned": r.planned, "attempted": attempted, "sent": r.sent, "failed": r.failed, "unknown": r.unknown,
		"failureRate": rate(r.failed), "unknownRate": rate(r.unknown),
	}
	for _, p := range r.stopIf {
		v, err := p.Eval(env)
		if err != nil {
			return "stopIf could not be evaluated: " + err.Error()
		}
		if v == true {
			return fmt.Sprintf("stopIf: %s (%d failed, %d unknown of %d)", p.Source(), r.failed, r.unknown, attempted)
		}
	}
	return ""
}
