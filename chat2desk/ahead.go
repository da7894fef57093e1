package chat2desk

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// How many pages of a listing are fetched before they are wanted. It begins with
// few, since each of them is memory, and doubles up to the most whenever the reader
// has had to wait for one. A reader who stops in the middle has wasted as many calls
// at most.
const (
	fewestAhead = 2
	pagesAhead  = 8
)

// A reader who reads to the end wastes none, so from a server that is far away as
// many pages are asked for at once, as soon as their number is known, as are read
// while one is on its way.
const (
	farAhead = 24                   // pages; the limit is memory
	pageTime = 2 * time.Millisecond // about what a page takes to be decoded and planned
)

// ahead fetches the pages of a pager early, side by side. It only guesses their
// offsets, and the pager takes a page of it only where the list has not changed
// under the guess; everything else it asks for again and judges then.
type ahead[T any] struct {
	fetch func(ctx context.Context, limit, offset int) (page[T], error)
	whole bool    // whoever reads, reads to the end
	rate  float64 // calls a second that may be made; 0 is any number

	reach   int             // pages worth having under way to a server so far away
	ctx     context.Context // of the fetches under way
	cancel  context.CancelFunc
	wide    int                     // how many are fetched
	pending map[int]chan fetched[T] // full pages by their offset
	last    chan struct{}           // closed when the page that was begun last is decoded
	running sync.WaitGroup
}

type fetched[T any] struct {
	page page[T]
	err  error
}

// width is how many pages to fetch ahead.
func (a *ahead[T]) width() int { return max(a.wide, fewestAhead, a.reach) }

// measure takes in how long the server took for a page: how far away it is. More
// calls than the rate lets out in that time are never under way.
func (a *ahead[T]) measure(took time.Duration) {
	if !a.whole {
		return
	}
	a.reach = min(int(took/pageTime), farAhead)
	if a.rate > 0 {
		a.reach = min(a.reach, int(a.rate*took.Seconds()))
	}
}

// upTo gives the offset of the page that was begun and comes nearest before a row,
// so that it holds the row and some before it.
func (a *ahead[T]) upTo(pos int) (offset int, ok bool) {
	for at := range a.pending {
		if at < pos && at >= pos-maxOverlap && (!ok || at > offset) {
			offset, ok = at, true
		}
	}
	return offset, ok
}

// get gives the full page at an offset if it was begun. Else what is under way is
// of no use.
func (a *ahead[T]) get(limit, offset int) (g page[T], begun bool, err error) {
	c, begun := a.pending[offset]
	if !begun || limit != maxPage {
		return g, false, nil
	}
	delete(a.pending, offset)
	select {
	case got := <-c:
		return got.page, true, got.err
	default:
	}
	got := <-c
	a.wide = min(2*a.wide, pagesAhead)
	return got.page, true, got.err
}

// begin starts pages that are not under way.
func (a *ahead[T]) begin(ctx context.Context, offsets []int) {
	if len(offsets) == 0 {
		return
	}
	if a.pending == nil {
		a.ctx, a.cancel = context.WithCancel(ctx)
		a.pending, a.wide = map[int]chan fetched[T]{}, fewestAhead
	}
	inner := a.ctx
	for _, offset := range offsets {
		if a.pending[offset] != nil {
			continue
		}
		c, before, decoded := make(chan fetched[T], 1), a.last, make(chan struct{})
		a.pending[offset], a.last = c, decoded
		a.running.Go(func() {
			g, err := a.fetch(decodedAfter(inner, before), maxPage, offset)
			close(decoded)
			c <- fetched[T]{g, err} // last, since who is woken last goes on first: the reader
		})
		runtime.Gosched() // so that they are asked for in the order in which they are wanted
	}
}

// drop ends what is under way, and reports whether something was.
func (a *ahead[T]) drop() bool {
	if a.pending == nil {
		return false
	}
	a.cancel()
	a.running.Wait()
	a.pending, a.last, a.wide = nil, nil, 0
	return true
}

type decodedAfterKey struct{}

// decodedAfter gives a context whose answer is decoded after that of the page before,
// which closes the channel then, or when there is none. Pages that are asked for at once
// come at once, in any order, and decoding them takes longer than reading them: the one
// that is wanted next would be waited for until the others are decoded.
func decodedAfter(ctx context.Context, before <-chan struct{}) context.Context {
	return context.WithValue(ctx, decodedAfterKey{}, before)
}

// mayDecode waits until an answer may be decoded. It is false if it is not wanted any
// more.
func mayDecode(ctx context.Context) bool {
	before, _ := ctx.Value(decodedAfterKey{}).(<-chan struct{})
	if before == nil {
		return true
	}
	select {
	case <-before:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
