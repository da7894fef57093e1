package ui

import (
	"fmt"
	"io"
)

// TortureDocument is what a trial of the promise has shown. Of the sends, all
// but Accepted, Doubled and Lost is the ledger's word.
type TortureDocument struct {
	Kept       bool     `json:"kept"` // the promise held
	Seed       uint64   `json:"seed"`
	Broadcasts int      `json:"broadcasts"`
	Lives      int      `json:"lives"`    // processes
	Ended      int      `json:"ended"`    // of them, by the trial
	Planned    int      `json:"planned"`  // sends
	Accepted   int      `json:"accepted"` // messages that the sandbox took
	Sent       int      `json:"sent"`
	NotSent    int      `json:"notSent"`
	NotTried   int      `json:"notTried"`
	Unknown    int      `json:"unknown"`
	Arrived    int      `json:"unknownAccepted"` // of the unknown, those that the sandbox took
	Doubled    int      `json:"doubled"`
	Lost       int      `json:"lost"`
	Endless    bool     `json:"endless,omitempty"` // a broadcast did not come to an end
	Stopped    string   `json:"stopped,omitempty"` // why a run stopped early
	Findings   []string `json:"findings,omitempty"`
	Folders    []string `json:"folders,omitempty"` // of the broadcasts that broke the promise
}

// Torture draws what a trial has shown.
func (s Style) Torture(w io.Writer, d *TortureDocument) {
	fmt.Fprintf(w, "%s seed %d: %s, %s, of which %s ended\n\n", s.Bold("Torture"), d.Seed,
		Plural(d.Broadcasts, "broadcast", "broadcasts"), Plural(d.Lives, "process", "processes"), number(d.Ended))
	fmt.Fprintf(w, "  %s\n", s.Bold(fmt.Sprintf("%10s  %-34s %s", "SENDS", "THE LEDGER SAYS", "ACCEPTED BY THE SANDBOX")))
	row := func(n int, what, accepted string) {
		if n > 0 {
			fmt.Fprintf(w, "  %10s  %-34s %s\n", number(n), what, accepted)
		}
	}
	row(d.Sent, "sent", "once each")
	row(d.NotSent, "not sent, with the reason", "never")
	row(d.NotTried, "not tried, with the reason", "never")
	row(d.Unknown, "unknown", fmt.Sprintf("%s of them, once each", number(d.Arrived)))
	fmt.Fprintf(w, "  %10s  %-34s %s messages\n\n", number(d.Planned), "in all", number(d.Accepted))
	fmt.Fprintf(w, "  %s  %s\n", s.verdictOf(d.Doubled), "doubled")
	fmt.Fprintf(w, "  %s  %s\n", s.verdictOf(d.Lost), "lost: the ledger says something else than what happened")
	if d.Stopped != "" {
		fmt.Fprintf(w, "\n  a run stopped early: %s\n", Safe(d.Stopped))
	}
	if d.Kept {
		fmt.Fprintf(w, "\n%s\n", s.Good("The promise held."))
		return
	}
	fmt.Fprintln(w)
	for _, f := range d.Findings {
		fmt.Fprintf(w, "  %s\n", Safe(f))
	}
	if d.Endless {
		fmt.Fprintln(w, "  a run did not come to an end, however often the command was given")
	}
	fmt.Fprintf(w, "\n%s\n", s.Bad("The promise was broken."))
	for _, f := range d.Folders {
		fmt.Fprintf(w, "Everything of it is kept in %s\n", Safe(f))
	}
}

func (s Style) verdictOf(n int) string {
	text := fmt.Sprintf("%10s", number(n))
	if n > 0 {
		return s.Bad(text)
	}
	return s.Good(text)
}
