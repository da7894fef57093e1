package ledger

import (
	"fmt"
	"slices"
	"time"
)

// RunState is where a run has got to. The numbers are stored; never renumber.
type RunState uint8

// The run states. Running, Interrupted and Stopped leave rows undecided and can
// be gone on with; the others cannot.
const (
	Running     RunState = iota // at work, or its process died
	Finished                    // every row is decided
	Interrupted                 // ended by a signal or a crash
	Failed                      // every row that could be was decided, and something failed
	Stopped                     // ended early: a rail, the token, the quota, no connection
	Abandoned                   // given up, by a person or because a later run took over
)

var runStateNames = [...]string{"running", "finished", "interrupted", "failed", "stopped", "abandoned"}

// String is the word used in messages and files.
func (s RunState) String() string {
	if !s.Valid() {
		return fmt.Sprintf("run state %d", uint8(s))
	}
	return runStateNames[s]
}

// Valid reports whether s is one of the run states.
func (s RunState) Valid() bool { return int(s) < len(runStateNames) }

// ParseRunState reads what String wrote.
func ParseRunState(s string) (RunState, error) {
	if i := slices.Index(runStateNames[:], s); i >= 0 {
		return RunState(i), nil
	}
	return 0, fmt.Errorf("run state: %q is not one of %q", s, runStateNames)
}

// Open reports whether rows of such a run may still be undecided.
func (s RunState) Open() bool { return s == Running || s == Interrupted || s == Stopped }

// Run is one application of one plan.
type Run struct {
	ID         string // fixed by the plan
	Flow       string
	Campaign   string
	File       string // the flow's file as it was named
	FlowHash   string
	InputsHash string
	PlanHash   string // hash of the plan, which covers ID; a plan applies once. "": it had no plan to go on with
	Account    string

	State    RunState
	Started  time.Time
	Finished time.Time // zero while running
	Counts   Counts
	ExitCode int
	Reason   string // why it ended early; may be empty
}

// Open reports whether the run can be gone on with.
func (r Run) Open() bool { return r.State.Open() && r.PlanHash != "" }

// Counts is a run's balance: Planned = Sent + Failed + Unknown + Skipped. The
// other three never became planned sends.
type Counts struct {
	Planned     int `json:"planned"`
	Sent        int `json:"sent"`
	Failed      int `json:"failed"`
	Unknown     int `json:"unknown"`
	Skipped     int `json:"skipped"`
	LeftOut     int `json:"leftOut"`
	AlreadySent int `json:"alreadySent"`
	Duplicate   int `json:"duplicate"`
}
