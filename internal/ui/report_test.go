package ui

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

const markup = "</pre><script>alert(1)</script> ```` `x` | 79161234567"

// hostileReport has a run in which everything that others write is hostile.
func hostileReport(unmask bool) *Report {
	run := ledger.Run{
		ID: "20260301-090000-abcdefgh", Flow: "spring-" + hostile, File: "a.yaml", Campaign: markup, State: ledger.Stopped,
		Started: noon, Finished: noon.Add(time.Minute), Reason: "wait until 2026-03-01 15:00, then call +7 (916) 123-45-67",
	}
	r := RunReport(run, unmask)
	for i, status := range []string{"sent", "sent", "failed", "unknown", "skipped", "left_out", "already_sent"} {
		r.Add(history.Row{Seq: int64(i), Step: markup, Contact: 100 + i, Status: status, Reason: map[bool]string{true: markup}[i > 1], At: noon.Add(time.Duration(9*i) * time.Second), By: run.ID}, run.ID)
	}
	for i := range 30 {
		r.Add(history.Row{Step: "other", Key: "79161234567", Status: "failed", Reason: hostile, Seq: int64(i)}, run.ID)
	}
	for i := range reportGroups {
		r.Add(history.Row{Step: "other", Contact: i, Status: "failed", Reason: fmt.Sprint("no ", i)}, run.ID)
	}
	r.Reasons = append(r.Reasons, ReasonDocument{"recent", markup, 12345})
	r.Decided = append(r.Decided, DecisionOf(hostileDecision(), 7, "send", 100))
	for i := range 2 {
		r.AddText(engine.Sample{Seq: int64(i), Step: "send", Contact: 100, Written: "Hello ${{ client.name }} " + markup, Preview: step.Preview{Text: "Hello Anna " + hostile, Details: map[string]string{"type": markup}}})
	}
	for range 2 { // a later stage warns of the same
		r.AddPlan(&engine.Summary{Plan: planfile.Plan{End: planfile.End{Warnings: []string{"2 contacts are one person"}}}})
	}
	r.Close(run, "Go on where it stopped: flowrunner resume "+run.ID)
	return r
}

func TestReportAsMarkdown(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReport(false).WriteMarkdown(&b))
	got := b.String()
	narrow(t, strings.Join(regexp.MustCompile(`(?m)^(## |- [A-Z]).*$`).Split(got, -1), "\n"))
	require.NotContains(t, got, "\x1b")
	for _, want := range []string{
		"**Stopped.**", "- **2** sent\n- **1** already sent\n- **131** failed\n", "- 12,345 by `recent`:", "and 10 more", "4 more, for other reasons",
		"`````text\nHello ${{ client.name }} </pre>", "79***67", "+7***67", "2026-03-01 15:00",
	} {
		require.Contains(t, got, want)
	}
	require.Equal(t, 1, strings.Count(got, "- The plan has warned: 2 contacts are one person.\n"))
	require.NotContains(t, got, "Anna")
	require.Contains(t, got, "  - `79***67, 79***67,", "the keys of rows without a contact")

	b.Reset()
	require.NoError(t, hostileReport(true).WriteMarkdown(&b))
	require.Equal(t, 2, strings.Count(b.String(), "Hello Anna"))
	require.Contains(t, b.String(), "79161234567")
}

func TestReportAsHTML(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReport(false).WriteHTML(&b))
	got := b.String()
	require.NotContains(t, got, "<script")
	require.NotContains(t, got, "\u202e")
	require.NotContains(t, got, "Anna")
	require.NotContains(t, got, "ZgotmplZ", "html/template refused a value of ours")
	require.NotRegexp(t, `(src|href|style)=`, got, "it loads nothing, and its policy knows one style")
	require.Regexp(t, `default-src &#39;none&#39;|default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'`, strings.ReplaceAll(got, "&#43;", "+"))
	require.Equal(t, strings.Count(got, "<rect"), strings.Count(got, `class="f-`))
	for _, want := range []string{"Stopped.", "<b>131</b> failed", "12,345", "4</td><td></td><td></td><td>more", "12:00:18", "&lt;/pre&gt;"} {
		require.Contains(t, got, want)
	}
}

func TestReportOfNothing(t *testing.T) {
	r := RunReport(ledger.Run{ID: "r", Flow: "f", State: ledger.Finished}, false)
	r.Close(ledger.Run{State: ledger.Finished})
	var b bytes.Buffer
	require.NoError(t, r.WriteMarkdown(&b))
	require.Contains(t, b.String(), "**Done.**")
	require.Contains(t, b.String(), "Nothing to send.")
	b.Reset()
	require.NoError(t, r.WriteHTML(&b))
	require.Contains(t, b.String(), "Nothing to send.")
	require.NotContains(t, b.String(), "<svg")
}

func TestReportOfAPlan(t *testing.T) {
	s := &engine.Summary{
		Plan:   planfile.Plan{Head: planfile.Header{Run: "r", Flow: "f", Campaign: "default", Sandbox: true, Now: noon, Expires: noon, MaxSends: 5, Accounts: map[string]string{"b": "2", "a": "1"}}, End: planfile.End{Counts: planfile.Counts{Planned: 2, LeftOut: 1, Refused: 1, Changed: 1, AlreadySent: 1}, Later: []planfile.Later{{Step: "next", UpTo: 2}}, Warnings: []string{"1 contact is somebody else too, 79161234567"}}},
		Steps:  []engine.SendSummary{{Step: "send", Counts: planfile.Counts{Planned: 1}}, {Step: "bye", Counts: planfile.Counts{Planned: 1, LeftOut: 1}}},
		Locals: []string{"report"}, LeftOut: []planfile.LeftOut{{Step: "bye", Reason: markup, Count: 1}},
	}
	var b bytes.Buffer
	require.NoError(t, PlanReport(s, false).WriteMarkdown(&b))
	for _, want := range []string{
		"**Nothing was sent.**", "`default, sandbox`", "`1, 2`", "- **2** to send\n- **1** already sent\n- **1** left out\n- **1** refused\n",
		"- `bye`: 1 to send, 1 left out\n", "After the sends: report.", "have settled: next (up to 2).", "another text",
		"- The plan has warned: 1 contact is somebody else too, 79***67.\n",
	} {
		require.Contains(t, b.String(), want)
	}
}
