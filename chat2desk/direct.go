package chat2desk

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

// direct is a carrier that opens connections to the API's host itself, and writes and
// reads on the goroutine of whoever calls: no other is woken for a call. It speaks
// HTTP/1.1 only: when a connection breaks, one send is in doubt and not all that
// shared it. The zero value is not useful; make it with newDirect.
type direct struct {
	address    string      // host:port
	tls        *tls.Config // nil for plain http
	dialer     net.Dialer
	read, send []byte // the lines of the head that all reads have, and all sends

	mu   sync.Mutex
	idle []*link // the longest at rest first
}

func newDirect(base *url.URL, h headers) *direct {
	d := &direct{dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}, read: lines(base, h.read), send: lines(base, h.send)}
	port := "80"
	if base.Scheme == "https" {
		port = "443"
		d.tls = &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: base.Hostname(), NextProtos: []string{"http/1.1"},
			DynamicRecordSizingDisabled: true, // a request is one record, and so one packet
		}
	}
	d.address = net.JoinHostPort(base.Hostname(), cmp.Or(base.Port(), port))
	return d
}

func lines(base *url.URL, h http.Header) []byte {
	var b bytes.Buffer
	b.WriteString("Host: " + base.Host + "\r\n")
	_ = h.Write(&b) // a buffer takes everything
	return b.Bytes()
}

func (d *direct) carry(ctx context.Context, q request) (*http.Response, error) {
	l, err := d.link(ctx, q.deadline)
	if err != nil {
		return nil, unsent{err}
	}
	_ = l.conn.SetDeadline(q.deadline) // fails on a closed connection alone, as the next use does
	undisturbed := context.AfterFunc(ctx, l.interrupt)
	before := l.wire.written
	resp, err := l.exchange(d.head(q), q)
	if err != nil {
		undisturbed()
		l.close()
		if err = endOf(ctx, err); l.wire.written == before {
			err = unsent{err}
		}
		return nil, err
	}
	resp.Body = &linkedBody{ReadCloser: resp.Body, ctx: ctx, by: d, link: l, undisturbed: undisturbed, last: resp.Close}
	return resp, nil
}

func (d *direct) head(q request) []byte {
	if q.method == http.MethodGet {
		return d.read
	}
	return d.send
}

// link is a connection to the API's host that was alive a moment ago: the one that
// was used last, or a new one. As that one has rested least, none is kept that is
// older than one too old.
func (d *direct) link(ctx context.Context, deadline time.Time) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for l := d.take(); l != nil; l = d.take() {
		if time.Since(l.rested) < maxRest && l.isQuiet() {
			return l, nil
		}
		l.close()
	}
	return d.open(ctx, deadline)
}

// take is nil when no connection is at rest.
func (d *direct) take() *link {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := len(d.idle) - 1
	if last < 0 {
		return nil
	}
	l := d.idle[last]
	d.idle = slices.Delete(d.idle, last, last+1)
	return l
}

// keep lays a connection to rest and drops those that have rested for too long.
// There is nobody else to do that: no goroutine stays with an idle connection.
func (d *direct) keep(l *link) {
	l.rested = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	old := 0
	for old < len(d.idle) && (len(d.idle)-old >= mostCallers || l.rested.Sub(d.idle[old].rested) >= maxRest) {
		d.idle[old].close()
		old++
	}
	d.idle = append(slices.Delete(d.idle, 0, old), l)
}

func (d *direct) open(ctx context.Context, deadline time.Time) (*link, error) {
	whole, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := d.dialer.DialContext(whole, "tcp", d.address)
	if err != nil {
		return nil, endOf(whole, err)
	}
	l, err := newLink(conn)
	if err == nil && d.tls != nil {
		shaking, cancel := context.WithTimeout(whole, handshakeTimeout)
		defer cancel()
		if err = l.secure(shaking, d.tls); shaking.Err() != nil {
			err = fmt.Errorf("TLS handshake: no answer within %v", handshakeTimeout)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, endOf(whole, err)
	}
	return l, nil
}

// endOf is err, or the context's error if that is why it came. A connection's
// deadline is the call's.
func endOf(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}

// linkedBody is the body of an answer. To close it gives the connection back, if
// another answer can follow this one on it.
type linkedBody struct {
	io.ReadCloser
	ctx         context.Context
	by          *direct
	link        *link
	undisturbed func() bool // ends the watch over the context: false if that has ended
	last        bool        // the connection ends with this answer
	whole       bool        // it was read to its end
}

func (b *linkedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // a Reader gives its end bare
		b.whole = true
	case err != nil:
		err = endOf(b.ctx, err)
	}
	return n, err
}

// Close closes the connection rather than to read what is left.
func (b *linkedBody) Close() error {
	l := b.link
	if l == nil {
		return nil
	}
	b.link = nil
	if b.undisturbed() && b.whole && !b.last && l.isDrained() {
		b.by.keep(l)
	} else {
		l.close()
	}
	return nil
}
