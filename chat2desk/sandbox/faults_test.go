package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseFaults(t *testing.T) {
	f, err := ParseFaults("429:3%, 500-after:0.02,hang:1%,reset-before:0.5%")
	require.NoError(t, err)
	require.Equal(t, map[Fault]float64{TooMany: 0.03, ErrorAfter: 0.02, Hang: 0.01, ResetBefore: 0.005}, f.Share)
	require.Equal(t, "429:3%,500-after:2%,reset-before:0.5%,hang:1%", f.String())
	again, err := ParseFaults(f.String())
	require.NoError(t, err)
	require.Equal(t, f, again)
	none, err := ParseFaults(" ")
	require.NoError(t, err)
	require.Empty(t, none.Share)
	all, err := ParseFaults("429:3%,500-before:1%,500-after:2%,reset-before:1%,reset-after:1%,hang:1%,html:1%,truncate:1%,late:1%")
	require.NoError(t, err)
	require.Len(t, all.Share, 9)

	for text, want := range map[string]string{
		"503:1%":                `there is no fault "503"; write one of 429, 429-month, 200-error, 500-before`,
		"429":                   "429 has no share; write 429:3%",
		"429:x":                 `429: "x" is no share; write a percentage from 0% to 100%`,
		"429:101%":              `"101%" is no share`,
		"429:3":                 `"3" is no share`,
		"429:-1%":               `"-1%" is no share`,
		"429:NaN":               `"NaN" is no share`,
		"429:1%,429:2%":         "429 stands twice; keep one",
		"429:60%,500-after:50%": "the shares add up to 110%",
		"429:1%,":               `there is no fault ""`,
	} {
		_, err := ParseFaults(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add("429:3%,hang:1%")
	f.Add("late:0.5,html:1e-3")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseFaults(text)
		if err != nil {
			return
		}
		for name, share := range a.Share {
			if share < 0 || share > 1 {
				t.Fatal(name, share)
			}
		}
		if _, err := ParseFaults(a.String()); err != nil {
			t.Fatal(err)
		}
	})
}

// faulty serves the small world over a real connection with one fault on every
// call that it can touch.
func faulty(t *testing.T, fault Fault) (*Server, *httptest.Server) {
	t.Helper()
	s := New(Options{
		World:  smallWorld(t),
		Faults: Faults{Share: map[Fault]float64{fault: 1}, LateBy: time.Millisecond, Bound: time.Hour},
	})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.Close)
	return s, web
}

const hello = `{"client_id":11,"text":"Hello"}`

// TestFaults meets each fault with a send: what the caller sees, and whether
// the message was accepted.
func TestFaults(t *testing.T) {
	for fault, tc := range map[Fault]struct {
		code     int // 0: no whole answer
		body     string
		accepted bool
	}{
		TooMany:     {429, "Number of API requests exceeded", false},
		OverQuota:   {429, "API calls exceeded API limit per month", false},
		ErrorIn200:  {200, `"status":"error"`, false},
		ErrorBefore: {500, "Internal server error", false},
		ErrorAfter:  {500, "Internal server error", true},
		ResetBefore: {0, "", false},
		ResetAfter:  {0, "", true},
		Hang:        {0, "", false},
		HangAfter:   {0, "", true},
		HTML:        {502, "<html>", false},
		HTMLAfter:   {502, "<html>", true},
		Truncate:    {0, "", true},
		Late:        {504, "Timeout", true},
	} {
		t.Run(string(fault), func(t *testing.T) {
			s, web := faulty(t, fault)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if fault == Hang {
				cancelWhenHanging(s, cancel, 0)
			}
			if fault == HangAfter {
				cancelWhenHanging(s, cancel, 1)
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, web.URL+"/v1/messages", strings.NewReader(hello))
			require.NoError(t, err)
			resp, err := web.Client().Do(r)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				require.NoError(t, resp.Body.Close())
			}
			if tc.code == 0 {
				require.Error(t, err)
				if fault == ResetBefore || fault == ResetAfter {
					require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), "%v", err)
				}
				if fault == Truncate {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					require.True(t, strings.HasPrefix(string(body), `{"data":{"message_id"`), "%s", body)
				}
			} else {
				require.NoError(t, err)
				require.Equal(t, tc.code, resp.StatusCode)
				require.Contains(t, string(body), tc.body)
			}
			s.Close() // waits for the late one
			if !tc.accepted {
				require.Empty(t, s.Accepted())
				return
			}
			require.Len(t, s.Accepted(), 1)
			s.state.mu.RLock()
			defer s.state.mu.RUnlock()
			history := s.state.history(11)
			require.Equal(t, "Hello", history[len(history)-1].Text)
		})
	}
}

