package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals turns the first Ctrl-C into the end of beginning, and the second into
// the end.
type signals struct {
	drain context.Context // ends with the first signal
	hard  context.Context // ends with the second
	ch    chan os.Signal
	stop  func()

	mu   sync.Mutex
	sig  os.Signal
	tell func(second bool) // told of each signal; may be nil
}

// watchSignals begins to listen. A stdout or stderr that nobody reads any more
// becomes a write error instead of a silent end: a run must not die half way
// because `| head` has seen enough.
func watchSignals() *signals {
	s := &signals{ch: make(chan os.Signal, 2)}
	var first, second context.CancelFunc
	s.drain, first = context.WithCancel(context.Background())
	s.hard, second = context.WithCancel(context.Background())
	signal.Ignore(syscall.SIGPIPE, fileTooLarge)
	signal.Notify(s.ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	s.stop = func() {
		signal.Stop(s.ch)
		close(done)
		first()
		second()
	}
	go func() {
		for n := 0; ; n++ {
			select {
			case sig := <-s.ch:
				s.mu.Lock()
				if s.sig == nil {
					s.sig = sig
				}
				tell := s.tell
				s.mu.Unlock()
				if n == 0 {
					first()
				} else {
					second()
				}
				if tell != nil {
					tell(n > 0)
				}
			case <-done:
				return
			}
		}
	}()
	return s
}

// first is the signal that came first, nil when none did.
func (s *signals) first() os.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sig
}

// onSignal sets who is told of signals.
func (s *signals) onSignal(tell func(second bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = tell
}
