package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

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
	flock *flock.Flock
	path  string // of the holder's file
	who   Holder
}

// Acquire takes the lock of a scope below dir, or returns *LockedError. It gives
// the holder its scope and, where it has none, its nonce. Lock files stay when
// they are free: removing one could split the lock in two.
func Acquire(dir, scope string, h Holder) (*Lock, error) {
	fail := func(err error) (*Lock, error) { return nil, fmt.Errorf("lock %s: %w", printable(scope), err) }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	h.Scope = scope
	if h.Nonce == "" {
		h.Nonce = rand.Text()
	}
	lock, holder := lockFiles(dir, scope)
	l := &Lock{flock: flock.New(lock, flock.SetPermissions(0o600)), path: holder, who: h}
	ok, err := l.try()
	if err != nil {
		return fail(err)
	}
	if !ok {
		return nil, &LockedError{Scope: scope, Holder: readHolder(holder)}
	}
	if err := writeHolder(holder, h); err != nil {
		_ = l.flock.Close()
		return fail(err)
	}
	return l, nil
}

// try takes the lock. Holders and Unlock hold it for a moment to see whether it
// is free, so one refusal is not the last word.
func (l *Lock) try() (ok bool, err error) {
	const tries, pause = 5, 5 * time.Millisecond
	for range tries {
		if ok, err = l.flock.TryLock(); ok || err != nil {
			return ok, err
		}
		time.Sleep(pause)
	}
	return false, nil
}

// Holder is what others see of this lock's holder.
func (l *Lock) Holder() Holder { return l.who }

// Running names the run that the holder works on, once that is known.
func (l *Lock) Running(run string) error {
	who := l.who
	who.Run = run
	if err := writeHolder(l.path, who); err != nil {
		return fmt.Errorf("lock %s: %w", printable(who.Scope), err)
	}
	l.who = who
	return nil
}

// Release gives the lock up.
func (l *Lock) Release() error {
	removed := os.Remove(l.path)
	if errors.Is(removed, os.ErrNotExist) {
		removed = nil
	}
	if err := errors.Join(removed, l.flock.Close()); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

// The ends of the names of a lock's two files.
const (
	lockSuffix   = ".lock"
	holderSuffix = ".holder.json"
)

func lockFiles(dir, scope string) (lock, holder string) {
	base := filepath.Join(dir, fileName(scope))
	return base + lockSuffix, base + holderSuffix
}

// fileName is a file name for any text: its plain letters for the eye, and a
// hash that keeps texts apart.
func fileName(text string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(text))
	sum := sha256.Sum256([]byte(text))
	return plain[:min(len(plain), 40)] + "-" + hex.EncodeToString(sum[:6])
}
