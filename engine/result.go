package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// Cause is one reason why a command does not end with "done". Commands turn
// causes into an exit code.
type Cause uint8

// The causes.
const (
	CauseNone        Cause = iota
	CauseStep              // a step failed, or a file could not be written
	CauseFlow              // the flow is invalid
	CauseToken             // the token is missing or refused
	CauseRecipients        // some recipients were refused
	CauseGuard             // a rail stopped it
	CauseUnknown           // the outcome is unknown for some
	CauseLocked            // another runner is at work
	CauseStale             // the plan does not fit any more, or was applied
	CauseUnreachable       // the API could not be reached; go on later
	CauseLedger            // no ledger, another or an older one, or one that cannot be used now
	CauseUsage             // a wrong input
	CauseInterrupted       // a signal
)

// CauseOf classifies an error of planning or applying.
func CauseOf(err error) Cause {
	if err == nil {
		return CauseNone
	}
	var (
		secret *SecretError
		guard  *GuardError
		stale  *StaleError
		plan   *planfile.Error
		input  *InputError
		slot   *SlotError
		flow   diag.Errors
		fail   *step.Failure
		done   *ledger.AppliedError
		locked *ledger.LockedError
		none   *ledger.NotFoundError
		broken *ledger.UnreadableError
		other  *ledger.VersionError
		older  *ledger.RolledBackError
		mark   *ledger.MarkError
		busy   *ledger.BusyError
	)
	switch {
	case errors.As(err, &fail):
		return causeOfFailure(fail)
	case errors.As(err, &secret):
		return CauseToken
	case errors.As(err, &guard):
		return CauseGuard
	case errors.As(err, &stale), errors.As(err, &plan), errors.As(err, &done):
		return CauseStale
	case errors.As(err, &input), errors.As(err, &slot):
		return CauseUsage
	case errors.As(err, &flow):
		return CauseFlow
	case errors.As(err, &locked):
		return CauseLocked
	case errors.As(err, &none), errors.As(err, &broken), errors.As(err, &other), errors.As(err, &older), errors.As(err, &mark), errors.As(err, &busy):
		return CauseLedger
	case errors.Is(err, context.Canceled):
		return CauseInterrupted
	}
	return CauseStep
}

func causeOfFailure(f *step.Failure) Cause {
	switch f.Class {
	case step.ClassToken:
		return CauseToken
	case step.ClassAllowance:
		return CauseGuard
	case step.ClassRateLimited, step.ClassServer, step.ClassUnreachable, step.ClassQuota:
		return CauseUnreachable
	}
	return CauseStep
}

// Hint is what an error says about the way on, "" when it says nothing. An error of
// another package says it by a method Fix.
func Hint(err error) string {
	var f *step.Failure
	var g *GuardError
	var s *StaleError
	var arg *step.ArgError
	var other interface{ Fix() string }
	switch {
	case errors.As(err, &f):
		return f.Hint
	case errors.As(err, &g):
		return g.Hint
	case errors.As(err, &s):
		return s.Hint
	case errors.As(err, &arg):
		_, fix, _ := strings.Cut(arg.Problem, "; ") // as kinds write it
		return fix
	case errors.As(err, &other):
		return other.Fix()
	}
	return ""
}

// maxProblems is how many recipients a Result names; runs show lists the rest.
const maxProblems = 20

// Result is what a run truly did.
type Result struct {
	Run          ledger.Run
	Fingerprint  string // of the plan's first stage, see planfile.End
	Counts       ledger.Counts
	StillUnknown int // rows that an earlier run left unknown, and that still are
	ReadBack     ReadBack
	StillRefused int // rows that the API refused for good in an earlier run
	Steps        []*StepCounts
	LeftOut      []planfile.LeftOut
	Problems     []Problem
	Outputs      []NamedValue     // of the flow, in written order
	Later        []planfile.Later // sending steps that were never planned, since the run stopped
	Warnings     []string
	Causes       []Cause
	Reason       string // why it ended early
	Hint         string
	Calls        int64
}

// StepCounts is the balance of one sending step.
type StepCounts struct {
	Step string `json:"step"`
	ledger.Counts
}

// Problem is one recipient who did not get the message.
type Problem struct {
	Step    string `json:"step"`
	Contact int    `json:"contact"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	seq     int64  // its row in the plan
}

// NamedValue is one output of the flow.
type NamedValue struct {
	Name  string
	Value any
}
