package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// narrow checks that a view keeps to a terminal of 80 columns, but for the last
// line's command, which must stay whole to be copied.
func narrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.Contains(line, "flowrunner ") {
			require.LessOrEqual(t, Width(line), pageWidth, "%q", line)
		}
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3*3600))

// hostilePlan has everything that a plan can show, with client text that tries
// to take the terminal over.
func hostilePlan() *engine.Summary {
	since := noon.Add(-48 * time.Hour)
	counts := planfile.Counts{Planned: 12345, AlreadySent: 88, LeftOut: 37, Duplicate: 2, Unknown: 3, Refused: 1, Changed: 5}
	return &engine.Summary{
		Plan:  planfile.Plan{Head: planfile.Header{Run: "20260301-090000-abcdefgh", Flow: "spring-sale", File: "sale.yaml", Campaign: "march", Now: noon, Stages: 2, MaxSends: 20000}, End: planfile.End{Counts: counts, Calls: 4088, Later: []planfile.Later{{Step: "remind"}}}},
		Steps: []engine.SendSummary{{Step: "send", OncePer: "campaign", Title: "Весенняя распродажа", Counts: counts}},
		LeftOut: []planfile.LeftOut{
			{Step: "recent", Reason: "silent for more than 90 days", Count: 100200},
			{Step: "a_step_with_a_very_long_name_indeed", Reason: "said \x1b[2J that they are not interested, in so many words that one line cannot hold them all", Count: 37},
		},
		Since: &since,
		Samples: []engine.Sample{
			{Seq: 1, Step: "send", Contact: 11, Preview: step.Preview{
				Text:    "Здравствуйте, \x1b[31mИван\u202e! 🌸\n\nКод SPRING15 действует до воскресенья, и это очень длинная строка, которая не помещается.",
				Details: map[string]string{"transport": "telegram", "attachment": "https://example.com/\x07a.jpg"},
			}},
			{Seq: 2, Step: "send", Key: "visit-7", Preview: step.Preview{Text: "Hello"}},
		},
		Locals: []string{"report", "print_it"},
		Calls:  12345,
		Takes:  20 * time.Minute,
	}
}

func TestPlanView(t *testing.T) {
	var b bytes.Buffer
	Style{}.Plan(&b, hostilePlan(), "Nothing was sent.")
	narrow(t, b.String())
	require.NotContains(t, b.String(), "\x1b")
	golden.Equal(t, "testdata/plan.txt", b.String())

	b.Reset()
	Style{}.Plan(&b, &engine.Summary{
		Plan:  planfile.Plan{Head: planfile.Header{Run: "R", Flow: "served", Campaign: "default", Now: noon, Sandbox: true}, End: planfile.End{Counts: planfile.Counts{AlreadySent: 2}}},
		Steps: []engine.SendSummary{{Step: "send", OncePer: "campaign", Counts: planfile.Counts{AlreadySent: 2}}},
	})
	b.WriteString("\n")
	Style{}.Plan(&b, &engine.Summary{Plan: planfile.Plan{Head: planfile.Header{Run: "R", Flow: "report", Campaign: "default"}}})
	golden.Equal(t, "testdata/plan-nothing.txt", b.String())
}

func TestPlanDocument(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, PlanOf(hostilePlan(), "runs/x/plan.jsonl")))
	golden.Equal(t, "testdata/plan.json", b.String())
}

func stoppedResult() *engine.Result {
	send := ledger.Counts{Planned: 30, Sent: 20, Failed: 3, Unknown: 1, Skipped: 6, AlreadySent: 4, LeftOut: 2, Duplicate: 1}
	r := &engine.Result{
		Run:    ledger.Run{ID: "20260301-090000-abcdefgh", Flow: "spring-sale", Campaign: "march", State: ledger.Stopped},
		Counts: send, StillUnknown: 2,
		Steps:    []*engine.StepCounts{{Step: "send", Counts: send}, {Step: "remind", Counts: ledger.Counts{}}},
		Warnings: []string{"a finished local step could not be remembered"},
		Later:    []planfile.Later{{Step: "remind"}},
		Reason:   "stopIf: 3 of 24 sends were refused",
		Hint:     "look at `flowrunner runs show`",
		Outputs: []engine.NamedValue{
			{Name: "sent", Value: 20},
			{Name: "at", Value: noon},
			{Name: "nothing", Value: nil},
			{Name: "took", Value: 90 * time.Second},
			{Name: "list", Value: []any{1, "two", time.Minute}},
			{Name: "stream", Value: step.StreamList([]any{map[string]any{"a": 1}})},
			{Name: "token", Value: step.NewSecret("very-secret")},
			{Name: "text", Value: "a\x1b[2Jb"},
		},
	}
	for i := range 3 {
		r.Problems = append(r.Problems, engine.Problem{Step: "send", Contact: 100 + i, Status: "failed", Reason: "no such client"})
	}
	r.Problems = append(r.Problems,
		engine.Problem{Step: "send", Contact: 200, Status: "unknown", Reason: "the answer broke off\x1b[2J, and a long story follows that has to be broken into lines"},
		engine.Problem{Step: "remind", Contact: 200, Status: "skipped", Reason: "send was not sent (unknown)"})
	return r
}

