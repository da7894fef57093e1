package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// TestExitPrecedence holds the order of the language page: of any two reasons
// the earlier one gives the code, in whatever order they came.
func TestExitPrecedence(t *testing.T) {
	order := []struct {
		cause engine.Cause
		code  int
	}{
		{engine.CauseInterrupted, 130},
		{engine.CauseToken, 4},
		{engine.CauseStale, 9},
		{engine.CauseLocked, 8},
		{engine.CauseLedger, 11},
		{engine.CauseGuard, 6},
		{engine.CauseUnreachable, 10},
		{engine.CauseUnknown, 7},
		{engine.CauseRecipients, 5},
		{engine.CauseStep, 1},
	}
	for i, a := range order {
		require.Equal(t, a.code, exitCode([]engine.Cause{a.cause}, nil))
		for _, b := range order[i+1:] {
			require.Equal(t, a.code, exitCode([]engine.Cause{a.cause, b.cause}, nil))
			require.Equal(t, a.code, exitCode([]engine.Cause{b.cause, a.cause}, nil))
		}
	}
	require.Equal(t, 0, exitCode(nil, nil))
	require.Equal(t, 0, exitCode([]engine.Cause{engine.CauseNone}, nil))
	require.Equal(t, 143, exitCode([]engine.Cause{engine.CauseUnknown, engine.CauseInterrupted}, syscall.SIGTERM))
	require.Equal(t, 130, exitCode([]engine.Cause{engine.CauseInterrupted}, os.Interrupt))
}

// TestEveryCauseHasACode keeps a new cause from ending as done.
func TestEveryCauseHasACode(t *testing.T) {
	for c := engine.CauseStep; c <= engine.CauseInterrupted; c++ {
		require.NotZero(t, exitCode([]engine.Cause{c}, nil), "cause %d", c)
	}
}

func TestCausesOf(t *testing.T) {
	var list diag.List
	list.Add("unknown-key", diag.Span{File: "a.yaml"}, "no such key")
	for _, tt := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("disk full"), 1},
		{list.Err(), 3},
		{&engine.SecretError{Name: "T"}, 4},
		{&step.Failure{Class: step.ClassToken}, 4},
		{&endedError{[]engine.Cause{engine.CauseRecipients}}, 5},
		{&engine.GuardError{}, 6},
		{&endedError{[]engine.Cause{engine.CauseRecipients, engine.CauseUnknown}}, 7},
		{&ledger.LockedError{}, 8},
		{&engine.StaleError{}, 9},
		{&planfile.Error{}, 9},
		{&ledger.AppliedError{}, 9},
		{&step.Failure{Class: step.ClassUnreachable}, 10},
		{&ledgerError{reason: "none"}, 11},
		{&ledger.NotFoundError{}, 11},
		{&usageError{"no", ""}, 64},
		{&engine.InputError{}, 64},
		{&interruptedError{"stopped"}, 130},
		{context.Canceled, 130},
	} {
		require.Equal(t, tt.code, exitCode(causesOf(tt.err), nil), "%#v", tt.err)
		if tt.err != nil {
			wrapped := withSource(fmt.Errorf("while planning: %w", tt.err), []byte("flow: x"))
			require.Equal(t, tt.code, exitCode(causesOf(wrapped), nil), "wrapped %#v", tt.err)
		}
	}
}

// TestTopicNamesEveryCode keeps the page and the table together.
func TestTopicNamesEveryCode(t *testing.T) {
	codes := []int{exitDone, exitFailed, exitSomething, 130, 143}
	for _, p := range precedence {
		if p.code != 0 && !slices.Contains(codes, p.code) {
			codes = append(codes, p.code)
		}
	}
	require.Len(t, codes, 15)
	for _, c := range codes {
		require.Regexp(t, fmt.Sprintf(`(?m)^ *%d  \S`, c), exitCodesTopic)
	}
}
