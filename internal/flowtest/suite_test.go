package flowtest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/flowtest"
	"github.com/flowrunner/flowrunner/steps"
)

// options are those of the command, with the cause itself as the exit code.
func options() flowtest.Options {
	return flowtest.Options{
		Account: steps.CompanyID, People: steps.People{},
		ExitCode: func(causes []engine.Cause) int {
			for _, c := range causes {
				if c != engine.CauseNone {
					return int(c)
				}
			}
			return 0
		},
	}
}

// load writes files into a folder and reads the test among them.
func load(t testing.TB, files map[string]string) (*flowtest.Suite, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return flowtest.Load(filepath.Join(dir, "a_test.yaml"), steps.Registry(), beside)
}

// beside reads what lies beside a flow.
func beside(file string) engine.Files { return engine.FilesIn(filepath.Dir(file), filepath.Dir(file)) }

// run gives the failures of each case, summary and detail in lines.
func run(t testing.TB, s *flowtest.Suite, o flowtest.Options) map[string][]string {
	t.Helper()
	res, err := s.Run(t.Context(), o)
	require.NoError(t, err)
	got := map[string][]string{}
	for _, c := range res.Cases {
		got[c.Name] = nil
		for _, f := range c.Failures {
			got[c.Name] = append(got[c.Name], strings.Join(append([]string{f.Summary}, f.Detail...), "\n"))
		}
	}
	return got
}

const greet = `flow: greet
oncePer: week
env: [SHOP]
connection: { timezone: Europe/Moscow }
guard: { maxSends: 5 }
inputs:
  word: { type: string, default: Hello }
  day: { type: date, required: true }
steps:
  - id: clients
    uses: chat2desk_list_clients
    onError: continue
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: history
        uses: chat2desk_list_messages
        with: { contactId: "${{ client.id }}", limit: 3 }
      - id: send
        if: len(steps.history.outputs.messages) > 0
        else: never wrote
        uses: chat2desk_send_message
        with:
          contactId: ${{ client.id }}
          message: |
            ${{ inputs.word }} ${{ client.name ?? "friend" }} of ${{ env.SHOP ?? "nowhere" }},
            ${{ format(run.now, "d.MM.yyyy HH:mm") }}
outputs:
  day: ${{ inputs.day }}
  sent: ${{ steps.each.outputs.sent }}
`

