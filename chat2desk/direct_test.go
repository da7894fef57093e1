//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rawServer serves each connection by a function of its own, which has it closed when
// it returns, and is over when all of them have.
func rawServer(t *testing.T, serve func(n int64, c net.Conn)) *url.URL {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for n := int64(1); ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				serve(n, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}

// heard reads one request whole.
func heard(in *bufio.Reader) (body string, ok bool) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return "", false
	}
	text, err := io.ReadAll(req.Body)
	return string(text), err == nil
}

// directTo is a carrier that lets go of its connections at the test's end.
func directTo(t *testing.T, base *url.URL) *direct {
	t.Helper()
	c, err := New(testToken, WithBaseURL(base.String()))
	require.NoError(t, err)
	d, ok := c.carrier.(*direct)
	require.True(t, ok, "%T", c.carrier)
	t.Cleanup(func() {
		for l := d.take(); l != nil; l = d.take() {
			l.close()
		}
	})
	return d
}

func (d *direct) resting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.idle)
}

// post is a send of this body, with ten seconds for it.
func post(body string) request {
	return request{http.MethodPost, "/v1/messages", "", []byte(body), time.Now().Add(10 * time.Second)}
}

// ask makes a call and reads its answer to the end.
func ask(ctx context.Context, c carrier, q request) (status int, body string, err error) {
	resp, err := c.carry(ctx, q)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

func surelyUnsent(err error) bool { return errors.As(err, new(unsent)) }

const wholeAnswer = ok + "Content-Length: 2\r\n\r\n{}"

// TestAnswersOnTheWire gives each answer on the first connection, then has another
// call made, which goes over the same one only if nothing speaks against that.
func TestAnswersOnTheWire(t *testing.T) {
	tests := []struct {
		name   string
		answer string
		status int
		body   string
		err    error // of the call or of its body; any when it is errAny
		again  bool  // the connection serves the next call too
	}{
		{"a length", wholeAnswer, 200, "{}", nil, true},
		{"chunks", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "{}", nil, true},
		{"chunks and a trailer", ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", 200, "{}", nil, true},
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", nil, true},
		{"an empty body", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, "", nil, true},
		{"100 first", "HTTP/1.1 100 Continue\r\n\r\n" + wholeAnswer, 200, "{}", nil, true},
		{"103 twice first", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 2) + wholeAnswer, 200, "{}", nil, true},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 0, "", errSwitched, false},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", nil, false},
		{"HTTP/1.0 that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", nil, true},
		{"the last answer", ok + "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", nil, false},
		{"junk after it", wholeAnswer + "HTTP/1.1 200 OK\r\n\r\n", 200, "{}", nil, false},
		{"junk after no body", "HTTP/1.1 204 No Content\r\n\r\n{}", 204, "", nil, false},
		{"too large a head", ok + "X: " + strings.Repeat("y", maxHead) + "\r\n\r\n", 0, "", errLargeHead, false},
		{"too many lines in the head", ok + strings.Repeat("X: y\r\n", maxHead/6) + "\r\n", 0, "", errLargeHead, false},
		{"too many interim heads", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxHead/26), 0, "", errLargeHead, false},
		{"a large head", ok + "X: " + strings.Repeat("y", maxHead/2) + "\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", nil, true},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", 0, "", errAny, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var opened, requests atomic.Int64
			d := directTo(t, rawServer(t, func(n int64, c net.Conn) {
				opened.Store(n)
				for in := bufio.NewReader(c); ; {
					if _, ok := heard(in); !ok {
						return
					}
					requests.Add(1)
					answer := tt.answer
					if n > 1 {
						answer = wholeAnswer
					}
					_, _ = io.WriteString(c, answer)
				}
			}))
			status, body, err := ask(t.Context(), d, post("one"))
			if tt.err == nil {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
				require.False(t, surelyUnsent(err), "it arrived")
				if tt.err != errAny {
					require.ErrorIs(t, err, tt.err)
				}
			}
			require.Equal(t, tt.status, status)
			require.Equal(t, tt.body, body)

			_, _, err = ask(t.Context(), d, post("two"))
			require.NoError(t, err)
			require.EqualValues(t, 2, requests.Load())
			require.Equal(t, tt.again, opened.Load() == 1)
		})
	}
}

var errAny = errors.New("any")

