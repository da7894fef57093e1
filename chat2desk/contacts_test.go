package chat2desk

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// people is an account of contacts as the API lists them.
type people struct {
	ids      []int
	clamp    int               // rows a page at most; 0 is 200
	noMeta   bool              // neither total nor limit
	noOffset bool              // offset is ignored
	noRest   bool              // offset gives nothing
	extra    int               // counted but never shown
	honours  string            // the filters honoured
	row      func(int) string  // phone
	tagged   func(id int) bool // has tag 5
	after    func(call int)    // what happens behind a page
	asked    []string          // the queries
	calls    int
}

// oneByOne lets a handler that is no good for several at once answer all.
func oneByOne(h http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		h(w, r)
	}
}

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.calls++
	p.asked = append(p.asked, r.URL.RawQuery)
	if p.row == nil {
		p.row = func(id int) string { return strconv.Itoa(70000000000 + id) }
	}
	one := func(id int) map[string]any {
		return map[string]any{"id": id, "phone": p.row(id), "name": "unknown", "first_client_message": "2026-01-02T10:00:00 UTC"}
	}
	if id, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/v1/clients/")); err == nil {
		row := one(id)
		if p.tagged != nil && p.tagged(id) {
			row["tags"] = []any{map[string]any{"id": 5}}
		}
		reply(w, []map[string]any{row}, nil)
		return
	}
	ids := slices.Clone(p.ids)
	q := r.URL.Query()
	if q.Get("order") == "desc" {
		slices.Reverse(ids)
	}
	if phone := q.Get("phone"); phone != "" && strings.Contains(p.honours, "phone") {
		ids = slices.DeleteFunc(ids, func(id int) bool { return p.row(id) != phone })
	}
	if q.Get("tags") != "" && strings.Contains(p.honours, "tags") {
		ids = slices.DeleteFunc(ids, func(id int) bool { return !p.tagged(id) })
	}
	limit := number(r, "limit", 20)
	if p.clamp == 0 {
		p.clamp = maxPage
	}
	limit = min(limit, p.clamp)
	offset := number(r, "offset", 0)
	if p.noOffset {
		offset = 0
	}
	meta := map[string]any{"total": len(ids) + p.extra, "limit": limit, "offset": offset}
	if p.noMeta {
		meta = nil
	}
	var rows []map[string]any
	if !p.noRest || offset == 0 {
		for _, id := range cut(ids, offset, limit) {
			rows = append(rows, one(id))
		}
	}
	reply(w, rows, meta)
	if p.after != nil {
		p.after(p.calls)
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

func idsOf(contacts []Contact) []int {
	out := make([]int, len(contacts))
	for i, c := range contacts {
		out[i] = c.ID
	}
	return out
}

func TestListContactsPages(t *testing.T) {
	tests := []struct {
		name  string
		world people
		query ContactsQuery
		want  []int
		calls int
	}{
		{"none", people{}, ContactsQuery{}, []int{}, 1},
		{"one page", people{ids: upTo(7)}, ContactsQuery{}, upTo(7), 1},
		{"exactly a page", people{ids: upTo(200)}, ContactsQuery{}, upTo(200), 2},
		{"pages", people{ids: upTo(500)}, ContactsQuery{}, upTo(500), 3},
		{"clamped", people{ids: upTo(30), clamp: 7}, ContactsQuery{}, upTo(30), 5},
		{"clamped to one", people{ids: upTo(4), clamp: 1}, ContactsQuery{}, upTo(4), 5},
		{"no meta", people{ids: upTo(250), noMeta: true}, ContactsQuery{}, upTo(250), 3},
		{"no meta, clamped", people{ids: upTo(25), clamp: 10, noMeta: true}, ContactsQuery{}, upTo(25), 4},
		{"limit", people{ids: upTo(500)}, ContactsQuery{Limit: 3}, upTo(3), 1},
		{"limit over pages", people{ids: upTo(500)}, ContactsQuery{Limit: 250}, upTo(250), 2},
		{"limit above all", people{ids: upTo(5)}, ContactsQuery{Limit: 250}, upTo(5), 1},
		{"offset", people{ids: upTo(500)}, ContactsQuery{Offset: 490}, upTo(500)[490:], 1},
		{"offset and limit", people{ids: upTo(500)}, ContactsQuery{Offset: 10, Limit: 300}, upTo(310)[10:], 2},
		{"offset past the end", people{ids: upTo(5)}, ContactsQuery{Offset: 50}, []int{}, 1},
		{"count a little too high", people{ids: upTo(450), extra: 3}, ContactsQuery{}, upTo(450), 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.world
			c := serve(t, oneByOne(w.ServeHTTP))
			l, err := c.ListContacts(t.Context(), tt.query)
			require.NoError(t, err)
			got, err := all(t, l)
			require.NoError(t, err)
			require.Equal(t, tt.want, idsOf(got))
			require.Equal(t, tt.calls, w.calls, "%s", w.asked)
			require.Equal(t, !w.noMeta, l.TotalKnown)
			if !w.noMeta {
				require.Equal(t, len(w.ids)+w.extra, l.Total)
			}
			again, err := all(t, l)
			require.NoError(t, err)
			require.Equal(t, got, again, "it may be ranged over again")
			for range l.All() {
				break
			}
		})
	}
}

