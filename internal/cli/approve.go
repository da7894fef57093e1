package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// approve gets the yes that sending needs: from the person at the terminal,
// from --yes, or from the cap that was committed with the flow or the project. asked
// says that it was the person, who may have taken an hour.
func (j *job) approve(end planfile.End) (asked bool, err error) {
	n := end.Counts.Planned
	switch {
	case n == 0 && len(end.Later) == 0, j.o.sandbox, j.o.yes:
		return false, nil
	case j.o.mayAsk(j.a):
		defer j.forgetLinks() // others use the account meanwhile
		return true, j.ask(n, len(end.Later) > 0)
	case j.p.Guard.MaxSends != nil:
		return false, nil
	}
	return false, &usageError{
		ui.Plural(n, "message is", "messages are") + " planned and nobody can be asked; nothing was sent",
		"state how many are meant in the flow (guard: maxSends: " + fmt.Sprint(max(n, 1)) + "), or give --yes",
	}
}

func (j *job) ask(n int, more bool) error {
	what := "what the later stages plan"
	switch {
	case n > 0 && more:
		what = ui.Plural(n, "message", "messages") + ", and " + what
	case n > 0:
		what = ui.Plural(n, "message", "messages")
	}
	question := "Send " + what + "?"
	return j.a.confirm(question, "nothing was sent")
}

// notApproved is the answer no.
type notApproved struct{ sofar string }

func (e *notApproved) Error() string { return "not approved; " + e.sofar }

// confirm asks the person at the terminal. What has happened by then is for the
// answer no, and for an interrupt.
func (a *app) confirm(question, sofar string) error {
	return a.ask(a.signals.drain, a.stderr, question, sofar)
}

// ask is confirm over a writer that leads to the terminal, as long as ctx lasts.
func (a *app) ask(ctx context.Context, w io.Writer, question, sofar string) error {
	fmt.Fprintf(w, "%s [y/N] ", question)
	_ = a.stderr.Flush()
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n') // no line is no yes
		answer <- line
	}()
	select {
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes", "д", "да":
			return nil
		}
		return &notApproved{sofar}
	case <-ctx.Done():
		return &interruptedError{"interrupted; " + sofar}
	}
}
