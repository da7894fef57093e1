package ui

import (
	"fmt"
	"io"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// LockDocument is a lock that is held, or what a dead holder left of one.
type LockDocument struct {
	Scope   string    `json:"scope"`
	Live    bool      `json:"live"`
	Run     string    `json:"run,omitempty"`
	User    string    `json:"user,omitempty"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Job     string    `json:"job,omitempty"`
	Nonce   string    `json:"nonce,omitempty"`
}

// LockOf describes a lock.
func LockOf(h ledger.Holding) LockDocument {
	return LockDocument{Scope: h.Scope, Live: h.Live, Run: h.Run, User: h.User, Host: h.Host, PID: h.PID, Started: h.Started, Job: h.Job, Nonce: h.Nonce}
}

// Locks draws who is at work, and what dead holders left.
func (s Style) Locks(w io.Writer, all []ledger.Holding, tail ...string) {
	if len(all) == 0 {
		fmt.Fprintln(w, "Nobody is at work, and nobody has left anything behind.")
	}
	for _, h := range all {
		scope := Safe(h.Scope)
		if scope == "" {
			scope = "a lock whose holder cannot be read"
		}
		state := s.Good("at work")
		if !h.Live {
			state = s.Warn("dead") + ", keeps nobody out"
		}
		fmt.Fprintf(w, "%s: %s\n", s.Bold(scope), state)
		s.wrapped(w, "  ", h.Holder.String())
		if h.Nonce != "" {
			fmt.Fprintf(w, "  nonce %s\n", Safe(h.Nonce))
		}
	}
	closing(w, "", tail)
}
