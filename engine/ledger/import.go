package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"time"
)

// ImportError says that a file is no whole exported ledger.
type ImportError struct {
	Line int64 // counted from 1
	Err  error
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("import ledger: line %d: %v (nothing was changed)", e.Line, e.Err)
}

// Unwrap gives the cause.
func (e *ImportError) Unwrap() error { return e.Err }

// ImportResult says what a merge brought.
type ImportResult struct {
	Lineage   string // of the exported ledger
	Serial    int64  // its changes
	Runs      ImportCount
	Sends     ImportCount
	Decisions ImportCount
	OptOuts   ImportCount
}

// ImportCount counts one kind of entry.
type ImportCount struct {
	Read   int // entries in the file
	Added  int // that were new here
	Raised int // that were known here, less surely
}

// Changed reports whether the merge brought anything.
func (r ImportResult) Changed() bool {
	for _, c := range []ImportCount{r.Runs, r.Sends, r.Decisions, r.OptOuts} {
		if c.Added+c.Raised > 0 {
			return true
		}
	}
	return false
}

// Entry is one line of an exported ledger: one of its fields.
type Entry struct {
	Head     *ExportHead
	Run      *Run
	Send     *Record
	Decision *Decided
	OptOut   *OptOut
}

// maxImportLine bounds a line; the head names every flow and campaign.
const maxImportLine = 16 << 20

// errNoExport is the answer to files of another kind.
var errNoExport = errors.New("it is no exported ledger")

// ReadExport ranges over an exported ledger, its head first. It ends with
// *ImportError at the first line that is not as it must be; only a range that
// ended without one has read a whole and unchanged file.
func ReadExport(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		p := &exportReader{sum: sha256.New(), runs: map[string]bool{}}
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxImportLine)
		lines.Split(p.split)
		for lines.Scan() {
			p.line++
			entry, err := p.next(lines.Bytes())
			if err != nil {
				yield(Entry{}, &ImportError{Line: p.line, Err: err})
				return
			}
			if !p.ended && !yield(entry, nil) {
				return
			}
		}
		if err := p.end(lines.Err()); err != nil {
			yield(Entry{}, err)
		}
	}
}

// exportReader is what must be known of the lines read so far.
type exportReader struct {
	line  int64
	sum   hash.Hash // of the lines before this one
	ended bool
	cut   bool            // the last line has no end
	runs  map[string]bool // that were read
}

// split gives whole lines, with the byte that ends them.
func (p *exportReader) split(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		p.cut = true
		return len(data), nil, bufio.ErrFinalToken
	}
	return 0, nil, nil
}

// end says whether the file ended where it had to.
func (p *exportReader) end(err error) error {
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return &ImportError{Line: p.line + 1, Err: fmt.Errorf("it has more than %d bytes", maxImportLine)}
	case err != nil:
		return fmt.Errorf("import ledger: read line %d: %w (nothing was changed)", p.line+1, err)
	case p.ended && p.cut:
		return &ImportError{Line: p.line + 1, Err: errors.New("something follows the end of the ledger")}
	case p.line == 0:
		return &ImportError{Line: 1, Err: errNoExport}
	case !p.ended:
		return &ImportError{Line: p.line + 1, Err: errors.New("the file is cut off: its closing line is missing; export it again")}
	}
	return nil
}

func (p *exportReader) next(line []byte) (Entry, error) {
	if p.ended {
		return Entry{}, errors.New("something follows the end of the ledger")
	}
	if p.line == 1 {
		if err := checkHead(line); err != nil {
			return Entry{}, err
		}
	}
	var l exportLine
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Entry{}, fmt.Errorf("the line is damaged: %w", err)
	}
	if rest := line[d.InputOffset():]; !bytes.Equal(rest, []byte("\n")) {
		return Entry{}, errors.New("the line is damaged: more than one value stands there")
	}
	if n := l.fields(); n != 1 || (l.Head != nil) != (p.line == 1) {
		return Entry{}, errors.New("the line is damaged: it is no run, send, decision, opt-out or end")
	}
	if l.End != nil {
		p.ended = true
		return Entry{}, p.close(line)
	}
	_, _ = p.sum.Write(line) // a hash takes everything
	return p.entry(l)
}

// checkHead tells a newer export, and a file of another kind, from a damaged one.
func checkHead(line []byte) error {
	var l struct {
		Head *struct {
			Format int `json:"format"`
		} `json:"ledger"`
	}
	if err := json.Unmarshal(line, &l); err != nil || l.Head == nil || l.Head.Format < 1 {
		return errNoExport
	}
	if l.Head.Format > ExportFormat {
		return fmt.Errorf("it has format %d, made by a newer flowrunner; this one knows up to %d: update flowrunner", l.Head.Format, ExportFormat)
	}
	return nil
}

