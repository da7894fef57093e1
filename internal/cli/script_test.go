package cli_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"flowrunner": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())) },
		naiveRunner:  func() { os.Exit(naive()) },
	})
}

// TestScripts drives the real program, one script a behaviour. Beside the
// builtin commands there are:
//
//	code N COMMAND…          run it; it must exit with N
//	norm stdout|stderr FILE  write the last output to FILE, ids and times masked
//	sentto LOG               print "contact: text" for each accepted message, sorted
//	once LOG N               LOG holds N messages, and none of them twice
//	accounted LOG N          stdout is a run as JSON; of its N recipients each is in LOG
//	                         once, or the run says that nobody knows
//	sandbox ARGS…            serve a sandbox in another process and point the environment at it
//	advised                  run the flowrunner command that ends the last output
//	await FILE [LINES]       wait until a file is there, and has so many lines
//	daysago N FILE           write the date of so many days ago for DAY in FILE
//	hours FROM TO FILE       write the hours from now on, such as 2h 4h, in UTC for HOURS in FILE
//	signal SIGNAL N LOG LINES COMMAND…
//	                         start the command, signal it when LOG has so many
//	                         lines, and expect exit code N (-1: killed); STOP asks it
//	                         with flowrunner stop instead. What it says is in the file
//	                         signal.stderr, which may be LOG
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       golden.Update(),
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": cmdCode, "daysago": cmdDaysAgo, "hours": cmdHours, "norm": cmdNorm, "sentto": cmdSentTo, "sandbox": cmdSandbox, "await": cmdAwait, "signal": cmdSignal, "once": cmdOnce, "advised": cmdAdvised, "accounted": cmdAccounted,
		},
	})
}

func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	if got := codeOf(ts, err); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func cmdDaysAgo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: daysago N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	path := ts.MkAbs(args[1])
	b, err := os.ReadFile(path)
	ts.Check(err)
	text := strings.ReplaceAll(string(b), "DAY", time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly))
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

func cmdHours(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: hours FROM TO FILE")
	}
	clock := func(text string) string {
		d, err := time.ParseDuration(text)
		ts.Check(err)
		return time.Now().UTC().Add(d).Format("15:04")
	}
	path := ts.MkAbs(args[2])
	b, err := os.ReadFile(path)
	ts.Check(err)
	text := strings.ReplaceAll(string(b), "HOURS", clock(args[0])+"-"+clock(args[1]))
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

func codeOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%v", err)
	return 0
}

// masks hide what differs from run to run.
var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{8}-\d{6}-[a-z2-7]{8}`), "RUN"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| ?[+-]\d\d:\d\d| [A-Z]{3})?`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`[^ ]+@[^ ]+ \(process \d+`), "WHO (process N"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "LINEAGE"},
	{regexp.MustCompile(`by [^ ]+@[^ ]+`), "by WHO"},
}

func cmdNorm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: norm stdout|stderr FILE")
	}
	text := ts.ReadFile(args[0])
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func cmdSentTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sentto LOG")
	}
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	all, err := sandbox.LoadAccepted(f)
	ts.Check(err)
	slices.SortStableFunc(all, func(a, b sandbox.Accepted) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.N, b.N))
	})
	for _, a := range all {
		fmt.Fprintf(ts.Stdout(), "%d: %s\n", a.ClientID, a.Text)
	}
}

// acceptedIn reads what a sandbox has accepted and refuses doubles.
func acceptedIn(ts *testscript.TestScript, path string) []sandbox.Accepted {
	f, err := os.Open(ts.MkAbs(path))
	ts.Check(err)
	defer f.Close()
	all, err := sandbox.LoadAccepted(f)
	ts.Check(err)
	seen := map[string]int64{}
	for _, a := range all {
		if first, twice := seen[a.ExternalID]; twice {
			ts.Fatalf("%s was accepted twice: message %d and %d, contact %d", a.ExternalID, first, a.MessageID, a.ClientID)
		}
		seen[a.ExternalID] = a.MessageID
	}
	return all
}

