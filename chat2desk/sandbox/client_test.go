package sandbox_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// connect serves a world over loopback and gives the real client of it.
func connect(t *testing.T, o sandbox.Options) (*sandbox.Server, *chat2desk.Client) {
	t.Helper()
	o.Token = "secret"
	s := sandbox.New(o)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.Close)
	c, err := chat2desk.New("secret", chat2desk.WithBaseURL(web.URL), chat2desk.WithRetry(8, time.Millisecond))
	require.NoError(t, err)
	return s, c
}

func collect[T any](t *testing.T, l *chat2desk.Listing[T], err error) []T {
	t.Helper()
	require.NoError(t, err)
	var all []T
	for v, err := range l.All() {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

// TestClientReadsTheWorld: the client and the fake, made apart from the same
// facts, understand each other.
func TestClientReadsTheWorld(t *testing.T) {
	w := sandbox.Generate(5, 700, time.Now().UTC())
	_, c := connect(t, sandbox.Options{World: w, DeadOffset: true})
	ctx := t.Context()

	company, err := c.Company(ctx)
	require.NoError(t, err)
	require.Equal(t, "4711", company.ID)

	l, err := c.ListContacts(ctx, chat2desk.ContactsQuery{})
	people := collect(t, l, err)
	require.Len(t, people, 700)
	require.Equal(t, 700, l.Total)
	tagged := 0
	for i := range w.Count() {
		if slices.Contains(w.Contact(i).Tags, 17) {
			tagged++
		}
	}
	l, err = c.ListContacts(ctx, chat2desk.ContactsQuery{Tags: []int{17}})
	require.Len(t, collect(t, l, err), tagged)

	for i := range 40 {
		want := w.Contact(i)
		m, err := c.ListMessages(ctx, chat2desk.MessagesQuery{ContactID: int(want.ID)})
		history := w.History(i)
		require.Len(t, collect(t, m, err), len(history))
		if want.Phone[0] != '[' {
			found, err := c.FindContacts(ctx, want.Phone)
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.EqualValues(t, want.ID, found[0].ID)
		}
	}

	moves := 0
	from := w.Now.AddDate(0, 0, -3)
	for _, e := range w.Events {
		if e.Kind == "transfer_chat" && e.At.In(w.Location()).Format(time.DateOnly) >= from.In(w.Location()).Format(time.DateOnly) {
			moves++
		}
	}
	tr, err := c.ListTransfers(ctx, chat2desk.TransfersQuery{From: from, To: w.Now, Zone: w.Location()})
	require.Len(t, collect(t, tr, err), moves)
}

// TestClientWalksADeadOffset reads a history of more than two pages.
func TestClientWalksADeadOffset(t *testing.T) {
	var messages []any
	for i := range 650 {
		messages = append(messages, map[string]any{"text": fmt.Sprint("message ", i), "created": fmt.Sprintf("%dm ago", 1000-i)})
	}
	w, err := sandbox.FromSeed(map[string]any{"clients": []any{map[string]any{"id": 1, "messages": messages}}})
	require.NoError(t, err)
	for _, dead := range []bool{false, true} {
		_, c := connect(t, sandbox.Options{World: w, DeadOffset: dead})
		m, err := c.ListMessages(t.Context(), chat2desk.MessagesQuery{ContactID: 1})
		all := collect(t, m, err)
		require.Len(t, all, 650)
		require.True(t, slices.IsSortedFunc(all, func(a, b chat2desk.Message) int { return b.ID - a.ID }), "newest first")
	}
}

// TestClientMissesNobody lists while people are deleted and come in.
func TestClientMissesNobody(t *testing.T) {
	s, c := connect(t, sandbox.Options{World: sandbox.Generate(2, 1000, time.Now().UTC()), Churn: sandbox.Churn{Delete: 7, Insert: 1, Pages: 12}})
	l, err := c.ListContacts(t.Context(), chat2desk.ContactsQuery{})
	seen := map[int64]int{}
	for _, k := range collect(t, l, err) {
		seen[int64(k.ID)]++
	}
	for _, id := range s.PresentThroughout() {
		require.Equal(t, 1, seen[id], id)
	}
}

// TestClientKnowsWhatItKnows sends through every fault: what the client calls
// sent was accepted, what it calls not sent was not.
func TestClientKnowsWhatItKnows(t *testing.T) {
	faults, err := sandbox.ParseFaults("200-error:8%,500-before:8%,500-after:8%,reset-before:8%,reset-after:8%,html:8%,html-after:8%,truncate:8%,late:8%")
	require.NoError(t, err)
	faults.Seed, faults.LateBy = 4, time.Millisecond
	w := sandbox.Generate(3, 300, time.Now().UTC())
	s, c := connect(t, sandbox.Options{World: w, Faults: faults})
	said := map[int64]chat2desk.Delivery{}
	sent := map[int64]bool{}
	for i := range 300 {
		id := w.Contact(i).ID
		_, err := c.SendMessage(t.Context(), chat2desk.Outgoing{ContactID: int(id), Text: "Hello"})
		if err == nil {
			sent[id] = true
			continue
		}
		var e *chat2desk.Error
		require.True(t, errors.As(err, &e), "%v", err)
		said[id] = e.Delivery
	}
	s.Close()
	accepted := map[int64]int{}
	for _, a := range s.Accepted() {
		accepted[a.ClientID]++
	}
	unknown := 0
	for i := range 300 {
		id := w.Contact(i).ID
		switch {
		case sent[id]:
			require.Equal(t, 1, accepted[id])
		case said[id] == chat2desk.DeliveryUnknown:
			require.LessOrEqual(t, accepted[id], 1)
			unknown++
		default:
			require.Zero(t, accepted[id], "the client is sure that %d got nothing", id)
		}
	}
	require.Positive(t, unknown)
	require.Greater(t, len(sent), 30)
}
