package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ids gives the ids of a listing's rows.
func ids(t *testing.T, listing map[string]any) []int64 {
	t.Helper()
	var out []int64
	for _, row := range listing["data"].([]any) {
		out = append(out, int64(row.(map[string]any)["id"].(float64)))
	}
	return out
}

func total(listing map[string]any) float64 {
	return listing["meta"].(map[string]any)["total"].(float64)
}

func TestUnknownParametersAreIgnored(t *testing.T) {
	s := testServer(t, nil)
	everybody := get(t, s, "/v1/clients?limit=5")
	for _, filter := range []string{"search=Anna", "name=Anna", "query=x", "tag=17", "tags=", "tags=vip", "transport=sms", "phone="} {
		require.Equal(t, everybody, get(t, s, "/v1/clients?limit=5&"+filter), filter)
	}
	id := s.state.idAt(0)
	require.Equal(t, get(t, s, fmt.Sprintf("/v1/messages?client_id=%d", id)), get(t, s, fmt.Sprintf("/v1/messages?client_id=%d&request_id=7", id)))
	require.Equal(t, get(t, s, "/v1/dialogs"), get(t, s, "/v1/dialogs?client_id=70001"))
}

func TestPages(t *testing.T) {
	s := testServer(t, nil)
	require.Len(t, ids(t, get(t, s, "/v1/clients")), 20, "the default")
	clamped := get(t, s, "/v1/clients?limit=1000")
	require.Len(t, ids(t, clamped), 200)
	require.EqualValues(t, 200, clamped["meta"].(map[string]any)["limit"])
	require.EqualValues(t, 300, total(clamped))
	rest := ids(t, get(t, s, "/v1/clients?limit=200&offset=200"))
	require.Len(t, rest, 100)
	all := append(ids(t, clamped), rest...)
	require.True(t, slices.IsSorted(all))
	require.Empty(t, ids(t, get(t, s, "/v1/clients?offset=300")))
	down := ids(t, get(t, s, "/v1/clients?limit=200&order=desc"))
	require.Equal(t, all[299], down[0])
	require.Len(t, ids(t, get(t, s, "/v1/clients?limit=0&offset=-3")), 20)
	require.Len(t, ids(t, get(t, s, "/v1/clients?limit=many")), 20)
}

func TestTagsAndCreatedAfter(t *testing.T) {
	s := testServer(t, nil)
	tagged := get(t, s, "/v1/clients?limit=200&tags=17,5")
	require.Greater(t, total(tagged), 100.0)
	for _, id := range ids(t, tagged) {
		c, ok := s.state.contact(id)
		require.True(t, ok)
		require.True(t, slices.Contains(c.Tags, 17) || slices.Contains(c.Tags, 5), id)
	}
	require.Zero(t, total(get(t, s, "/v1/clients?tags=999")))
	for _, format := range []string{"01-06-2026", "2026-06-01", "2026-05-31T21:00:00Z", "1780261200", "2026-06-01%2000:00:00", "2026-05-31T21:00:00%20UTC"} {
		recent := get(t, s, "/v1/clients?limit=200&created_after="+format)
		require.Equal(t, total(get(t, s, "/v1/clients?limit=200&created_after=2026-06-01")), total(recent), format)
		for _, id := range ids(t, recent) {
			c, _ := s.state.contact(id)
			require.True(t, c.Created.After(time.Date(2026, 5, 31, 21, 0, 0, 0, time.UTC)))
		}
	}
}

func TestListsLeaveTagsAndChannelsOut(t *testing.T) {
	s := testServer(t, nil)
	row := get(t, s, "/v1/clients?limit=1")["data"].([]any)[0].(map[string]any)
	require.NotContains(t, row, "tags")
	require.NotContains(t, row, "channels")
	one := get(t, s, fmt.Sprintf("/v1/clients/%.0f", row["id"]))["data"].(map[string]any)
	require.Contains(t, one, "tags")
	require.Contains(t, one, "channels")
}

// longHistory is a world of one person with n messages, a minute apart.
func longHistory(t *testing.T, n int) World {
	t.Helper()
	var messages items
	for i := range n {
		messages = append(messages, object{"text": fmt.Sprint("message ", i), "created": fmt.Sprintf("%dm ago", n-i)})
	}
	w, err := FromSeed(object{"now": "2026-07-17T09:30:00Z", "clients": items{object{"id": 1, "messages": messages}}})
	require.NoError(t, err)
	return w
}

