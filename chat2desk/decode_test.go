package chat2desk

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestParseTime(t *testing.T) {
	moscow := time.FixedZone("MSK", 3*3600)
	want := time.Date(2026, 7, 10, 17, 57, 56, 0, time.UTC)
	for in, local := range map[string]bool{
		"2026-07-10T17:57:56 UTC":   false,
		"2026-07-10 17:57:56 UTC":   false,
		"2026-07-10T17:57:56Z":      false,
		"2026-07-10T20:57:56+03:00": false,
		"2026-07-10 20:57:56 +0300": false,
		"1783706276":                false,
		"1783706276.0":              false,
		"1783706276000":             false,
		" 10.07.2026 20:57:56 ":     true,
		"2026-07-10 20:57:56":       true,
		"2026-07-10T20:57:56":       true,
	} {
		got, ok := parseTime(in, moscow)
		require.True(t, ok, in)
		require.Equal(t, want, got, in)
		require.Equal(t, time.UTC, got.Location(), in)
		if local {
			utc, _ := parseTime(in, time.UTC)
			require.Equal(t, 3*time.Hour, utc.Sub(got), in)
		}
	}
	got, ok := parseTime("2025-04-03T11:50:06.984494Z", time.UTC)
	require.True(t, ok)
	require.Equal(t, 984494*time.Microsecond, time.Duration(got.Nanosecond()))
	for _, in := range []string{"", "yesterday", "2026-13-01 00:00:00", "31.02.2026", "-5", "NaN", "1e300", "07/10/2026", "2026-07-10T17:57:56 MSK"} {
		_, ok := parseTime(in, time.UTC)
		require.False(t, ok, in)
	}
}

// rowOf decodes a JSON object as the client does.
func rowOf(t *testing.T, text string) *row {
	t.Helper()
	a, err := decodeAnswer([]byte(`{"data":`+text+`}`), nil)
	require.NoError(t, err)
	r, err := a.one("test", "client")
	require.NoError(t, err)
	return r
}

func TestContactOf(t *testing.T) {
	r := rowOf(t, `{"id":"70001","name":"UnKnown","username":"","assigned_name":"VIP Ann","comment":null,
		"phone":15550001122,"client_phone":"","assigned_phone":"77010000000","avatar":"https://x","region_id":"7","country_id":1.0,
		"first_client_message":"2026-01-02T10:00:00 UTC","last_client_message":"","extra_comment_1":0,
		"custom_fields":{"12":"gold","13":null,"14":5,"15":{"a":[1]}},"client_external_id":17,"external_id":"CRM-1","external_ids":[],
		"tags":[{"id":5,"group_id":"2","group_name":"Sales","label":"vip","description":""}],
		"channels":{"id":"21","transports":["wa_dialog","sms"]}}`)
	c := contactOf(r)
	detailsOf(&c, r)
	require.NoError(t, r.err)
	first := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	p := func(s string) *string { return &s }
	n := func(i int) *int { return &i }
	require.Equal(t, Contact{
		ID: 70001, AssignedName: p("VIP Ann"), Phone: "15550001122", AssignedPhone: p("77010000000"), Avatar: p("https://x"),
		RegionID: n(7), CountryID: n(1), FirstClientMessage: &first, ExtraComment1: p("0"),
		CustomFields: map[string]string{"12": "gold", "14": "5", "15": `{"a":[1]}`}, ClientExternalID: p("17"), ExternalID: p("CRM-1"),
		Tags:     []Tag{{ID: 5, GroupID: n(2), GroupName: p("Sales"), Label: p("vip")}},
		Channels: []ContactChannel{{ID: 21, Transports: []string{"wa_dialog", "sms"}}},
	}, c)
}

