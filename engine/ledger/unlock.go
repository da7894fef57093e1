package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// NotLockedError says that there is nothing to unlock.
type NotLockedError struct{ Scope string }

func (e *NotLockedError) Error() string {
	return fmt.Sprintf("unlock %s: nobody holds it, and nobody has left anything behind", printable(e.Scope))
}

// NonceError says that the holder is another one than the one who was seen.
type NonceError struct {
	Scope  string
	Holder Holder
}

func (e *NonceError) Error() string {
	return fmt.Sprintf("unlock %s: what lies there was left by %s, nonce %q: give that nonce if it is the one you mean", printable(e.Scope), e.Holder, printable(e.Holder.Nonce))
}

// Unlock removes what a dead holder left behind. It never takes a lock away: as
// long as a process holds it the answer is *LockedError, since two runners would
// write to the same people. The nonce is the dead holder's, else *NonceError; a
// holder's file without one, or that cannot be read, wants "".
func Unlock(dir, scope, nonce string) error {
	fail := func(err error) error { return fmt.Errorf("unlock %s: %w", printable(scope), err) }
	lock, holder := lockFiles(dir, scope)
	if _, err := os.Stat(lock); errors.Is(err, fs.ErrNotExist) {
		return &NotLockedError{Scope: scope}
	} else if err != nil {
		return fail(err)
	}
	f := flock.New(lock, flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err != nil {
		return fail(err)
	}
	if !ok {
		return &LockedError{Scope: scope, Holder: readHolder(holder)}
	}
	err = removeHolder(holder, scope, nonce)
	if closeErr := f.Close(); closeErr != nil {
		return fail(errors.Join(err, closeErr))
	}
	return err
}

func removeHolder(path, scope, nonce string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &NotLockedError{Scope: scope}
	}
	if h := readHolder(path); h.Nonce != nonce {
		return &NonceError{Scope: scope, Holder: h}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("unlock %s: %w", printable(scope), err)
	}
	return nil
}

// Holding is a lock that is held, or that a dead holder left behind.
type Holding struct {
	Holder
	Live bool // a process holds it now
}

// Holders lists the locks below dir that are held or were left behind, by scope.
// Without the folder there are none.
func Holders(dir string) ([]Holding, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list locks: %w", err)
	}
	var all []Holding
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), holderSuffix)
		if !ok {
			continue
		}
		live, err := held(filepath.Join(dir, name+lockSuffix))
		if err != nil {
			return nil, fmt.Errorf("list locks: %w", err)
		}
		all = append(all, Holding{Holder: readHolder(filepath.Join(dir, e.Name())), Live: live})
	}
	slices.SortStableFunc(all, func(a, b Holding) int { return strings.Compare(a.Scope, b.Scope) })
	return all, nil
}

// held takes a lock that is free for a moment, together with others who look.
func held(lock string) (bool, error) {
	if _, err := os.Stat(lock); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	f := flock.New(lock, flock.SetPermissions(0o600))
	free, err := f.TryRLock()
	if err != nil {
		return false, err
	}
	return !free, f.Close()
}