// cancelWhenHanging gives a call up as soon as the server has it, and for
// HangAfter has accepted its message.
func cancelWhenHanging(s *Server, cancel func(), accepted int) {
	go func() {
		for len(s.Accepted()) < accepted || s.calls.Load() == 100 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
}

// TestFaultsOfReads: the faults that are about accepting leave reads alone.
func TestFaultsOfReads(t *testing.T) {
	for _, fault := range faultNames {
		if fault == Hang {
			continue
		}
		t.Run(string(fault), func(t *testing.T) {
			_, web := faulty(t, fault)
			resp, err := web.Client().Get(web.URL + "/v1/clients")
			require.NoError(t, err)
			defer func() { require.NoError(t, resp.Body.Close()) }()
			body, err := io.ReadAll(resp.Body)
			switch fault {
			case Truncate:
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			case TooMany, OverQuota:
				require.Equal(t, 429, resp.StatusCode)
			case HTML:
				require.Equal(t, 502, resp.StatusCode)
			case ErrorIn200:
				require.Equal(t, 200, resp.StatusCode)
				require.Contains(t, string(body), `"status":"error"`)
			default:
				require.NotEqual(t, anyCall, fault.only())
				require.Contains(t, string(body), `"status":"success"`)
			}
		})
	}
}

func TestHangEndsAtItsBound(t *testing.T) {
	s := New(Options{World: smallWorld(t), Faults: Faults{Share: map[Fault]float64{Hang: 1}, Bound: time.Millisecond}})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/clients", nil))
	})
	s = New(Options{World: smallWorld(t), Faults: Faults{Share: map[Fault]float64{ResetBefore: 1}}})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(hello)))
	}, "where there is no connection to reset")
}

func TestRetryAfterIsNotAlwaysThere(t *testing.T) {
	s := New(Options{World: smallWorld(t), Faults: Faults{Share: map[Fault]float64{TooMany: 1}}})
	seen := map[string]int{}
	for range 60 {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/clients", nil))
		seen[w.Header().Get("Retry-After")]++
	}
	require.Positive(t, seen[""])
	require.Greater(t, seen["1"], seen[""])
}

// TestDrawsDependOnTheCall: the same calls meet the same faults in any order,
// a call made again draws again, and the shares come out.
func TestDrawsDependOnTheCall(t *testing.T) {
	faults, err := ParseFaults("429:10%,500-after:20%,hang:5%")
	require.NoError(t, err)
	faults.Seed = 9
	draws := func(step int) map[string]Fault {
		f := fate{faults: faults}
		out := map[string]Fault{}
		for i := range 4000 {
			n := (i * step) % 4000
			body := fmt.Sprintf(`{"client_id":%d}`, n%2000)
			got, _ := f.draw(sendCall, "POST", "/v1/messages", []byte(body))
			key := fmt.Sprint(n%2000, " first")
			if _, again := out[key]; again {
				key = fmt.Sprint(n%2000, " again")
			}
			out[key] = got
		}
		return out
	}
	forward := draws(1)
	require.Equal(t, forward, draws(3))
	count := map[Fault]int{}
	differ := 0
	for key, f := range forward {
		count[f]++
		if other := strings.Replace(key, "first", "again", 1); forward[other] != f {
			differ++
		}
	}
	require.InDelta(t, 400, count[TooMany], 80)
	require.InDelta(t, 800, count[ErrorAfter], 100)
	require.InDelta(t, 200, count[Hang], 60)
	require.Positive(t, differ)
	faults.Seed = 10
	require.NotEqual(t, forward, draws(1))
}

func TestLateRefusalIsNoSend(t *testing.T) {
	s := New(Options{World: smallWorld(t), Faults: Faults{Share: map[Fault]float64{Late: 1}, LateBy: time.Hour}})
	code, _ := ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":99,"text":"x"}`)
	require.Equal(t, 504, code)
	code, _ = ask(t, s, http.MethodPost, "/v1/messages", hello)
	require.Equal(t, 504, code)
	require.Empty(t, s.Accepted(), "not yet")
	s.Close()
	require.Len(t, s.Accepted(), 1)
}