func TestListContactsAsksNoMoreThanNeeded(t *testing.T) {
	w := people{ids: upTo(500)}
	c := serve(t, oneByOne(w.ServeHTTP))
	l, err := c.ListContacts(t.Context(), ContactsQuery{Limit: 210, Offset: 4, Order: "asc"})
	require.NoError(t, err)
	got, err := all(t, l)
	require.NoError(t, err)
	require.Len(t, got, 210)
	require.Equal(t, []string{"limit=200&offset=4&order=asc", "limit=11&offset=203&order=asc"}, w.asked)
	require.Nil(t, got[0].Name)
}

func TestListContactsDeadOffset(t *testing.T) {
	tests := map[string]people{
		"the first page again":        {ids: upTo(500), noOffset: true},
		"no count, first page again":  {ids: upTo(500), noOffset: true, noMeta: true},
		"nothing after the first":     {ids: upTo(23), clamp: 15, noRest: true},
		"counted and never shown":     {ids: upTo(3), extra: 20},
		"nothing shown":               {extra: 20},
		"a little more than one page": {ids: upTo(201), noOffset: true},
	}
	for name, w := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, oneByOne(w.ServeHTTP))
			l, err := c.ListContacts(t.Context(), ContactsQuery{})
			require.NoError(t, err)
			got, err := all(t, l)
			e := problem(t, err)
			require.Equal(t, KindBadAnswer, e.Kind)
			require.Contains(t, e.Error(), "offset")
			require.False(t, e.Temporary())
			require.LessOrEqual(t, len(got), 200)
			require.LessOrEqual(t, w.calls, 4)
		})
	}
	w := people{ids: upTo(15), noOffset: true, noMeta: true}
	c := serve(t, oneByOne(w.ServeHTTP))
	l, err := c.ListContacts(t.Context(), ContactsQuery{})
	require.NoError(t, err)
	got, err := all(t, l)
	require.NoError(t, err, "a short list without a count is whole")
	require.Len(t, got, 15)
}

// TestListContactsWhileTheyChange is the promise of paging: whoever was there
// throughout is given exactly once, whatever comes and goes between two pages.
func TestListContactsWhileTheyChange(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := &people{ids: upTo(100 + rnd.IntN(300)), clamp: 20 + rnd.IntN(30)}
		desc := seed%2 == 0
		stay, fresh := map[int]bool{}, 1000
		for _, id := range w.ids {
			stay[id] = true
		}
		w.after = func(int) {
			for range rnd.IntN(30) {
				if i := rnd.IntN(len(w.ids)); len(w.ids) > 5 && rnd.IntN(5) > 0 {
					delete(stay, w.ids[i])
					w.ids = slices.Delete(w.ids, i, i+1)
				}
			}
			for range rnd.IntN(12) {
				fresh++
				w.ids = append(w.ids, fresh)
			}
			if len(w.ids) < 10 || w.calls > 30 {
				w.after = nil
			}
		}
		q := ContactsQuery{Order: "asc"}
		if desc {
			q.Order = "desc"
		}
		var mu sync.Mutex // also holds back a call that was given up
		c := serve(t, func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			w.ServeHTTP(rw, r)
		})
		l, err := c.ListContacts(t.Context(), q)
		require.NoError(t, err)
		got, err := all(t, l)
		mu.Lock()
		require.NoError(t, err, "seed %d: %s", seed, w.asked)
		times := map[int]int{}
		for _, x := range got {
			times[x.ID]++
			require.Equal(t, 1, times[x.ID], "seed %d: client %d twice", seed, x.ID)
		}
		for id := range stay {
			require.Equal(t, 1, times[id], "seed %d: client %d was there throughout (%s)", seed, id, w.asked)
		}
		mu.Unlock()
	}
}