func TestCases(t *testing.T) {
	tests := map[string]struct {
		text string   // of the case, below its name
		want []string // failures
	}{
		"the clock stands still": {`
    now: 2026-05-04 09:15
    env: { SHOP: Berlin }
    inputs: { day: 2026-05-04, word: "Привет" }
    world: { clients: [{ id: 7, name: "Анна 👩‍🍳", messages: [{ text: hi }] }] }
    expect:
      sends: [{ step: send, contact: 7, text: "Привет Анна 👩‍🍳 of Berlin,\n4.05.2026 09:15\n" }]`, nil},
		"without a clock it is a Monday": {`
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 7, messages: [{ text: hi }] }] }
    expect: { sends: [{ contact: 7, contains: [friend, nowhere, "2.03.2026 10:30"], matches: "^Hello" }] }`, nil},
		"an account without clients": {`
    inputs: { day: 2026-05-04 }
    expect: { sends: [], leftOut: [], counts: { planned: 0 } }`, nil},
		"a world in a file": {`
    inputs: { day: 2026-05-04 }
    world: world.yaml
    expect: { sends: [{ contact: 1 }], only: some }`, nil},
		"left out, by contact and by count": {`
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 1 }, { id: 2 }, { id: 3, messages: [{ text: hi }] }] }
    expect:
      leftOut: [{ step: send, contact: 2 }, { step: send, contact: 1, reason: never wrote }]`, nil},
		"a mock for each argument": {`
    inputs: { day: 2026-05-04 }
    mocks:
      clients: { clients: [{ id: 1, phone: "1" }, { id: 2, phone: "2", last_client_message: "${{ run.now }}" }] }
      history:
        - with: { contactId: 2 }
          outputs: { messages: [{ id: 9, created: 2026-03-01 }] }
        - outputs: {}
    expect: { sends: [{ contact: 2 }], leftOut: [{ step: send, count: 1 }] }`, nil},
		"a mock without an answer": {`
    inputs: { day: 2026-05-04 }
    mocks:
      clients: { clients: [{ id: 1, phone: "1" }] }
      history: [{ with: { contactId: 2, limit: 3 }, outputs: {} }]
    expect: { stops: { exit: 1, message: "no answer of its mock fits { contactId: 1, limit: 3 }" } }`, nil},
		"a mock that fails, and a step that goes on": {`
    inputs: { day: 2026-05-04 }
    mocks: { clients: { fails: server } }
    expect: { sends: [] }`, nil},
		"a token that is refused": {`
    inputs: { day: 2026-05-04 }
    mocks: { clients: { fails: token } }
    expect: { stops: { exit: 3 } }`, nil},
		"last week counts no more, this week does": {`
    now: 2026-05-06 12:00
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 1, messages: [{ text: a }] }, { id: 2, messages: [{ text: a }] }, { id: 3, messages: [{ text: a }] }] }
    sent: [{ step: send, contact: 1, at: 2026-05-01 }, { step: send, contact: 2 }, { step: send, contact: 3, status: unknown }]
    expect: { sends: [{ contact: 1 }], counts: { planned: 1, alreadySent: 1, unknown: 1 } }`, nil},
		"another campaign knows nothing of it": {`
    now: 2026-05-06
    inputs: { day: 2026-05-04 }
    campaign: summer
    world: { clients: [{ id: 1, messages: [{ text: a }] }, { id: 2, messages: [{ text: a }] }] }
    sent: [{ step: send, contact: 1 }, { step: send, contact: 2, campaign: spring }]
    apply: true
    expect: { sends: [{ contact: 2 }], counts: { alreadySent: 1 }, outputs: { sent: 1, day: 2026-05-04 } }`, nil},
		"more than the cap": {`
    inputs: { day: 2026-05-04 }
    world: { generate: { seed: 1, clients: 40 } }
    expect: { stops: { exit: 5, message: [guard.maxSends, at most 5] } }`, nil},
		"mocked people are there when the plan is applied": {`
    inputs: { day: 2026-05-04 }
    apply: true
    mocks:
      clients: { clients: [{ id: 7, phone: "1" }, { id: 80001, phone: "2" }] }
      history: { messages: [{ id: 9, created: 2026-03-01 }] }
    expect: { sends: [{ contact: 7, with: { contactId: 7 } }, { contact: 80001, contains: friend }], counts: { sent: 2 } }`, nil},
		"what else is sent": {`
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 7, messages: [{ text: a }] }] }
    expect: { sends: [{ contact: 7, with: { contactId: 8, openDialog: false } }] }`, []string{
			"sends: the contactId for contact 7 is another\nexpected  8\ngot       7",
			"sends: the openDialog for contact 7 is another\nexpected  false\ngot       nil",
		}},
		"a client that the account does not have": {`
    inputs: { day: 2026-05-04 }
    apply: true
    world: {}
    mocks:
      clients: { clients: [{ id: 1, phone: "1" }] }
      history: { messages: [{ id: 9, created: 2026-03-01 }] }
    expect: { sends: [{ contact: 1 }] }`, []string{
			"the run stopped with exit code 4: 1 failed, 0 unknown; contact 1: Chat2Desk knows no such thing (HTTP 400: Validation failed; client_id: client not found)",
			"sends: contact 1 gets no message\nrefused: Chat2Desk knows no such thing (HTTP 400: Validation failed; client_id: client not found)",
		}},
		"what differs is shown": {`
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 1, name: "A\tB ", messages: [{ text: a }] }, { id: 2 }] }
    expect:
      sends: [{ contact: 1, text: "Hello you\nx", contains: Hi, matches: "^x" }, { contact: 2 }, { key: "9" }]
      leftOut: [{ step: send, reason: never came }, { step: each, count: 2 }, { step: send, contact: 1 }]
      counts: { planned: 2 }`, []string{
			"sends: contact 1 gets another text\nexpected -, got +\n- Hello you\n- x\n+ Hello A\\tB  of nowhere,\n+ 2.03.2026 10:30",
			"sends: the text for contact 1 does not contain what is expected\nexpected\n  Hi\ngot\n  Hello A\\tB  of nowhere,\n  2.03.2026 10:30",
			"sends: the text for contact 1 does not match\nexpected\n  ^x\ngot\n  Hello A\\tB  of nowhere,\n  2.03.2026 10:30",
			"sends: contact 2 gets no message\nleft out by send: never wrote",
			`sends: key "9" gets no message`,
			"leftOut: send leaves out nobody because \"never came\"\nits reason is \"never wrote\"",
			"leftOut: expected each to leave out 2, got 0",
			"leftOut: send does not leave out contact 1",
			"leftOut: send leaves out 1 that are not expected: never wrote\ncontacts 2",
			"counts: expected 2 planned, got 1",
		}},
		"a message too many": {`
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 1, messages: [{ text: a }] }] }
    expect: { sends: [], stops: { exit: 5 } }`, []string{
			"stops: the run was expected to stop, but it went through",
			"sends: contact 1 gets a message from send that is not expected\n  Hello friend of nowhere,\n  2.03.2026 10:30",
		}},
		"another stop": {`
    inputs: { day: 2026-05-04 }
    mocks: { clients: { fails: token } }
    expect: { stops: { exit: 5, message: of another reason } }`, []string{
			"stops: expected exit code 5, got 3: step clients: the mock fails: token",
			"stops: the reason does not contain what is expected\nexpected  of another reason\ngot       step clients: the mock fails: token",
		}},
		"no such problem": {`
    inputs: { day: 2026-05-04 }
    expect: { diagnostics: [unused-input, { code: unknown-kind, line: 3 }] }`, []string{
			"diagnostics: validate does not report unused-input\nvalidate reports nothing more",
			"diagnostics: validate does not report unknown-kind in line 3\nvalidate reports nothing more",
		}},
		"other outputs": {`
    inputs: { day: 2026-05-04 }
    apply: true
    world: { clients: [{ id: 1 }] }
    expect: { outputs: { sent: 3 } }`, []string{"outputs: sent is another\nexpected  3\ngot       0"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := load(t, map[string]string{
				"a.yaml": greet, "a_test.yaml": "flow: a.yaml\ncases:\n  - name: it" + test.text + "\n",
				"world.yaml": "clients:\n  - { id: 1, messages: [{ text: hi }] }\n  - { id: 2, messages: [{ text: hi }] }\n",
			})
			require.NoError(t, err)
			require.Equal(t, map[string][]string{"it": test.want}, run(t, s, options()))
		})
	}
}