func cmdAccounted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: accounted LOG N")
	}
	var doc ui.Document
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	unknown := map[int64]bool{}
	for _, row := range doc.Run.Rows {
		if row.Status != "unknown" {
			ts.Fatalf("contact %d is %s: %s", row.Contact, row.Status, row.Reason)
		}
		unknown[int64(row.Contact)] = true
	}
	known, seen := 0, map[int64]bool{}
	for _, a := range acceptedIn(ts, args[0]) {
		if seen[a.ClientID] {
			ts.Fatalf("contact %d got two messages", a.ClientID)
		}
		seen[a.ClientID] = true
		if !unknown[a.ClientID] {
			known++
		}
	}
	if known != doc.Run.Sent {
		ts.Fatalf("the run says that %d were sent, but %d were accepted beside the unknown ones", doc.Run.Sent, known)
	}
	if got := fmt.Sprint(doc.Run.Sent + len(unknown)); got != args[1] {
		ts.Fatalf("%s of %s recipients are accounted for", got, args[1])
	}
}

var advice = regexp.MustCompile(`flowrunner ([^\n]*)\n*$`)

func cmdAdvised(ts *testscript.TestScript, neg bool, args []string) {
	m := advice.FindStringSubmatch(ts.ReadFile("stdout"))
	if neg || len(args) > 0 || m == nil {
		ts.Fatalf("usage: advised, after an output that ends with a flowrunner command")
	}
	ts.Check(ts.Exec("flowrunner", strings.Fields(m[1])...))
}

func cmdOnce(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: once LOG N")
	}
	if all := acceptedIn(ts, args[0]); fmt.Sprint(len(all)) != args[1] {
		ts.Fatalf("%d messages were accepted, want %s", len(all), args[1])
	}
}

// program finds the binary that testscript put into the path.
func program(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	ts.Fatalf("no program %s", name)
	return ""
}

// environ is the script's environment, as far as programs need it.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "CHAT2DESK_BASE_URL", "CHAT2DESK_API_TOKEN", "GOCOVERDIR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func cmdSandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! sandbox")
	}
	c := exec.Command(program(ts, "flowrunner"), append([]string{"sandbox", "serve", "--addr", "127.0.0.1:0"}, args...)...)
	c.Dir, c.Env = ts.MkAbs("."), environ(ts)
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait() // its code says nothing here
	})
	lines := bufio.NewScanner(out)
	for _, v := range []struct{ name, label string }{{"CHAT2DESK_BASE_URL", "base URL:"}, {"CHAT2DESK_API_TOKEN", "token:"}} {
		if !lines.Scan() {
			ts.Fatalf("the sandbox ended before it served")
		}
		value, ok := strings.CutPrefix(lines.Text(), v.label)
		if !ok {
			ts.Fatalf("the sandbox printed %q", lines.Text())
		}
		ts.Setenv(v.name, strings.TrimSpace(value))
	}
	go func() {
		for lines.Scan() { // so that it never waits for a reader
		}
	}()
}

// patience is how long a script waits for something that surely comes.
const patience = 30 * time.Second

// wait returns when pattern matches a file with so many lines.
func wait(ts *testscript.TestScript, pattern string, lines int) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		for _, path := range found {
			if b, err := os.ReadFile(path); err == nil && strings.Count(string(b), "\n") >= lines {
				return
			}
		}
	}
	ts.Fatalf("%s did not get %d lines", pattern, lines)
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await FILE [LINES]")
	}
	lines := 0
	if len(args) == 2 {
		var err error
		lines, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	wait(ts, args[0], lines)
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM}
	if neg || len(args) < 5 || signals[args[0]] == 0 && args[0] != "STOP" {
		ts.Fatalf("usage: signal KILL|INT|TERM|STOP N LOG LINES command…")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines, err := strconv.Atoi(args[3])
	ts.Check(err)
	var out strings.Builder
	errs, err := os.Create(ts.MkAbs("signal.stderr"))
	ts.Check(err)
	defer errs.Close()
	c := exec.Command(program(ts, args[4]), args[5:]...)
	c.Dir, c.Env, c.Stdout, c.Stderr = ts.MkAbs("."), environ(ts), &out, errs
	ts.Check(c.Start())
	wait(ts, args[2], lines)
	if args[0] == "STOP" {
		ts.Check(ts.Exec("flowrunner", "stop"))
	} else {
		ts.Check(c.Process.Signal(signals[args[0]]))
	}
	err = c.Wait()
	said := ts.ReadFile("signal.stderr")
	_, _ = fmt.Fprint(ts.Stdout(), out.String())
	_, _ = fmt.Fprint(ts.Stderr(), said)
	if got := codeOf(ts, err); got != want {
		ts.Logf("[stdout]\n%s[stderr]\n%s", out.String(), said)
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
