package cli_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/torture"
)

// naiveRunner is a flowrunner with what most tools have on their way to the API:
// something that tries a lost request again. Its name is the program's in
// TestMain.
const naiveRunner = "naive"

// naive runs the program behind a proxy that gives a POST up to three tries.
func naive() int {
	args := os.Args[1:]
	at := slices.Index(args, "--sandbox-url") + 1
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 70
	}
	target := args[at]
	args[at] = "http://" + listener.Addr().String()
	go func() { _ = http.Serve(listener, &retrying{target}) }()
	return cli.Main(args, os.Stdin, os.Stdout, os.Stderr, os.Environ())
}

type retrying struct{ target string }

func (p *retrying) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	for range 3 {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			break
		}
		req.Header = r.Header
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			continue
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode >= 500 {
			continue
		}
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(answer)
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}

const tortureFlow = `flow: storm
guard: { maxSends: 5000 }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: outreach
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    concurrency: 8
    steps:
      - id: hello
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: hello }
      - id: more
        if: client.id % 3 == 0
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: more }
`

// trial is a small storm over the flow above.
func trial(t *testing.T, program, faults string) *torture.Trial {
	t.Helper()
	f, err := sandbox.ParseFaults(faults)
	require.NoError(t, err)
	f.LateBy, f.Bound = 150*time.Millisecond, 200*time.Millisecond
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "flow.yaml"), []byte(tortureFlow), 0o600))
	return &torture.Trial{
		Program: func(args ...string) *exec.Cmd { return exec.Command(program, args...) }, // TestMain has put it on the path
		Folder:  folder, Flow: "flow.yaml", World: sandbox.Generate(1, 60, time.Now().UTC()), Faults: f,
		Args:  []string{"--settle", "1s"},
		Kills: 12, Each: 6, Within: 300 * time.Millisecond, Side: 2, Seed: 1, Dir: t.TempDir(),
	}
}

// stormFaults are nearly a fifth of the replies; no 429, whose pauses are tested
// with a clock of their own.
const stormFaults = "500-before:3%,500-after:3%,reset-before:3%,reset-after:3%,hang:1%,hang-after:1%,html:1%,html-after:1%,truncate:1%,late:1%"

func TestKilledAtRandom(t *testing.T) {
	r, err := trial(t, "flowrunner", stormFaults).Run(t.Context())
	require.NoError(t, err)
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, 12, r.Kills)
	require.Positive(t, r.Sent)
	require.Equal(t, r.Planned, r.Sent+r.NotSent+r.NotTried+r.Unknown)
	require.Equal(t, r.Accepted, r.Sent+r.UnknownAccepted)
}

// Interrupted at random against an API without faults, the ledger knows each
// send as the sandbox does: nothing is in doubt.
func TestInterruptedAtRandom(t *testing.T) {
	storm := trial(t, "flowrunner", "")
	storm.Signal = []os.Signal{os.Interrupt, syscall.SIGTERM}
	r, err := storm.Run(t.Context())
	require.NoError(t, err)
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, 12, r.Kills)
	require.Equal(t, r.Planned, r.Sent, "%+v", r)
	require.Equal(t, r.Sent, r.Accepted)
}

// The trial notices what it is there to notice, and keeps the proof.
func TestTortureNotices(t *testing.T) {
	t.Run("a naive retry", func(t *testing.T) {
		r, err := trial(t, naiveRunner, "500-after:10%,reset-after:10%").Run(t.Context())
		require.NoError(t, err)
		require.Positive(t, r.Doubled, "%+v", r)
		require.NotEmpty(t, r.Folders)
		for _, name := range []string{"accepted.jsonl", "lives.txt", "state/sandbox/ledger.db", "flow/flow.yaml"} {
			require.FileExists(t, filepath.Join(r.Folders[0], name))
		}
	})
	t.Run("a settle time of nothing", func(t *testing.T) {
		storm := trial(t, "flowrunner", "late:20%")
		storm.Args = []string{"--settle", "0"}
		r, err := storm.Run(t.Context())
		require.NoError(t, err)
		require.Positive(t, r.Doubled, "%+v", r)
	})
	t.Run("a ledger that forgets", func(t *testing.T) {
		storm := trial(t, "flowrunner", "")
		run := storm.Program
		storm.Program = func(args ...string) *exec.Cmd {
			state := args[slices.Index(args, "--state")+1]
			require.NoError(t, os.RemoveAll(filepath.Join(state, "sandbox")))
			return run(args...)
		}
		r, err := storm.Run(t.Context())
		require.NoError(t, err)
		require.Positive(t, r.Doubled, "%+v", r)
	})
	t.Run("a ledger that knows nothing of what was sent", func(t *testing.T) {
		storm := trial(t, "flowrunner", "")
		run := storm.Program
		storm.Program = func(args ...string) *exec.Cmd {
			at := slices.Index(args, "--sandbox-url") + 1
			require.NoError(t, strayMessage(args[at]))
			return run(args...)
		}
		storm.Kills = 0
		r, err := storm.Run(t.Context())
		require.NoError(t, err)
		require.Positive(t, r.Doubled, "%+v", r)
		require.Contains(t, strings.Join(r.Examples, "\n"), "that no send of a plan accounts for")
	})
}

// strayMessage writes to somebody without any runner.
func strayMessage(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	res, err := http.Post(u.JoinPath("/v1/messages").String(), "application/json", strings.NewReader(`{"client_id": 70001, "text": "stray", "external_id": "x"}`))
	if err != nil {
		return err
	}
	return res.Body.Close()
}
