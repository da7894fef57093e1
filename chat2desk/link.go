package chat2desk

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"
)

var (
	errLargeHead = fmt.Errorf("the head of the answer is larger than %d KiB", maxHead>>10)
	errSwitched  = errors.New("the server switched to another protocol unasked")
)

// link is one connection to the API's host. One goroutine has it at a time, which
// alone may call its methods but interrupt.
type link struct {
	wire      *meter
	conn      net.Conn    // wire, or TLS over it
	quiet     func() bool // nothing is to be read from wire
	interrupt func()      // ends what waits for the connection now, from any goroutine
	in        *bufio.Reader
	out       []byte // the last request; the next is written over it
	left      int64  // bytes that may still be read from conn
	failed    error  // of the last read from conn, be it after the answer's last byte
	rested    time.Time
}

// meter counts the bytes that a connection took.
type meter struct {
	net.Conn
	written int64
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.written += int64(n)
	return n, err
}

// newLink fails on a connection that is not the system's.
func newLink(conn net.Conn) (*link, error) {
	system, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a connection of type %T cannot be looked at", conn)
	}
	look, err := system.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &link{wire: &meter{Conn: conn}, quiet: quietOf(look)}
	l.conn, l.in = l.wire, bufio.NewReader(l)
	l.interrupt = func() { _ = l.wire.SetDeadline(time.Unix(1, 0)) }
	return l, nil
}

// secure puts TLS over the connection. The error is the context's if that has ended.
func (l *link) secure(ctx context.Context, c *tls.Config) error {
	over := tls.Client(l.wire, c)
	l.conn = over
	return over.HandshakeContext(ctx)
}

// close says no farewell by TLS: to write could wait.
func (l *link) close() { _ = l.wire.Close() }

// isQuiet reports whether nothing came while the connection rested, neither its end
// nor an answer that nobody asked for. Until then not a byte of a request is written,
// so nothing is in doubt when another connection is taken.
func (l *link) isQuiet() bool {
	if l.conn != net.Conn(l.wire) {
		// What TLS has read along with the last answer is seen by asking it while the
		// connection itself gives nothing.
		l.interrupt()
		var one [1]byte
		if _, err := l.conn.Read(one[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return l.quiet()
}

// isDrained reports whether the last answer was all that was read.
func (l *link) isDrained() bool { return l.failed == nil && l.in.Buffered() == 0 }

// exchange writes a request in one piece and reads the head of its answer. The lines
// are those of the request's head but the first and the length.
func (l *link) exchange(lines []byte, q request) (*http.Response, error) {
	l.out = q.appendTo(l.out[:0], lines)
	before := l.wire.written
	_, broken := l.conn.Write(l.out)
	if broken != nil && l.wire.written == before {
		return nil, broken
	}
	// A server may answer what it has not read whole, and close.
	resp, err := l.readHead()
	if err != nil {
		return nil, cmp.Or(broken, err)
	}
	resp.Close = resp.Close || broken != nil
	return resp, nil
}

// readHead reads the head of the final answer, past interim ones.
func (l *link) readHead() (*http.Response, error) {
	l.left = maxHead
	for {
		resp, err := http.ReadResponse(l.in, nil)
		switch {
		case err != nil && l.failed != nil: // what is cut off may look malformed
			return nil, l.failed
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errSwitched
		case resp.StatusCode/100 != 1:
			l.left = math.MaxInt64
			return resp, nil
		}
	}
}

// Read reads for the buffered reader, within what may still be read.
func (l *link) Read(p []byte) (n int, _ error) {
	if l.left <= 0 {
		l.failed = errLargeHead
		return 0, l.failed
	}
	n, l.failed = l.conn.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, l.failed
}

// appendTo appends the request as it goes out.
func (q request) appendTo(b, lines []byte) []byte {
	b = append(append(b, q.method...), ' ')
	b = append(b, (&url.URL{Path: q.path, RawQuery: q.query}).RequestURI()...)
	b = append(append(b, " HTTP/1.1\r\n"...), lines...)
	if q.method != http.MethodGet {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(q.body)), 10), "\r\n"...)
	}
	return append(append(b, "\r\n"...), q.body...)
}
