package chat2desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	maxPage   = 200  // what the API gives at most; it may give less
	memorised = 8192 // keys of the last records kept, to know them when they come again
	maxBarren = 64   // pages in a row that may bring nothing new

	maxOverlap = maxPage / 2 // rows of a page that were seen before, at most
	maxAgain   = 4           // pages in a row that may come again once offset has brought something
	minStep    = 16          // rows to step back at least
	calmPages  = 8           // pages after which an overlap that none of them needed is halved
)

// page is one page of a listing.
type page[T any] struct {
	items        []T
	total, limit *int
	took         time.Duration // until the answer was there
}

// full reports whether the page holds all that could be asked for, so that more
// may follow whatever the total says.
func (g page[T]) full(want int) bool {
	if g.limit != nil && *g.limit > 0 {
		want = min(want, *g.limit)
	}
	return len(g.items) >= want
}

// pager reads a listing that is paged by offset while it changes.
//
// Every page but the first begins before the end of the last one, with a row seen
// before. When no row of a page is known, rows were deleted meanwhile and others
// moved up past the offset: it steps back until a known row shows, so that nobody
// who was there throughout is missed. Stepping back wins little of a page, so a
// list that loses rows all the time is read with pages that overlap by more than it
// loses between two of them. Rows that come again, because new ones pushed them on,
// are given once. The server's own clamp is taken from what comes back, never from
// what was asked.
type pager[T any, K comparable] struct {
	op, what string
	fetch    func(ctx context.Context, limit, offset int) (page[T], error)
	key      func(T) K
	first    *page[T]  // read already
	from     int       // the offset to begin at
	max      int       // records to give at most; 0 is all
	ahead    *ahead[T] // nil: no page is fetched before it is wanted

	overlap int // rows by which the next page begins before the end of the last one
	calm    int // pages since so many were needed
	again   int // pages in a row that looked as if offset was ignored

	memory map[K]struct{}
	order  []K // memory's keys, oldest first
	given  int
	pos    int // the row after the last one read
	size   int // rows of the last page
	pages  int
	barren int
	steady int  // pages since one came otherwise than guessed
	works  bool // a later page brought something: offset is honoured
	last   []K  // keys of the last page
}

// next gives what the next page brings that is new. ended is true once there is
// nothing after it.
func (p *pager[T, K]) next(ctx context.Context) (fresh []T, ended bool, err error) {
	if p.pages == 0 {
		p.pos, p.overlap = p.from, 1
	}
	want, offset := p.upcoming()
	overlaps := offset < p.pos
	g, err := p.page(ctx, want, offset)
	if err != nil {
		return nil, false, err
	}
	if p.memory == nil {
		p.memorise(g)
	}
	stepped := overlaps && !p.knows(g)
	if stepped {
		if g, offset, err = p.stepBack(ctx, g, offset); err != nil {
			return nil, false, err
		}
		want = maxPage
	}
	ignored := overlaps && !stepped && p.ignored(g)
	keys, known := make([]K, 0, len(g.items)), -1
	fresh = g.items[:0] // what is new moves up over what is known
	for i, item := range g.items {
		k := p.key(item)
		keys = append(keys, k)
		switch {
		case !p.remember(k):
			known = i
		case p.max == 0 || p.given < p.max:
			fresh = append(fresh, item)
			p.given++
		}
	}
	if overlaps && known >= 0 { // else it was read from its beginning
		p.adapt(offset + known + 1)
	}
	p.pos, p.size, p.last = offset+len(keys), len(keys), keys
	p.works = p.works || p.pages > 0 && len(fresh) > 0
	p.pages++
	if p.max > 0 && p.given >= p.max {
		return fresh, true, nil
	}
	ended, err = p.judge(g, len(fresh) > 0, ignored, want)
	if p.ahead != nil && !ended && err == nil {
		p.steady++
		if p.pages == 1 {
			p.ahead.measure(g.took)
			p.steady = max(p.steady, p.ahead.reach)
		}
		p.ahead.begin(ctx, p.guess(g))
	}
	return fresh, ended, err
}