func TestResultView(t *testing.T) {
	var b bytes.Buffer
	Style{}.Result(&b, stoppedResult(), "Go on: flowrunner resume X")
	narrow(t, b.String())
	require.NotContains(t, b.String(), "\x1b")
	require.NotContains(t, b.String(), "very-secret")
	golden.Equal(t, "testdata/result.txt", b.String())
	b.Reset()
	require.NoError(t, WriteJSON(&b, Document{ExitCode: 6, Result: ResultOf(stoppedResult(), "flowrunner resume X")}))
	require.NotContains(t, b.String(), "very-secret")
	golden.Equal(t, "testdata/result.json", b.String())
}

func TestResultCountsWhoIsNotNamed(t *testing.T) {
	r := &engine.Result{
		Run:    ledger.Run{ID: "R", Flow: "f", State: ledger.Failed},
		Counts: ledger.Counts{Planned: 50, Sent: 10, Failed: 40}, Steps: []*engine.StepCounts{{Step: "send"}},
	}
	for range 20 {
		r.Problems = append(r.Problems, engine.Problem{Step: "send", Contact: 7, Status: "failed", Reason: "no"})
	}
	var b bytes.Buffer
	Style{Color: true}.Result(&b, r)
	require.Contains(t, b.String(), "      20  more\n")
	require.Contains(t, b.String(), "\x1b[31m40 failed\x1b[0m")
	for state, want := range map[ledger.RunState]string{
		ledger.Finished: "\x1b[32mdone\x1b[0m", ledger.Running: "running", ledger.Interrupted: "\x1b[33minterrupted\x1b[0m", ledger.Failed: "\x1b[31mfailed\x1b[0m",
	} {
		require.Equal(t, want, Style{Color: true}.state(state, 0))
	}
	require.Equal(t, "done, but 2 unknown", Style{}.state(ledger.Finished, 2))
}

// Whom a rail kept back was not kept back by a stop that never was.
func TestResultOfARunThatDidNotStop(t *testing.T) {
	r := &engine.Result{Run: ledger.Run{ID: "R", Flow: "f", State: ledger.Finished}, Counts: ledger.Counts{Planned: 50, Sent: 10, Skipped: 40}}
	r.Problems = []engine.Problem{{Step: "send", Contact: 7, Status: "skipped", Reason: "outside guard.hours"}}
	var b bytes.Buffer
	Style{}.Result(&b, r)
	require.Contains(t, b.String(), "      39  more\n")
	require.NotContains(t, b.String(), "stopped")
}

func TestRunsView(t *testing.T) {
	var b bytes.Buffer
	Style{}.Runs(&b, nil)
	require.Equal(t, "There are no runs yet.\n", b.String())
	run := ledger.Run{
		ID: "20260301-090000-abcdefgh", Flow: "очень-длинное-имя-потока", Campaign: "march", File: "flows/sale.yaml", Account: "api.chat2desk.com/4711",
		State: ledger.Interrupted, Started: noon, Finished: noon.Add(time.Minute), Reason: "interrupted",
		Counts: ledger.Counts{Planned: 3, Sent: 1, Unknown: 1, Skipped: 1},
	}
	b.Reset()
	Style{}.Runs(&b, []ledger.Run{run, {ID: "x", Flow: "y", State: ledger.Finished}})
	b.WriteString("\n")
	h := HistoryDocument{
		RunDocument: RunOf(run), Open: true, NotShown: 4,
		Rows:    []RowDocument{{Seq: 2, Step: "send", Contact: 12, Status: "unknown", Reason: "reset"}, {Seq: 3, Step: "send", Key: "visit-7", Status: "skipped", Reason: "not tried: interrupted"}},
		LeftOut: []ReasonDocument{{Step: "recent", Reason: "silent", Count: 5}},
	}
	for range 2 { // two stages
		h.Warn([]string{"1 contact is somebody else too"})
	}
	require.NoError(t, Style{}.History(&b, run, h, nil, "Go on: flowrunner resume X"))
	narrow(t, b.String())
	golden.Equal(t, "testdata/history.txt", b.String())
	doc, err := json.Marshal(Document{Run: &h})
	require.NoError(t, err)
	require.Contains(t, string(doc), `"warnings":["1 contact is somebody else too"]`)
	require.Contains(t, string(doc), `"finished":"2026-03-01T12:01:00+03:00"`)
	require.Nil(t, RunOf(ledger.Run{}).Finished)
}

