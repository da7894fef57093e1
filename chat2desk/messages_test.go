package chat2desk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chat is one person's history as the API lists it.
type chat struct {
	ids        []int // ascending
	deadOffset bool
	noStartID  bool // start_id is ignored
	noMeta     bool
	client     any // client_id of the rows; nil is the one asked for
	more       map[string]any
	created    func(id int) time.Time
	after      func(call int)
	asked      []string
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (h *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.asked = append(h.asked, r.URL.RawQuery)
	ids := slices.Clone(h.ids)
	if start := number(r, "start_id", 0); start > 0 && !h.noStartID {
		ids = slices.DeleteFunc(ids, func(id int) bool { return id < start })
	}
	if r.URL.Query().Get("order") == "desc" {
		slices.Reverse(ids)
	}
	offset := number(r, "offset", 0)
	if h.deadOffset {
		offset = 0
	}
	var rows []map[string]any
	for _, id := range cut(ids, offset, min(maxPage, number(r, "limit", 20))) {
		at := epoch.Add(time.Duration(id) * time.Minute)
		if h.created != nil {
			at = h.created(id)
		}
		row := map[string]any{"id": id, "created": at.Format("2006-01-02T15:04:05 UTC"), "client_id": number(r, "client_id", 0), "text": fmt.Sprint("m", id)}
		if h.client != nil {
			row["client_id"] = h.client
		}
		for k, v := range h.more {
			row[k] = v
		}
		rows = append(rows, row)
	}
	meta := map[string]any{"total": strconv.Itoa(len(h.ids))}
	if h.noMeta {
		meta = nil
	}
	reply(w, rows, meta)
	if h.after != nil {
		h.after(len(h.asked))
	}
}

func messageIDs(ms []Message) []int {
	out := make([]int, len(ms))
	for i, m := range ms {
		out[i] = m.ID
	}
	return out
}

func reversed(ids []int) []int {
	out := slices.Clone(ids)
	slices.Reverse(out)
	return out
}

// spread are n ids as one person's are: far apart, and unevenly.
func spread(n int) []int {
	out := make([]int, n)
	id := 400_000_000
	for i := range out {
		id += 1 + (i*7919)%5000
		if i%97 == 0 {
			id += 3_000_000
		}
		out[i] = id
	}
	return out
}

func TestListMessages(t *testing.T) {
	long := spread(1000)
	tests := []struct {
		name  string
		world chat
		query MessagesQuery
		want  []int
		calls int // at most
	}{
		{"none", chat{}, MessagesQuery{}, []int{}, 1},
		{"newest first", chat{ids: upTo(5)}, MessagesQuery{}, []int{5, 4, 3, 2, 1}, 1},
		{"oldest first", chat{ids: upTo(5)}, MessagesQuery{Order: "asc"}, upTo(5), 1},
		{"limit", chat{ids: upTo(500)}, MessagesQuery{Limit: 3}, []int{500, 499, 498}, 1},
		{"limit asc", chat{ids: upTo(500)}, MessagesQuery{Limit: 3, Order: "asc"}, []int{1, 2, 3}, 1},
		{"deep", chat{ids: long}, MessagesQuery{}, reversed(long), 7},
		{"deep asc", chat{ids: long}, MessagesQuery{Order: "asc"}, long, 7},
		{"deep limit", chat{ids: long}, MessagesQuery{Limit: 450}, reversed(long)[:450], 3},
		{"deep limit asc", chat{ids: long}, MessagesQuery{Limit: 450, Order: "asc"}, long[:450], 3},
		{"dead offset", chat{ids: long, deadOffset: true}, MessagesQuery{}, reversed(long), 30},
		{"dead offset, no count", chat{ids: long, deadOffset: true, noMeta: true}, MessagesQuery{}, reversed(long), 35},
		{"dead offset, a few more", chat{ids: long[:205], deadOffset: true}, MessagesQuery{}, reversed(long[:205]), 8},
		{"dead offset, limit", chat{ids: long, deadOffset: true}, MessagesQuery{Limit: 450}, reversed(long)[:450], 20},
		{"dead offset asc", chat{ids: long, deadOffset: true}, MessagesQuery{Order: "asc"}, long, 7},
		{"start_id ignored, asc", chat{ids: long, noStartID: true}, MessagesQuery{Order: "asc"}, long, 9},
		{"start_id ignored, asc, limit", chat{ids: long, noStartID: true}, MessagesQuery{Order: "asc", Limit: 333}, long[:333], 5},
		{"exactly a page", chat{ids: upTo(200)}, MessagesQuery{}, reversed(upTo(200)), 2},
		{"no count", chat{ids: upTo(5), noMeta: true}, MessagesQuery{}, []int{5, 4, 3, 2, 1}, 2},
		{"since", chat{ids: upTo(1000)}, MessagesQuery{Since: epoch.Add(900 * time.Minute)}, reversed(upTo(1000)[899:]), 1},
		{"since, oldest first", chat{ids: upTo(1000)}, MessagesQuery{Since: epoch.Add(700 * time.Minute), Order: "asc"}, upTo(1000)[699:], 2},
		{"since, oldest first, limit", chat{ids: upTo(1000)}, MessagesQuery{Since: epoch.Add(700 * time.Minute), Order: "asc", Limit: 2}, []int{700, 701}, 2},
		{"since, limit", chat{ids: upTo(1000)}, MessagesQuery{Since: epoch.Add(700 * time.Minute), Limit: 2}, []int{1000, 999}, 1},
		{"since, dead offset", chat{ids: upTo(1000), deadOffset: true}, MessagesQuery{Since: epoch.Add(500 * time.Minute)}, reversed(upTo(1000)[499:]), 20},
		{"rows that name nobody", chat{ids: upTo(3), client: ""}, MessagesQuery{}, []int{3, 2, 1}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.world
			c := serve(t, w.ServeHTTP)
			tt.query.ContactID = 70001
			l, err := c.ListMessages(t.Context(), tt.query)
			require.NoError(t, err)
			got, err := all(t, l)
			require.NoError(t, err, "%s", w.asked)
			require.Equal(t, tt.want, messageIDs(got))
			require.LessOrEqual(t, len(w.asked), tt.calls, "%s", w.asked)
			if !w.noMeta {
				require.Equal(t, len(w.ids), l.Total)
			}
			n := len(w.asked)
			again, err := all(t, l)
			require.NoError(t, err)
			require.Equal(t, messageIDs(got), messageIDs(again))
			require.Less(t, len(w.asked)-n, max(n, 1), "the first page is kept")
			for range l.All() {
				break
			}
		})
	}
}

