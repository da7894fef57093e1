package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// interrupter reads over the shoulder of who watches a command, and presses Ctrl-C
// when it has said something. Until that has been noticed, the command waits.
type interrupter struct {
	said    bytes.Buffer
	when    string
	sig     os.Signal
	times   int
	signals *signals
}

func (w *interrupter) Write(p []byte) (int, error) {
	w.said.Write(p)
	if w.times > 0 && strings.Contains(w.said.String(), w.when) {
		w.signals.ch <- w.sig
		<-w.signals.drain.Done()
		if w.times == 2 {
			w.signals.ch <- w.sig
			<-w.signals.hard.Done()
		}
		w.times = 0
	}
	return len(p), nil
}

// interrupted gives the demo, with Ctrl-C as often as said when it has said when.
func interrupted(t *testing.T, sig os.Signal, times int, when string, args ...string) (code int, said, problem string) {
	t.Helper()
	out := &interrupter{when: when, sig: sig, times: times}
	var problems bytes.Buffer
	a := newApp(strings.NewReader(""), out, &problems, nil)
	a.signals = watchSignals()
	defer a.signals.stop()
	out.signals = a.signals
	root := newRoot(a)
	root.SetArgs(append([]string{"demo"}, args...))
	code = a.finish(root.ExecuteContext(t.Context()))
	require.Zero(t, out.times, "the demo never said %q", when)
	return code, out.said.String(), problems.String()
}

// Whenever it comes, an interrupt ends the tour at the command that is under way
// and leaves neither its folder nor anything in the folder of who gives it.
func TestAnInterruptedDemo(t *testing.T) {
	for _, c := range []struct {
		name, when, last string
		sig              os.Signal
		times, code      int
	}{
		{"before the first command", "One flow", "$ flowrunner validate", os.Interrupt, 1, 130},
		{"before the plan", "3. Who would", "$ flowrunner plan", os.Interrupt, 1, 130},
		{"twice", "3. Who would", "$ flowrunner plan", os.Interrupt, 2, 130},
		{"asked to end", "3. Who would", "$ flowrunner plan", syscall.SIGTERM, 1, 143},
		{"before anything is sent", "4. Send", "$ flowrunner run", os.Interrupt, 1, 130},
		{"twice before anything is sent", "4. Send", "$ flowrunner run", os.Interrupt, 2, 130},
		{"after all was sent", "5. The same", "$ flowrunner run", os.Interrupt, 1, 130},
		{"at the last command", "7. What did", "$ flowrunner runs show", os.Interrupt, 1, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			temp, here := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", temp)
			t.Chdir(here)
			code, said, problem := interrupted(t, c.sig, c.times, c.when)
			require.Equal(t, c.code, code)
			require.Equal(t, "error: interrupted; nothing has left this machine, and nothing of it is kept\n", problem)
			commands := strings.Split(said, "$ flowrunner ")
			require.True(t, strings.HasPrefix("$ flowrunner "+commands[len(commands)-1], c.last), "it stopped at %s", commands[len(commands)-1])
			require.NotContains(t, said, "That was all of it")
			require.NotContains(t, said, "report it")
			back, err := os.Getwd()
			require.NoError(t, err)
			require.Equal(t, here, back)
			for _, dir := range []string{temp, here} {
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Empty(t, left)
			}
		})
	}
}

// What --keep leaves is in order: no lock is held, and the same command goes on.
func TestAnInterruptedDemoThatIsKept(t *testing.T) {
	for _, times := range []int{1, 2} {
		t.Chdir(t.TempDir())
		code, _, problem := interrupted(t, os.Interrupt, times, "4. Send", "--keep", "tour")
		require.Equal(t, 130, code)
		require.Equal(t, "error: interrupted; nothing has left this machine, and tour has all that was done until then\n", problem)
		held, err := filepath.Glob("tour/.flowrunner/sandbox/locks/*.holder.json")
		require.NoError(t, err)
		require.Empty(t, held)
		accepted, err := os.ReadFile("tour/.flowrunner/sandbox/accepted.jsonl")
		require.NoError(t, err)
		require.Empty(t, accepted)

		t.Chdir("tour")
		var problems bytes.Buffer
		require.Zero(t, Main([]string{"run", demoFlow, "--sandbox", "--sandbox-world", demoWorld}, strings.NewReader(""), io.Discard, &problems, nil), problems.String())
		f, err := os.Open(".flowrunner/sandbox/accepted.jsonl")
		require.NoError(t, err)
		all, err := sandbox.LoadAccepted(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Len(t, all, 3)
	}
}
