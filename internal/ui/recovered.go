package ui

import (
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine"
)

// RecoveredDocument is what the chats have told about a lost ledger.
type RecoveredDocument struct {
	Run      string `json:"run"`
	Looked   int    `json:"looked"`
	Found    int    `json:"found"`
	Missing  int    `json:"missing"`
	Doubtful int    `json:"doubtful"`
	Reason   string `json:"reason,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// RecoveredOf describes it.
func RecoveredOf(r *engine.Recovered) *RecoveredDocument {
	return &RecoveredDocument{Run: r.Run.ID, Looked: r.Looked, Found: r.Found, Missing: r.Missing, Doubtful: r.Doubtful, Reason: r.Reason, Hint: r.Hint}
}

// Recovered draws it; show is the command for the details.
func (s Style) Recovered(w io.Writer, r *engine.Recovered, show string) {
	fmt.Fprintf(w, "%s %s of %s\n\n", s.Bold("Read the chats of"), Plural(r.Looked, "send", "sends"), s.Bold(Safe(r.Run.Flow)))
	fmt.Fprintf(w, "  %8s  found, and remembered as sent\n", number(r.Found))
	fmt.Fprintf(w, "  %8s  not there; the next run sends them\n", number(r.Missing))
	if r.Doubtful > 0 {
		fmt.Fprintf(w, "  %s  unknown: the chat does not tell\n", s.Warn(fmt.Sprintf("%8s", number(r.Doubtful))))
	}
	if r.Reason != "" {
		s.wrapped(w, "  ", s.Bad("Stopped:")+" "+Safe(before(r.Reason, r.Hint)))
		if r.Hint != "" {
			s.wrapped(w, "  ", "fix: "+Safe(r.Hint))
		}
		fmt.Fprint(w, "  The same command goes on with the rest.\n")
	}
	fmt.Fprintf(w, "\n  Details: %s\n", Safe(show))
}
