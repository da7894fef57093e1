package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"github.com/flowrunner/flowrunner/internal/ui"
)

// Main runs the command line args and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) (code int) {
	a := newApp(stdin, stdout, stderr, env)
	a.signals = watchSignals()
	defer a.signals.stop()
	defer func() {
		if p := recover(); p != nil {
			code = a.crashed(p)
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	return a.finish(root.ExecuteContext(context.Background()))
}

// app is one invocation: the world outside and what is said to it.
type app struct {
	stdin          io.Reader
	stdout, stderr *ui.RedactingWriter
	secrets        *ui.Redactor
	env            environment
	signals        *signals

	terminal bool     // somebody can be asked: stdin and stderr are terminals
	errTTY   *os.File // stderr when it is a terminal
	outTTY   *os.File // stdout when it is a terminal

	color  string // --color
	json   bool   // -o json: one document on stdout, at the end
	doc    ui.Document
	silent bool // the command has printed all that it has to say
	code   int  // an exit code that is no failure
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, env []string) *app {
	a := &app{stdin: stdin, secrets: &ui.Redactor{}, env: parseEnvironment(env), color: "auto"}
	a.stdout, a.stderr = a.secrets.Writer(stdout), a.secrets.Writer(stderr)
	a.outTTY = terminalOf(stdout)
	a.errTTY = terminalOf(stderr)
	in, _ := stdin.(*os.File)
	a.terminal = a.errTTY != nil && in != nil && term.IsTerminal(int(in.Fd())) && !a.env.isCI()
	return a
}

// terminalOf is w when it is a terminal.
func terminalOf(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// outStyle and errStyle are how the two streams look.
func (a *app) outStyle() ui.Style { return a.styleOn(a.outTTY) }
func (a *app) errStyle() ui.Style { return a.styleOn(a.errTTY) }

// styleOn is how a stream looks on its terminal, nil for none.
func (a *app) styleOn(tty *os.File) ui.Style {
	s := ui.Style{Color: a.colored(tty)}
	if tty != nil {
		if width, _, err := term.GetSize(int(tty.Fd())); err == nil {
			s.Columns = width
		}
	}
	return s
}

func (a *app) colored(tty *os.File) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	return tty != nil && a.env.get("NO_COLOR") == "" && a.env.get("TERM") != "dumb"
}

// finish reports how the command ended and returns the exit code.
func (a *app) finish(err error) int {
	if a.signals.first() != nil && errors.Is(err, context.Canceled) {
		err = &interruptedError{"interrupted; nothing was sent"} // a begun run gives an endedError
	}
	var unread *ui.UnreadError
	if errors.As(err, &unread) {
		err = nil // whoever was to read it has seen enough
	}
	code := a.code
	if err != nil {
		code = exitCode(causesOf(err), a.signals.first())
	}
	var ended *endedError
	shown := errors.As(err, &ended)
	switch {
	case a.json && !a.silent:
		a.doc.OK, a.doc.ExitCode = err == nil, code
		if !shown {
			a.doc.Error = ui.ErrorOf(err)
		}
		if werr := ui.WriteJSON(a.stdout, a.doc); werr != nil && !errors.As(werr, &unread) && code == 0 {
			code = exitFailed
		}
	case err != nil && !shown:
		var src *sourceError
		var source []byte
		if errors.As(err, &src) {
			source = src.source
		}
		_, _ = io.WriteString(a.stderr, a.errStyle().Problem(err, source))
	}
	_ = a.stdout.Flush()
	_ = a.stderr.Flush()
	return code
}

// warn says something on standard error that keeps nothing from going on.
func (a *app) warn(text string) {
	fmt.Fprintln(a.stderr, a.errStyle().Warn("warning:"), ui.Safe(text))
}

// traceVariable asks for the stack of a crash.
const traceVariable = "FLOWRUNNER_TRACE"

// crashed reports a mistake of ours. What was sent is in the ledger all the same.
func (a *app) crashed(p any) int {
	fmt.Fprintf(a.stderr, "error: flowrunner has a bug: %v\n", p)
	if a.env.get(traceVariable) != "" {
		_, _ = a.stderr.Write(debug.Stack())
	} else {
		fmt.Fprintf(a.stderr, "  fix: please report it with what the same command prints when %s=1 is set\n", traceVariable)
	}
	_ = a.stdout.Flush()
	_ = a.stderr.Flush()
	return exitFailed
}

// sourceError is an error with the text of the flow that it points into.
type sourceError struct {
	error
	source []byte
}

func (e *sourceError) Unwrap() error { return e.error }

func withSource(err error, source []byte) error {
	if err == nil {
		return nil
	}
	return &sourceError{err, source}
}

// environment is the process's variables.
type environment map[string]string

func parseEnvironment(list []string) environment {
	env := environment{}
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok {
			env[name] = value
		}
	}
	return env
}

func (e environment) lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

func (e environment) get(name string) string { return e[name] }

// job is the link to the CI job, for whoever finds its lock taken.
func (e environment) job() string {
	if e["CI_JOB_URL"] != "" {
		return e["CI_JOB_URL"]
	}
	if e["GITHUB_RUN_ID"] != "" && e["GITHUB_SERVER_URL"] != "" {
		return e["GITHUB_SERVER_URL"] + "/" + e["GITHUB_REPOSITORY"] + "/actions/runs/" + e["GITHUB_RUN_ID"]
	}
	return ""
}

func (e environment) isCI() bool {
	switch strings.ToLower(e["CI"]) {
	case "", "false", "0":
		return false
	}
	return true
}
