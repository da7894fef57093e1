package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/flowrunner/flowrunner/engine/history"
)

// RunExportFormat is the version of an exported run. Another meaning is another
// version; new fields are not.
const RunExportFormat = 1

// RunExport writes a whole run as lines of JSON, each an object with one member
// that says what it is: run, row, leftOut, decision, and end, whose hash covers
// all lines before it.
type RunExport struct {
	w    io.Writer
	sum  hash.Hash
	rows int
}

// RunHead is the first line of an exported run.
type RunHead struct {
	Format int `json:"format"`
	RunDocument
	Plans int `json:"plans"` // stages whose plan is still there; 0: only rows that were tried are known
}

// RunRow is a row of an exported run.
type RunRow struct {
	RecipientDocument
	Text string `json:"text,omitempty"` // where it was asked for
}

// NewRunExport writes the head.
func NewRunExport(w io.Writer, head RunHead) (*RunExport, error) {
	e := &RunExport{w: w, sum: sha256.New()}
	head.Format = RunExportFormat
	return e, e.put(map[string]any{"run": head})
}

// Row writes a row.
func (e *RunExport) Row(r history.Row, text string) error {
	e.rows++
	return e.put(map[string]any{"row": RunRow{RecipientOf(r), text}})
}

// LeftOut writes how many a step did not pass on.
func (e *RunExport) LeftOut(r ReasonDocument) error { return e.put(map[string]any{"leftOut": r}) }

// Decision writes what a person decided.
func (e *RunExport) Decision(d DecisionDocument) error { return e.put(map[string]any{"decision": d}) }

// Close writes the last line.
func (e *RunExport) Close() error {
	end := struct {
		Rows   int    `json:"rows"`
		SHA256 string `json:"sha256"`
	}{e.rows, hex.EncodeToString(e.sum.Sum(nil))}
	return e.put(map[string]any{"end": end})
}

func (e *RunExport) put(v map[string]any) error {
	line, err := marshalPlain(v)
	if err != nil {
		return err
	}
	line += "\n"
	_, _ = io.WriteString(e.sum, line) // a hash takes everything
	_, err = io.WriteString(e.w, line)
	return err
}
