package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFlagsAreBounded(t *testing.T) {
	tests := map[string]string{
		"-only speed":          "there are the tables start, broadcast",
		"-clients 0":           "-clients takes",
		"-clients 9000000":     "-clients takes",
		"-slow-clients 200000": "-slow-clients 1 to",
		"-inflight 1000":       "-inflight takes",
		"-rounds 0":            "-rounds 1 to",
		"-latency 2s":          "-latency takes",
		"-wall 0":              "-wall takes",
		"fast":                 "only flags",
	}
	for args, want := range tests {
		t.Run(args, func(t *testing.T) {
			_, err := parse(strings.Fields(args))
			require.ErrorContains(t, err, want)
		})
	}
	o, err := parse([]string{"-only", "start,export", "-clients", "10"})
	require.NoError(t, err)
	require.Equal(t, []string{"start", "export"}, o.only)
	o, err = parse(nil)
	require.NoError(t, err)
	require.Equal(t, []string{"start", "broadcast", "latency", "export", "wall429", "growth", "memory", "churn"}, o.only)
}

func TestMedians(t *testing.T) {
	require.InDelta(t, 2.0, median([]float64{9, 1, 2}), 0)
	require.InDelta(t, 2.5, median([]float64{3, 9, 2, 1}), 0)
	require.InDelta(t, 0.0, median(nil), 0)
	a := result{runs: []cost{{wall: 2}, {wall: 30}, {wall: 6}}}
	b := result{runs: []cost{{wall: 1}, {wall: 10}, {wall: 2}}}
	require.InDelta(t, 3.0, a.against(b, wall), 1e-9, "a slow round slows both")
	require.InDelta(t, 6e-9, a.median(wall), 1e-15)
}

func TestFigures(t *testing.T) {
	require.Equal(t, "1,234,567", thousands(1234567))
	require.Equal(t, "999", thousands(999))
	require.Equal(t, "–", megabytes(0))
	require.Equal(t, "25 MB", megabytes(25.2e6))
	require.Equal(t, "1.50 s", seconds(1500*time.Millisecond))
	require.Equal(t, "12.5 ms", milliseconds(0.0125))
	require.Equal(t, "40 %", percent(share(cost{cpu: 3, sandbox: 2})))
}

// TestBench runs the whole command on a few people, so that it cannot rot.
func TestBench(t *testing.T) {
	o, err := parse([]string{
		"-clients", "300", "-slow-clients", "20", "-latency", "1ms", "-rounds", "1", "-starts", "1", "-inflight", "8",
		"-wall", "150", "-wall-clients", "200",
		"-only", "start,broadcast,latency,export,wall429,memory", "-profile", t.TempDir(),
	})
	require.NoError(t, err)
	ctx := context.Background()
	b := &bench{options: o, work: t.TempDir(), progress: io.Discard}
	require.NoError(t, b.build(ctx))

	t.Run("report", func(t *testing.T) {
		var out bytes.Buffer
		head := headOf([]string{"-into", "page.md", "-clients", "300"})
		require.Contains(t, head, "`go run ./internal/bench -clients 300` on ")
		require.NoError(t, b.report(ctx, &out, head))
		for _, want := range []string{
			"### Start to exit", "### Broadcast: 300 clients, 8 in flight (median of 1)",
			"### Broadcast, 1ms a call: 20 clients", "### List, filter, count, CSV", "| fsync loop |", "| flowrunner |",
			"× the wall time of the fsync loop", "### A wall of 429: 150 calls a second, 200 clients", "| `runs show --all` | ",
		} {
			require.Contains(t, out.String(), want)
		}
	})
	t.Run("a program that sends nothing is an error", func(t *testing.T) {
		idle := b.programs[2]
		idle.args = func(*bench, string, string) []string { return []string{"version"} }
		_, err := b.measure(ctx, idle, job{name: "broadcast", clients: 50})
		require.ErrorContains(t, err, "wanted true, reached false")
	})
	t.Run("a program that fails is an error", func(t *testing.T) {
		bad := b.programs[2]
		bad.args = func(*bench, string, string) []string { return []string{"no-such-command"} }
		_, err := b.measure(ctx, bad, job{name: "broadcast", clients: 50})
		require.ErrorContains(t, err, "exit status 64")
	})
}
