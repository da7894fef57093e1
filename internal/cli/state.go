package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
)

// stateName is the folder of the state, beside the project file or the flow.
const stateName = ".flowrunner"

// state is where a flow's ledger, runs and locks are.
type state struct {
	top     string // .flowrunner, or what --state names
	dir     string // top, or sandbox/ below it
	sandbox bool
	project *project // nil when there is none
}

// stateOf finds the state of a flow in a folder.
func stateOf(flowDir string, o stateFlags) (state, error) {
	p, err := findProject(flowDir)
	if err != nil {
		return state{}, err
	}
	base := flowDir
	if p != nil {
		base = p.dir
	}
	return newState(p, base, o), nil
}

// stateHere finds the state of a command that names no flow: the nearest one
// from the working folder upward.
func stateHere(o stateFlags) (state, error) {
	dir, err := os.Getwd()
	if err != nil {
		return state{}, fmt.Errorf("find state: %w", err)
	}
	p, err := findProject(dir)
	if err != nil {
		return state{}, err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, stateName)); err == nil {
			return newState(p, at, o), nil
		}
		if p != nil && at == p.dir || at == filepath.Dir(at) {
			break
		}
	}
	base := dir
	if p != nil {
		base = p.dir
	}
	return newState(p, base, o), nil
}

func newState(p *project, base string, o stateFlags) state {
	s := state{top: filepath.Join(base, stateName), sandbox: o.sandbox, project: p}
	if o.state != "" {
		s.top = o.state
	}
	s.dir = s.top
	if o.sandbox {
		s.dir = filepath.Join(s.top, "sandbox")
	}
	return s
}

// prepare makes the folder. It is for its owner alone and keeps itself out of
// git.
func (s state) prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fileError("make state", s.dir, err)
	}
	ignore := filepath.Join(s.top, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o600); err != nil {
			return fileError("write", ignore, err)
		}
	}
	return nil
}

func (s state) ledger() string { return filepath.Join(s.dir, "ledger.db") }

func (s state) hasLedger() bool {
	_, err := os.Stat(s.ledger())
	return !errors.Is(err, os.ErrNotExist)
}

// open opens the ledger to write, and makes its folder where it may make the
// ledger.
func (s state) open(ctx context.Context, o sqlite.Options) (*sqlite.Store, error) {
	if !o.MustExist {
		if err := s.prepare(); err != nil {
			return nil, err
		}
	}
	return sqlite.Open(ctx, s.ledger(), o)
}

// readHere opens the ledger of the folder that somebody is in, to look at it.
func readHere(ctx context.Context, o stateFlags) (state, *sqlite.Store, error) {
	st, err := stateHere(o)
	if err != nil {
		return st, nil, err
	}
	store, err := st.read(ctx)
	return st, store, err
}

// read opens the ledger to look at it.
func (s state) read(ctx context.Context) (*sqlite.Store, error) {
	store, err := sqlite.Open(ctx, s.ledger(), sqlite.Options{ReadOnly: true})
	var none *ledger.NotFoundError
	if errors.As(err, &none) {
		hint := "name the state with --state, or go to the flow's folder"
		if !s.sandbox {
			hint += ";\nsandbox runs have a state of their own: add --sandbox"
		}
		return nil, &ledgerError{missingLedger(none), hint}
	}
	return store, err
}

// scopeOf names what one runner has for itself.
func scopeOf(flow, campaign string) string { return fmt.Sprintf("%s (campaign %s)", flow, campaign) }

func (s state) locks() string { return filepath.Join(s.dir, "locks") }

// lock takes the right to run a scope: a flow and campaign, mostly.
func (s state) lock(scope, job string) (*ledger.Lock, error) {
	h := ledger.ThisProcess()
	h.Job = job
	return ledger.Acquire(s.locks(), scope, h)
}

// heldLocks are those that one command holds, by scope.
type heldLocks map[string]*ledger.Lock

// take takes the lock of a scope, once.
func (h heldLocks) take(a *app, s state, scope string) error {
	if h[scope] != nil {
		return nil
	}
	l, err := s.lock(scope, a.env.job())
	if err == nil {
		h[scope] = l
	}
	return err
}

// release gives the locks back. The end of the process does so too, so that what
// goes wrong is worth a word and no more.
func (h heldLocks) release(a *app) {
	for _, l := range h {
		if err := l.Release(); err != nil {
			a.warn(err.Error())
		}
	}
}

// flags are what a further command needs to find this state from here.
func (s state) flags() string {
	var b strings.Builder
	here, err := stateHere(stateFlags{sandbox: s.sandbox})
	mine, _ := filepath.Abs(s.dir)
	if theirs, aerr := filepath.Abs(here.dir); err != nil || aerr != nil || theirs != mine {
		b.WriteString(" --state " + shorten(s.top))
	}
	if s.sandbox {
		b.WriteString(" --sandbox")
	}
	return b.String()
}

// shorten names a path from here when that is shorter.
func shorten(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(abs) {
		return rel
	}
	return abs
}
