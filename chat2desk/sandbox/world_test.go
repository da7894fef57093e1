package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/stretchr/testify/require"
)

func TestSameSeedSameBytes(t *testing.T) {
	calls := []string{
		"/v1/clients?limit=200", "/v1/clients?limit=50&tags=17&order=desc", "/v1/messages?limit=200", "/v1/dialogs?limit=50",
		"/v1/statistics?report=operator_events&date=2026-07-16&limit=200", "/v1/statistics?report=request_stats&date=2026-07-15", "/v1/operators",
	}
	read := func(seed uint64) string {
		s := testServer(t, func(o *Options) { o.World = Generate(seed, 300, noon) })
		var all strings.Builder
		for _, c := range calls {
			_, body := ask(t, s, http.MethodGet, c, "")
			all.WriteString(body)
		}
		return all.String()
	}
	require.Equal(t, read(7), read(7))
	require.NotEqual(t, read(7), read(8))
}

// TestGeneratedWorld pins a few people, so that a change of the world is seen.
func TestGeneratedWorld(t *testing.T) {
	s := testServer(t, nil)
	var out bytes.Buffer
	for _, call := range []string{"/v1/clients?limit=12", "/v1/clients/70001", "/v1/messages?client_id=70001&limit=4", "/v1/statistics?report=operator_events&date=2026-07-16&limit=5"} {
		_, body := ask(t, s, http.MethodGet, call, "")
		fmt.Fprintf(&out, "> GET %s\n", call)
		require.NoError(t, json.Indent(&out, []byte(body), "", " "))
		out.WriteString("\n\n")
	}
	golden.Equal(t, "testdata/generated.golden", out.String())
}

// TestWorldIsBelievable looks at five thousand people: enough of each sort.
func TestWorldIsBelievable(t *testing.T) {
	w := Generate(1, 0, noon)
	require.Equal(t, DefaultContacts, w.Count())
	count := map[string]int{}
	phones, idsSeen := map[string]bool{}, map[int64]bool{}
	messageIDs := map[int64]bool{}
	for i := range w.Count() {
		c := w.Contact(i)
		require.False(t, idsSeen[c.ID])
		idsSeen[c.ID] = true
		require.True(t, isAddress(c.Phone), c.Phone)
		require.False(t, phones[c.Phone], c.Phone)
		phones[c.Phone] = true
		switch {
		case c.Name == "":
			count["nameless"]++
		case c.Name == "unknown":
			count["unknown"]++
		case strings.ContainsFunc(c.Name, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }):
			count["cyrillic"]++
		default:
			count["latin"]++
		}
		if strings.ContainsFunc(c.Name, func(r rune) bool { return unicode.Is(unicode.So, r) }) {
			count["emoji"]++
		}
		if strings.HasPrefix(c.Phone, "[") {
			count["address"]++
			if c.AssignedPhone != "" {
				count["assigned"]++
			}
		}
		for _, tag := range c.Tags {
			count[fmt.Sprint("tag ", tag)]++
		}
		history := w.History(i)
		if c.LastMessage.IsZero() {
			require.Empty(t, history)
			count["never wrote"]++
			continue
		}
		switch age := noon.Sub(c.LastMessage); {
		case age > 90*24*time.Hour:
			count["over 90 days"]++
		case age > 30*24*time.Hour:
			count["30 to 90 days"]++
		default:
			count["recent"]++
		}
		checkHistory(t, c, history, messageIDs)
		if last := history[len(history)-1]; last.Type == "from_client" {
			count["unanswered"]++
			if !last.Read {
				count["unread"]++
			}
		}
		for _, m := range history {
			if m.Type == "" {
				count["null type"]++
			}
			if text := strings.ToLower(m.Text); strings.Contains(text, "not interested") || strings.Contains(text, "не интересно") || strings.Contains(text, "стоп") {
				count["refusal"]++
			}
		}
	}
	for _, sort := range []string{
		"nameless", "unknown", "cyrillic", "latin", "emoji", "address", "assigned", "tag 5", "tag 18", "never wrote", "over 90 days", "30 to 90 days",
		"unanswered", "unread", "null type", "refusal",
	} {
		require.Greater(t, count[sort], 50, sort)
	}
	require.Greater(t, count["tag 17"], 2000, "a broadcast to tag 17 finds a good part")
	require.Greater(t, count["recent"], 2000)
}