// upcoming is what to ask for next: the page that was fetched ahead, if there is one.
func (p *pager[T, K]) upcoming() (limit, offset int) {
	overlap := 0
	if p.pages > 0 {
		overlap = p.overlapping()
	}
	limit, offset = maxPage, p.pos-overlap
	if p.max > 0 {
		limit = min(limit, p.max-p.given+overlap)
	}
	if p.ahead != nil && limit == maxPage {
		if at, ok := p.ahead.upTo(p.pos); ok {
			offset = at
		}
	}
	return limit, offset
}

// overlapping is by how many rows the next page overlaps the last one: half of it at
// most, so that each goes on by as much.
func (p *pager[T, K]) overlapping() int { return min(p.overlap, max(p.size/2, min(p.size-1, 1))) }

// adapt sets the overlap by how many rows before the end of the last page are gone,
// since what is known ends before a row: half as many again may be next time.
func (p *pager[T, K]) adapt(end int) {
	gone := max(0, p.pos-end)
	need := min(gone+gone/2+1, maxOverlap)
	switch p.calm++; {
	case need > p.overlap:
		p.overlap, p.calm = need, 0
	case need > p.overlap/2:
		p.calm = 0
	case p.calm == calmPages:
		p.overlap, p.calm = max(need, p.overlap/2), 0
	}
}

// guess gives the offsets of the next pages, once a second page has shown that
// offsets work: no more than pages came as guessed, so that little is wasted on a
// reader who wants little, and on a list that changes much. A server that is far
// away gets the benefit of the doubt, once.
func (p *pager[T, K]) guess(g page[T]) (offsets []int) {
	proven := p.works || p.pages == 1 && p.ahead.reach > 0
	if !proven || p.size < 2 || g.total == nil || !g.full(maxPage) {
		return nil
	}
	overlap := p.overlapping()
	given, pos := p.given, p.pos
	for len(offsets) < min(p.ahead.width(), p.steady) && pos < *g.total {
		if p.max > 0 && p.max-given+overlap < maxPage {
			break
		}
		offset := pos - overlap
		if at, ok := p.ahead.upTo(pos); ok {
			offset = at // which is under way
		}
		given, pos = given+p.size-(pos-offset), offset+p.size
		offsets = append(offsets, offset)
	}
	return offsets
}

// page fetches, the first one from where it was read already.
func (p *pager[T, K]) page(ctx context.Context, limit, offset int) (page[T], error) {
	if p.first != nil && p.pages == 0 {
		g := *p.first
		g.items = slices.Clone(g.items) // whoever ranges again begins with it again
		return g, nil
	}
	if p.ahead != nil {
		if g, begun, err := p.ahead.get(limit, offset); begun && (err != nil || p.continues(g)) {
			return g, err
		}
		if p.ahead.drop() {
			p.steady = 0
		}
	}
	return p.fetch(ctx, limit, offset)
}

// continues reports whether a page goes on where the last one ended: it begins
// with a known row and ends with a new one.
func (p *pager[T, K]) continues(g page[T]) bool {
	if len(g.items) < 2 {
		return false
	}
	return p.has(g.items[0]) && !p.has(g.items[len(g.items)-1])
}

// judge decides whether the listing ends with this page.
func (p *pager[T, K]) judge(g page[T], brought, ignored bool, want int) (bool, error) {
	if ignored && (g.total != nil && p.from+p.given < *g.total || g.total == nil && g.full(want)) {
		return false, p.deadOffset(fmt.Sprintf("every page is the first again, and only %d of the %ss can be read", p.given, p.what))
	}
	atEnd := g.total == nil || p.pos >= *g.total
	if brought {
		p.barren = 0
		return g.total != nil && atEnd && !g.full(want), nil
	}
	if p.barren++; p.barren > maxBarren {
		return false, badAnswer(p.op, "the list changes faster than it can be read; try again later")
	}
	switch {
	case atEnd:
		return true, nil
	case len(g.items) > 1:
		return false, nil // pushed on by new rows; what follows is further on
	case p.works:
		return true, nil // the count includes what the API does not show
	}
	return false, p.deadOffset(fmt.Sprintf("it counts %d %ss but gives only %d", *g.total, p.what, p.given))
}