func TestDeadOffset(t *testing.T) {
	s := New(Options{World: longHistory(t, 450), DeadOffset: true})
	first := ids(t, get(t, s, "/v1/messages?client_id=1&limit=200"))
	second := get(t, s, "/v1/messages?client_id=1&limit=200&offset=200")
	require.Equal(t, first, ids(t, second), "the same page again")
	require.EqualValues(t, 200, second["meta"].(map[string]any)["offset"], "which the meta does not admit")
	next := ids(t, get(t, s, fmt.Sprintf("/v1/messages?client_id=1&limit=200&start_id=%d", first[199]+1)))
	require.Equal(t, first[199]+1, next[0])
	require.Len(t, ids(t, get(t, s, "/v1/messages?limit=200&offset=400")), 200, "for everybody's messages too")
	require.Empty(t, ids(t, get(t, s, "/v1/channels?offset=2")))

	sound := New(Options{World: longHistory(t, 450)})
	require.Len(t, ids(t, get(t, sound, "/v1/messages?client_id=1&limit=200&offset=400")), 50)
}

func TestStartIDAndDirection(t *testing.T) {
	s := New(Options{World: longHistory(t, 30)})
	require.Equal(t, []int64{500011, 500012}, ids(t, get(t, s, "/v1/messages?client_id=1&start_id=500011&limit=2")))
	require.Equal(t, []int64{500011, 500010}, ids(t, get(t, s, "/v1/messages?client_id=1&start_id=500011&limit=2&direction_reverse=true")))
	require.Equal(t, []int64{500030, 500029}, ids(t, get(t, s, "/v1/messages?client_id=1&order=desc&limit=2&start_id=500011")))
}

func TestMessageFilters(t *testing.T) {
	s := testServer(t, nil)
	everything := total(get(t, s, "/v1/messages"))
	require.Greater(t, everything, 1000.0)
	for filter, holds := range map[string]func(m map[string]any) bool{
		"type=from_client":    func(m map[string]any) bool { return m["type"] == "from_client" },
		"transport=telegram":  func(m map[string]any) bool { return m["transport"] == "telegram" },
		"channel_id=25":       func(m map[string]any) bool { return m["channel_id"] == 25.0 },
		"operator_id=303":     func(m map[string]any) bool { return m["operator_id"] == 303.0 },
		"dialog_id=40002":     func(m map[string]any) bool { return m["dialog_id"] == 40002.0 },
		"read=0":              func(m map[string]any) bool { return m["read"] == 0.0 },
		"read=1":              func(m map[string]any) bool { return m["read"] == 1.0 },
		"start_id=3600000000": func(m map[string]any) bool { return m["id"].(float64) >= 3600000000 },
		"start_date=10-07-2026&finish_date=11-07-2026": func(m map[string]any) bool {
			return m["created"].(string) >= "2026-07-09T21:00:00 UTC" && m["created"].(string) < "2026-07-10T21:00:00 UTC"
		},
	} {
		listing := get(t, s, "/v1/messages?limit=200&"+filter)
		require.Positive(t, total(listing), filter)
		require.Less(t, total(listing), everything, filter)
		require.True(t, slices.IsSorted(ids(t, listing)), filter)
		for _, m := range listing["data"].([]any) {
			require.True(t, holds(m.(map[string]any)), "%s: %v", filter, m)
		}
	}
	require.Empty(t, ids(t, get(t, s, "/v1/messages?client_id=anna")))
}

func TestEverybodysMessagesFollowSends(t *testing.T) {
	s := testServer(t, nil)
	before := total(get(t, s, "/v1/messages?order=desc&limit=1"))
	code, _ := ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":70001,"text":"new"}`)
	require.Equal(t, 200, code)
	after := get(t, s, "/v1/messages?order=desc&limit=1")
	require.Equal(t, before+1, total(after))
	require.Equal(t, "new", after["data"].([]any)[0].(map[string]any)["text"])
}

