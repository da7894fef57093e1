package engine

import (
	"errors"
	"io"
	"sync"
)

// Links are what a command holds of the world outside: the API clients of its
// connections with their pace, and what the accounts behind them have told. A plan
// and the apply that follows share them by Options, so that both keep one pace, no
// connection is made anew and nobody is asked twice. Close ends them. They may be
// used by many at once.
type Links struct {
	mu     sync.Mutex
	shared map[any]*sharedValue
	month  map[string]*int // account → calls of this month before these links; nil is not told
}

// NewLinks are links that nothing has been asked over.
func NewLinks() *Links {
	return &Links{shared: map[any]*sharedValue{}, month: map[string]*int{}}
}

// sharedValue is made by the first who asks for it.
type sharedValue struct {
	once  sync.Once
	value any
	err   error
}

func (l *Links) value(key any, make func() (any, error)) (any, error) {
	l.mu.Lock()
	v := l.shared[key]
	if v == nil {
		v = &sharedValue{}
		l.shared[key] = v
	}
	l.mu.Unlock()
	v.once.Do(func() {
		value, err := make()
		l.mu.Lock()
		v.value, v.err = value, err
		l.mu.Unlock()
	})
	if v.err != nil {
		l.mu.Lock()
		if l.shared[key] == v {
			delete(l.shared, key) // the next one asks again: what failed may pass
		}
		l.mu.Unlock()
	}
	return v.value, v.err
}

// calls sums the API calls that the clients have made.
func (l *Links) calls() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var n int64
	for _, v := range l.shared {
		if c, ok := v.value.(interface{ Calls() int64 }); ok {
			n += c.Calls()
		}
	}
	return n
}

// Close ends what can be ended.
func (l *Links) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for _, v := range l.shared {
		if c, ok := v.value.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	l.shared = map[any]*sharedValue{}
	return err
}