// ignored reports whether offset does nothing. Where it has brought something already
// a page may come again by chance, when just as many rows are gone as it goes on by:
// then several in a row are wanted.
func (p *pager[T, K]) ignored(g page[T]) bool {
	if !p.looksIgnored(g) {
		p.again = 0
		return false
	}
	p.again++
	return !p.works || p.again >= maxAgain
}

// looksIgnored reports whether a page is the first page again, perhaps behind
// rows that are new: it ends with a known row and begins with an unknown one, or
// it is the last page to the letter. Where offset works a page begins with known
// rows and ends with unknown ones.
func (p *pager[T, K]) looksIgnored(g page[T]) bool {
	if len(g.items) < 2 {
		return false
	}
	first, last := p.has(g.items[0]), p.has(g.items[len(g.items)-1])
	return last && (!first || slices.EqualFunc(g.items, p.last, func(item T, k K) bool { return p.key(item) == k }))
}

// errDeadOffset is the cause in errors of listings whose offset does nothing.
var errDeadOffset = errors.New("offset is ignored")

func (p *pager[T, K]) deadOffset(found string) error {
	e := badAnswer(p.op, "this instance ignores offset: "+found)
	e.Err = errDeadOffset
	return e
}

// stepBack goes back from a page of which nothing is known until a page holds a
// known row.
func (p *pager[T, K]) stepBack(ctx context.Context, g page[T], offset int) (page[T], int, error) {
	// Rows that are counted and not given were not deleted: offset is dead.
	if len(g.items) == 0 && g.total != nil && *g.total >= p.pos {
		return g, offset, nil
	}
	for step := max(minStep, 2*(p.pos-offset)); offset > p.from && !p.knows(g); step *= 2 {
		if p.pos-offset > memorised {
			return g, offset, badAnswer(p.op, "too many "+p.what+"s were deleted while the list was read; try again")
		}
		offset = max(p.from, p.pos-step)
		var err error
		if g, err = p.fetch(ctx, maxPage, offset); err != nil {
			return g, offset, err
		}
	}
	if !p.knows(g) && p.given > memorised {
		return g, offset, badAnswer(p.op, "the list was replaced while it was read; try again")
	}
	return g, offset, nil
}

func (p *pager[T, K]) knows(g page[T]) bool { return slices.ContainsFunc(g.items, p.has) }

// has reports whether a record is among the last that were read.
func (p *pager[T, K]) has(item T) bool {
	_, known := p.memory[p.key(item)]
	return known
}

// memorise makes room for as many keys as there will be.
func (p *pager[T, K]) memorise(first page[T]) {
	n := len(first.items)
	if first.total != nil {
		n = max(n, min(*first.total, memorised))
	}
	p.memory, p.order = make(map[K]struct{}, n), make([]K, 0, n)
}

// remember reports whether k is new, and forgets the oldest beyond memorised.
func (p *pager[T, K]) remember(k K) bool {
	if _, known := p.memory[k]; known {
		return false
	}
	p.memory[k] = struct{}{}
	p.order = append(p.order, k)
	if len(p.order) > memorised {
		delete(p.memory, p.order[0])
		p.order = p.order[1:]
	}
	return true
}

// stream gives every record to yield until it wants no more.
func (p *pager[T, K]) stream(ctx context.Context, yield func(T, error) bool) {
	if p.ahead != nil {
		defer p.ahead.drop()
	}
	for {
		fresh, ended, err := p.next(ctx)
		for _, item := range fresh {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var zero T
			yield(zero, err)
			return
		}
		if ended {
			return
		}
	}
}
