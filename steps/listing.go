package steps

import (
	"context"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

// records streams a list of the API as records in the connection's zone.
func records[T, R any](ctx context.Context, list *chat2desk.Listing[T], record func(T, *time.Location) R) step.Stream[R] {
	zone := step.HostOf(ctx).Zone()
	return step.StreamOf(func(yield func(R, error) bool) {
		for x, err := range list.All() {
			if err != nil {
				var none R
				yield(none, failure(err))
				return
			}
			if !yield(record(x, zone), nil) {
				return
			}
		}
	})
}

// total is the API's own count. An instance that gives none is told of, since
// a flow may decide by it.
func total[T any](ctx context.Context, list *chat2desk.Listing[T]) int {
	if !list.TotalKnown {
		step.HostOf(ctx).Warn("Chat2Desk gave no total for the list; outputs.total is 0")
	}
	return list.Total
}

// local is a time in the connection's zone, nil as it is.
func local(t *time.Time, zone *time.Location) *time.Time {
	if t == nil {
		return nil
	}
	x := t.In(zone)
	return &x
}

// valueOf is what a pointer points to, the zero value for nil.
func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
