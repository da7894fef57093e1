package engine

import (
	"fmt"
	"slices"
	"sync"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// minHidden is the shortest text that is kept out of all output: hiding every
// "1" would hide everything.
const minHidden = 4

// maxHidden bounds how many texts a run keeps out of its output: each is looked for
// in whatever is printed, and stands in the plan for those who print it later.
const maxHidden = 100

// hidden are the values of sensitive inputs, those of called flows among them. It may
// be used by many at once.
type hidden struct {
	mu    sync.Mutex
	texts []string
}

// hideInput keeps the value of a sensitive input out of all output.
func (s *session) hideInput(in *Input, v any) error {
	if !in.Sensitive || v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		if err := s.hide(fmt.Sprint(e)); err != nil {
			return fmt.Errorf("the sensitive input %s %w", in.Name, err)
		}
	}
	return nil
}

// hide tells of a text that must not be shown.
func (s *session) hide(text string) error {
	if len(text) < minHidden {
		return nil
	}
	h := &s.hidden
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.texts, text) {
		return nil
	}
	if len(h.texts) == maxHidden {
		return fmt.Errorf("has more than %d values in one run, and no more can be kept out of all output; give it the same value each time, or take sensitive away", maxHidden)
	}
	h.texts = append(h.texts, text)
	if s.o.OnSecret != nil {
		s.o.OnSecret(text)
	}
	return nil
}

// hideAsPlanned keeps out of all output what planning did.
func (s *session) hideAsPlanned(end planfile.End) error {
	for _, text := range end.Hidden {
		if err := s.hide(text); err != nil {
			return fmt.Errorf("the plan %w", err)
		}
	}
	return nil
}