func TestParametersComeInEveryForm(t *testing.T) {
	s := New(Options{World: smallWorld(t)})
	send := func(target, contentType, body string) int {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, 200, send("/v1/messages", "application/json", `{"client_id":11,"text":"json"}`))
	require.Equal(t, 200, send("/v1/messages", "application/x-www-form-urlencoded", "client_id=11&text=form"))
	require.Equal(t, 200, send("/v1/messages/?client_id=11&text=query", "", ""))
	require.Equal(t, 200, send("/v1/tags/assign_to", "application/x-www-form-urlencoded", "tag_ids[]=17&tag_ids[]=9&assignee_type=client&assignee_id=12"))
	require.Equal(t, 400, send("/v1/messages", "application/json", "client_id=11&text=form"))
	require.Equal(t, 400, send("/v1/messages", "text/plain", "%zz"))
	require.Equal(t, 400, send("/v1/messages", "application/json", `{"client_id":11,"text":"`+strings.Repeat("x", maxBody)+`"}`))
	var texts []string
	for _, a := range s.Accepted() {
		texts = append(texts, a.Text)
	}
	require.Equal(t, []string{"json", "form", "query"}, texts)
	c, _ := s.state.contact(12)
	require.Equal(t, []int64{17, 9}, c.Tags)
}

func TestRoutesOfASend(t *testing.T) {
	for name, tc := range map[string]struct {
		strict         bool
		body           string
		channel        int64
		transport, bad string
	}{
		"the last used":          {false, `"client_id":1001`, 24, "wa_gupshup", ""},
		"a second channel":       {true, `"client_id":1001,"channel_id":25`, 25, "sms", ""},
		"by transport":           {true, `"client_id":1001,"transport":"sms"`, 25, "sms", ""},
		"another channel":        {false, `"client_id":1001,"channel_id":21`, 21, "wa_dialog", ""},
		"another transport":      {false, `"client_id":1001,"transport":"viber"`, 24, "viber", ""},
		"strict about channel":   {true, `"client_id":1001,"channel_id":21`, 0, "", "channel_id"},
		"strict about transport": {true, `"client_id":1001,"transport":"viber"`, 0, "", "transport"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{World: smallWorld(t), StrictTransport: tc.strict})
			code, body := ask(t, s, http.MethodPost, "/v1/messages", `{`+tc.body+`,"text":"x"}`)
			if tc.bad != "" {
				require.Equal(t, 400, code)
				require.Contains(t, body, `"errors":{"`+tc.bad+`"`)
				require.Empty(t, s.Accepted())
				return
			}
			require.Equal(t, 200, code, body)
			got := s.Accepted()[0]
			require.Equal(t, tc.channel, got.ChannelID)
			require.Equal(t, tc.transport, got.Transport)
		})
	}
}

func TestClientWithoutChannel(t *testing.T) {
	s := New(Options{World: World{Contacts: []Contact{{ID: 1}, {ID: 2, Channels: []ContactChannel{{ID: 3}}}}, Channels: []Channel{{ID: 3}}}})
	code, body := ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1,"text":"x"}`)
	require.Equal(t, 400, code)
	require.Contains(t, body, "client has no channel")
	code, _ = ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":2,"text":"x"}`)
	require.Equal(t, 200, code, "a channel without transports is odd but no crash")
	code, _ = ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1,"text":"x","channel_id":3}`)
	require.Equal(t, 200, code)
}

func TestSendOpensTheDialog(t *testing.T) {
	s := New(Options{World: smallWorld(t)})
	state := func() any {
		return get(t, s, "/v1/clients/1001/dialogs")["data"].([]any)[0].(map[string]any)["state"]
	}
	require.Equal(t, "closed", state())
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1001,"text":"x","open_dialog":false}`)
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1001,"text":"x","type":"comment"}`)
	require.Equal(t, "closed", state())
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1001,"text":"x"}`)
	require.Equal(t, "open", state())
	_, body := ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":1001,"text":"x","channel_id":25}`)
	require.Contains(t, body, `"dialog_id":30004`, "a new one in another channel")
}

func TestTransferShowsInEvents(t *testing.T) {
	s := New(Options{World: smallWorld(t), Clock: func() time.Time { return noon }})
	require.Len(t, get(t, s, "/v1/statistics?report=operator_events&date=2026-07-17")["data"], 3)
	get(t, s, "/v1/messages/500005/transfer?operator_id=302")
	rows := get(t, s, "/v1/statistics?report=operator_events&date=2026-07-17")["data"].([]any)
	require.Len(t, rows, 5)
	require.Equal(t, "take_chat", rows[0].(map[string]any)["event"])
	require.Equal(t, "transfer_chat", rows[1].(map[string]any)["event"])
}

