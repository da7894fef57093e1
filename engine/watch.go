package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// errTimeout ends a step that took too long.
var errTimeout = errors.New("timeout")

// watch bounds the time that a step makes others wait: for its answer, and then
// for each record of a stream. The time that a reader takes is not counted.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context
}

// watched starts a watch. Without a limit it does nothing.
func watched(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{limit: limit, cancel: cancel, ctx: ctx}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() { cancel(errTimeout) })
	}
	return ctx, w
}

func (w *watch) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watch) resume() {
	if w.timer != nil {
		w.timer.Reset(w.limit)
	}
}

func (w *watch) end() {
	w.pause()
	w.cancel(nil)
}

// explain turns what a canceled call returned into what happened.
func (w *watch) explain(err error) error {
	if errors.Is(context.Cause(w.ctx), errTimeout) {
		return &step.Failure{
			Class: step.ClassUnreachable, Delivery: step.NotSent, Err: err,
			Reason: fmt.Sprintf("no answer within %s", w.limit), Hint: "raise the step's timeout, or try again later",
		}
	}
	return err
}

// stream watches every record of in.
func (w *watch) stream(in step.Stream[any]) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		defer w.end()
		w.resume()
		for v, err := range in.All() {
			w.pause()
			if err != nil {
				yield(nil, w.explain(err))
				return
			}
			if !yield(v, nil) {
				return
			}
			w.resume()
		}
	})
}
