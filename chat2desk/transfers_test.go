package chat2desk

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// report is the operator_events report: rows of a day, newest first.
type report struct {
	days  map[string][]string // date → "HH:MM:SS event operator dialog"
	other string              // gives this day whatever is asked
	after func(call int)
	asked []string
}

func (p *report) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked = append(p.asked, r.URL.RawQuery)
	date := r.URL.Query().Get("date")
	if p.other != "" {
		date = p.other
	}
	var rows []map[string]any
	for _, line := range p.days[date] {
		f := strings.Fields(line)
		row := map[string]any{"created_at": date + " " + f[0], "event": f[1], "operator_id": f[2], "operator_name": "Op" + f[2], "status_duration": ""}
		if len(f) > 3 {
			row["dialog_id"] = f[3]
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		return strings.Compare(b["created_at"].(string), a["created_at"].(string))
	})
	reply(w, cut(rows, number(r, "offset", 0), min(maxPage, number(r, "limit", 20))), map[string]any{"total": len(rows)})
	if p.after != nil {
		p.after(len(p.asked))
	}
}

func day(n int) time.Time { return time.Date(2026, 7, n, 0, 0, 0, 0, time.UTC) }

// short writes transfers as "day time dialog from>to".
func short(ts []Transfer, zone *time.Location) []string {
	var out []string
	for _, t := range ts {
		to := "?"
		if t.ToOperatorName != nil {
			to = *t.ToOperatorName + t.TakenAt.In(zone).Format(" 02 15:04:05")
		}
		out = append(out, t.At.In(zone).Format("02 15:04:05 ")+*t.FromOperatorName+">"+to)
	}
	return out
}

func TestListTransfers(t *testing.T) {
	almaty := time.FixedZone("+05", 5*3600)
	world := func() *report {
		return &report{days: map[string][]string{
			"2026-07-10": {
				"09:00:00 online 1", "09:00:00 transfer_chat 1 40", "09:05:00 take_chat 3 41", "09:10:00 take_chat 2 40",
				"10:00:00 transfer_chat 2 40", "10:01:00 transfer_chat 3 40", "23:59:00 transfer_chat 4 42",
			},
			"2026-07-11": {"00:02:00 take_chat 5 42", "12:00:00 transfer_chat 6 43"},
			"2026-07-12": {"08:00:00 status.tech.break 1"},
		}}
	}
	now := WithNow(func() time.Time { return time.Date(2026, 7, 12, 6, 0, 0, 0, time.UTC) })
	tests := []struct {
		name  string
		query TransfersQuery
		want  []string
		calls int
	}{
		{"one day", TransfersQuery{From: day(10), To: day(10)}, []string{
			"10 09:00:00 Op1>Op2 10 09:10:00", "10 10:00:00 Op2>Op3 10 10:01:00", "10 10:01:00 Op3>?", "10 23:59:00 Op4>Op5 11 00:02:00",
		}, 2},
		{"limit", TransfersQuery{From: day(10), Limit: 1}, []string{"10 09:00:00 Op1>Op2 10 09:10:00"}, 2},
		{"the last seven days", TransfersQuery{}, []string{
			"10 09:00:00 Op1>Op2 10 09:10:00", "10 10:00:00 Op2>Op3 10 10:01:00", "10 10:01:00 Op3>?", "10 23:59:00 Op4>Op5 11 00:02:00", "11 12:00:00 Op6>?",
		}, 7},
		{"seven days until", TransfersQuery{To: day(9)}, nil, 7},
		{"nothing to read ahead", TransfersQuery{From: day(12), To: day(12)}, nil, 1},
		{"days to come", TransfersQuery{From: day(13), To: day(20)}, nil, 0},
		{"until days to come", TransfersQuery{From: day(12), To: day(30)}, nil, 1},
	}
	for _, tt := range tests {
		for _, zone := range []*time.Location{nil, time.UTC, almaty} {
			w := world()
			c := serve(t, w.ServeHTTP, now)
			tt.query.Zone = zone
			if zone != nil { // the same calendar days in the zone
				for _, d := range []*time.Time{&tt.query.From, &tt.query.To} {
					if !d.IsZero() {
						y, m, dd := d.Date()
						*d = time.Date(y, m, dd, 0, 0, 0, 0, zone)
					}
				}
			} else {
				zone = time.UTC
			}
			l, err := c.ListTransfers(t.Context(), tt.query)
			require.NoError(t, err, tt.name)
			require.False(t, l.TotalKnown)
			got, err := all(t, l)
			require.NoError(t, err, tt.name)
			require.Equal(t, tt.want, short(got, zone), tt.name)
			require.Len(t, w.asked, tt.calls, tt.name)
			if tt.calls > 0 {
				require.Contains(t, w.asked[0], "report=operator_events")
			}
		}
	}
}

