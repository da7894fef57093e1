package engine

import (
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// planRows are the streams that a plan carries. They are read from the plan itself:
// only where each stands is remembered.
type planRows struct {
	s       *session
	path    string
	streams map[string]extent
}

// extent is the part of a file from the first row of a stream to its last.
type extent struct{ from, to int64 }

func newPlanRows(s *session, path string) *planRows {
	return &planRows{s: s, path: path, streams: map[string]extent{}}
}

// add notes where a row stands.
func (r *planRows) add(row planfile.Line) error {
	name, err := row.Stream()
	if err != nil {
		return err
	}
	at, again := r.streams[name]
	if !again {
		at.from = row.From
	}
	at.to = row.To
	r.streams[name] = at
	return nil
}

// stream reads one from what was noted so far; a stream without rows is empty.
func (r *planRows) stream(name string) step.Stream[any] {
	at, path, zone := r.streams[name], r.path, r.s.p.Zone
	return step.StreamOf(func(yield func(any, error) bool) {
		if at.to == 0 {
			return
		}
		for v, err := range planfile.Rows(path, name, at.from, at.to) {
			if !yield(planfile.InZone(v, zone), err) || err != nil {
				return
			}
		}
	})
}

// publish puts the streams that later expressions read into the frame.
func (r *planRows) publish(to *frame) error {
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