// TestBreaksOnTheWire ends the first call in some way after its request was read, or
// some of it: in all of them it may have arrived, and the connection is closed.
func TestBreaksOnTheWire(t *testing.T) {
	tests := []struct {
		name string
		then wire
		err  error
	}{
		{"closes", raw(""), io.EOF},
		{"resets", reset(""), errAny},
		{"half a head", raw(ok + "Content-Le"), io.EOF},
		{"half a body", raw(ok + "Content-Length: 20\r\n\r\n{"), io.ErrUnexpectedEOF},
		{"a reset in the body", reset(ok + "Content-Length: 20\r\n\r\n{"), errAny},
		{"half a chunk", raw(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n{"), io.ErrUnexpectedEOF},
		{"never answers", silent(""), context.DeadlineExceeded},
		{"stops in the head", silent(ok + "X: "), context.DeadlineExceeded},
		{"stops in the body", silent(ok + "Content-Length: 20\r\n\r\n{"), context.DeadlineExceeded},
		{"drips", forever(ok, "X: y\r\n", time.Millisecond), context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan bool, 1)
			d := directTo(t, rawServer(t, func(n int64, c net.Conn) {
				in := bufio.NewReader(c)
				if _, ok := heard(in); ok && n > 1 {
					_, _ = io.WriteString(c, wholeAnswer)
					_, _ = io.Copy(io.Discard, c)
					return
				}
				tt.then(c)
				ended <- true
			}))
			q := post("one")
			if tt.err == context.DeadlineExceeded {
				q.deadline = time.Now().Add(300 * time.Millisecond)
			}
			_, _, err := ask(t.Context(), d, q)
			require.Error(t, err)
			if tt.err != errAny {
				require.ErrorIs(t, err, tt.err)
			}
			require.False(t, surelyUnsent(err), "it may have arrived")
			require.Zero(t, d.resting())
			<-ended // also of those that only our closing ends
			_, body, err := ask(t.Context(), d, post("two"))
			require.NoError(t, err, "a deadline that has passed is not left to the next call")
			require.Equal(t, "{}", body)
		})
	}
}

// TestAnsweredBeforeItIsRead is a server that refuses a request of which it has read
// the head alone, and closes: its word counts although the rest was not written.
func TestAnsweredBeforeItIsRead(t *testing.T) {
	d := directTo(t, rawServer(t, func(_ int64, c net.Conn) {
		_, err := http.ReadRequest(bufio.NewReaderSize(c, 256))
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}
	}))
	for _, size := range []int{10, 1 << 10, 1 << 20, 32 << 20} {
		status, body, err := ask(t.Context(), d, post(strings.Repeat("x", size)))
		require.NoError(t, err)
		require.Equal(t, 413, status)
		require.Equal(t, "no", body)
	}
}

// TestDiesAtRest has the server end each connection, in several ways, after it has
// answered and before the next call: every call is answered, and read exactly once.
func TestDiesAtRest(t *testing.T) {
	ends := map[string]func(net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset": func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		},
		"half closed": func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() },
		"an answer that nobody asked for": func(c net.Conn) {
			_, _ = io.WriteString(c, wholeAnswer)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			const calls = 300
			var requests atomic.Int64
			rests, ended := make(chan bool, 1), make(chan bool, 1)
			defer close(rests)
			d := directTo(t, rawServer(t, func(_ int64, c net.Conn) {
				in := bufio.NewReader(c)
				if _, ok := heard(in); !ok {
					return
				}
				requests.Add(1)
				_, _ = io.WriteString(c, wholeAnswer)
				<-rests
				end(c)
				ended <- true
				if _, ok := heard(in); ok {
					requests.Add(1)
				}
			}))
			for n := range calls {
				_, _, err := ask(t.Context(), d, post("x"))
				require.NoError(t, err, "call %d", n)
				require.Equal(t, 1, d.resting())
				rests <- true
				select {
				case <-ended:
				case <-time.After(10 * time.Second):
					t.Fatal("the call did not come in on another connection")
				}
			}
			require.EqualValues(t, calls, requests.Load())
		})
	}
}

// TestRestsTooLong looks at connections that are too many or too old.
func TestRestsTooLong(t *testing.T) {
	var opened atomic.Int64
	d := directTo(t, rawServer(t, func(n int64, c net.Conn) {
		opened.Store(n)
		for in := bufio.NewReader(c); ; {
			if _, ok := heard(in); !ok {
				return
			}
			_, _ = io.WriteString(c, wholeAnswer)
		}
	}))
	call := func() {
		t.Helper()
		_, _, err := ask(t.Context(), d, post("x"))
		require.NoError(t, err)
		require.Equal(t, 1, d.resting())
	}
	call()
	call()
	require.EqualValues(t, 1, opened.Load())
	d.idle[0].rested = time.Now().Add(-maxRest)
	call()
	require.EqualValues(t, 2, opened.Load())

	old := d.idle[0]
	for range mostCallers {
		end, other := net.Pipe()
		t.Cleanup(func() { _ = other.Close() })
		d.keep(&link{wire: &meter{Conn: end}})
	}
	require.Equal(t, mostCallers, d.resting())
	require.ErrorIs(t, old.wire.SetDeadline(time.Time{}), net.ErrClosed, "the one at rest for longest gave way")
	for _, l := range d.idle[:100] {
		l.rested = time.Now().Add(-maxRest)
	}
	end, other := net.Pipe()
	t.Cleanup(func() { _ = other.Close() })
	d.keep(&link{wire: &meter{Conn: end}})
	require.Equal(t, mostCallers-100+1, d.resting())
}