func TestListMessagesQuery(t *testing.T) {
	w := chat{ids: upTo(3), more: map[string]any{"type": "from_client", "channel_id": 21, "transport": "sms"}}
	c := serve(t, w.ServeHTTP)
	l, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 7, Limit: 2, Type: "from_client", ChannelID: 21, Transport: "sms"})
	require.NoError(t, err)
	require.Equal(t, 3, l.Total)
	require.Equal(t, []string{"channel_id=21&client_id=7&limit=2&order=desc&transport=sms&type=from_client"}, w.asked)
}

func TestListMessagesWhileTheyArrive(t *testing.T) {
	for _, dead := range []bool{false, true} {
		w := chat{ids: upTo(650), deadOffset: dead}
		w.after = func(call int) {
			for range 3 {
				w.ids = append(w.ids, w.ids[len(w.ids)-1]+1)
			}
		}
		c := serve(t, w.ServeHTTP)
		l, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1})
		require.NoError(t, err)
		got, err := all(t, l)
		require.NoError(t, err)
		ids := messageIDs(got)
		slices.Sort(ids)
		require.Equal(t, len(ids), len(slices.Compact(slices.Clone(ids))), "none twice")
		for _, id := range upTo(650) {
			require.Contains(t, ids, id, "dead offset: %v", dead)
		}
	}
}

func TestDeadOffsetIsRemembered(t *testing.T) {
	w := chat{ids: upTo(450), deadOffset: true}
	c := serve(t, w.ServeHTTP)
	var calls []int
	for range 2 {
		w.asked = nil
		l, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1})
		require.NoError(t, err)
		got, err := all(t, l)
		require.NoError(t, err)
		require.Len(t, got, 450)
		calls = append(calls, len(w.asked))
	}
	require.Less(t, calls[1], calls[0], "the second time nothing is wasted on finding out")
}

