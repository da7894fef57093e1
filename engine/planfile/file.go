package planfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"

	"github.com/go-json-experiment/json"
)

// Writer writes a plan as a stream. Not safe for concurrent use. It ends with Close or
// Abort.
type Writer struct {
	file   *os.File
	hash   hash.Hash // of what behind has written
	behind *behind   // nil once it has ended
	block  []byte    // what it has not been given yet
	head   Header    // as it will be read

	Path string // where it will stand
}

// Create begins a plan beside path; only Close puts it there.
func Create(path string) (*Writer, error) {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	sum := sha256.New()
	return &Writer{file: f, hash: sum, behind: writeBehind(f, sum), Path: path}, nil
}

// Write appends one record. That a block could not be written is told with one of the
// next records, or by Close.
func (w *Writer) Write(record any) error {
	from := len(w.block)
	block, err := appendLine(w.block, record)
	if _, first := record.(Header); first && err == nil {
		err = json.Unmarshal(block[from:], &w.head, form)
	}
	if err == nil {
		if w.block = block; len(block) >= blockBytes {
			err = w.give()
		}
	}
	if err != nil {
		return fmt.Errorf("write plan %s: %w", w.Path, err)
	}
	return nil
}

// give hands the block over.
func (w *Writer) give() (err error) {
	if w.behind == nil {
		return os.ErrClosed
	}
	w.block, err = w.behind.give(w.block)
	return err
}

// end hands over the last block and waits until everything is written.
func (w *Writer) end() error {
	if w.behind == nil {
		return os.ErrClosed
	}
	err := w.behind.end(w.block)
	w.behind, w.block = nil, nil
	return err
}

// Close writes the end with the hash of all that the plan says, makes the file
// durable and puts it in its place. It returns the plan as Check would.
func (w *Writer) Close(end End) (Plan, error) {
	end.Type = "end"
	err := w.end()
	if err == nil {
		end.Hash, err = seal(w.hash, end)
	}
	var line []byte
	if err == nil {
		line, err = appendLine(nil, end)
	}
	if err == nil {
		_, err = w.file.Write(line)
	}
	if err == nil {
		err = w.file.Sync()
	}
	err = errors.Join(err, w.file.Close())
	if err == nil {
		err = os.Rename(w.Path+".part", w.Path)
	}
	if err != nil {
		_ = os.Remove(w.Path + ".part")
		err = fmt.Errorf("write plan %s: %w", w.Path, err)
	}
	return Plan{Path: w.Path, Head: w.head, End: end}, err
}

// seal is the hash of every line before the end and of the end itself without
// its hash.
func seal(h hash.Hash, end End) (string, error) {
	end.Hash = ""
	line, err := appendLine(nil, end)
	h.Write(line)
	return hex.EncodeToString(h.Sum(nil)), err
}

// Abort throws away what was written.
func (w *Writer) Abort() {
	_ = w.end()
	_ = w.file.Close()
	_ = os.Remove(w.Path + ".part")
}

// Error says why a file cannot be read as a plan.
type Error struct {
	Path   string
	Line   int
	Reason string
}

// Error names the file and the reason.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("read plan %s: line %d: %s", e.Path, e.Line, e.Reason)
	}
	return fmt.Sprintf("read plan %s: %s", e.Path, e.Reason)
}

// Plan is a plan that stands as it was written: it was read whole, or written just now.
type Plan struct {
	Path string
	Head Header // the first record
	End  End    // and the last
}

// Check reads a whole plan once. One whose bytes were changed, or that ends too early,
// is an *Error; its header is returned even then, as far as it could be read.
func Check(path string) (Plan, error) {
	plan := Plan{Path: path}
	f, err := os.Open(path)
	if err != nil {
		return plan, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	head, end := &plan.Head, &plan.End
	fail := func(line int, format string, args ...any) (Plan, error) {
		return plan, &Error{path, line, fmt.Sprintf(format, args...)}
	}
	n := 0
	for line, err := range lines(f) {
		n++
		if err != nil {
			return fail(n, "%s", err)
		}
		if end.Hash != "" {
			return fail(n, "something stands after the end")
		}
		switch typeOf(line) {
		case "header":
			if n > 1 {
				return fail(n, "a second header")
			}
			if err := json.Unmarshal(line, head, form); err != nil {
				return fail(n, "the header cannot be read: %s", err)
			}
			if head.Version != Version {
				return fail(n, "the plan has version %d, this program reads version %d", head.Version, Version)
			}
		case "end":
			if err := json.Unmarshal(line, end, form); err != nil {
				return fail(n, "the end cannot be read: %s", err)
			}
			// The end must stand as we write it, or bytes could change that no hash covers.
			same, err := appendLine(nil, *end)
			if want, sealErr := seal(sum, *end); err != nil || sealErr != nil || end.Hash != want || !bytes.Equal(line, same) {
				return fail(0, "it was changed after it was made: the hash at its end does not fit")
			}
		case "":
			return fail(n, "this is no record of a plan")
		}
		if n == 1 && head.Type == "" {
			return fail(n, "a plan begins with a header")
		}
		sum.Write(line)
	}
	if end.Hash == "" {
		return fail(0, "it ends too early: the end record is missing")
	}
	return plan, nil
}

// recordTypes are the types of records, those first of which a plan has many.
var recordTypes = [...]string{"send", "row", "item", "header", "local", "step", "leftOut", "optOut", "end"}

// typeOf reads the type, which our writer always puts first; "" where it is none.
func typeOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"type":"`))
	if !ok {
		return ""
	}
	i := bytes.IndexByte(rest, '"')
	if i < 0 {
		return ""
	}
	for _, t := range recordTypes {
		if string(rest[:i]) == t {
			return t
		}
	}
	return ""
}