func TestWriteFirst(t *testing.T) {
	w := smallWorld(t)
	w.Company.WriteFirst = false
	code, body := ask(t, New(Options{World: w}), http.MethodPost, "/v1/clients", `{"phone":"79165550000"}`)
	require.Equal(t, 400, code)
	require.Contains(t, body, "Write first")
}

func TestCallsAreCountedAndLimited(t *testing.T) {
	w := smallWorld(t)
	w.Company.MonthlyQuota = 102
	s := New(Options{World: w})
	used := func() float64 {
		return get(t, s, "/v1/companies/api_info")["data"].(map[string]any)["requests_this_month"].(float64)
	}
	require.Equal(t, 101.0, used())
	require.Equal(t, 102.0, used())
	code, body := ask(t, s, http.MethodGet, "/v1/clients", "")
	require.Equal(t, 429, code)
	require.Contains(t, body, "API calls exceeded API limit per month")

	var w2 window
	at := noon
	require.True(t, w2.take(at, 2))
	require.True(t, w2.take(at, 2))
	require.False(t, w2.take(at, 2))
	require.True(t, w2.take(at.Add(time.Second), 2))
}

func TestMaxPerSecond(t *testing.T) {
	s := New(Options{World: smallWorld(t), MaxPerSecond: 1})
	var codes []int
	for range 50 { // over a second's edge at most two are let in
		r := httptest.NewRequest(http.MethodGet, "/v1/tags", nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		codes = append(codes, w.Code)
		if w.Code == 429 {
			require.Equal(t, "1", w.Header().Get("Retry-After"))
		}
	}
	require.Equal(t, 200, codes[0])
	require.Contains(t, codes, 429)
	all, above := s.Calls()
	require.EqualValues(t, len(codes), all)
	require.EqualValues(t, len(slices.DeleteFunc(codes, func(code int) bool { return code == 200 })), above)
}

func TestChurn(t *testing.T) {
	for _, filter := range []string{"", "&tags=17", "&order=desc"} {
		t.Run("listing"+filter, func(t *testing.T) {
			s := testServer(t, func(o *Options) { o.Churn = Churn{Delete: 3, Insert: 2, Pages: 8} })
			start := len(s.PresentThroughout())
			require.Equal(t, 300, start)
			seen := map[int64]int{}
			for offset := 0; ; offset += 20 {
				page := ids(t, get(t, s, fmt.Sprintf("/v1/clients?limit=20&offset=%d%s", offset, filter)))
				for _, id := range page {
					seen[id]++
				}
				if len(page) == 0 {
					break
				}
			}
			present := s.PresentThroughout()
			require.Less(t, len(present), start)
			missed, twice := 0, 0
			for _, id := range present {
				if c, _ := s.state.contact(id); filter != "&tags=17" || slices.Contains(c.Tags, 17) {
					if seen[id] == 0 {
						missed++
					}
					if seen[id] > 1 {
						twice++
					}
				}
			}
			require.Positive(t, missed+twice, "a naive reader is led astray")
		})
	}
}

// TestChurnByTheClock changes people as often as is due, however few pages are read.
func TestChurnByTheClock(t *testing.T) {
	at := noon
	s := testServer(t, func(o *Options) {
		o.Churn, o.Clock = Churn{Delete: 2, Insert: 1, PerSecond: 10}, func() time.Time { return at }
	})
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{0, 300}, {50 * time.Millisecond, 300}, {60 * time.Millisecond, 298}, {390 * time.Millisecond, 290}, {0, 290}} {
		at = at.Add(step.after)
		get(t, s, "/v1/clients?limit=200")
		present := len(s.PresentThroughout())
		require.Equal(t, 300-present, 300-step.left, "after %s", at.Sub(noon))
	}
}

func TestChurnOfNobody(t *testing.T) {
	s := New(Options{Churn: Churn{Delete: 1, Insert: 1}, Clock: func() time.Time { return noon }})
	require.Empty(t, ids(t, get(t, s, "/v1/clients")))
	require.Len(t, ids(t, get(t, s, "/v1/clients")), 1)
	require.Empty(t, ids(t, get(t, s, "/v1/clients?offset=5")))
}