func TestRowErrorsNameTheField(t *testing.T) {
	tests := map[string]string{
		`{"id":null,"phone":"1"}`:                  `client: id is missing, not an id`,
		`{"id":"x"}`:                               `client: id is "x", not an id`,
		`{"id":1.5}`:                               `client: id is "1.5", not an id`,
		`{"id":1e30}`:                              `client: id is "1e30", not an id`,
		`{"id":7,"last_client_message":"soon"}`:    `client 7: last_client_message is "soon", not a time`,
		`{"id":7,"last_client_message":{"a":1}}`:   `client 7: last_client_message is "{\"a\":1}", not a time`,
		`{"id":7,"region_id":"north"}`:             `client 7: region_id is "north", not a whole number`,
		`{"id":7,"custom_fields":5}`:               `client 7: custom_fields is "5", not an object`,
		`{"id":7,"tags":[5]}`:                      `client 7: tags is "[5]", not a list`,
		`{"id":7,"tags":"vip"}`:                    `client 7: tags is "vip", not a list`,
		`{"id":7,"tags":5}`:                        `client 7: tags is "5", not a list`,
		`{"id":7,"tags":[{"id":""}]}`:              `tag: id is "", not an id`,
		`{"id":7,"channels":[{"id":9,"name":[]}]}`: ``,
	}
	for in, want := range tests {
		r := rowOf(t, in)
		c := contactOf(r)
		detailsOf(&c, r)
		if want == "" {
			require.NoError(t, r.err, in)
			continue
		}
		require.EqualError(t, r.err, want, in)
	}
	r := rowOf(t, `{"id":1,"created":"2026-07-17T10:48:57 UTC","is_new":"maybe"}`)
	messageOf(r)
	require.EqualError(t, r.err, `client 1: is_new is "maybe", not yes or no`)
	r = rowOf(t, `{"id":1,"created":""}`)
	messageOf(r)
	require.EqualError(t, r.err, `client 1: created is "", not a time`)
}

func TestMessageOf(t *testing.T) {
	r := rowOf(t, `{"id":500001,"text":"Hello","coordinates":{"lat":1},"transport":"wa_dialog","type":null,"read":"1","created":1784285337,
		"pdf":false,"remote_id":12,"status":"sent","is_new":true,"dialog_id":"40001","operator_id":null,"channel_id":21,"client_id":70001,
		"request_id":"","attachments":[{"name":"a.jpg","link":"https://storage/a.jpg"}],"extra_data":{"k":"v"}}`)
	m := messageOf(r)
	require.NoError(t, r.err)
	require.Equal(t, time.Date(2026, 7, 17, 10, 48, 57, 0, time.UTC), m.Created)
	require.Equal(t, `{"lat":1}`, *m.Coordinates)
	require.True(t, *m.Read)
	require.Equal(t, "12", *m.RemoteID)
	require.Equal(t, 40001, *m.DialogID)
	require.Nil(t, m.Type)
	require.Nil(t, m.RequestID)
	require.Nil(t, m.OperatorID)
	require.Equal(t, "a.jpg", *m.Attachments[0].Name)
	require.Equal(t, map[string]string{"k": "v"}, m.ExtraData)

	r = rowOf(t, `{"id":1,"created":"17.07.2026 10:48:57","attachments":null,"extra_data":[],"read":0,"coordinates":""}`)
	m = messageOf(r)
	require.NoError(t, r.err)
	require.False(t, *m.Read)
	require.Nil(t, m.Attachments)
}

func TestDecodeAnswer(t *testing.T) {
	tests := []struct {
		name, body string
		rows       int
		failed     bool
		words      string
	}{
		{"list", `{"data":[{"id":1},{"id":2}],"meta":{"total":"431","limit":20},"status":"success"}`, 2, false, ""},
		{"bare array", `[{"id":1}]`, 1, false, ""},
		{"bare object", `{"id":1,"name":"x"}`, 1, false, ""},
		{"object", `{"data":{"id":1},"status":"success"}`, 1, false, ""},
		{"no data", `{"data":"","status":"success"}`, 0, false, ""},
		{"null data", `{"data":null}`, 0, false, ""},
		{"BOM", "\ufeff[]", 0, false, ""},
		{
			"errors as map", `{"status":"error","message":"Client already exists","errors":{"client":["already exists","{\"id\":4711}"]}}`, 0, true,
			`Client already exists; client: already exists; client: {"id":4711}`,
		},
		{"errors as text", `{"status":"error","errors":"bad"}`, 0, true, "bad"},
		{"error alone", `{"error":"bad"}`, 0, true, "bad"},
		{"error in data", `{"data":{"status":"error","message":"bad"}}`, 1, true, "bad"},
		{"empty errors", `{"data":[],"errors":{},"error":"","status":"success"}`, 0, false, ""},
		{"status in capitals", `{"status":"ERROR","message":"bad"}`, 0, true, "bad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := decodeAnswer([]byte(tt.body), nil)
			require.NoError(t, err)
			require.Equal(t, tt.failed, a.failed())
			require.Equal(t, tt.words, a.words())
			if rows, err := a.list("test", "thing"); !tt.failed {
				require.NoError(t, err)
				require.Len(t, rows, tt.rows)
			}
		})
	}
	a, err := decodeAnswer([]byte(tests[0].body), nil)
	require.NoError(t, err)
	require.Equal(t, 431, *a.total)
	require.Equal(t, 20, *a.limit)
	for _, body := range []string{"", "<html>", `"text"`, "17", "null", `{"a":1} trailing`, `[] []`, "\x00", strings.Repeat("[", 20000)} {
		_, err := decodeAnswer([]byte(body), nil)
		require.Error(t, err, body)
	}
	for _, body := range []string{`{"status":"success"}`, `{"data":[1,2]}`, `{"data":"text"}`, `{"data":5}`} {
		a, err := decodeAnswer([]byte(body), nil)
		require.NoError(t, err)
		_, err = a.list("test", "thing")
		require.Equal(t, KindBadAnswer, problem(t, err).Kind, body)
	}
}