func TestListMessagesFilterIgnored(t *testing.T) {
	tests := []struct {
		name  string
		more  map[string]any
		query MessagesQuery
		want  string
	}{
		{"somebody else", map[string]any{"client_id": 9}, MessagesQuery{ContactID: 7}, "message 3 is of client 9, not 7"},
		{"type", map[string]any{"type": "system"}, MessagesQuery{ContactID: 7, Type: "from_client"}, "has type system"},
		{"channel", map[string]any{"channel_id": 4}, MessagesQuery{ContactID: 7, ChannelID: 5}, "of channel 4"},
		{"transport", map[string]any{"transport": "sms"}, MessagesQuery{ContactID: 7, Transport: "viber"}, "has transport sms"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := chat{ids: upTo(3), more: tt.more}
			c := serve(t, w.ServeHTTP)
			_, err := c.ListMessages(t.Context(), tt.query)
			e := problem(t, err)
			require.Equal(t, KindFilterIgnored, e.Kind)
			require.Contains(t, e.Error(), tt.want)
		})
	}
	w := chat{ids: upTo(450), deadOffset: true, noStartID: true}
	c := serve(t, w.ServeHTTP)
	l, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1})
	require.NoError(t, err)
	got, err := all(t, l)
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
	require.Contains(t, err.Error(), "start_id")
	require.Len(t, got, 200)

	l, err = c.ListMessages(t.Context(), MessagesQuery{ContactID: 1, Order: "asc", Since: epoch})
	require.NoError(t, err)
	_, err = all(t, l)
	require.Error(t, err)
}

func TestListMessagesImportedOldDates(t *testing.T) {
	w := chat{ids: upTo(600), created: func(id int) time.Time {
		if id%50 == 1 { // the last row of each page is an import
			return epoch.AddDate(-5, 0, 0)
		}
		return epoch.Add(time.Duration(id) * time.Minute)
	}}
	c := serve(t, w.ServeHTTP)
	l, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1, Since: epoch})
	require.NoError(t, err)
	got, err := all(t, l)
	require.NoError(t, err)
	require.Len(t, got, 600-12)
}

func TestListMessagesRefusesBeforeAnyCall(t *testing.T) {
	c := serve(t, text(200, ""))
	for _, q := range []MessagesQuery{{}, {ContactID: 1, Limit: -1}, {ContactID: 1, Order: "x"}, {ContactID: 1, Type: "inbox"}, {ContactID: 1, ChannelID: -1}} {
		_, err := c.ListMessages(t.Context(), q)
		require.Equal(t, KindInvalid, problem(t, err).Kind)
	}
	require.Zero(t, c.Calls())
}

func TestListMessagesBadRow(t *testing.T) {
	c := serve(t, text(200, `{"data":[{"id":5,"created":"whenever"}]}`))
	_, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1})
	require.EqualError(t, err, `list messages: bad answer: message 5: created is "whenever", not a time (HTTP 200)`)
}

func TestGetMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
		kind   Kind
	}{
		{"failed", 200, `{"data":{"id":7,"created":"2026-07-17T10:48:57 UTC","status":"failed"},"status":"success"}`, "failed", 0},
		{"in a list", 200, `{"data":[{"id":7,"created":"2026-07-17T10:48:57 UTC","status":"sent"}],"status":"success"}`, "sent", 0},
		{"another", 200, `{"data":{"id":8,"created":"2026-07-17T10:48:57 UTC"},"status":"success"}`, "", KindBadAnswer},
		{"none", 200, `{"data":[],"status":"success"}`, "", KindBadAnswer},
		{"unknown", 404, `{"status":"error","message":"message not found"}`, "", KindNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := serve(t, text(tt.status, tt.body)).GetMessage(t.Context(), 7)
			if tt.kind != 0 {
				require.Equal(t, tt.kind, problem(t, err).Kind)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, *m.Status)
		})
	}
	_, err := serve(t, text(200, "")).GetMessage(t.Context(), 0)
	require.Equal(t, KindInvalid, problem(t, err).Kind)
}
