package ui

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
)

// TestLines: a line now and then, with totals, rate and what is left.
func TestLines(t *testing.T) {
	var b bytes.Buffer
	now := noon
	l := &lines{w: &b, now: func() time.Time { return now }}
	l.Event(engine.Event{Kind: engine.EventPlanning})
	for i := range 100 {
		now = now.Add(100 * time.Millisecond)
		l.Event(engine.Event{Kind: engine.EventProgress, Step: "outreach", Done: i + 1})
	}
	l.Event(engine.Event{Kind: engine.EventPlanned, Total: 50})
	l.Expect(100)
	l.Event(engine.Event{Kind: engine.EventApplying})
	for i := range 60 {
		now = now.Add(100 * time.Millisecond)
		l.Event(engine.Event{Kind: engine.EventSettled, Step: "send", Done: i + 1, Total: i + 2})
	}
	for i := range 40 {
		now = now.Add(100 * time.Millisecond)
		l.Event(engine.Event{Kind: engine.EventReading, Done: i + 1, Total: 40})
		l.Event(engine.Event{Kind: engine.EventSettled, Step: "send", Done: 60, Total: 61})
	}
	l.Event(engine.Event{Kind: engine.EventWaiting, Step: "send", Text: "429\x1b[2J"})
	l.Event(engine.Event{Kind: engine.EventWarning, Text: "odd"})
	l.Event(engine.Event{Kind: engine.EventStopping, Text: "interrupted"})
	l.Event(engine.Event{Kind: engine.EventPlanning, Stage: 1})
	_, err := fmt.Fprintln(l, "printed")
	require.NoError(t, err)
	l.Close()
	require.Equal(t, `planning outreach: 30
planning outreach: 60
planning outreach: 90
sending send: 30 of 100, 10.0/s, 7s left
sending send: 60 of 100, 10.0/s, 4s left
reading back: 30 of 40 chats
waiting: step send: 429\u001b[2J
warning: odd
stopping: interrupted
planning stage 2
printed
`, b.String())
}

// TestDivertedLines: a diverted run begins to send without a word.
func TestDivertedLines(t *testing.T) {
	var b bytes.Buffer
	l := &lines{w: &b, now: func() time.Time { return noon }}
	l.Event(engine.Event{Kind: engine.EventSettled, Step: "send", Done: 1, Total: 1})
	require.Empty(t, b.String())
}

func TestSilence(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(ProgressNone, &b, nil, &Redactor{}, Style{})
	p.Event(engine.Event{Kind: engine.EventStopping, Text: "x"})
	p.Event(engine.Event{Kind: engine.EventWarning, Text: "still said"})
	require.Equal(t, "warning: still said\n", b.String())
}

func TestModes(t *testing.T) {
	var b bytes.Buffer
	for _, m := range []Mode{ProgressAuto, ProgressBar, ProgressPlain} {
		require.IsType(t, &lines{}, NewProgress(m, &b, nil, &Redactor{}, Style{}), m)
	}
	tty, err := os.CreateTemp(t.TempDir(), "tty")
	require.NoError(t, err)
	t.Cleanup(func() { _ = tty.Close() })
	for _, m := range []Mode{ProgressAuto, ProgressBar} {
		require.IsType(t, &lines{}, NewProgress(m, &b, tty, &Redactor{}, Style{}), "%s: a file has no width", m)
	}
}

// TestBars: whatever comes, in whatever order, the bars end and lines come
// through before and after.
func TestBars(t *testing.T) {
	path := t.TempDir() + "/tty"
	tty, err := os.Create(path)
	require.NoError(t, err)
	var after bytes.Buffer
	secrets := &Redactor{}
	secrets.Add("very-secret")
	p := newBars(tty, &after, secrets, Style{})
	p.Event(engine.Event{Kind: engine.EventProgress, Done: 1}) // of no step
	p.Event(engine.Event{Kind: engine.EventPlanning})
	p.Event(engine.Event{Kind: engine.EventStep, Step: "clients"})
	p.Event(engine.Event{Kind: engine.EventProgress, Step: "clients", Done: 10})
	p.Event(engine.Event{Kind: engine.EventStepDone, Step: "clients"})
	p.Event(engine.Event{Kind: engine.EventPlanned, Total: 3})
	p.Expect(3)
	p.Event(engine.Event{Kind: engine.EventApplying})
	for i := range 3 {
		p.Event(engine.Event{Kind: engine.EventSettled, Step: "send", Done: i + 1})
	}
	for i := range 3 {
		p.Event(engine.Event{Kind: engine.EventReading, Done: i + 1, Total: 3})
		p.Event(engine.Event{Kind: engine.EventSettled, Step: "send", Done: 3})
	}
	p.Event(engine.Event{Kind: engine.EventWarning, Text: "careful with very-secret"})
	p.Event(engine.Event{Kind: engine.EventStopping, Text: "enough"})
	_, err = fmt.Fprintln(p, "above the bars")
	require.NoError(t, err)
	p.Close()
	p.Close()
	p.Event(engine.Event{Kind: engine.EventStep, Step: "late"})
	_, err = fmt.Fprintln(p, "after")
	require.NoError(t, err)
	require.NoError(t, tty.Close())
	drawn, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, want := range []string{"careful", "enough", "above the bars"} {
		require.Contains(t, string(drawn), want)
	}
	require.NotContains(t, string(drawn), "very-secret")
	require.Equal(t, "after\n", after.String())
}

func TestMeter(t *testing.T) {
	m := &meter{began: time.Now().Add(-10 * time.Second)}
	m.set(5, 0, false)
	require.Equal(t, " 5", m.text())
	m.set(0, 100, true)
	m.set(50, 100, false)
	require.True(t, strings.HasPrefix(m.text(), " 50/100, "), m.text())
	require.Contains(t, m.text(), "10s left")
}
