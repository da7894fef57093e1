package ui

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

func TestFitted(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"short": {"write it", "write it"},
		"prose": {
			"if this goes on with the text before it, put the whole text in quotes",
			"if this goes on with the text\nbefore it, put the whole text in\nquotes",
		},
		"lines of YAML stay": {
			"write at least one step:\n  - id: clients and so on and so on and so on",
			"write at least one step:\n  - id: clients and so on and so on and so on",
		},
		"an expression": {
			"write company, a zone, or ${{ client.phone ?? client.name }} with the name",
			"write company, a zone, or\n${{ client.phone ?? client.name }}\nwith the name",
		},
		"a map": {
			"add `connection: { timezone: Europe/Moscow }` to the flow",
			"add\n`connection: { timezone: Europe/Moscow }`\nto the flow",
		},
		"a command that fits": {
			"go on with it when you are there: flowrunner resume 2026",
			"go on with it when you are there:\nflowrunner resume 2026",
		},
		"a command with flags": {
			"go on with it: flowrunner resume 2026 --state elsewhere --sandbox",
			"go on with it:\nflowrunner resume 2026 --state elsewhere --sandbox",
		},
		"a line that is a command": {
			"flowrunner resume 2026 --state elsewhere --sandbox",
			"flowrunner resume 2026 --state elsewhere --sandbox",
		},
		"a sentence about a command": {
			"flowrunner expr completes the names of functions by Tab",
			"flowrunner expr completes the\nnames of functions by Tab",
		},
		"one long word": {"see https://example.com/a/very/long/address/that/nobody/breaks now", "see\nhttps://example.com/a/very/long/address/that/nobody/breaks\nnow"},
		"a lone brace":  {"a text that begins with { goes in quotes, so that it is one", "a text that begins with { goes in\nquotes, so that it is one"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, Style{Columns: 41}.fitted(tt.text, 7))
			require.Equal(t, tt.text, Style{}.fitted(tt.text, 7), "other programs get whole lines")
			require.Equal(t, tt.text, Style{Columns: narrowest - 1}.fitted(tt.text, 7))
		})
	}
}

// Whatever a text is, no word of it is lost or changed, and its lines of prose fit.
func FuzzFitted(f *testing.F) {
	for _, text := range []string{"", "a b", "write `x y` or ${{ z ?? {} }}", "flowrunner run FILE --yes", "see flowrunner help", "  - id: x", "{ ` }", "\n\n a"} {
		f.Add(text, 41)
	}
	f.Fuzz(func(t *testing.T, text string, columns int) {
		got := Style{Columns: columns}.fitted(text, 7)
		require.Equal(t, strings.ReplaceAll(text, "\n", " "), strings.ReplaceAll(got, "\n", " "))
		if strings.ContainsAny(text, "`{\n") || strings.HasPrefix(text, " ") || strings.Contains(text, "flowrunner ") || columns < narrowest {
			return
		}
		for line := range strings.SplitSeq(got, "\n") {
			require.True(t, Width(line) <= columns-7 || !strings.Contains(strings.TrimSpace(line), " "), "%q", line)
		}
	})
}

// A problem keeps to the terminal, below its own words.
func TestProblemsFitTheTerminal(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 30))
	var l diag.List
	l.Add("c", diag.Span{File: "f.yaml", Start: diag.Pos{Line: 1, Col: 1}}, "summary").WithDetail("%s", long).WithHint("%s", long)
	terminal := Style{Columns: 80}
	got := terminal.Diagnostics(l, nil)
	narrow(t, got)
	require.Contains(t, got, "word\n   word")
	require.Contains(t, got, "   fix: word")
	require.Contains(t, got, "word\n        word")
	require.Contains(t, Style{}.Diagnostics(l, nil), "   fix: "+long+"\n")
	require.Equal(t, long, l[0].Hint, "the list is not ours to change")
	var b strings.Builder
	terminal.Result(&b, &engine.Result{Reason: long, Hint: long, Warnings: []string{long}})
	narrow(t, b.String())
	require.Contains(t, b.String(), "  warning: word")
	require.Contains(t, b.String(), "word\n           word")
	require.Contains(t, b.String(), "  fix: word")
	got = terminal.Problem(errors.New(long), nil)
	narrow(t, got)
	require.Contains(t, got, "word\n       word")
}
