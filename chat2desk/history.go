package chat2desk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// history reads the messages of one person in one direction.
//
// Newest first it pages by offset while that works. Where a page shows that
// offset is ignored it goes on by start_id, which gives rows from an id upwards:
// it takes a stretch of ids below the oldest message known, as wide as the
// density of the first page suggests, reads that stretch upwards until it meets
// what is known, and gives it newest first; then the next stretch below, sixteen
// times as wide whenever one was empty. So a limit far above the first page
// costs calls in proportion to what it gives, not to the whole history, and
// memory is bounded by one stretch. Oldest first it goes by start_id alone, and
// falls back to offset where start_id is ignored.
type history struct {
	c    *Client
	q    MessagesQuery
	base url.Values
	asc  bool
}

// fetch reads one page and proves its filters.
func (h *history) fetch(ctx context.Context, order string, more url.Values, limit, offset int) (page[Message], error) {
	v := paged(h.base, limit, offset)
	for k, x := range more {
		v[k] = x
	}
	v.Set("order", order)
	a, err := h.c.get(ctx, opMessages, "/v1/messages", v, nil)
	if err != nil {
		return page[Message]{}, err
	}
	g, err := pageOf(a, opMessages, "message", messageOf)
	if err == nil {
		err = h.q.matches(g.items)
	}
	return g, err
}

// read streams the history in its order, at most limit messages.
func (h *history) read(ctx context.Context, first page[Message], limit int, yield func(Message, error) bool) {
	given, stopped := 0, false
	give := func(items []Message) bool {
		for _, m := range items {
			if !h.q.Since.IsZero() && m.Created.Before(h.q.Since) {
				continue
			}
			if !yield(m, nil) {
				stopped = true
				return false
			}
			if given++; limit > 0 && given >= limit {
				return false
			}
		}
		return !h.older(items)
	}
	var err error
	if h.asc {
		err = h.upwards(ctx, first, limit, give)
	} else {
		err = h.downwards(ctx, first, limit, give)
	}
	if err != nil && !stopped {
		yield(Message{}, err)
	}
}

// turned gives the messages since Since, oldest first.
func (h *history) turned(ctx context.Context, first page[Message], yield func(Message, error) bool) {
	var kept []Message
	var failed error
	h.read(ctx, first, 0, func(m Message, err error) bool {
		if failed = err; err == nil {
			kept = append(kept, m)
		}
		return true
	})
	if failed != nil {
		yield(Message{}, failed)
		return
	}
	slices.Reverse(kept)
	if h.q.Limit > 0 && len(kept) > h.q.Limit {
		kept = kept[:h.q.Limit]
	}
	for _, m := range kept {
		if !yield(m, nil) {
			return
		}
	}
}

// older reports whether reading newest first has passed Since: the last ten of
// a page are all older. One alone proves nothing, since imported messages carry
// old dates and new ids.
func (h *history) older(items []Message) bool {
	if h.q.Since.IsZero() || h.asc || len(items) == 0 {
		return false
	}
	for _, m := range items[max(0, len(items)-10):] {
		if !m.Created.Before(h.q.Since) {
			return false
		}
	}
	return true
}

// pager pages by offset in one order.
func (h *history) pager(order string, first *page[Message]) *pager[Message, int] {
	return &pager[Message, int]{
		op: opMessages, what: "message", first: first, key: func(m Message) int { return m.ID },
		fetch: func(ctx context.Context, limit, offset int) (page[Message], error) {
			return h.fetch(ctx, order, url.Values{}, limit, offset)
		},
	}
}

// paginate gives what a pager brings until it ends or give has enough.
func paginate(ctx context.Context, p *pager[Message, int], give func([]Message) bool) error {
	for {
		fresh, ended, err := p.next(ctx)
		if err != nil {
			return err
		}
		if !give(fresh) || ended {
			return nil
		}
	}
}