func (l exportLine) fields() (n int) {
	for _, set := range []bool{l.Head != nil, l.Run != nil, l.Send != nil, l.Decision != nil, l.OptOut != nil, l.End != nil} {
		if set {
			n++
		}
	}
	return n
}

// close compares the closing line with the one that must stand here, byte by
// byte.
func (p *exportReader) close(line []byte) error {
	want, err := json.Marshal(exportLine{End: &exportEnd{Lines: p.line - 1, SHA256: hex.EncodeToString(p.sum.Sum(nil))}})
	if err != nil {
		return err
	}
	if !bytes.Equal(line, append(want, '\n')) {
		return errors.New("the file was changed after it was exported, or is not whole: count or hash differ; export it again")
	}
	return nil
}

func (p *exportReader) entry(l exportLine) (e Entry, err error) {
	switch {
	case l.Head != nil:
		if l.Head.Lineage == "" || l.Head.Serial < 0 {
			return e, errNoExport
		}
		e.Head = &ExportHead{Lineage: l.Head.Lineage, Serial: l.Head.Serial, Scopes: l.Head.Scopes, Merged: l.Head.Merged}
	case l.Run != nil:
		e.Run, err = l.Run.read()
		p.runs[l.Run.ID] = true
	case l.Send != nil:
		if e.Send, err = l.Send.read(); err == nil && !p.runs[l.Send.Run] {
			err = fmt.Errorf("the send %s is of the run %q, which the file does not have", l.Send.Identity, l.Send.Run)
		}
	case l.Decision != nil:
		e.Decision, err = l.Decision.read()
	case l.OptOut != nil:
		e.OptOut, err = l.OptOut.read()
	}
	return e, err
}

func (w *exportRun) read() (*Run, error) {
	state, err := ParseRunState(w.State)
	if err == nil && w.ID == "" {
		err = errors.New("the run has no id")
	}
	if err == nil {
		err = normal(&w.Started, &w.Finished)
	}
	return &Run{
		ID: w.ID, Flow: w.Flow, Campaign: w.Campaign, File: w.File, FlowHash: w.FlowHash, InputsHash: w.InputsHash, PlanHash: w.PlanHash,
		Account: w.Account, State: state, Started: w.Started, Finished: w.Finished, Counts: w.Counts, ExitCode: w.ExitCode, Reason: w.Reason,
	}, err
}

func (w *exportSend) read() (*Record, error) {
	state, err := ParseState(w.State)
	if err == nil && state == Planned {
		err = errors.New("a planned send is nothing that a ledger knows")
	}
	var class Class
	if err == nil {
		class, err = ParseClass(w.Class)
	}
	if err == nil {
		err = normal(&w.Attempted, &w.At)
	}
	return &Record{
		Identity: w.Identity, State: state, Run: w.Run, Seq: w.Seq, Step: w.Step, Period: w.Period, Contact: w.Contact, Person: w.Person, Class: class, ContentHash: w.Content,
		MessageID: w.MessageID, Reason: w.Reason, Attempts: w.Attempts, Attempted: w.Attempted, At: w.At,
	}, err
}

func (w *exportDecision) read() (*Decided, error) {
	from, err := ParseState(w.From)
	var to State
	if err == nil {
		to, err = ParseState(w.State)
	}
	if err == nil {
		err = normal(&w.At)
	}
	return &Decided{
		Decision: Decision{Identity: w.Identity, State: to, MessageID: w.MessageID, By: w.By, Reason: w.Reason, At: w.At}, From: from,
	}, err
}

func (w *exportOptOut) read() (*OptOut, error) {
	err := normal(&w.At)
	if err == nil && w.Contact == 0 {
		err = errors.New("the opt-out is nobody's")
	}
	return &OptOut{Account: w.Account, Contact: w.Contact, Person: w.Person, Word: w.Word, MessageID: w.MessageID, At: w.At}, err
}

// normal brings times to the one form that a ledger keeps: UTC, in nanoseconds
// since 1970, which is itself no time.
func normal(times ...*time.Time) error {
	for _, t := range times {
		if t.IsZero() {
			continue
		}
		if !time.Unix(0, t.UnixNano()).Equal(*t) {
			return fmt.Errorf("the time %s is out of range", t.Format(time.RFC3339))
		}
		if *t = t.UTC(); t.UnixNano() == 0 {
			*t = time.Time{}
		}
	}
	return nil
}