func TestMistakesHavePlaces(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no map":                {"- a", "1:1 a test file is a map, found a list"},
		"no flow":               {"cases: []", `1:1 a test file has no "flow"`},
		"no cases":              {"flow: a.yaml", `1:1 a test file has no "cases"`},
		"flow is no text":       {"flow: []\ncases: []", "1:7 flow is a text, found a list"},
		"no such flow":          {"flow: b.yaml\ncases: []", "1:7 there is no flow "},
		"cases is no list":      {"flow: a.yaml\ncases: 1", "2:8 cases is a list, found the number 1"},
		"no name":               {"flow: a.yaml\ncases: [{ expect: { sends: [] } }]", `2:11 a case has no "name"`},
		"no expectation":        {"flow: a.yaml\ncases: [{ name: a }]", `2:11 a case has no "expect"`},
		"an empty expectation":  {"flow: a.yaml\ncases: [{ name: a, expect: {} }]", "2:28 expect says nothing, so the case could not fail"},
		"two names":             {"flow: a.yaml\ncases: [{ name: a, expect: { sends: [] } }, { name: a, expect: { sends: [] } }]", `2:53 two cases are named "a"`},
		"names that differ not": {"flow: a.yaml\ncases: [{ name: a, expect: { sends: [] } }, { name: a!, expect: { sends: [] } }]", `2:53 the names "a" and "a!" would share one golden file`},
		"a missing input":       {given("world: {}"), "3:5 input day is required (date)"},
		"inputs is no map":      {given("inputs: 1"), "4:13 inputs is a map, found the number 1"},
		"unknown variable":      {given("inputs: { day: 2026-01-01 }\n    env: { SHPO: a }"), `5:12 env has no key "SHPO"`},
		"variable is no text":   {given("inputs: { day: 2026-01-01 }\n    env: { SHOP: [] }"), "5:18 SHOP is a text, found a list"},
		"no such world":         {given("inputs: { day: 2026-01-01 }\n    world: none.yaml"), "5:12 there is no file "},
		"world is a list":       {given("inputs: { day: 2026-01-01 }\n    world: []"), "5:12 world is a map, or the path of a file that holds one, found a list"},
		"mocks is a list":       {given("inputs: { day: 2026-01-01 }\n    mocks: []"), "5:12 mocks is a map, found a list"},
		"unknown failure":       {given("inputs: { day: 2026-01-01 }\n    mocks: { clients: { fails: tokn } }"), `5:32 there is no failure "tokn"`},
		"fails and outputs":     {given("inputs: { day: 2026-01-01 }\n    mocks: { clients: { fails: token, outputs: {} } }"), "5:32 an answer fails or has outputs, not both"},
		"answer of nothing":     {given("inputs: { day: 2026-01-01 }\n    mocks: { clients: [{}] }"), `5:24 an answer of clients has no "outputs"`},
		"unknown argument":      {given("inputs: { day: 2026-01-01 }\n    mocks: { history: [{ with: { contact: 1 }, outputs: {} }] }"), `5:34 with has no key "contact"`},
		"argument of a type":    {given("inputs: { day: 2026-01-01 }\n    mocks: { history: [{ with: { contactId: a }, outputs: {} }] }"), `5:45 contactId must be an integer`},
		"unknown status":        {given("inputs: { day: 2026-01-01 }\n    sent: [{ step: send, contact: 1, status: gone }]"), `5:46 status is one of refused, sent, unknown`},
		"sent later than now":   {given("inputs: { day: 2026-01-01 }\n    sent: [{ step: send, contact: 1, at: 2030-01-01 }]"), "5:42 at is later than now"},
		"sent to nobody":        {given("inputs: { day: 2026-01-01 }\n    sent: [{ step: send }]"), `5:14 an entry of sent has no "contact"`},
		"sent without a step":   {given("inputs: { day: 2026-01-01 }\n    sent: [{ contact: 1 }]"), `5:14 an entry of sent has no "step"`},
		"files is a list":       {given("inputs: { day: 2026-01-01 }\n    files: []"), "5:12 files is a map, found a list"},
		"a file elsewhere":      {given("inputs: { day: 2026-01-01 }\n    files: { ../a: b }"), "5:14 a file of a case lies below the flow's folder"},
		"a file of files":       {given("inputs: { day: 2026-01-01 }\n    files: { a: [] }"), "5:17 a is a text, found a list"},
		"with of a type":        {given("inputs: { day: 2026-01-01 }", `sends: [{ contact: 1, with: { contactId: a } }]`), "5:56 contactId must be an integer"},
		"with of nothing":       {given("inputs: { day: 2026-01-01 }", `sends: [{ contact: 1, with: { contact: 1 } }]`), `5:45 with has no key "contact"`},
		"a pattern":             {given("inputs: { day: 2026-01-01 }", `sends: [{ contact: 1, matches: "(" }]`), "5:46 the pattern is no regular expression"},
		"count and contact":     {given("inputs: { day: 2026-01-01 }", `leftOut: [{ step: send, contact: 1, count: 1 }]`), "5:58 count and contact cannot stand together"},
		"files without apply":   {given("inputs: { day: 2026-01-01 }", `files: { a: b }`), "5:22 files are written only when the plan is applied"},
		"unknown output":        {given("apply: true\n    inputs: { day: 2026-01-01 }", `outputs: { snt: 1 }`), `6:26 outputs has no key "snt"`},
		"output of a type":      {given("apply: true\n    inputs: { day: 2026-01-01 }", `outputs: { sent: many }`), "6:32 sent must be an integer"},
		"a code without a code": {given("inputs: { day: 2026-01-01 }", `diagnostics: [{ line: 1 }]`), `5:31 a diagnostic has no "code"`},
		"apply is a word":       {given("apply: yes\n    inputs: { day: 2026-01-01 }"), `4:12 apply is true or false, found text "yes"`},
		"a negative number":     {given("inputs: { day: 2026-01-01 }", `counts: { planned: -1 }`), "5:34 planned is a whole number, found the number -1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, map[string]string{"a.yaml": greet, "a_test.yaml": test.text})
			var list diag.Errors
			require.ErrorAs(t, err, &list)
			var got []string
			for _, d := range list {
				require.NotEmpty(t, d.Span.Start.Line, "%v", d)
				_, place, _ := strings.Cut(d.Span.String(), "a_test.yaml:")
				got = append(got, place+" "+d.Summary)
			}
			require.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, test.want) }), "%q", got)
		})
	}
}

