package ui

import (
	"fmt"
	"io"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// LedgerDocument is which ledger is here, and how much it knows.
type LedgerDocument struct {
	Path      string               `json:"path"`
	Lineage   string               `json:"lineage"`
	Pinned    string               `json:"pinned,omitempty"` // the lineage that the project wants
	Serial    int64                `json:"serial"`
	Scopes    []ledger.ScopeSerial `json:"scopes"`
	Merged    []ledger.Merged      `json:"merged,omitempty"`
	Runs      int                  `json:"runs"`
	Sends     map[string]int       `json:"sends"` // by state
	Decisions int                  `json:"decisions"`
}

// states are in the order in which they are drawn.
var states = []ledger.State{ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown, ledger.Intent}

// Ledger draws which ledger is here.
func (s Style) Ledger(w io.Writer, d *LedgerDocument) {
	fmt.Fprintf(w, "%s %s\n  at %s\n", s.Bold("Ledger"), Safe(d.Lineage), Safe(d.Path))
	switch d.Pinned {
	case "":
	case d.Lineage:
		fmt.Fprintln(w, "  the one that flowrunner.yaml names")
	default:
		fmt.Fprintf(w, "  flowrunner.yaml names %s\n", Safe(d.Pinned))
	}
	for _, m := range d.Merged {
		fmt.Fprintf(w, "  holds what %s knew with %d changes\n", Safe(m.Lineage), m.Serial)
	}
	fmt.Fprintf(w, "\n  %s, %s, %s\n", Plural(d.Runs, "run", "runs"), Plural(int(d.Serial), "change", "changes"), Plural(d.Decisions, "decision", "decisions"))
	for _, state := range states {
		if n := d.Sends[state.String()]; n > 0 {
			fmt.Fprintf(w, "  %10s  %s\n", number(n), state)
		}
	}
	if len(d.Scopes) > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.Bold(fmt.Sprintf("%-28s %-28s %10s", "FLOW", "CAMPAIGN", "CHANGES")))
	}
	for _, c := range d.Scopes {
		fmt.Fprintf(w, "  %s %s %10s\n", Pad(Cut(Safe(c.Flow), 28), 28), Pad(Cut(Safe(c.Campaign), 28), 28), number(int(c.Serial)))
	}
}

// ImportDocument is what a merge brought.
type ImportDocument struct {
	Lineage   string              `json:"lineage"`
	Serial    int64               `json:"serial"`
	Runs      ImportCountDocument `json:"runs"`
	Sends     ImportCountDocument `json:"sends"`
	Decisions ImportCountDocument `json:"decisions"`
	OptOuts   ImportCountDocument `json:"optOuts"`
}

// ImportCountDocument counts one kind of entry.
type ImportCountDocument struct {
	Read   int `json:"read"`
	Added  int `json:"added"`
	Raised int `json:"raised"`
}

// ImportOf describes what a merge brought.
func ImportOf(r ledger.ImportResult) *ImportDocument {
	return &ImportDocument{
		Lineage: r.Lineage, Serial: r.Serial, Runs: ImportCountDocument(r.Runs), Sends: ImportCountDocument(r.Sends), Decisions: ImportCountDocument(r.Decisions),
		OptOuts: ImportCountDocument(r.OptOuts),
	}
}

// Import draws what a merge brought.
func (s Style) Import(w io.Writer, r ledger.ImportResult) {
	fmt.Fprintf(w, "%s the ledger %s with %s:\n\n", s.Bold("Imported"), Safe(r.Lineage), Plural(int(r.Serial), "change", "changes"))
	for _, c := range []struct {
		name string
		ledger.ImportCount
	}{{"runs", r.Runs}, {"sends", r.Sends}, {"decisions", r.Decisions}, {"opt-outs", r.OptOuts}} {
		fmt.Fprintf(w, "  %-10s %s read, %s new, %s known more surely now\n", c.name, number(c.Read), number(c.Added), number(c.Raised))
	}
	if !r.Changed() {
		fmt.Fprintf(w, "\nAll of it was known here before.\n")
	}
}

// Lost draws what is remembered of a run whose ledger is lost: n of its sends
// are unknown from now on.
func (s Style) Lost(w io.Writer, run ledger.Run, n int, show string) {
	fmt.Fprintf(w, "%s run %s of %s (campaign %s)\n\n", s.Bold("Imported"), Safe(run.ID), s.Bold(Safe(run.Flow)), Safe(run.Campaign))
	if n == 0 {
		fmt.Fprintf(w, "  All of its sends were known here before.\n")
	} else {
		fmt.Fprintf(w, "  %s\n", s.Warn(Plural(n, "send is unknown", "sends are unknown")+" from now on, and not made again before it is known"))
	}
	fmt.Fprintf(w, "\n  Who: %s\n", Safe(show))
}
