package chat2desk

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPagesAreFetchedAhead has several calls under way once paging is proven, asks
// for no page twice, and leaves nothing under way when the reader stops.
func TestPagesAreFetchedAhead(t *testing.T) {
	w := &people{ids: upTo(3000)}
	var under, most atomic.Int32
	answer := oneByOne(w.ServeHTTP)
	c := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), under.Add(1)))
		time.Sleep(5 * time.Millisecond)
		answer(rw, r)
		under.Add(-1)
	})
	l, err := c.ListContacts(t.Context(), ContactsQuery{})
	require.NoError(t, err)
	got, err := all(t, l)
	require.NoError(t, err)
	require.Len(t, got, 3000)
	require.Equal(t, len(w.asked), len(slices.Compact(slices.Sorted(slices.Values(w.asked)))), "%s", w.asked)
	require.Len(t, w.asked, 16)
	require.Greater(t, most.Load(), int32(1))

	before, n := c.Calls(), 0
	for _, err := range l.All() {
		require.NoError(t, err)
		if n++; n == 1000 {
			break
		}
	}
	calls := c.Calls() - before
	require.LessOrEqual(t, calls, int64(5+pagesAhead))
	require.Eventually(t, func() bool { return under.Load() == 0 }, time.Minute, time.Millisecond)
	require.Equal(t, calls, c.Calls()-before)
}

// TestASlowServerIsReadFurtherAhead has few pages in memory where they come as fast
// as they are read, and many under way where each takes its time.
func TestASlowServerIsReadFurtherAhead(t *testing.T) {
	for name, tt := range map[string]struct {
		server, reader time.Duration
		whole          bool
		rate           float64
		most           int64
		atMost         time.Duration
	}{
		"slow server":           {50 * time.Millisecond, 0, false, 0, pagesAhead, 6 * 50 * time.Millisecond},
		"slow reader":           {time.Millisecond, 50 * time.Millisecond, false, 0, fewestAhead, time.Minute},
		"all of a far one":      {50 * time.Millisecond, 0, true, 0, 21, 2 * 50 * time.Millisecond},
		"a little way off":      {6 * time.Millisecond, 0, true, 0, pagesAhead, 7 * 6 * time.Millisecond},
		"all, at a rate of 100": {50 * time.Millisecond, 0, true, 100, pagesAhead, 6 * 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const total = 21 * maxPage
				var under, most, calls atomic.Int64
				fetch := func(_ context.Context, limit, offset int) (page[int], error) {
					calls.Add(1)
					most.Store(max(most.Load(), under.Add(1)))
					time.Sleep(tt.server)
					under.Add(-1)
					n := total
					return page[int]{items: cut(upTo(total), offset, limit), total: &n, took: tt.server}, nil
				}
				p := &pager[int, int]{
					op: opContacts, what: "client", fetch: fetch, key: func(id int) int { return id },
					ahead: &ahead[int]{fetch: fetch, whole: tt.whole, rate: tt.rate},
				}
				began, n := time.Now(), 0
				p.stream(t.Context(), func(id int, err error) bool {
					require.NoError(t, err)
					if n++; n%maxPage == 0 {
						time.Sleep(tt.reader)
					}
					require.Equal(t, n, id)
					return true
				})
				require.Equal(t, total, n)
				require.EqualValues(t, 22, calls.Load(), "each page once; they overlap by a row")
				require.Equal(t, tt.most, most.Load())
				require.LessOrEqual(t, time.Since(began), tt.atMost)
			})
		})
	}
}

// TestPagesAreDecodedInTheirOrder: pages that come in any order are decoded in the one in
// which they are wanted. One that could not be read holds nobody up, and none waits once
// nobody reads.
func TestPagesAreDecodedInTheirOrder(t *testing.T) {
	const total = 6 * maxPage
	for name, tt := range map[string]struct {
		broken, stop int // the offset of a page without an answer, and of how many records are read
		decoded      []int
	}{
		"all":         {-1, total, []int{0, 199, 398, 597, 796, 995, 1194}},
		"one is lost": {597, total, []int{0, 796, 995, 1194, 199, 398}}, // nothing is waited for but the page before
		"stopped":     {-1, maxPage, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var decoded []int
				fetch := func(ctx context.Context, limit, offset int) (page[int], error) {
					if err := sleep(ctx, 50*time.Millisecond+time.Duration(total-offset)*time.Microsecond); err != nil {
						return page[int]{}, err
					}
					if offset == tt.broken {
						return page[int]{}, errCutOff
					}
					if !mayDecode(ctx) {
						return page[int]{}, ctx.Err()
					}
					mu.Lock()
					defer mu.Unlock()
					decoded = append(decoded, offset)
					n := total
					return page[int]{items: cut(upTo(total), offset, limit), total: &n, took: 50 * time.Millisecond}, nil
				}
				p := &pager[int, int]{
					op: opContacts, what: "client", fetch: fetch, key: func(id int) int { return id },
					ahead: &ahead[int]{fetch: fetch, whole: true},
				}
				var last error
				p.stream(t.Context(), func(id int, err error) bool {
					if last = err; id == tt.broken {
						time.Sleep(time.Second) // until the others are there
					}
					return id != tt.stop || tt.stop == total
				})
				if tt.broken < 0 {
					require.NoError(t, last)
				} else {
					require.ErrorIs(t, last, errCutOff)
				}
				require.Equal(t, tt.decoded, decoded)
			})
		})
	}
}