// given is a test file with one case.
func given(lines string, expect ...string) string {
	return "flow: a.yaml\ncases:\n  - name: it\n    " + lines + "\n    expect: { " + strings.Join(append(expect, "only: some"), ", ") + " }\n"
}

// TestPageIsTrue runs what docs/testing.md shows beside the examples.
func TestPageIsTrue(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "testing.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```yaml\n(flow: .*?)^```$").FindAllSubmatch(page, -1)
	require.Len(t, blocks, 3)
	for _, block := range blocks {
		files := map[string]string{"a_test.yaml": string(block[1])}
		for _, name := range []string{"broadcast.yaml", "reminders.yaml", "appointments.csv"} {
			text, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
			require.NoError(t, err)
			files[name] = string(text)
		}
		s, err := load(t, files)
		require.NoError(t, err)
		for name, failures := range run(t, s, options()) {
			require.Empty(t, failures, "%s", name)
		}
	}
}

func TestGoldenTexts(t *testing.T) {
	s, err := load(t, map[string]string{"a.yaml": greet, "a_test.yaml": `flow: a.yaml
cases:
  - name: Все тексты
    inputs: { day: 2026-05-04 }
    world: { clients: [{ id: 1, name: A, messages: [{ text: a }] }] }
    expect: { texts: golden }
`})
	require.NoError(t, err)
	golden := filepath.Join(strings.TrimSuffix(s.File, ".yaml")+".golden", "все-тексты.txt")
	require.Equal(t, map[string][]string{"Все тексты": {"texts: there is no golden file " + golden + " yet; flowrunner test --update writes it"}}, run(t, s, options()))
	o := options()
	o.Update = true
	require.Empty(t, run(t, s, o)["Все тексты"])
	text, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, "== send to contact 1\n  Hello A of nowhere,\n  2.03.2026 10:30\n", string(text))
	require.NoError(t, os.WriteFile(golden, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), 0o600))
	require.Empty(t, run(t, s, options())["Все тексты"], "the line ends of the system do not matter")
	require.NoError(t, os.WriteFile(golden, []byte("== send to contact 1\n  Hello B of nowhere,\n"), 0o600))
	require.Equal(t, []string{"texts: they are not those of " + golden + "; flowrunner test --update takes them over\nexpected -, got +\n" +
		"  == send to contact 1\n-   Hello B of nowhere,\n+   Hello A of nowhere,\n+   2.03.2026 10:30"}, run(t, s, options())["Все тексты"])
}

