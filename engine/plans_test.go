package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// What differs from one making of a plan to the next. Everything else of a plan
// is fixed by the flow, the inputs and the account.
var changing = []struct {
	of  *regexp.Regexp
	now string
}{
	{regexp.MustCompile(`("run":)"[^"]*"`), `$1"<run>"`},
	{regexp.MustCompile(`("lineage":)"[^"]*"`), `$1"<lineage>"`},
	{regexp.MustCompile(`("serial":)\d+`), `$1"<serial>"`},
	{regexp.MustCompile(`("(?:hash|recipients)":)"[0-9a-f]{64}"`), `$1"<hash>"`},
	{regexp.MustCompile(`("identity":)"[^"]*"`), `$1"<identity>"`},
	{regexp.MustCompile(`("person":)"[^"]*"`), `$1"<person>"`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), `<host>`},
	{regexp.MustCompile(`\d{8}-\d{6}-[a-z2-7]{8}`), `<run>`},
}

func normalised(t *testing.T, path string) string {
	t.Helper()
	_, err := planfile.Check(path)
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	text := string(b)
	for _, c := range changing {
		text = c.of.ReplaceAllString(text, c.now)
	}
	return text
}

// The plans of testdata/plans pin the record types, their JSON names and their
// order: apply, `plan show` and other programs read them.
func TestGoldenPlans(t *testing.T) {
	eachFlow(t, "plans", func(t *testing.T, path string, source []byte) {
		b := newBench(t, sandbox.Options{World: smallWorld(4)})
		b.write("rows.csv", "id,text\n101,hello\n102,\n101,hello\n")
		p, problems := check(filepath.Base(path), source)
		require.Empty(t, diag.FormatAll(problems, source))
		got := normalised(t, b.plan(p, nil))
		require.Empty(t, b.api.Accepted())
		require.NotContains(t, got, b.env["CHAT2DESK_API_TOKEN"])
		golden.Equal(t, goldenOf(path), got)

		// Planned again, it says the same.
		require.Equal(t, got, normalised(t, b.plan(p, nil)))
	})
}

// A plan made when everything was sent before lists the same sends as already
// sent, and nothing to do.
func TestGoldenPlanOfTheSecondRun(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "plans", "broadcast.yaml"))
	require.NoError(t, err)
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	p, _ := check("broadcast.yaml", source)
	r := b.apply(p, b.plan(p, nil))
	require.Empty(t, r.Causes, r.Reason)
	changed := strings.Replace(string(source), "until Sunday", "until Monday", 1)
	p, _ = check("broadcast.yaml", []byte(changed))
	path := b.plan(p, nil)
	for _, s := range records[planfile.Send](t, path) {
		if s.Status == planfile.StatusAlreadySent {
			require.True(t, s.Changed)
			require.NotNil(t, s.Since)
			require.Empty(t, s.Args)
		}
	}
	got := regexp.MustCompile(`("messageId":)\d+`).ReplaceAllString(normalised(t, path), `$1"<message>"`)
	got = regexp.MustCompile(`("since":)"[^"]*"`).ReplaceAllString(got, `$1"<since>"`)
	golden.Equal(t, "testdata/plans/second_run.golden", got)
}

// What the API refused for good, and what nobody knows of, stays so in the next
// plan: neither is sent again by itself.
func TestAPlanRemembersWhatWentWrong(t *testing.T) {
	const src = `flow: wrong
steps:
  - id: send
    forEach: [101, 9001]
    uses: chat2desk_send_message
    with: { contactId: "${{ item }}", message: hi }
`
	faults, err := sandbox.ParseFaults("500-before:100%")
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		faults sandbox.Options
		first  planfile.Counts
		want   []string
	}{
		{"refused", sandbox.Options{World: smallWorld(2)}, planfile.Counts{AlreadySent: 1, Refused: 1}, []string{planfile.StatusAlreadySent, planfile.StatusRefused}},
		{"unknown", sandbox.Options{World: smallWorld(2), Faults: faults}, planfile.Counts{Unknown: 2}, []string{planfile.StatusUnknown, planfile.StatusUnknown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.faults)
			p := b.compile(src)
			b.apply(p, b.plan(p, nil))
			b.now = b.now.Add(time.Hour)
			path := b.plan(p, nil)
			var got []string
			for _, s := range records[planfile.Send](t, path) {
				got = append(got, s.Status)
				require.NotNil(t, s.Since)
				require.Equal(t, s.Status == planfile.StatusUnknown, s.Args != nil, "who is read back needs what was sent")
			}
			require.Equal(t, c.want, got)
			end := records[planfile.End](t, path)[0].Counts
			c.first.Iterations = 2
			require.Equal(t, c.first, end)
		})
	}
}

// The plan of the second stage goes on where the first one ended, and holds what
// the first one gave.
func TestGoldenPlanOfTheSecondStage(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "plans", "two_stages.yaml"))
	require.NoError(t, err)
	b := newBench(t, sandbox.Options{World: smallWorld(4)})
	p, _ := check("two_stages.yaml", source)
	path := b.plan(p, nil)
	r := b.apply(p, path)
	require.Empty(t, r.Causes, r.Reason)
	golden.Equal(t, "testdata/plans/second_stage.golden", normalised(t, filepath.Join(filepath.Dir(path), "plan-1.jsonl")))
}

// Reading a plan through Records gives what Summarize counts.
func TestAPlanCountsWhatItLists(t *testing.T) {
	eachFlow(t, "plans", func(t *testing.T, path string, source []byte) {
		b := newBench(t, sandbox.Options{World: smallWorld(4)})
		b.write("rows.csv", "id,text\n101,hello\n102,\n101,hello\n")
		p, _ := check(filepath.Base(path), source)
		file := b.plan(p, nil)
		var counts planfile.Counts
		var last int64
		for _, s := range records[planfile.Send](t, file) {
			counts.Add(s.Status)
			require.Greater(t, s.Seq, last)
			last = s.Seq
			if s.Status == planfile.StatusPlanned {
				require.Regexp(t, "^[0-9a-f]{64}$", s.Content)
				require.NotEmpty(t, s.Identity)
				require.NotEmpty(t, s.Account)
				require.NotEmpty(t, s.Args)
			}
		}
		ends := records[planfile.End](t, file)
		require.Len(t, ends, 1)
		end := ends[0].Counts
		end.Iterations, end.Changed = 0, 0
		require.Equal(t, counts, end)
		sum, err := p.Summarize(file, 100)
		require.NoError(t, err)
		require.Len(t, sum.Samples, counts.Planned)
		require.Equal(t, ends[0], sum.End)
	})
}