// TestAFarServerWithADeadOffset has the pages under way that were asked for on trust,
// and none of them is taken for another.
func TestAFarServerWithADeadOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 500 * maxPage
		var calls atomic.Int64
		fetch := func(ctx context.Context, limit, _ int) (page[int], error) {
			calls.Add(1)
			n := total
			return page[int]{items: upTo(limit), total: &n, took: 50 * time.Millisecond}, sleep(ctx, 50*time.Millisecond)
		}
		p := &pager[int, int]{
			op: opContacts, what: "client", fetch: fetch, key: func(id int) int { return id },
			ahead: &ahead[int]{fetch: fetch, whole: true},
		}
		given, last := 0, error(nil)
		p.stream(t.Context(), func(_ int, err error) bool {
			if last = err; err == nil {
				given++
			}
			return true
		})
		require.ErrorIs(t, last, errDeadOffset)
		require.Equal(t, maxPage, given)
		require.EqualValues(t, 1+farAhead+1, calls.Load())
	})
}

// TestAListThatChangesIsReadInFewCalls: the pages of a list that loses rows between
// each two of them are read without stepping back a page each time, which would never
// come to an end. Pages fetched ahead are calls during which it changes too.
func TestAListThatChangesIsReadInFewCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		deleted, inserted, every int
		most                     int // calls, of which 101 are needed
	}{
		"nothing":              {0, 0, 1, 101},
		"one row a page":       {1, 1, 1, 110},
		"five rows a page":     {5, 5, 1, 125},
		"forty rows a page":    {40, 40, 1, 300},
		"a row each ten pages": {1, 0, 10, 115},
		"only new ones":        {0, 20, 1, 120},
		"many at once, seldom": {60, 0, 25, 160},
		"eighty rows a page":   {80, 0, 1, 250},
	} {
		for side, ahead := range map[string]*ahead[int]{"alone": nil, "ahead": {}, "far ahead": {whole: true}} {
			t.Run(name+", "+side, func(t *testing.T) {
				l := &shrinking{ids: upTo(20_000), next: 20_001, stay: map[int]bool{}, rnd: rand.New(rand.NewPCG(3, 4))}
				l.deleted, l.inserted, l.every = tt.deleted, tt.inserted, tt.every
				for _, id := range l.ids {
					l.stay[id] = true
				}
				p := &pager[int, int]{op: opContacts, what: "client", fetch: l.fetch, key: func(id int) int { return id }, ahead: ahead}
				if ahead != nil {
					ahead.fetch = l.fetch
				}
				seen := map[int]int{}
				p.stream(t.Context(), func(id int, err error) bool {
					require.NoError(t, err)
					seen[id]++
					require.Equal(t, 1, seen[id])
					return true
				})
				for id := range l.stay {
					require.Equal(t, 1, seen[id], "client %d was there throughout", id)
				}
				if ahead == nil {
					require.LessOrEqual(t, l.calls, tt.most)
				}
			})
		}
	}
}

// shrinking is a list that changes after so many pages of it.
type shrinking struct {
	mu                       sync.Mutex
	ids                      []int
	next, read, calls        int
	deleted, inserted, every int
	stay                     map[int]bool
	rnd                      *rand.Rand
}

func (l *shrinking) fetch(_ context.Context, limit, offset int) (page[int], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.ids)
	g := page[int]{items: slices.Clone(cut(l.ids, offset, limit)), total: &n, took: 50 * time.Millisecond}
	l.read = max(l.read, min(offset+limit, n))
	if l.calls++; l.calls%l.every != 0 {
		return g, nil
	}
	for range min(l.deleted, l.read) {
		i := l.rnd.IntN(max(1, l.read))
		l.read--
		delete(l.stay, l.ids[i])
		l.ids = slices.Delete(l.ids, i, i+1)
	}
	for range l.inserted {
		l.ids, l.next = append(l.ids, l.next), l.next+1
	}
	return g, nil
}