func TestConcurrentUse(t *testing.T) {
	s := testServer(t, func(o *Options) { o.Churn = Churn{Delete: 1, Insert: 1} })
	var all sync.WaitGroup
	for n := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 25 {
				id := firstContactID + int64(n*25+i)
				for _, call := range [][2]string{
					{"POST /v1/messages", fmt.Sprintf(`{"client_id":%d,"text":"hello"}`, id)},
					{"GET /v1/clients?limit=50&tags=17", ""},
					{fmt.Sprintf("GET /v1/messages?client_id=%d", id), ""},
					{"POST /v1/tags/assign_to", fmt.Sprintf(`{"tag_ids":[9],"assignee_type":"client","assignee_id":%d}`, id)},
				} {
					method, target, _ := strings.Cut(call[0], " ")
					r := httptest.NewRequest(method, target, strings.NewReader(call[1]))
					r.Header.Set("Authorization", "secret")
					s.ServeHTTP(httptest.NewRecorder(), r)
				}
			}
		}()
	}
	all.Wait()
	seen := map[int64]bool{}
	for i, a := range s.Accepted() {
		require.Equal(t, i+1, a.N)
		require.False(t, seen[a.MessageID])
		seen[a.MessageID] = true
		require.NotZero(t, a.MessageID%2)
	}
	require.NotEmpty(t, seen)
}

// TestLatency: a call takes just as long as it should, whatever is answered, and what it
// asks for happens half way, so that a caller who is lost may have been heard or not.
func TestLatency(t *testing.T) {
	const latency = 100 * time.Millisecond
	for name, tt := range map[string]struct {
		fault    Fault
		gone     time.Duration // when the caller goes away
		accepted int
		code     int
	}{
		"answered":             {"", time.Hour, 1, http.StatusOK},
		"refused":              {TooMany, time.Hour, 0, http.StatusTooManyRequests},
		"accepted and lost":    {ErrorAfter, time.Hour, 1, http.StatusInternalServerError},
		"gone on the way out":  {"", latency/2 - 1, 0, 0},
		"gone on the way back": {"", latency/2 + 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testServer(t, func(o *Options) {
					o.Latency = latency
					if tt.fault != "" {
						o.Faults.Share = map[Fault]float64{tt.fault: 1}
					}
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.gone)
				defer cancel()
				began, took := time.Now(), time.Duration(0)
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/messages", strings.NewReader(`{"client_id":`+strconv.FormatInt(s.state.idAt(0), 10)+`,"text":"Hello"}`))
				r.Header.Set("Authorization", "secret")
				w := httptest.NewRecorder()
				go func() {
					s.ServeHTTP(w, r)
					took = time.Since(began)
				}()
				time.Sleep(latency/2 - 2*time.Nanosecond)
				synctest.Wait()
				require.Empty(t, s.Accepted())
				time.Sleep(4 * time.Nanosecond)
				synctest.Wait()
				require.Len(t, s.Accepted(), tt.accepted)
				time.Sleep(latency)
				synctest.Wait()
				require.Equal(t, min(latency, tt.gone), took)
				require.Len(t, s.Accepted(), tt.accepted)
				if tt.code != 0 {
					require.Equal(t, tt.code, w.Code)
				}
			})
		})
	}
	s := testServer(t, func(o *Options) { o.Latency = time.Hour })
	s.Close()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/tags", nil))
	require.Empty(t, w.Body.String(), "a closed server lets go of those who wait")
}

func FuzzCall(f *testing.F) {
	f.Add("GET", "clients?limit=3&offset=9999999999999&tags=17,x", "")
	f.Add("POST", "messages", `{"client_id":70001,"text":"a\u0000b","channel_id":[1],"open_dialog":{}}`)
	f.Add("POST", "messages/inbox", `{"channel_id":26,"body":"x","from_client":{"id":70001}}`)
	f.Add("PUT", "clients/70001", `{"custom_fields":{"\"":null}}`)
	f.Add("GET", "messages?start_id=-9223372036854775808&direction_reverse=1", "")
	f.Add("GET", "dialogs/unanswered?limit=99999999999", "")
	f.Add("GET", "statistics?report=rating&date=0001-01-01", "")
	w := Generate(1, 20, noon)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.NewRequest(method, "http://sandbox.example/v1/"+target, strings.NewReader(body))
		if err != nil {
			return
		}
		s := New(Options{World: w, Clock: func() time.Time { return noon }})
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%s %s gave no JSON: %s", method, target, rec.Body.String())
		}
	})
}