// TestEndsAtEachMoment ends a call by its context and by its deadline, in each of the
// things that it waits for. It is told as unsent exactly if the server has read
// nothing of it.
func TestEndsAtEachMoment(t *testing.T) {
	large := strings.Repeat("x", 16<<20) // more than the system takes for a reader that does not read
	ended := make(chan bool, 1)
	deaf := func(net.Conn) { <-ended }
	moments := []struct {
		name   string
		serve  wire
		body   string
		secure bool // only the handshake arrives
	}{
		{"the handshake", silent(""), "x", true},
		{"the write", deaf, large, false},
		{"the head", silent(""), "x", false},
		{"the middle of the head", silent(ok + "X"), "x", false},
		{"after an interim answer", silent("HTTP/1.1 100 Continue\r\n\r\n"), "x", false},
		{"the body", silent(ok + "Content-Length: 10\r\n\r\n{"), "x", false},
	}
	for _, m := range moments {
		after := 50 * time.Millisecond
		if m.body == large {
			after = 300 * time.Millisecond
		}
		for _, by := range []error{context.Canceled, context.DeadlineExceeded, errAny} {
			t.Run(fmt.Sprintf("%s, %v", m.name, by), func(t *testing.T) {
				var arrived atomic.Bool
				var told bool      // as unsent
				t.Cleanup(func() { // now that the server has read what came
					require.Equal(t, m.secure || !arrived.Load(), told)
				})
				base := rawServer(t, func(_ int64, c net.Conn) {
					n, _ := c.Read(make([]byte, 1))
					arrived.Store(n > 0)
					m.serve(c)
				})
				if m.secure {
					base.Scheme = "https"
				}
				d := directTo(t, base)
				q, ctx, want := post(m.body), t.Context(), by
				switch by {
				case context.Canceled:
					c, cancel := context.WithCancel(ctx)
					time.AfterFunc(after, cancel)
					ctx = c
				case context.DeadlineExceeded:
					c, cancel := context.WithTimeout(ctx, after)
					defer cancel()
					ctx = c
				default:
					q.deadline, want = time.Now().Add(after), context.DeadlineExceeded
				}
				_, _, err := ask(ctx, d, q)
				told = surelyUnsent(err)
				if m.body == large {
					ended <- true
				}
				require.ErrorIs(t, err, want)
				require.Zero(t, d.resting())
			})
		}
	}
	t.Run("before it begins", func(t *testing.T) {
		d := directTo(t, rawServer(t, func(_ int64, c net.Conn) { t.Error("dialled") }))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := ask(ctx, d, post("x"))
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, surelyUnsent(err))
	})
	t.Run("the dial", func(t *testing.T) {
		d := directTo(t, &url.URL{Scheme: "http", Host: "127.0.0.1:9"})
		ctx, cancel := context.WithCancel(t.Context())
		d.dialer.ControlContext = func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		_, _, err := ask(ctx, d, post("x"))
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, surelyUnsent(err))
	})
	t.Run("after the answer", func(t *testing.T) {
		d := directTo(t, rawServer(t, func(_ int64, c net.Conn) {
			_, _ = heard(bufio.NewReader(c))
			_, _ = io.WriteString(c, wholeAnswer)
			_, _ = io.Copy(io.Discard, c)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := d.carry(ctx, post("x"))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "{}", string(text))
		cancel()
		require.NoError(t, resp.Body.Close())
		require.NoError(t, resp.Body.Close())
		require.Zero(t, d.resting(), "its deadline may have passed by now")
	})
}

// TestUnreadIsClosed closes bodies before their end.
func TestUnreadIsClosed(t *testing.T) {
	d := directTo(t, rawServer(t, func(_ int64, c net.Conn) {
		_, _ = heard(bufio.NewReader(c))
		forever(ok+"Content-Length: 1000000000000\r\n\r\n", " ", 0)(c)
	}))
	resp, err := d.carry(t.Context(), post("x"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Zero(t, d.resting())
}

// TestRequestOnTheWire holds what a server reads of our requests against what it
// reads of those of net/http.
func TestRequestOnTheWire(t *testing.T) {
	type said struct {
		Method, URI, Proto, Host, Body string
		Length                         int64
		Header                         http.Header
		Transfer                       []string
	}
	heard := make(chan said, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		heard <- said{r.Method, r.RequestURI, r.Proto, r.Host, string(text), r.ContentLength, r.Header, r.TransferEncoding}
	}))
	t.Cleanup(srv.Close)
	c, err := New(testToken, WithBaseURL(srv.URL), WithScheme("bearer"), WithUserAgent("рука 1"))
	require.NoError(t, err)
	later := time.Now().Add(time.Minute)
	for _, q := range []request{
		{http.MethodGet, "/v1/clients", "", nil, later},
		{http.MethodGet, "/v1/clients", url.Values{"tags": {"1,2"}, "phone": {"+7 9 ü&="}}.Encode(), nil, later},
		{http.MethodGet, "/v1/a b/ü/%2F?#", "x=1", nil, later},
		{http.MethodPost, "/v1/messages", "", []byte(`{"text":"ü\r\n\r\nGET / HTTP/1.1"}`), later},
		{http.MethodPost, "/v1/messages", "", nil, later},
		{http.MethodPost, "/v1/messages", "a=b", []byte(strings.Repeat("x", 100_000)), later},
		{http.MethodPut, "/v1/clients/1", "", []byte(`{}`), later},
	} {
		_, _, err := ask(t.Context(), c.carrier, q)
		require.NoError(t, err)
		ours := <-heard
		_, _, err = ask(t.Context(), &traced{newTransport(), c.base, c.headers()}, q)
		require.NoError(t, err)
		require.Equal(t, <-heard, ours)
		require.Equal(t, "Bearer "+testToken, ours.Header.Get("Authorization"))
	}
}

// writes counts the writes to a connection.
type writes struct {
	net.Conn
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.Conn.Write(p)
}

// TestOneWrite looks at how many packets a request is begun with: head and body are
// one, also under TLS.
func TestOneWrite(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	for _, srv := range []*httptest.Server{plain, secure} {
		base, err := url.Parse(srv.URL)
		require.NoError(t, err)
		d := directTo(t, base)
		trust(d, srv)
		_, _, err = ask(t.Context(), d, post("x"))
		require.NoError(t, err)
		l := d.idle[0]
		counted := &writes{Conn: l.wire.Conn}
		l.wire.Conn = counted
		for range 5 {
			_, _, err = ask(t.Context(), d, post(strings.Repeat("x", 8000)))
			require.NoError(t, err)
		}
		require.Equal(t, 5, counted.n)
		require.Same(t, l, d.idle[0])
	}
}

// failing is a connection that takes so many bytes and no more.
type failing struct {
	net.Conn
	takes int
}

func (f *failing) Write(p []byte) (int, error) {
	n := min(f.takes, len(p))
	f.takes -= n
	if n < len(p) {
		return n, errors.New("no more")
	}
	return n, nil
}

// TestWhatWasWritten breaks the connection after each number of bytes. That nothing
// arrived is said only where not one was taken.
func TestWhatWasWritten(t *testing.T) {
	length := len(post("x").appendTo(nil, nil))
	for takes := range length {
		d := directTo(t, &url.URL{Scheme: "http", Host: "127.0.0.1:1"})
		d.send = nil
		ours, theirs := net.Pipe()
		require.NoError(t, theirs.Close())
		l := &link{wire: &meter{Conn: &failing{ours, takes}}}
		l.conn, l.in = l.wire, bufio.NewReader(l)
		_, err := l.exchange(d.send, post("x"))
		require.ErrorContains(t, err, "no more", "why it broke, and not what followed from that")
		require.EqualValues(t, takes, l.wire.written)
	}
}

func TestWhichCarrier(t *testing.T) {
	for base, direct := range map[string]bool{
		"https://api.chat2desk.com":    true,
		"http://localhost:8080":        true,
		"https://апи.example":          false,
		"https://[fe80::1%25eth0]:443": false,
	} {
		u, err := url.Parse(base)
		require.NoError(t, err)
		_, ours := newCarrier(u, headers{}).(*traced)
		require.Equal(t, direct, !ours, base)
	}
}

// TestProxied runs this test in a process of its own, since the environment's proxy is
// looked up once: a call goes to it, and its refusal says that nothing was sent.
func TestProxied(t *testing.T) {
	const mark = "CHAT2DESK_TEST_PROXIED"
	if os.Getenv(mark) != "" {
		c, err := New(testToken, WithBaseURL("https://api.example"))
		require.NoError(t, err)
		_, err = c.SendMessage(t.Context(), hello)
		require.Equal(t, NotSent, problem(t, err).Delivery)
		return
	}
	asked := make(chan string, 1)
	proxy := rawServer(t, func(_ int64, c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		asked <- line
		_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	})
	var out bytes.Buffer
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxied$")
	self.Env = append(os.Environ(), mark+"=1", "HTTPS_PROXY="+proxy.String(), "NO_PROXY=")
	self.Stdout, self.Stderr = &out, &out
	require.NoError(t, self.Run(), out.String())
	require.Equal(t, "CONNECT api.example:443 HTTP/1.1\r\n", <-asked)
}
