package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/gofrs/flock"
)

// Holder says who holds a lock, for the one who is turned away.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	User    string    `json:"user"`
	Run     string    `json:"run"`
	Command string    `json:"command"`
	Job     string    `json:"job,omitempty"` // link to the CI job, where known
	Started time.Time `json:"started"`
}

// ThisProcess is a Holder with what the process knows of itself.
func ThisProcess() Holder {
	h := Holder{PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second)}
	if host, err := os.Hostname(); err == nil {
		h.Host = host
	}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}

// String is the holder in one line, safe to print whatever its file said.
func (h Holder) String() string {
	who := strings.Trim(printable(h.User)+"@"+printable(h.Host), "@")
	if who == "" {
		return "another process"
	}
	s := fmt.Sprintf("%s (process %d", who, h.PID)
	if h.Run != "" {
		s += ", run " + printable(h.Run)
	}
	if !h.Started.IsZero() {
		s += ", since " + h.Started.Format(time.RFC3339)
	}
	if h.Job != "" {
		s += ", " + printable(h.Job)
	}
	return s + ")"
}

// maxHolder bounds what is read of a holder's file.
const maxHolder = 64 << 10

// ParseHolder reads a holder's file.
func ParseHolder(data []byte) (Holder, error) {
	var h Holder
	if len(data) > maxHolder {
		return Holder{}, fmt.Errorf("read lock holder: it has more than %d bytes", maxHolder)
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return Holder{}, fmt.Errorf("read lock holder: %w", err)
	}
	return h, nil
}

// LockedError says that another runner is at work.
type LockedError struct {
	Scope  string
	Holder Holder // zero when it could not be read
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("lock %s: held by %s: wait until it has ended, or stop it there", printable(e.Scope), e.Holder)
}

// Lock is the right to run one scope. The operating system drops it with the
// process, however that ends.
type Lock struct {
	flock  *flock.Flock
	holder string // path of the holder's file
}

// Acquire takes the lock of a scope below dir, or returns *LockedError at once.
// Lock files stay when they are free: removing one could split the lock in two.
func Acquire(dir, scope string, h Holder) (*Lock, error) {
	fail := func(err error) (*Lock, error) { return nil, fmt.Errorf("lock %s: %w", printable(scope), err) }
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	base := filepath.Join(dir, lockName(scope))
	l := &Lock{flock: flock.New(base+".lock", flock.SetPermissions(0o600)), holder: base + ".holder.json"}
	ok, err := l.flock.TryLock()
	if err != nil {
		return fail(err)
	}
	if !ok {
		return nil, &LockedError{Scope: scope, Holder: readHolder(l.holder)}
	}
	if err := l.write(data); err != nil {
		_ = l.flock.Close()
		return fail(err)
	}
	return l, nil
}

// Release gives the lock up.
func (l *Lock) Release() error {
	removed := os.Remove(l.holder)
	if errors.Is(removed, os.ErrNotExist) {
		removed = nil
	}
	if err := errors.Join(removed, l.flock.Close()); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

// write puts the holder's file in place in one piece, so that a reader sees all
// of it. It is a file apart since some systems lock the lock file's content too.
func (l *Lock) write(data []byte) error {
	draft := l.holder + ".new"
	if err := os.WriteFile(draft, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, l.holder)
}

// readHolder returns the zero Holder when the file cannot be read: the lock is
// held all the same.
func readHolder(path string) Holder {
	f, err := os.Open(path)
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHolder+1))
	if err != nil {
		return Holder{}
	}
	h, err := ParseHolder(data)
	if err != nil {
		return Holder{}
	}
	return h
}

// lockName is a file name for any scope: its plain letters for the eye, and a
// hash that keeps scopes apart.
func lockName(scope string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(scope))
	sum := sha256.Sum256([]byte(scope))
	return plain[:min(len(plain), 40)] + "-" + hex.EncodeToString(sum[:6])
}

// printable drops what would move a terminal's cursor or hide text.
func printable(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' {
			return '\uFFFD'
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}
