package cli

import (
	"errors"
	"os"
	"syscall"

	"github.com/flowrunner/flowrunner/engine"
)

// The exit codes that are not reached through a cause.
const (
	exitDone      = 0
	exitFailed    = 1
	exitSomething = 2 // plan --detailed-exitcode: there is something to send
	exitUsage     = 64
)

// precedence lists the causes, the one that wins first. Code 0 stands for the
// signal's own code.
var precedence = []struct {
	cause engine.Cause
	code  int
}{
	{engine.CauseInterrupted, 0},
	{engine.CauseToken, 4},
	{engine.CauseStale, 9},
	{engine.CauseLocked, 8},
	{engine.CauseLedger, 11},
	{engine.CauseGuard, 6},
	{engine.CauseUnreachable, 10},
	{engine.CauseUnknown, 7},
	{engine.CauseRecipients, 5},
	{engine.CauseFlow, 3},
	{engine.CauseUsage, exitUsage},
	{engine.CauseStep, exitFailed},
}

// exitCode is the one way from reasons to a code. sig is the signal that
// interrupted, nil when none did.
func exitCode(causes []engine.Cause, sig os.Signal) int {
	for _, p := range precedence {
		for _, c := range causes {
			switch {
			case c != p.cause:
			case p.code != 0:
				return p.code
			case sig == syscall.SIGTERM:
				return 128 + int(syscall.SIGTERM)
			default:
				return 128 + int(syscall.SIGINT)
			}
		}
	}
	return exitDone
}

// usageError is a command line that cannot be meant.
type usageError struct{ reason, hint string }

func (e *usageError) Error() string { return e.reason }

// Fix is what to type instead.
func (e *usageError) Fix() string { return e.hint }

// argumentError is a file named on the command line that cannot be used.
type argumentError struct{ error }

func (e *argumentError) Unwrap() error { return e.error }

// interruptedError is a command that a signal has ended before anything was sent.
type interruptedError struct{ reason string }

func (e *interruptedError) Error() string { return e.reason }

// endedError is a run that is over, and whose result has been shown.
type endedError struct{ causes []engine.Cause }

func (e *endedError) Error() string { return "the run did not end with done" }

// ledgerError is a ledger that must not be used.
type ledgerError struct{ reason, hint string }

func (e *ledgerError) Error() string { return e.reason }

// Fix is how to come by the right one.
func (e *ledgerError) Fix() string { return e.hint }

// causesOf lists the reasons behind an error.
func causesOf(err error) []engine.Cause {
	var (
		usage       *usageError
		argument    *argumentError
		interrupted *interruptedError
		ended       *endedError
		ledger      *ledgerError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return ended.causes
	case errors.As(err, &usage), errors.As(err, &argument):
		return []engine.Cause{engine.CauseUsage}
	case errors.As(err, &interrupted):
		return []engine.Cause{engine.CauseInterrupted}
	case errors.As(err, &ledger):
		return []engine.Cause{engine.CauseLedger}
	}
	return []engine.Cause{engine.CauseOf(err)}
}
