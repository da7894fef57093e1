// Package examples_test runs each example twice in the sandbox, as its comments
// tell people to. The second run sends nothing.
package examples_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/internal/cli"
)

// expectation is what an example does in the sandbox.
type expectation struct {
	sends   bool
	several bool // a client may get more than one message
	exit    int
	says    string   // in the error, when exit is not 0
	vars    []string // that make a failing example pass
	given   []string // inputs of every run
	writes  []string // files below out/
	each    int      // files that each run writes under a name of its own
	days    bool     // a day of the world is part of what sends are remembered by
}

var expected = map[string]expectation{
	"birthday.yaml":    {sends: true, given: []string{"--var", "day=2031-03-14"}},
	"broadcast.yaml":   {sends: true, each: 1},
	"minimal.yaml":     {sends: true},
	"pickup.yaml":      {sends: true, several: true},
	"reminders.yaml":   {sends: true, several: true},
	"segment_csv.yaml": {sends: true, writes: []string{"not_found.csv"}},
	"sla_watch.yaml": {
		exit: 1, says: "clients have waited longer than", vars: []string{"--var", "allowed=500"},
	},
	"transfer_audit.yaml": {writes: []string{"operators.csv", "transfers.csv"}},
	"welcome.yaml":        {sends: true},
	"winback.yaml":        {sends: true, days: true},
}

// document is the part of -o json that is looked at.
type document struct {
	OK       bool `json:"ok"`
	ExitCode int  `json:"exitCode"`
	Error    *struct {
		Message string `json:"message"`
	} `json:"error"`
	Plan *struct {
		ToSend      int `json:"toSend"`
		AlreadySent int `json:"alreadySent"`
	} `json:"plan"`
	Result *struct {
		State  string `json:"state"`
		Counts struct {
			Planned, Sent, Failed, Unknown, Skipped, AlreadySent int
		} `json:"counts"`
	} `json:"result"`
}

func TestExamplesRunTwice(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.yaml") })
	require.Len(t, files, len(expected), "each example has an expectation, and each expectation an example")
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
			want, ok := expected[file]
			require.True(t, ok)
			dir := copied(t)
			if want.days {
				want.given = append(want.given, "--sandbox-world", standing(t, dir))
			}

			first := run(t, dir, file, want.exit, want.given...)
			if want.exit != 0 {
				require.NotNil(t, first.Error)
				require.Contains(t, first.Error.Message, want.says)
				require.Nil(t, first.Result)
				first = run(t, dir, file, 0, slices.Concat(want.given, want.vars)...)
			}
			require.NotNil(t, first.Result)
			counts := first.Result.Counts
			require.Equal(t, counts.Planned, counts.Sent+counts.Failed+counts.Unknown+counts.Skipped)
			require.Equal(t, counts.Planned, counts.Sent, "in a sandbox without faults everything is sent")
			require.Equal(t, first.Plan.ToSend, counts.Planned)
			require.Equal(t, want.sends, counts.Sent > 0)
			accepted := log(t, dir)
			require.Len(t, accepted, counts.Sent)
			texts(t, accepted, want.several)

			second := run(t, dir, file, 0, slices.Concat(want.given, want.vars)...)
			require.NotNil(t, second.Result)
			require.Zero(t, second.Plan.ToSend)
			require.Zero(t, second.Result.Counts.Sent)
			require.Equal(t, counts.Sent, second.Result.Counts.AlreadySent)
			require.Len(t, log(t, dir), len(accepted), "the second run sends nothing")

			for _, name := range want.writes {
				text, err := os.ReadFile(filepath.Join(dir, "out", name))
				require.NoError(t, err)
				require.Greater(t, bytes.Count(text, []byte("\n")), 1, "%s has rows below its header", name)
			}
			written, err := filepath.Glob(filepath.Join(dir, "out", "*"))
			require.NoError(t, err)
			require.Len(t, written, len(want.writes)+2*want.each)
		})
	}
}

// TestExamplesBegin demands that each says what it is for and how to run it.
func TestExamplesBegin(t *testing.T) {
	for file, want := range expected {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		name := strings.TrimSuffix(file, ".yaml")
		require.Regexp(t, `^# `+name+`: [a-z].*\.\n#\n`, string(text))
		require.Contains(t, string(text), strings.Join(append([]string{"\n# Try it:      flowrunner run examples/" + file + " --sandbox"}, want.given...), " ")+"\n")
		require.Contains(t, string(text), "\n# For real:    export CHAT2DESK_API_TOKEN=")
	}
}

// copied is a folder with the examples, so that a run leaves nothing here.
func copied(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "parts"), 0o755))
	for _, pattern := range []string{"*.yaml", "*.csv", "parts/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o644))
		}
	}
	return dir
}

// standing is a world whose days do not move between two runs, whenever those
// are made.
func standing(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "world.yml")
	day := time.Now().UTC().AddDate(0, 0, -40).Format(time.DateOnly)
	text := "clients:\n  - { id: 11, name: Anna, last_client_message: " + day + "T12:00:00Z }\n" +
		"  - { id: 12, last_client_message: " + day + "T13:00:00Z }\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// run runs one example as a CI job would: no terminal, no token.
func run(t *testing.T, dir, file string, exit int, more ...string) document {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"run", filepath.Join(dir, file), "--sandbox", "-o", "json"}, more...)
	if !slices.Contains(more, "--sandbox-world") {
		args = append(args, "--sandbox-clients", "600")
	}
	code := cli.Main(args, strings.NewReader(""), &stdout, &stderr, []string{"CI=true"})
	require.Equal(t, exit, code, "%s%s", &stdout, &stderr)
	var doc document
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &doc), "%s", &stdout)
	require.Equal(t, exit, doc.ExitCode)
	return doc
}

// log is what the sandbox has truly accepted.
func log(t *testing.T, dir string) []sandbox.Accepted {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, ".flowrunner", "sandbox", "accepted.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	all, err := sandbox.LoadAccepted(f)
	require.NoError(t, err)
	return all
}

// texts demands that nobody is written to twice, unless several are meant, and
// that nobody reads what stands where a name is missing.
func texts(t *testing.T, accepted []sandbox.Accepted, several bool) {
	t.Helper()
	seen := map[int64]bool{}
	for _, m := range accepted {
		require.False(t, seen[m.ClientID] && !several, "client %d got two messages", m.ClientID)
		seen[m.ClientID] = true
		for _, word := range []string{"nil", "${{", "unknown"} {
			require.NotContains(t, m.Text, word)
		}
	}
}