func TestListContactsFailsLater(t *testing.T) {
	w := people{ids: upTo(500)}
	c := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if w.calls == 1 {
			rw.WriteHeader(500)
			return
		}
		w.ServeHTTP(rw, r)
	})
	l, err := c.ListContacts(t.Context(), ContactsQuery{})
	require.NoError(t, err)
	got, err := all(t, l)
	require.Equal(t, KindServer, problem(t, err).Kind)
	require.Len(t, got, 200)
}

func TestListContactsRefusesBeforeAnyCall(t *testing.T) {
	c := serve(t, text(200, ""))
	for _, q := range []ContactsQuery{{Limit: -1}, {Offset: -1}, {Order: "newest"}, {Phone: "call me"}, {Tags: []int{0}}} {
		_, err := c.ListContacts(t.Context(), q)
		require.Equal(t, KindInvalid, problem(t, err).Kind)
	}
	_, err := c.FindContacts(t.Context(), "nobody")
	require.Equal(t, KindInvalid, problem(t, err).Kind)
	_, err = c.GetContact(t.Context(), 0)
	require.Equal(t, KindInvalid, problem(t, err).Kind)
	require.Zero(t, c.Calls())
}

func TestFilterHonesty(t *testing.T) {
	every := func(n int) func(int) bool { return func(id int) bool { return id%n == 0 } }
	may := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		world   people
		query   ContactsQuery
		want    int // rows, -1 for an ignored filter
		calls   int
		message string
	}{
		{"phone honoured", people{ids: upTo(50), honours: "phone"}, ContactsQuery{Phone: "+7 000 000-00-07"}, 1, 1, ""},
		{"phone unknown", people{ids: upTo(50), honours: "phone"}, ContactsQuery{Phone: "123"}, 0, 1, ""},
		{"phone ignored", people{ids: upTo(50)}, ContactsQuery{Phone: "70000000007"}, -1, 1, "client 1 has another number"},
		{"tags honoured", people{ids: upTo(500), honours: "tags", tagged: every(2)}, ContactsQuery{Tags: []int{5, 6}}, 250, 3, ""},
		{"tags ignored", people{ids: upTo(500), tagged: every(2)}, ContactsQuery{Tags: []int{5}}, -1, 2, "did not honour tags"},
		{"tags of nobody", people{ids: upTo(500), honours: "tags", tagged: every(1000)}, ContactsQuery{Tags: []int{5}}, 0, 1, ""},
		{"few, all tagged", people{ids: upTo(4), honours: "tags", tagged: every(1)}, ContactsQuery{Tags: []int{5}}, 4, 6, ""},
		{"few, tags ignored", people{ids: upTo(4), tagged: func(id int) bool { return id < 3 }}, ContactsQuery{Tags: []int{5}}, -1, 5, "client 3 has none"},
		{"many, all tagged", people{ids: upTo(40), honours: "tags", tagged: every(1)}, ContactsQuery{Tags: []int{5}}, -1, 2, "as many clients"},
		{"all but one tagged", people{ids: upTo(40), honours: "tags", tagged: func(id int) bool { return id > 1 }}, ContactsQuery{Tags: []int{5}}, 39, 7, ""},
		{"no count, honoured", people{ids: upTo(40), noMeta: true, honours: "tags", tagged: every(10)}, ContactsQuery{Tags: []int{5}}, 4, 6, ""},
		{"no count, ignored", people{ids: upTo(9), noMeta: true, tagged: every(10)}, ContactsQuery{Tags: []int{5}}, -1, 2, "client 1"},
		{"created after, ignored", people{ids: upTo(40)}, ContactsQuery{CreatedAfter: may}, -1, 1, "wrote before that day"},
		{"created after, all of many", people{ids: upTo(40)}, ContactsQuery{CreatedAfter: last}, -1, 2, "as many clients"},
		{"created after, all of few", people{ids: upTo(4)}, ContactsQuery{CreatedAfter: last}, 4, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.world
			c := serve(t, oneByOne(w.ServeHTTP))
			l, err := c.ListContacts(t.Context(), tt.query)
			var got []Contact
			if err == nil {
				got, err = all(t, l)
			}
			require.Equal(t, tt.calls, w.calls, "%s", w.asked)
			if tt.want < 0 {
				e := problem(t, err)
				require.Equal(t, KindFilterIgnored, e.Kind)
				require.Contains(t, e.Error(), tt.message)
				return
			}
			require.NoError(t, err)
			require.Len(t, got, tt.want)
		})
	}
}