func TestClean(t *testing.T) {
	require.Equal(t, "a b [31mred", clean(" a\r\n\tb \x1b[31mred\u202e\u0000 "))
	long := clean(strings.Repeat("ж ", 1000))
	require.Equal(t, maxMessage+1, utf8.RuneCountInString(strings.ReplaceAll(long, " ", "")))
	require.True(t, strings.HasSuffix(long, "…"))
}

func TestPhoneDigits(t *testing.T) {
	for in, want := range map[string]string{
		"15550001122": "15550001122", "+7 (999) 000-11-22": "79990001122", "[wa_gupshup] KZ.77010000000": "77010000000",
		"[wa_dialog] 77010000000": "77010000000", "[tg] 807892": "", "[chat] 1d0b": "", "[broken 5": "", "abc": "", "": "", "12a": "",
	} {
		require.Equal(t, want, phoneDigits(in), in)
	}
}

// FuzzDecode feeds any body and status through everything that reads answers.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"data":[{"id":1,"phone":"1","tags":[{"id":1}],"created":"2026-07-10T17:57:56 UTC"}],"meta":{"total":"2"},"status":"success"}`,
		`{"data":{"message_id":"7"},"status":"success"}`, `[{"id":1,"event":"take_chat","created_at":"2026-07-10 17:57:56"}]`,
		`{"status":"error","errors":{"client":["x","{\"id\":1}"]}}`, `{"data":{"status":"error","errors":[[["x"]]]}}`, `<html>`, ``, `{"data":[null]}`,
		`{"data":[{"id":1e400,"custom_fields":[{}],"read":[],"channels":{"transports":{}}}]}`, `{"data":[[]],"status":"success"}`, `{"data":[{}],"status":"success"}`,
	} {
		f.Add([]byte(s), 200)
		f.Add([]byte(s), 400)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		s := seen{status: status, header: http.Header{}, body: body}
		v := s.judge(nil)
		d := deliveryOf(s, v)
		if v.problem != nil {
			text := v.problem.Error()
			for _, r := range text {
				if unicode.IsControl(r) {
					t.Fatalf("control character in %q", text)
				}
			}
			if d == Accepted {
				t.Fatal("a problem and accepted")
			}
		}
		if d == Accepted {
			if sentOf(v.answer).MessageID <= 0 {
				t.Fatal("accepted without an id")
			}
			if !json.Valid(trimBOM(body)) {
				t.Fatal("accepted without JSON")
			}
		}
		if c, err := pageOf(v.answer, "op", "client", func(r *row) Contact { x := contactOf(r); detailsOf(&x, r); return x }); err == nil {
			for _, x := range c.items {
				if x.ID <= 0 {
					t.Fatal("a contact without id")
				}
			}
		}
		if m, err := pageOf(v.answer, "op", "message", messageOf); err == nil {
			for _, x := range m.items {
				if x.ID <= 0 || x.Created.IsZero() {
					t.Fatal("a message without id or time")
				}
			}
		}
		if e, err := pageOf(v.answer, "op", "event", eventOf(time.UTC)); err == nil {
			derive(e.items, e.items)
		}
	})
}

func trimBOM(b []byte) []byte { return []byte(strings.TrimPrefix(string(b), "\ufeff")) }
