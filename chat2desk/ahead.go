package chat2desk

import (
	"context"
	"sync"
)

// pagesAhead is how many pages of a listing are fetched before they are wanted.
// A reader who stops in the middle has wasted as many calls at most.
const pagesAhead = 3

// ahead fetches the pages of a pager early, side by side. It only guesses their
// offsets, and the pager takes a page of it only where the list has not changed
// under the guess; everything else it asks for again and judges then.
type ahead[T any] struct {
	fetch func(ctx context.Context, limit, offset int) (page[T], error)

	ctx     context.Context // of the fetches under way
	cancel  context.CancelFunc
	pending map[int]chan fetched[T] // full pages by their offset
	running sync.WaitGroup
}

type fetched[T any] struct {
	page page[T]
	err  error
}

// get gives the full page at an offset if it was begun. Else the guesses were
// wrong, and what is under way is dropped.
func (a *ahead[T]) get(limit, offset int) (g page[T], begun bool, err error) {
	c, begun := a.pending[offset]
	if !begun || limit != maxPage {
		a.drop()
		return g, false, nil
	}
	delete(a.pending, offset)
	got := <-c
	return got.page, true, got.err
}

// begin starts pages that are not under way.
func (a *ahead[T]) begin(ctx context.Context, offsets []int) {
	if a.pending == nil {
		a.ctx, a.cancel = context.WithCancel(ctx)
		a.pending = map[int]chan fetched[T]{}
	}
	inner := a.ctx
	for _, offset := range offsets {
		if a.pending[offset] != nil {
			continue
		}
		c := make(chan fetched[T], 1)
		a.pending[offset] = c
		a.running.Go(func() {
			g, err := a.fetch(inner, maxPage, offset)
			c <- fetched[T]{g, err}
		})
	}
}

// drop ends what is under way.
func (a *ahead[T]) drop() {
	if a.pending == nil {
		return
	}
	a.cancel()
	a.running.Wait()
	a.pending = nil
}
