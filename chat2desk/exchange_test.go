package chat2desk

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

var hello = Outgoing{ContactID: 70001, Text: "Hello <b> & \"you\""}

func TestSendMessageRequest(t *testing.T) {
	yes, no, ch := true, false, 21
	tests := []struct {
		name string
		out  Outgoing
		want string
	}{
		{"least", hello, `{"client_id":70001,"text":"Hello <b> & \"you\""}`},
		{"all", Outgoing{
			ContactID: 1, Text: "a", ChannelID: &ch, Transport: "wa_dialog", Type: "autoreply",
			Attachment: "https://x/y.jpg", ExternalID: "e", OpenDialog: &no,
		}, `{"client_id":1,"text":"a","channel_id":21,"transport":"wa_dialog","type":"autoreply","attachment":"https://x/y.jpg","external_id":"e","open_dialog":false}`},
		{"attachment alone", Outgoing{ContactID: 1, Attachment: "u", OpenDialog: &yes}, `{"client_id":1,"attachment":"u","open_dialog":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var head http.Header
			var body, path string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				head, body, path = r.Header, string(raw), r.Method+" "+r.URL.String()
				io.WriteString(w, `{"data":{"message_id":"500002","channel_id":21,"operator_id":null,"client_id":"70001","dialog_id":"x"},"status":"success"}`)
			})
			got, err := c.SendMessage(t.Context(), tt.out)
			require.NoError(t, err)
			require.Equal(t, 500002, got.MessageID)
			require.Equal(t, 70001, *got.ContactID)
			require.Nil(t, got.DialogID, "an odd field does not unsend the message")
			require.JSONEq(t, tt.want, body)
			require.Equal(t, "POST /v1/messages", path)
			require.Equal(t, testToken, head.Get("Authorization"))
			require.Equal(t, "application/json", head.Get("Content-Type"))
			require.Empty(t, head.Get("Idempotency-Key"), "net/http would replay the POST")
			require.EqualValues(t, 1, c.Calls())
		})
	}
}

func TestSendMessageRefusesBeforeAnyCall(t *testing.T) {
	c := serve(t, text(200, ""))
	for _, out := range []Outgoing{{Text: "x"}, {ContactID: -1, Text: "x"}, {ContactID: 1, Text: " \n"}, {ContactID: 1, Text: "\xff"}} {
		_, err := c.SendMessage(t.Context(), out)
		e := problem(t, err)
		require.Equal(t, KindInvalid, e.Kind)
		require.Equal(t, Refused, e.Delivery)
	}
	require.Zero(t, c.Calls())
}

// TestSendOnceOnTheWire looks at what failures of the network are taken for, and
// that none makes a second POST.
func TestSendOnceOnTheWire(t *testing.T) {
	drop := func(w http.ResponseWriter, before string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, before)
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    Delivery
		kind    Kind
	}{
		{"reset after the request", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			drop(w, "")
		}, DeliveryUnknown, KindUnreachable},
		{"half a head", func(w http.ResponseWriter, r *http.Request) { drop(w, "HTTP/1.1 200 OK\r\nContent-Le") }, DeliveryUnknown, KindUnreachable},
		{"no HTTP at all", func(w http.ResponseWriter, r *http.Request) { drop(w, "SSH-2.0-OpenSSH\r\n\r\n") }, DeliveryUnknown, KindUnreachable},
		{"half a body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "500")
			io.WriteString(w, `{"data":{"message_id":1}`)
		}, DeliveryUnknown, KindBadAnswer},
		{"hangs", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, DeliveryUnknown, KindUnreachable},
		{"endless body", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, strings.Repeat(" ", 1<<16))
			}
		}, DeliveryUnknown, KindBadAnswer},
		{"307 elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v1/elsewhere", http.StatusTemporaryRedirect)
		}, NotSent, KindRedirect},
		{"301 with a broken address", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://[::bad")
			w.WriteHeader(301)
		}, NotSent, KindRedirect},
		{"500", text(500, `oops`), DeliveryUnknown, KindServer},
		{"429", text(429, ``), NotSent, KindRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var posts atomic.Int64
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				posts.Add(1)
				tt.handler(w, r)
			}, WithTimeout(0, 300*time.Millisecond))
			_, err := c.SendMessage(t.Context(), hello)
			e := problem(t, err)
			require.Equal(t, tt.kind, e.Kind, "%v", e)
			require.Equal(t, tt.want, e.Delivery, "%v", e)
			require.Equal(t, "send message", e.Op)
			require.EqualValues(t, 1, posts.Load())
			require.EqualValues(t, 1, c.Calls())
		})
	}
}

func TestStaleConnectionIsUnknownAndNotReplayed(t *testing.T) {
	var posts atomic.Int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if posts.Add(1) == 1 {
			io.WriteString(w, `{"data":{"message_id":1},"status":"success"}`)
			return
		}
		io.Copy(io.Discard, r.Body)
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	_, err := c.SendMessage(t.Context(), hello)
	require.NoError(t, err)
	_, err = c.SendMessage(t.Context(), hello)
	require.Equal(t, DeliveryUnknown, problem(t, err).Delivery)
	require.EqualValues(t, 2, posts.Load())
}

func TestSendNeverWritten(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	secure := httptest.NewTLSServer(text(200, ""))
	defer secure.Close()
	secure.Config.ErrorLog = nil
	plain := httptest.NewServer(text(200, ""))
	defer plain.Close()
	tests := map[string]string{
		"refused":             gone.URL,
		"unknown certificate": secure.URL,
		"no TLS there":        strings.Replace(plain.URL, "http:", "https:", 1),
	}
	for name, base := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := New(testToken, WithBaseURL(base))
			require.NoError(t, err)
			_, err = c.SendMessage(t.Context(), hello)
			e := problem(t, err)
			require.Equal(t, KindUnreachable, e.Kind)
			require.Equal(t, NotSent, e.Delivery, "%v", e)
			require.Contains(t, e.Error(), "127.0.0.1")
		})
	}
}

func TestSendCanceled(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		c := serve(t, text(200, ""))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.SendMessage(ctx, hello)
		e := problem(t, err)
		require.Equal(t, NotSent, e.Delivery)
		require.Equal(t, KindCanceled, e.Kind)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, c.Calls())
	})
	t.Run("while the server works", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		})
		_, err := c.SendMessage(ctx, hello)
		e := problem(t, err)
		require.Equal(t, DeliveryUnknown, e.Delivery)
		require.Equal(t, KindCanceled, e.Kind)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// roundTripper is a transport that reports nothing to traces.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUntracedTransport(t *testing.T) {
	tests := []struct {
		err  error
		want Delivery
	}{
		{errors.New("who knows"), DeliveryUnknown},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, DeliveryUnknown},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, NotSent},
		{&net.DNSError{Name: "api.chat2desk.com", Err: "no such host"}, NotSent},
	}
	for _, tt := range tests {
		c, err := New(testToken, WithTransport(roundTripper(func(*http.Request) (*http.Response, error) { return nil, tt.err })))
		require.NoError(t, err)
		_, err = c.SendMessage(t.Context(), hello)
		require.Equal(t, tt.want, problem(t, err).Delivery, "%v", tt.err)
	}
}

func TestTokenNeverShown(t *testing.T) {
	leak := func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("proxy said: bad header Authorization: " + r.Header.Get("Authorization"))
	}
	c, err := New(testToken, WithTransport(roundTripper(leak)), WithRetry(1, 0))
	require.NoError(t, err)
	_, err = c.Company(t.Context())
	require.Contains(t, problem(t, err).Error(), "***")

	c = serve(t, text(400, `{"status":"error","message":"unknown token `+testToken+`"}`))
	_, err = c.Company(t.Context())
	problem(t, err)
}

func TestReadsRetry(t *testing.T) {
	tests := []struct {
		name  string
		fail  http.HandlerFunc
		calls int64
		kind  Kind // of the error when nothing but failures come; 0 when the read is not tried again
	}{
		{"500", text(500, `<html>`), 3, KindServer},
		{"429", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0.001")
			w.WriteHeader(429)
		}, 3, KindRateLimited},
		{"cut body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{`)
		}, 3, KindBadAnswer},
		{"cut JSON", text(200, `{"data":[{"id":`), 3, KindBadAnswer},
		{"token", text(403, ``), 1, KindToken},
		{"HTML", text(200, `<html>`), 1, KindBadAnswer},
		{"quota", text(429, `API calls exceeded API limit per month`), 1, KindQuotaMonth},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/v1", http.StatusFound)
		}, 1, KindRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, tt.fail)
			c.pace.bucket.SetLimit(1e6)
			_, err := c.Company(t.Context())
			e := problem(t, err)
			require.Equal(t, tt.kind, e.Kind, "%v", e)
			require.Equal(t, NotSent, e.Delivery)
			require.Equal(t, tt.calls, c.Calls())
			require.Equal(t, tt.calls > 1, e.Temporary())

			var n atomic.Int64
			c = serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					tt.fail(w, r)
					return
				}
				io.WriteString(w, `{"data":{"companyID":5},"status":"success"}`)
			})
			got, err := c.Company(t.Context())
			if tt.calls == 1 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "5", got.ID)
		})
	}
}

func TestReadCanceledWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		cancel()
	}, WithRetry(9, time.Hour))
	_, err := c.Company(ctx)
	require.Equal(t, KindCanceled, problem(t, err).Kind)
	require.ErrorIs(t, err, context.Canceled)
}

func TestGzip(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		json.NewEncoder(z).Encode(map[string]any{"data": map[string]any{"company_name": r.Header.Get("Accept-Encoding")}})
		z.Close()
	})
	got, err := c.Company(t.Context())
	require.NoError(t, err)
	require.Equal(t, "gzip", *got.Name)

	// Packed although nobody asked for it, and broken.
	for body, ok := range map[string]bool{"good": true, "bad": false} {
		c, err := New(testToken, WithRetry(1, 0), WithTransport(roundTripper(func(*http.Request) (*http.Response, error) {
			var b strings.Builder
			if z := gzip.NewWriter(&b); ok {
				io.WriteString(z, `{"data":{"companyID":1}}`)
				z.Close()
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(bufio.NewReader(strings.NewReader(b.String() + body)))}, nil
		})))
		require.NoError(t, err)
		_, err = c.Company(t.Context())
		require.Error(t, err, "what follows the packed part is no gzip either")
	}
}

// TestHeadersAreShared is for the race detector: calls share their headers, and
// nothing on the way writes to them.
func TestHeadersAreShared(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			reply(w, []map[string]any{{"id": 1}}, map[string]any{"total": 1})
			return
		}
		io.WriteString(w, acceptedBody)
	})
	shared := c.headers()
	c.carrier = &traced{newTransport(), c.base, shared}
	read, send := shared.read.Clone(), shared.send.Clone()
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 20 {
				_, err := c.SendMessage(t.Context(), hello)
				_, err2 := c.ListContacts(t.Context(), ContactsQuery{Limit: 1})
				if err = errors.Join(err, err2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	require.Equal(t, read, shared.read)
	require.Equal(t, send, shared.send)
}

// TestEachCallerKeepsAConnection has as many callers side by side as a flow may
// have, more than once: all the calls after the first go over what is open.
func TestEachCallerKeepsAConnection(t *testing.T) {
	var under, opened atomic.Int64
	all := make(chan chan struct{}, 1)
	all <- make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		here := <-all
		if under.Add(1)%mostCallers == 0 {
			close(here)
			all <- make(chan struct{})
		} else {
			all <- here
		}
		<-here // nobody is answered before all have asked
		io.WriteString(w, acceptedBody)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c, err := New(testToken, WithBaseURL(srv.URL))
	require.NoError(t, err)
	for range 3 {
		var callers sync.WaitGroup
		for range mostCallers {
			callers.Go(func() {
				if _, err := c.SendMessage(t.Context(), hello); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	}
	require.EqualValues(t, mostCallers, opened.Load())
}

// TestABodyIsReadIntoTheLastOne: what was decoded stays as it is when the memory of its
// body holds the next one.
func TestABodyIsReadIntoTheLastOne(t *testing.T) {
	page := func(name string) string {
		row := `{"id":7,"name":"` + name + `","phone":"79161110001","comment":12345678901234567890,"custom_fields":{"` + name + `":"` + name + `"}}`
		return `{"data":[` + row + `],"meta":{"total":1},"padding":"` + strings.Repeat("x", leastReused) + `"}`
	}
	names := []string{"Anna", "Olga", "Ivan"}
	n := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page(names[n]))
		n++
	})
	var got []Contact
	for range names {
		l, err := c.ListContacts(t.Context(), ContactsQuery{Limit: 1})
		require.NoError(t, err)
		for x, err := range l.All() {
			require.NoError(t, err)
			got = append(got, x)
		}
	}
	for i, name := range names {
		require.Equal(t, Contact{
			ID: 7, Name: &name, Phone: "79161110001", Comment: new("12345678901234567890"), CustomFields: map[string]string{name: name},
		}, got[i])
	}

	c.reuse(make([]byte, leastReused-1))
	c.reuse(make([]byte, 0, mostReused+1))
	for room := c.room(); room != nil; room = c.room() {
		require.GreaterOrEqual(t, cap(room), leastReused)
		require.LessOrEqual(t, cap(room), mostReused)
		require.Empty(t, room)
	}
}

// TestReadBody reads bodies of every size, in pieces of every kind, whatever the
// answer says of their length.
func TestReadBody(t *testing.T) {
	const limit = 5000
	broken := errors.New("reset")
	pieces := map[string]func(io.Reader) io.Reader{
		"whole":         func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"half":          iotest.HalfReader,
		"end with data": iotest.DataErrReader,
	}
	for _, size := range []int{0, 1, 200, 511, 512, 513, 1024, limit - 1, limit, limit + 1, 3 * limit} {
		text := strings.Repeat("x", size)
		for _, said := range []int64{-1, 0, 1, int64(size) - 1, int64(size), int64(size) + 1, 1 << 40} {
			for name, cut := range pieces {
				for _, room := range [][]byte{nil, make([]byte, 0, 1), make([]byte, 0, 513), make([]byte, 0, limit+1)} {
					resp := &http.Response{ContentLength: said, Header: http.Header{}, Body: io.NopCloser(cut(strings.NewReader(text)))}
					got, err := readBody(resp, limit, room)
					if size > limit {
						require.ErrorAs(t, err, new(tooLarge), "%d %d %s %d", size, said, name, cap(room))
						require.Nil(t, got)
						continue
					}
					require.NoError(t, err, "%d %d %s %d", size, said, name, cap(room))
					require.Equal(t, text, string(got), "%d %d %s %d", size, said, name, cap(room))
					require.LessOrEqual(t, cap(got), 3*limit, "memory is not taken at a header's word")
				}
			}
			resp := &http.Response{ContentLength: said, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))}
			_, err := readBody(resp, limit, nil)
			if size <= limit {
				require.ErrorIs(t, err, broken)
			}
		}
	}
}