func TestFilesStayAway(t *testing.T) {
	s, err := load(t, map[string]string{
		"a.yaml": `flow: files
steps:
  - id: rows
    uses: read_csv
    with: { path: data/in.csv, columns: { name: string } }
  - id: out
    uses: write_csv
    with: { path: out/b.csv, rows: "${{ steps.rows.outputs.rows }}" }
`,
		"data/in.csv": "name\nfrom the folder\n", ".git/config": "x",
		"a_test.yaml": `flow: a.yaml
cases:
  - name: the flow's own file
    apply: true
    expect: { files: { out/b.csv: "name\nfrom the folder" } }
  - name: the case's file
    apply: true
    files: { data/in.csv: "name\nАнна\n" }
    expect: { files: { out/b.csv: "name\nАнна", out/c.csv: "" } }
`,
	})
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"the flow's own file": nil, "the case's file": {"files: out/c.csv was not written"}}, run(t, s, options()))
	_, err = os.Stat(filepath.Join(filepath.Dir(s.File), "out"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestInterruptedRunIsAnError(t *testing.T) {
	s, err := load(t, map[string]string{"a.yaml": greet, "a_test.yaml": given("inputs: { day: 2026-01-01 }", "sends: []")})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Run(ctx, options())
	require.True(t, errors.Is(err, context.Canceled), "%v", err)
}

// FuzzLoad reads anything without a crash, and gives each problem a place.
func FuzzLoad(f *testing.F) {
	f.Add(given("inputs: { day: 2026-01-01 }\n    mocks: { clients: { clients: [{ id: 1 }] }, history: [{ with: { contactId: 1 }, fails: token }] }", "sends: [{ contact: 1 }]"))
	f.Add(given("world: { clients: [{ id: a }, 1], tags: {} }\n    sent: [{ step: send, contact: 1 }]", "leftOut: [{ step: send }], counts: { sent: 1 }, diagnostics: [a, { code: b }]"))
	f.Add("flow: a.yaml\ncases:\n  - 1\n  - []\n  - { name: [], expect: [] }\n")
	f.Add("flow: &a a.yaml\ncases: [*a, { <<: *a }]")
	dir := f.TempDir()
	require.NoError(f, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(greet), 0o600))
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "f_test.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := flowtest.Load(file, steps.Registry(), beside)
		var list diag.Errors
		if errors.As(err, &list) {
			for _, d := range list {
				require.NotEmpty(t, d.Span.File, "%v", d)
			}
		} else {
			require.NoError(t, err)
		}
	})
}