// downwards reads newest first.
func (h *history) downwards(ctx context.Context, first page[Message], limit int, give func([]Message) bool) error {
	p := h.pager("desc", &first)
	if h.q.Since.IsZero() {
		p.max = limit
	}
	lowest, given := 0, 0
	counted := func(items []Message) bool {
		for _, m := range items {
			if given++; lowest == 0 || m.ID < lowest {
				lowest = m.ID
			}
		}
		return give(items)
	}
	if !h.c.deadOffset.Load() {
		err := paginate(ctx, p, counted)
		if !errors.Is(err, errDeadOffset) {
			return err
		}
		h.c.deadOffset.Store(true)
	} else {
		fresh, ended, err := p.next(ctx)
		if err != nil || !counted(fresh) || ended {
			return err
		}
	}
	if lowest == 0 {
		return nil
	}
	return h.below(ctx, first, lowest, given, counted)
}

// below reads what lies under the oldest message known, stretch by stretch.
func (h *history) below(ctx context.Context, first page[Message], lowest, given int, give func([]Message) bool) error {
	newest := lowest
	for _, m := range first.items {
		newest = max(newest, m.ID)
	}
	width := max(64, (newest-lowest)/max(1, len(first.items))*maxPage)
	for lowest > 1 && (first.total == nil || given < *first.total) {
		from := max(1, lowest-width)
		stretch, err := h.stretch(ctx, from, lowest)
		if err != nil {
			return err
		}
		if len(stretch) < maxPage/2 {
			width *= 16
			if width <= 0 || width > lowest {
				width = lowest
			}
		}
		slices.Reverse(stretch)
		given += len(stretch)
		lowest = from
		if !give(stretch) {
			return nil
		}
	}
	return nil
}

// stretch reads the messages with ids from ≤ id < to, oldest first.
func (h *history) stretch(ctx context.Context, from, to int) ([]Message, error) {
	var out []Message
	for {
		g, err := h.fromID(ctx, from, maxPage)
		if err != nil {
			return nil, err
		}
		grew := false
		for _, m := range g.items {
			if m.ID >= to {
				return out, nil
			}
			if m.ID >= from {
				out, from, grew = append(out, m), m.ID+1, true
			}
		}
		if !grew {
			return out, nil
		}
	}
}

// errStartID is the cause where start_id does nothing.
var errStartID = errors.New("start_id is ignored")

// fromID reads a page of the messages with ids from on, in ascending order.
func (h *history) fromID(ctx context.Context, from, limit int) (page[Message], error) {
	g, err := h.fetch(ctx, "asc", url.Values{"start_id": {strconv.Itoa(from)}}, limit, 0)
	if err != nil {
		return g, err
	}
	slices.SortStableFunc(g.items, func(a, b Message) int { return a.ID - b.ID })
	if len(g.items) > 0 && g.items[0].ID < from {
		e := ignored(opMessages, "start_id", fmt.Sprintf("asked from message %d on, got message %d; older messages cannot be read", from, g.items[0].ID))
		e.Err = errStartID
		return g, e
	}
	return g, nil
}

// upwards reads oldest first.
func (h *history) upwards(ctx context.Context, first page[Message], limit int, give func([]Message) bool) error {
	given, from, g, want := 0, 1, first, firstLimit(limit)
	for {
		fresh := make([]Message, 0, len(g.items))
		for _, m := range g.items {
			if m.ID >= from {
				fresh = append(fresh, m)
				from = m.ID + 1
			}
		}
		given += len(fresh)
		if !give(fresh) || len(fresh) == 0 || g.total != nil && !g.full(want) && given >= *first.total {
			return nil
		}
		if limit > 0 {
			want = min(maxPage, limit-given)
		}
		next, err := h.fromID(ctx, from, want)
		if errors.Is(err, errStartID) {
			return h.onwards(ctx, first, limit, given, give)
		}
		if err != nil {
			return err
		}
		g = next
	}
}

// onwards goes on by offset, oldest first, after the given messages.
func (h *history) onwards(ctx context.Context, first page[Message], limit, given int, give func([]Message) bool) error {
	p := h.pager("asc", &first)
	p.max = limit
	return paginate(ctx, p, func(items []Message) bool {
		skip := min(given, len(items))
		given -= skip
		return give(items[skip:])
	})
}
