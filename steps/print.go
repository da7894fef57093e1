package steps

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/flowrunner/flowrunner/engine/step"
)

type printIn struct {
	Message any `flow:"message" doc:"What to show; lists and records are shown as JSON, times in the connection's zone." held:"1,000,000 records"`
}

type printOut struct{}

var _ = declare(step.Local(step.Doc{
	Name:    "print",
	Summary: "Show a message, one line on standard output.",
	Detail: "Line breaks and control characters are shown as \\n, \\t or \\u001b, so that a message from a client can never " +
		"move the cursor. A list is held in memory, up to 1,000,000 records. Like every local step it happens in apply, not in plan.",
	Since: since,
	Example: `flow: example-print
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 5
  - id: show
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: print
    with:
      message: ${{ client.id }} ${{ client.name ?? "unnamed" }}
`,
}, printMessage))

func printMessage(ctx context.Context, in printIn) (printOut, error) {
	h := step.HostOf(ctx)
	text := "nil"
	switch m := in.Message.(type) {
	case nil:
	case string:
		text = strings.TrimRight(m, "\r\n") // what a block text of YAML ends with
	case step.Secret:
		text = "***"
	default:
		var err error
		if text, err = textOf(in.Message, h.Zone()); err != nil {
			return printOut{}, &step.ArgError{Param: "message", Problem: err.Error()}
		}
	}
	_, err := io.WriteString(h.Stdout(), oneLine(text)+"\n")
	return printOut{}, err
}

// oneLine makes a text safe for a terminal and keeps it in one line: what moves
// the cursor or turns the writing direction is shown as an escape.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\u200d': // joins emoji
			b.WriteRune(r)
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
