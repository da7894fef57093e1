package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

// fakeHost lends a temporary directory and remembers what it is told.
type fakeHost struct {
	retry  step.Retry
	conn   step.Connection
	dir    string
	zone   *time.Location
	out    bytes.Buffer
	left   map[string]int
	reason []string
	warned []string

	mu     sync.Mutex
	shared map[any]any
}

func (h *fakeHost) Connection() step.Connection { return h.conn }

func (h *fakeHost) Shared(key any, make func() (any, error)) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v, ok := h.shared[key]; ok {
		return v, nil
	}
	v, err := make()
	if err == nil {
		h.shared[key] = v
	}
	return v, err
}

func (h *fakeHost) Root() (*os.Root, error) {
	if h.dir == "" {
		return nil, errors.New("no directory in this test")
	}
	return os.OpenRoot(h.dir)
}

func (h *fakeHost) Retry() (step.Retry, bool) { return h.retry, h.retry.Attempts > 0 }

func (h *fakeHost) Zone() *time.Location { return h.zone }

func (h *fakeHost) Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, h.zone) }

func (h *fakeHost) Stdout() io.Writer { return &h.out }

// Scratch writes what it is given as plans do, as far as these tests need it.
func (h *fakeHost) Scratch() (step.Scratch, error) {
	return step.Scratch{Dir: h.dir, Append: appendScratch, Read: readScratch}, nil
}

func (h *fakeHost) LeaveOut(reason string, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left[reason] += n
	h.reason = append(h.reason, reason)
}

func (h *fakeHost) Warn(format string, args ...any) {
	h.warned = append(h.warned, fmt.Sprintf(format, args...))
}

// newHost gives a host and a context that carries it.
func newHost(t testing.TB) (*fakeHost, context.Context) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	require.NoError(t, err)
	h := &fakeHost{dir: t.TempDir(), zone: zone, left: map[string]int{}, shared: map[any]any{}}
	return h, step.WithHost(t.Context(), h)
}

// kind finds a built-in kind.
func kind(t testing.TB, name string) *step.Kind {
	t.Helper()
	k, ok := Registry().Kind(name)
	require.True(t, ok, "no kind %s", name)
	return k
}

// exprFunc is an expression written in Go.
type exprFunc func(item any) (any, error)

func (f exprFunc) Eval(item any) (any, error) { return f(item) }

func (f exprFunc) Test(item any) (bool, error) {
	v, err := f(item)
	b, _ := v.(bool)
	return b, err
}

// field reads a field of the record.
func field(name string) exprFunc {
	return func(item any) (any, error) { return item.(map[string]any)[name], nil }
}

// self is the record itself.
func self(item any) (any, error) { return item, nil }

var errBroken = errors.New("broken source")

// broken gives the records and then fails.
func broken(recs ...any) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
		yield(nil, errBroken)
	})
}

// counting gives 1, 2, 3 … n and counts what was pulled.
func counting(n int, pulled *int) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		for i := 1; i <= n; i++ {
			*pulled++
			if !yield(i, nil) {
				return
			}
		}
	})
}

// drain reads a list output to its end.
func drain(t testing.TB, outs map[string]any, name string) []any {
	t.Helper()
	recs, err := drainErr(t, outs, name)
	require.NoError(t, err)
	return recs
}

// drainErr reads a list output until it ends or fails.
func drainErr(t testing.TB, outs map[string]any, name string) ([]any, error) {
	t.Helper()
	s, ok := outs[name].(step.Stream[any])
	require.True(t, ok, "output %s is %T", name, outs[name])
	recs := []any{}
	for rec, err := range s.All() {
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// first pulls n records and leaves the stream.
func first(t testing.TB, outs map[string]any, name string, n int) []any {
	t.Helper()
	var recs []any
	for rec, err := range outs[name].(step.Stream[any]).All() {
		require.NoError(t, err)
		if recs = append(recs, rec); len(recs) == n {
			break
		}
	}
	return recs
}

type obj = map[string]any

// What a scratch has is written as encoding/json does, with a letter before it for what
// that would not give back.
func appendScratch(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(scratchForm(v))
	if err == nil && bytes.Contains(text, []byte("unwritable")) {
		err = errors.New("write value: it has no form")
	}
	return append(b, text...), err
}

func scratchForm(v any) any {
	switch x := v.(type) {
	case int:
		return map[string]any{"$int": strconv.Itoa(x)}
	case time.Time:
		return map[string]any{"$time": x.Format(time.RFC3339Nano)}
	case time.Duration:
		return map[string]any{"$duration": x.String()}
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = scratchForm(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, e := range x {
			out[name] = scratchForm(e)
		}
		return out
	}
	return v
}

func readScratch(b []byte) (any, error) {
	var v any
	err := json.Unmarshal(b, &v)
	return fromScratch(v), err
}

func fromScratch(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = fromScratch(x[i])
		}
	case map[string]any:
		for name, e := range x {
			text, _ := e.(string)
			switch name {
			case "$int":
				n, _ := strconv.Atoi(text)
				return n
			case "$time":
				at, _ := time.Parse(time.RFC3339Nano, text)
				return at
			case "$duration":
				d, _ := time.ParseDuration(text)
				return d
			}
			x[name] = fromScratch(e)
		}
	}
	return v
}