// checkHistory holds a history against its client: oldest first, whole, in the
// past, and with the first and last messages where the client says.
func checkHistory(t *testing.T, c Contact, history []Message, seen map[int64]bool) {
	t.Helper()
	var asked []time.Time
	for i, m := range history {
		require.False(t, seen[m.ID], "message %d stands twice", m.ID)
		seen[m.ID] = true
		require.False(t, m.Created.After(noon), "client %d has a message of the future", c.ID)
		if i > 0 {
			require.Less(t, history[i-1].ID, m.ID)
			require.False(t, m.Created.Before(history[i-1].Created))
		}
		if m.Type == "from_client" {
			asked = append(asked, m.Created)
		}
	}
	require.Equal(t, c.FirstMessage, asked[0])
	require.Equal(t, c.LastMessage, asked[len(asked)-1])
}

func TestEverythingIsFoundByItsID(t *testing.T) {
	s := testServer(t, nil)
	for i := range 300 {
		c := s.state.contactAt(i)
		found := ids(t, get(t, s, "/v1/clients?phone="+strings.ReplaceAll(c.Phone, " ", "%20")))
		require.Equal(t, []int64{c.ID}, found)
		_, ok := s.state.find(c.ID)
		require.True(t, ok)
		for _, m := range s.state.history(c.ID) {
			same, ok := s.state.message(m.ID)
			require.True(t, ok)
			require.Equal(t, m, same)
			own := s.state.request(m.RequestID)
			require.True(t, slices.Contains(own, m))
			d, ok := s.state.dialog(m.DialogID)
			require.True(t, ok)
			require.Equal(t, c.ID, d.ClientID)
		}
	}
	for _, id := range []int64{0, -1, 69999, 70000, 71000, 1 << 60} {
		_, ok := s.state.find(id)
		require.False(t, ok, id)
	}
	for _, phone := range []string{"", "123", "79160000000", "7916000000x", "[tg] 1"} {
		require.Empty(t, s.state.byPhone(phone), phone)
	}
}

func TestEvents(t *testing.T) {
	w := Generate(1, 0, noon)
	kinds, days := map[string]int{}, map[string]int{}
	for _, e := range w.Events {
		require.False(t, e.At.After(noon))
		kinds[e.Kind]++
		days[e.At.In(w.Location()).Format(time.DateOnly)]++
	}
	require.Len(t, days, eventDays)
	for _, kind := range []string{"login", "logout", "busy", "take_chat", "transfer_chat"} {
		require.Greater(t, kinds[kind], 20, kind)
	}
}

func TestHistoriesKeepTheirAge(t *testing.T) {
	day := 24 * time.Hour
	a, b := Generate(1, 100, noon), Generate(1, 100, noon.Add(9*day))
	for i := range 100 {
		x, y := a.Contact(i), b.Contact(i)
		require.Equal(t, x.ID, y.ID)
		require.Equal(t, x.Phone, y.Phone)
		if !x.LastMessage.IsZero() {
			require.Equal(t, 9*day, y.LastMessage.Sub(x.LastMessage))
		}
	}
}

// TestMillionIsFlat: what a world needs at its start does not grow with it.
func TestMillionIsFlat(t *testing.T) {
	start := func(contacts int) float64 {
		return testing.AllocsPerRun(2, func() { New(Options{World: Generate(1, contacts, noon)}) })
	}
	require.InDelta(t, start(1000), start(1_000_000), 20)
	s := New(Options{World: Generate(1, 1_000_000, noon)})
	require.Equal(t, []int64{s.state.idAt(999_999)}, ids(t, get(t, s, "/v1/clients?offset=999999")))
}

func TestWorldWithoutZone(t *testing.T) {
	require.Equal(t, time.UTC, World{Company: Company{Timezone: "Mars/Base"}}.Location())
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		New(Options{World: Generate(1, 0, noon)})
	}
}

func BenchmarkListClients(b *testing.B) {
	s := New(Options{World: Generate(1, 0, noon)})
	c := &call{params: params{"limit": "200", "tags": "17"}}
	for b.Loop() {
		s.listClients(c)
	}
}

func BenchmarkSend(b *testing.B) {
	s := New(Options{World: Generate(1, 0, noon)})
	c := &call{params: params{"client_id": json.Number("70001"), "text": "Hello"}}
	for b.Loop() {
		s.sendMessage(c)
	}
}

func BenchmarkHistory(b *testing.B) {
	s := New(Options{World: Generate(1, 0, noon)})
	c := &call{params: params{"client_id": json.Number("70001")}}
	for b.Loop() {
		s.listMessages(c)
	}
}
