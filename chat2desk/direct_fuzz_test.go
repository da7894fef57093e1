//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// played is a connection to a server that answers with these bytes, whatever it is
// asked, and closes.
type played struct {
	net.Conn // none: what is not played here must not be used
	answer   io.Reader
	asked    chan bool
	once     sync.Once
}

func play(answer string) *played {
	return &played{answer: strings.NewReader(answer), asked: make(chan bool)}
}

func (p *played) Write(b []byte) (int, error) {
	p.once.Do(func() { close(p.asked) })
	return len(b), nil
}

func (p *played) Read(b []byte) (int, error) {
	<-p.asked
	return p.answer.Read(b)
}

func (p *played) Close() error {
	p.once.Do(func() { close(p.asked) })
	return nil
}

func (p *played) SetDeadline(time.Time) error { return nil }

// judged is what came of an answer.
type judged struct {
	Status  int
	Body    string
	HeadBad bool
	BodyBad bool
	Header  http.Header
}

func judgedOf(resp *http.Response, err error) judged {
	if err != nil {
		return judged{HeadBad: true}
	}
	defer resp.Body.Close()
	body, err := readBody(resp, maxSendBody, nil)
	return judged{resp.StatusCode, string(body), false, err != nil, resp.Header}
}

// FuzzAnswer holds what we make of any bytes as an answer against what net/http's
// Transport makes of them.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		wholeAnswer, "HTTP/1.0 200 OK\r\n\r\n{}", "HTTP/1.1 204 No Content\r\n\r\n{}", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", ok + "Content-Length: 2, 2\r\n\r\n{}",
		"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\n" + wholeAnswer, ok + " folded: x\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
	} {
		f.Add(text)
	}
	base := &url.URL{Scheme: "http", Host: "api.example"}
	f.Fuzz(func(t *testing.T, text string) {
		conn := play(text)
		l := &link{wire: &meter{Conn: conn}}
		l.conn, l.in = l.wire, bufio.NewReader(l)
		ours := judgedOf(l.exchange(nil, post("x")))

		std := newTransport()
		std.Proxy = nil
		std.DialContext = func(context.Context, string, string) (net.Conn, error) { return play(text), nil }
		theirs := judgedOf((&traced{std, base, headers{http.Header{}, http.Header{}}}).carry(t.Context(), post("x")))
		std.CloseIdleConnections()

		if theirs.Status == http.StatusSwitchingProtocols {
			require.True(t, ours.HeadBad)
			return
		}
		require.Equal(t, theirs, ours)
	})
}