func TestListTransfersPagesDrift(t *testing.T) {
	w := &report{days: map[string][]string{}}
	const date = "2026-07-10"
	at := func(i int) string { return day(10).Add(time.Duration(i) * time.Second).Format(time.TimeOnly) }
	for i := range 450 {
		w.days[date] = append(w.days[date], at(i)+" transfer_chat 1 "+at(i)[6:])
	}
	w.after = func(call int) { // new events push the pages on
		for i := range 5 {
			w.days[date] = append(w.days[date], at(1000*call+i)+" online 2")
		}
	}
	c := serve(t, w.ServeHTTP)
	l, err := c.ListTransfers(t.Context(), TransfersQuery{From: day(10), To: day(10)})
	require.NoError(t, err)
	got, err := all(t, l)
	require.NoError(t, err)
	require.Len(t, got, 450)
	require.True(t, slices.IsSortedFunc(got, func(a, b Transfer) int { return a.At.Compare(b.At) }))
	for range l.All() {
		break
	}
}

func TestListTransfersRefused(t *testing.T) {
	c := serve(t, text(200, ""))
	for _, q := range []TransfersQuery{{Limit: -1}, {From: day(3), To: day(2)}} {
		_, err := c.ListTransfers(t.Context(), q)
		require.Equal(t, KindInvalid, problem(t, err).Kind)
	}
	require.Zero(t, c.Calls())

	w := &report{days: map[string][]string{"2026-07-01": {"09:00:00 take_chat 1 4"}}, other: "2026-07-01"}
	c = serve(t, w.ServeHTTP)
	_, err := c.ListTransfers(t.Context(), TransfersQuery{From: day(10), To: day(10)})
	require.Equal(t, KindFilterIgnored, problem(t, err).Kind)
	require.Contains(t, err.Error(), "asked for 2026-07-10, got an event of 2026-07-01")

	for body, want := range map[string]string{
		`{"data":[{"id":1,"created_at":"2026-07-10 09:00:00"}]}`:                        "event 1: event is missing, not an event",
		`{"data":[{"event":"take_chat","created_at":""}]}`:                              `event: created_at is "", not a time`,
		`{"data":[{"event":"take_chat","created_at":"noon"}]}`:                          `event: created_at is "noon", not a time`,
		`{"data":[{"event":"online","created_at":"2026-07-10 09:00","dialog_id":"x"}]}`: `dialog_id is "x"`,
	} {
		c := serve(t, text(200, body))
		_, err := c.ListTransfers(t.Context(), TransfersQuery{From: day(10), To: day(10)})
		require.ErrorContains(t, err, want)
	}

	// The second day fails.
	w = &report{days: map[string][]string{"2026-07-10": {"09:00:00 transfer_chat 1 4"}}}
	c = serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("date") != "2026-07-10" {
			rw.WriteHeader(403)
			return
		}
		w.ServeHTTP(rw, r)
	})
	l, err := c.ListTransfers(t.Context(), TransfersQuery{From: day(10), To: day(11)})
	require.NoError(t, err)
	_, err = all(t, l)
	require.Equal(t, KindToken, problem(t, err).Kind)
}

func TestCompany(t *testing.T) {
	const facts = `"mode":"PRO","current_version":"42","requests_this_month":"1234","channels":3,"company_name":"ACME","companyID":77,
		"partnerID":"9","company_mode":"x","company_lang":"en","admin_email":"a@b.example","write_first_option":true`
	for _, body := range []string{
		`{"data":{` + facts + `,"api_calls":{"left":98766}},"status":"success"}`,
		`{` + facts + `,"api_calls":{"left":98766},"status":"success"}`,
		`{"data":[{` + facts + `,"api_calls":{"left":98766}}]}`,
	} {
		c := serve(t, text(200, body))
		got, err := c.Company(t.Context())
		require.NoError(t, err)
		require.Equal(t, "77", got.ID)
		require.Equal(t, "ACME", *got.Name)
		require.Equal(t, 1234, *got.RequestsThisMonth)
		require.Equal(t, 42, *got.Version)
		require.True(t, *got.WriteFirst)
		require.Equal(t, map[string]string{"left": "98766"}, got.APICalls)
	}
	c := serve(t, text(200, `{"data":{"company_id":"5","api_calls":17},"status":"success"}`))
	got, err := c.Company(t.Context())
	require.NoError(t, err)
	require.Equal(t, "5", got.ID)
	c = serve(t, text(200, `{"data":{"channels":"many"},"status":"success"}`))
	_, err = c.Company(t.Context())
	require.ErrorContains(t, err, `channels is "many"`)
}
