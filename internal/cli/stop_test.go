package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

func TestWhichRunIsMeantByStop(t *testing.T) {
	st := state{top: t.TempDir()}
	st.dir = st.top
	hold := func(scope, run string) {
		l, err := st.lock(scope, "")
		require.NoError(t, err)
		require.NoError(t, l.Running(run))
		t.Cleanup(func() { require.NoError(t, l.Release()) })
	}
	hold("planning", "")
	_, err := atWork(st, nil)
	require.Equal(t, 9, exitCode(causesOf(err), nil))
	require.ErrorContains(t, err, "has begun no run yet")

	hold("one", "20260301-1")
	hold("the sandbox", "20260301-1")
	got, err := atWork(st, nil)
	require.NoError(t, err, "two locks of one run are one run")
	require.Equal(t, "20260301-1", got.Run)

	hold("two", "20260302-2")
	_, err = atWork(st, nil)
	require.Equal(t, exitUsage, exitCode(causesOf(err), nil))
	require.ErrorContains(t, err, "2 runs are at work: 20260301-1, 20260302-2")
	got, err = atWork(st, []string{"20260302"})
	require.NoError(t, err)
	require.Equal(t, "20260302-2", got.Run)
	_, err = atWork(st, []string{"2025"})
	require.ErrorContains(t, err, "run 2025 is not at work")
}

func TestARequestStopsTheRunAndIsForgotten(t *testing.T) {
	dir := t.TempDir()
	j := &job{a: &app{signals: &signals{drain: t.Context()}}, state: state{top: dir, dir: dir}}
	require.NoError(t, ledger.RequestStop(j.state.locks(), "r1"))
	var told bytes.Buffer
	drain, done := j.drainFor("r1", &told)
	require.False(t, ledger.StopRequested(j.state.locks(), "r1"), "one to an earlier life does not count")
	require.NoError(t, drain.Err())
	require.NoError(t, ledger.RequestStop(j.state.locks(), "r1"))
	<-drain.Done()
	done()
	require.Contains(t, told.String(), "Asked to stop by flowrunner stop")
	require.False(t, ledger.StopRequested(j.state.locks(), "r1"))
	left, err := filepath.Glob(filepath.Join(j.state.locks(), "*.stop"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestADecisionIsConfirmed(t *testing.T) {
	for _, tt := range []struct {
		as, answer, asked string
		n                 int
		ok                bool
	}{
		{"sent", "y\n", "It is never sent again. Record 1 send as sent? [y/N] ", 1, true},
		{"not-sent", "n\n", "They are sent again by the next run. Record 2 sends as not sent? [y/N] ", 2, false},
	} {
		var out bytes.Buffer
		a := newApp(strings.NewReader(tt.answer), &out, &out, nil)
		a.terminal, a.signals = true, &signals{drain: t.Context()}
		err := (&resolveOptions{as: tt.as}).confirm(a, tt.n)
		require.NoError(t, a.stderr.Flush())
		require.Equal(t, tt.asked, out.String())
		if tt.ok {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, "not approved; nothing was recorded")
		}
	}
}

func TestWhyADecisionWasNotRecorded(t *testing.T) {
	require.Equal(t, exitUsage, exitCode(causesOf(notResolved(&ledger.ClaimedError{}, 0)), nil))
	changed := notResolved(&ledger.ConflictError{Record: ledger.Record{State: ledger.Sent}}, 2)
	require.Equal(t, 9, exitCode(causesOf(changed), nil))
	require.ErrorContains(t, changed, "2 before it were recorded")
	require.Equal(t, 11, exitCode(causesOf(notResolved(&ledger.BusyError{}, 0)), nil))
}