// TestIgnoredTagsInABusyAccount: with people coming and going the two counts are
// never quite equal, and still nobody may be taken in.
func TestIgnoredTagsInABusyAccount(t *testing.T) {
	w := people{ids: upTo(500), tagged: func(int) bool { return false }}
	w.after = func(call int) {
		if call == 1 {
			w.ids = append(w.ids, 501, 502)
		}
	}
	c := serve(t, oneByOne(w.ServeHTTP))
	_, err := c.ListContacts(t.Context(), ContactsQuery{Tags: []int{5}})
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
}

func TestFindContacts(t *testing.T) {
	phones := map[int]string{1: "77010000000", 2: "[tg] 77010000000", 3: "5215512345678", 4: "77010000000", 5: "525599999999"}
	world := func() *people {
		return &people{ids: upTo(5), honours: "phone", row: func(id int) string { return phones[id] }}
	}
	tests := []struct {
		phone string
		want  []int
		calls int
	}{
		{"+7 701 000-00-00", []int{1, 4}, 1},
		{"[tg] 77010000000", []int{2}, 1},
		{"52 55 1234 5678", []int{3}, 2},
		{"521 55 9999 9999", []int{5}, 2},
		{"99", []int{}, 1},
	}
	for _, tt := range tests {
		w := world()
		c := serve(t, oneByOne(w.ServeHTTP))
		got, err := c.FindContacts(t.Context(), tt.phone)
		require.NoError(t, err)
		require.Equal(t, tt.want, idsOf(got), tt.phone)
		require.Equal(t, tt.calls, w.calls, tt.phone)
	}
	// The filter is ignored: a short list holds the answer all the same, a long one does not.
	w := world()
	w.honours = ""
	c := serve(t, oneByOne(w.ServeHTTP))
	got, err := c.FindContacts(t.Context(), "77010000000")
	require.NoError(t, err)
	require.Equal(t, []int{1, 4}, idsOf(got))
	got, err = c.FindContacts(t.Context(), "99")
	require.NoError(t, err)
	require.Empty(t, got)
	w.ids = upTo(500)
	_, err = c.FindContacts(t.Context(), "77010000000")
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
}

func TestGetContact(t *testing.T) {
	w := people{tagged: func(int) bool { return true }}
	c := serve(t, oneByOne(w.ServeHTTP))
	got, err := c.GetContact(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, 5, got.Tags[0].ID)

	for body, kind := range map[string]Kind{
		`{"data":{"id":8},"status":"success"}`:                 KindBadAnswer,
		`{"data":[],"status":"success"}`:                       KindBadAnswer,
		`{"data":{"id":7,"tags":[{}]},"status":"success"}`:     KindBadAnswer,
		`{"status":"success"}`:                                 KindBadAnswer,
		`{"status":"error","message":"client not found"}`:      KindNotFound,
		`{"status":"error","message":"You need to auth"}`:      KindToken,
		`{"status":"error","message":"Too many requests now"}`: KindRateLimited,
	} {
		c := serve(t, text(200, body), WithRetry(1, 0))
		_, err := c.GetContact(t.Context(), 7)
		require.Equal(t, kind, problem(t, err).Kind, body)
	}
}

func ExampleListing_All() {
	l := Listing[int]{stream: func(yield func(int, error) bool) { _ = yield(1, nil) && yield(2, nil) }}
	for n, err := range l.All() {
		fmt.Println(n, err)
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
}

// TestListContactsReadsTheFieldsAsked leaves the rest empty, and still sees
// through filters that were ignored.
func TestListContactsReadsTheFieldsAsked(t *testing.T) {
	w := &people{ids: []int{1, 2, 3}, row: func(id int) string { return strconv.Itoa(79160000000 + id) }}
	c := serve(t, oneByOne(w.ServeHTTP))
	list, err := c.ListContacts(t.Context(), ContactsQuery{Fields: []string{"phone"}})
	require.NoError(t, err)
	n := 0
	for x, err := range list.All() {
		require.NoError(t, err)
		n++
		require.Equal(t, Contact{ID: n, Phone: w.row(n)}, x)
	}
	require.Equal(t, 3, n)
	_, err = c.ListContacts(t.Context(), ContactsQuery{Fields: []string{}, Phone: "79160000002"})
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
	_, err = c.ListContacts(t.Context(), ContactsQuery{Fields: []string{"name"}, CreatedAfter: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
}