func TestProblemViews(t *testing.T) {
	src := []byte("flow: x\nsteps:\n  - id: send\n")
	span := diag.Span{File: "x.yaml", Start: diag.Pos{Line: 3, Col: 5}, End: diag.Pos{Line: 4, Col: 1}}
	var list diag.List
	list.Add("unknown-key", diag.Span{File: "x.yaml", Start: diag.Pos{Line: 1, Col: 1}, End: diag.Pos{Line: 1, Col: 5}}, "no such key").WithHint("flow")
	list.Add("odd", span, "looks odd").AsWarning()
	problems := []error{
		list.Err(),
		&engine.StepError{Step: "send", Item: []int{4}, Span: span, Err: &step.Failure{Reason: "refused\x1b[2J", Hint: "check the token"}},
		fmt.Errorf("plan: %w", &engine.StaleError{Reason: "the plan expired", Hint: "plan again\nor not"}),
		&engine.InputError{Problems: []string{"input a is required", "input b is wrong"}},
		errors.New("disk full"),
	}
	var plain, bright strings.Builder
	for _, err := range problems {
		plain.WriteString(Style{}.Problem(err, src) + "\n")
		bright.WriteString(Style{Color: true}.Problem(err, src))
	}
	golden.Equal(t, "testdata/problems.txt", plain.String())
	require.NotContains(t, plain.String(), "\x1b")
	require.Contains(t, bright.String(), "\x1b[31merror:\x1b[0m no such key")
	require.Contains(t, bright.String(), "\x1b[33mwarning:\x1b[0m looks odd")
	require.Contains(t, bright.String(), "\x1b[31m^^^^\x1b[0m")
	require.NotContains(t, bright.String(), "\x1b[2J")

	e := ErrorOf(problems[0])
	require.Len(t, e.Problems, 2)
	require.Equal(t, "warning", e.Problems[1].Severity)
	e = ErrorOf(problems[1])
	require.Equal(t, "send", e.Step)
	require.Equal(t, "x.yaml:3:5", e.Place)
	require.Equal(t, "check the token", e.Hint)
	require.Nil(t, ErrorOf(nil))
}

// Whom the plan has nobody left to write to learns since when, when that ends,
// and what to add to the flow.
func TestServedAlready(t *testing.T) {
	zone := time.FixedZone("", 5*3600)
	first := time.Date(2026, 11, 16, 5, 0, 0, 0, time.UTC)
	next := time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	slot := next.AddDate(0, 0, -7)
	sends := func(once ...string) (list []engine.SendSummary) {
		for _, o := range once {
			list = append(list, engine.SendSummary{Step: "send", OncePer: o})
		}
		return list
	}
	for _, c := range []struct {
		name  string
		steps []engine.SendSummary
		slot  *time.Time
		want  string
	}{
		{"campaign", sends("campaign"), nil, "add a line to the flow: `campaign: NAME` for another occasion, or `oncePer: week`"},
		{"one of them once and for all", sends("week", "campaign"), nil, "`campaign: NAME` for another occasion"},
		{"month", sends("month"), nil, "It is `oncePer: month`; the next month begins on Tuesday, 2026-12-01. To write to the same people before that, add a line to the flow: `campaign: NAME`"},
		{"week", sends("week"), nil, "the next week begins on Monday, 2026-11-23."},
		{"day", sends("week", "day"), nil, "the next day begins on Friday, 2026-11-20."},
		{"slot", sends("run"), &slot, "It is `oncePer: run`; the next slot is Mon 2026-11-23 10:00."},
		{"slot of a campaign", sends("campaign"), &slot, "`campaign: NAME` for another occasion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &engine.Summary{
				Plan: planfile.Plan{Head: planfile.Header{Now: time.Date(2026, 11, 19, 12, 0, 0, 0, zone), Slot: c.slot}}, Steps: c.steps, First: &first,
			}
			if c.slot != nil {
				p.Next = &next
			}
			got := servedAlready(p)
			require.Contains(t, got, "Everybody was served already, since 2026-11-16 10:00.")
			require.Contains(t, got, c.want)
		})
	}
}
