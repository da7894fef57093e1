package engine

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// host lends a running step what it may use.
type host struct {
	s       *session
	conn    step.Connection
	leftOut func(reason string, n int)
	st      *Step
}

func (h *host) Connection() step.Connection { return h.conn }
func (h *host) Zone() *time.Location        { return h.s.p.Zone }
func (h *host) Now() time.Time              { return h.s.now }
func (h *host) Stdout() io.Writer           { return h.s.o.Stdout }

func (h *host) Retry() (step.Retry, bool) {
	if h.st == nil || h.st.Retry.Attempts == 0 {
		return step.Retry{}, false
	}
	return h.st.Retry, true
}

func (h *host) Shared(key any, make func() (any, error)) (any, error) {
	return h.s.links.value(key, make)
}

func (h *host) Root() (*os.Root, error) {
	root, err := os.OpenRoot(h.s.o.FlowDir)
	if err != nil {
		return nil, fmt.Errorf("open the flow's folder: %w", err)
	}
	return root, nil
}

func (h *host) Scratch() (step.Scratch, error) {
	dir, err := h.s.spoolDir()
	return step.Scratch{
		Dir:    dir,
		Append: func(b []byte, v any) ([]byte, error) { return planfile.Value{V: v}.Append(b) },
		Read: func(b []byte) (any, error) {
			var v planfile.Value
			if err := v.UnmarshalJSON(b); err != nil {
				return nil, err
			}
			return planfile.InZone(v.V, h.s.p.Zone), nil
		},
	}, err
}

func (h *host) LeaveOut(reason string, n int) {
	if h.leftOut != nil && n > 0 {
		h.leftOut(reason, n)
	}
}

func (h *host) Warn(format string, args ...any) {
	e := Event{Kind: EventWarning, Text: fmt.Sprintf(format, args...)}
	if h.st != nil {
		e.Step = h.st.ID
	}
	h.s.emit(e)
}
