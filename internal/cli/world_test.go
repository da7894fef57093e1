package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]float64{"10/s": 10, "90/min": 1.5, "0.5/s": 0.5, "unlimited": 0} {
		var r rateFlag
		require.NoError(t, r.Set(text), text)
		require.NotNil(t, r.perSecond)
		require.InDelta(t, want, *r.perSecond, 1e-9, text)
	}
	for _, text := range []string{"", "10", "10/h", "0/s", "-1/s", "NaN/s", "1e9/s", "fast", "/s"} {
		var r rateFlag
		require.ErrorContains(t, r.Set(text), "write 10/s, 90/min or unlimited", text)
		require.Nil(t, r.perSecond)
		require.Empty(t, r.String())
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:80": true, "localhost:0": true, "[::1]:443": true, "127.9.9.9:1": true,
		"0.0.0.0:80": false, ":80": false, "10.0.0.1:80": false, "example.com:80": false, "127.0.0.1": false, "": false,
	} {
		require.Equal(t, want, loopback(addr), addr)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestLenientOutput: whoever stops reading what a flow prints does not stop what
// it sends.
func TestLenientOutput(t *testing.T) {
	var warned bytes.Buffer
	l := &lenient{w: failing{}, warn: &warned}
	for range 3 {
		n, err := l.Write([]byte("line\n"))
		require.NoError(t, err)
		require.Equal(t, 5, n)
	}
	require.Equal(t, "warning: standard output cannot be written (broken pipe); what the flow prints is lost\n", warned.String())
}

func TestCrashIsReported(t *testing.T) {
	var errs bytes.Buffer
	a := newApp(nil, &bytes.Buffer{}, &errs, nil)
	require.Equal(t, exitFailed, a.crashed("index out of range"))
	require.Contains(t, errs.String(), "flowrunner has a bug: index out of range")
	require.NotContains(t, errs.String(), "goroutine")
	a = newApp(nil, &bytes.Buffer{}, &errs, []string{traceVariable + "=1"})
	require.Equal(t, exitFailed, a.crashed("index out of range"))
	require.Contains(t, errs.String(), "goroutine")
}
