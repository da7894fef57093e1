package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/ui"
)

const consoleHelp = `An expression gives its value and its type. Tab completes, the arrows go back
to what was typed before, Ctrl-D leaves.
`

// console asks for expressions on the terminal.
func (a *app) console(e *engine.Evaluator) error {
	in := a.stdin.(*os.File)
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("use the terminal: %w", err)
	}
	defer func() {
		_ = term.Restore(int(in.Fd()), before)
		fmt.Fprintln(a.stdout) // the shell's prompt begins a line of its own
	}()
	c := newConsole(struct {
		io.Reader
		io.Writer
	}{in, flushed{a.stdout}}, e, a.outStyle())
	if width, height, err := term.GetSize(int(in.Fd())); err == nil && width > 0 && height > 0 {
		_ = c.line.SetSize(width, height)
	}
	return c.talk()
}

// flushed shows at once what is written.
type flushed struct{ w *ui.RedactingWriter }

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.w.Flush()
	}
	return n, err
}

// console is a conversation in expressions.
type console struct {
	line  *term.Terminal
	e     *engine.Evaluator
	style ui.Style
}

func newConsole(rw io.ReadWriter, e *engine.Evaluator, style ui.Style) *console {
	c := &console{line: term.NewTerminal(rw, "> "), e: e, style: style}
	c.line.AutoCompleteCallback = func(line string, at int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		return c.complete(line, at)
	}
	return c
}

// talk answers until the input ends.
func (c *console) talk() error {
	_, _ = io.WriteString(c.line, consoleHelp)
	for {
		text, err := c.line.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return fmt.Errorf("read the terminal: %w", err)
		}
		switch strings.TrimSpace(text) {
		case "":
		case "exit", "quit":
			return nil
		case "help":
			_, _ = io.WriteString(c.line, consoleHelp)
		default:
			_, _ = io.WriteString(c.line, c.reply(text))
		}
	}
}

// reply is what an expression gives, or what is wrong with it.
func (c *console) reply(text string) string {
	got, err := c.e.Expr(flow.TextNode(expressionName, text))
	switch {
	case err != nil:
		return c.style.Problem(err, []byte(text))
	case got.Missing != "":
		return c.style.Dim(": "+got.Shape.String()) + "\n" + c.style.Warn("no value:") + " " + ui.Safe(got.Missing) + "\n"
	}
	return shownValue(got.Value) + "\n" + c.style.Dim(": "+got.Shape.String()) + "\n"
}

var pathAtEnd = regexp.MustCompile(`((?:[A-Za-z_]\w*\??\.)*)([A-Za-z_]\w*)?$`)

// complete finishes the name before the cursor as far as only one can be meant,
// and lists those that can.
func (c *console) complete(line string, at int) (string, int, bool) {
	before, after := line[:at], line[at:]
	m := pathAtEnd.FindStringSubmatch(before)
	path := strings.TrimSuffix(strings.TrimSuffix(m[1], "."), "?")
	if strings.HasSuffix(strings.TrimSuffix(before, m[0]), ".") {
		return "", 0, false // behind a call or an index: nothing is known
	}
	var fits []string
	for _, name := range c.e.Names(path) {
		if strings.HasPrefix(name, m[2]) {
			fits = append(fits, name)
		}
	}
	if len(fits) == 0 {
		return "", 0, false
	}
	common := fits[0]
	for _, name := range fits[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if len(common) == len(m[2]) && len(fits) > 1 {
		_, _ = fmt.Fprintln(c.line, c.style.Dim(strings.Join(slices.Compact(fits), "  ")))
		return line, at, true
	}
	add := common[len(m[2]):]
	return before + add + after, at + len(add), true
}
