package engine

import (
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// rowSpools holds the streams that a plan carries.
type rowSpools struct {
	s      *session
	spools map[string]*spool
}

func newRowSpools(s *session) *rowSpools { return &rowSpools{s: s, spools: map[string]*spool{}} }

func (r *rowSpools) add(row planfile.Row) error {
	sp := r.spools[row.Stream]
	if sp == nil {
		var err error
		if sp, err = r.s.newSpool(streamRef{"row", row.Stream}); err != nil {
			return err
		}
		r.spools[row.Stream] = sp
	}
	return sp.add(row.Value.V)
}

// flush makes readable what was added so far.
func (r *rowSpools) flush() error {
	for _, sp := range r.spools {
		if err := sp.buf.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rowSpools) close() {
	for _, sp := range r.spools {
		_ = sp.done()
	}
}

// stream reads one; a stream without rows is empty.
func (r *rowSpools) stream(name string) step.Stream[any] {
	if sp := r.spools[name]; sp != nil {
		return sp.stream()
	}
	return step.StreamList[any](nil)
}

// publish puts the streams that later expressions read into the frame.
func (r *rowSpools) publish(to *frame) error {
	for ref, u := range r.s.p.usage {
		st := r.s.p.byID[ref.step]
		if !u.later || st == nil || st.Loop != nil {
			continue
		}
		got, ok := to.steps[ref.step].(map[string]any)
		if !ok {
			continue
		}
		if _, gone := to.absent[ref.step]; gone {
			continue
		}
		outs, _ := got["outputs"].(map[string]any)
		if _, have := outs[ref.output]; have {
			continue
		}
		in := r.stream(ref.step + "." + ref.output)
		outs[ref.output] = in
		if u.list {
			list, err := collect(ref, in)
			if err != nil {
				return err
			}
			outs[ref.output] = list
		}
	}
	return nil
}
