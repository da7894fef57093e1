package chat2desk

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxReadBody = 16 << 20 // bytes of an unpacked answer to a read
	maxSendBody = 1 << 20  // bytes of an unpacked answer to a send
	maxTrusted  = 1 << 20  // bytes of memory that are taken at a header's word
)

// exchange makes exactly one HTTP request within one total deadline. It speaks
// to the RoundTripper directly and not through http.Client: no redirect is ever
// followed, and no request repeated.
func (c *Client) exchange(ctx context.Context, method, path string, query url.Values, body []byte) (s seen) {
	timeout, maxBody := c.readTimeout, int64(maxReadBody)
	if method != http.MethodGet {
		timeout, maxBody = c.sendTimeout, maxSendBody
	}
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if s.err != nil || s.bodyErr != nil {
			s.ended = context.Cause(ctx)
		}
	}()
	t := &trail{}
	req := c.request(t.follow(inner), method, path, query, body)
	c.calls.Add(1)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return seen{err: c.redact(err), arrived: t.mayHaveArrived(err)}
	}
	defer resp.Body.Close()
	s = seen{arrived: true, status: resp.StatusCode, header: resp.Header, heard: c.now()}
	c.learnTime(s.header, s.heard)
	s.body, s.bodyErr = readBody(resp, maxBody)
	s.bodyErr = c.redact(s.bodyErr)
	return s
}

// request makes the request of one call. What is the same for all of them is shared
// and never written to, as a RoundTripper must not either.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, body []byte) *http.Request {
	u := *c.base
	u.Path, u.RawQuery = path, query.Encode()
	req := (&http.Request{
		Method: method, URL: &u, Host: u.Host, Header: c.readHeader, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body != nil {
		// Without GetBody the transport cannot replay a POST on another connection. It
		// must know the reader's type, or it writes head and body apart.
		req.Body, req.ContentLength, req.Header = io.NopCloser(bytes.NewReader(body)), int64(len(body)), c.sendHeader
	}
	return req
}

// headers are those of reads and of sends. Pages may come packed; the answer to a
// send is too short for that to pay.
func (c *config) headers() (read, send http.Header) {
	read = http.Header{"Authorization": {c.authorization}, "Accept": {"application/json"}, "User-Agent": {c.userAgent}}
	send = read.Clone()
	send["Content-Type"], send["Accept-Encoding"] = []string{"application/json"}, []string{"identity"}
	return read, send
}

// readBody reads a body up to max bytes. The transport unpacks gzip that it
// asked for itself; a server that packs unasked is read too.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	r := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("unpack the answer: %w", err)
		}
		r = z
	}
	size := int64(bytes.MinRead)
	if resp.ContentLength >= 0 {
		size = min(resp.ContentLength, limit, maxTrusted)
	}
	// One byte more, so that the end shows without growing.
	body := make([]byte, 0, size+1)
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return body, nil
		case err != nil:
			return body, err
		case len(body) == cap(body):
			body = slices.Grow(body, bytes.MinRead)
		}
	}
}

// tooLarge is the error of an answer of more than that many bytes.
type tooLarge int64

func (t tooLarge) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB", int64(t)>>20)
}

// redact makes an error of the transport fit to show: it never holds the token.
func (c *Client) redact(err error) error {
	if err == nil || !strings.Contains(err.Error(), c.token) {
		return err
	}
	return errors.New(c.hide(err.Error()))
}

// hide puts *** in the token's place.
func (c *Client) hide(text string) string { return strings.ReplaceAll(text, c.token, "***") }

// trail follows how far a request came. The transport may report to it for a
// moment after the call has ended, so it is never used again.
type trail struct {
	traced atomic.Bool // the transport reports to traces at all
	linked atomic.Bool // a connection was there to write to
	wrote  atomic.Bool // the whole head was handed to the connection
	trace  httptrace.ClientTrace
}

func (t *trail) follow(ctx context.Context) context.Context {
	t.trace.GetConn = func(string) { t.traced.Store(true) }
	t.trace.GotConn = func(httptrace.GotConnInfo) { t.linked.Store(true) }
	t.trace.WroteHeaders = func() { t.wrote.Store(true) }
	t.trace.WroteRequest = func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			t.wrote.Store(true)
		}
	}
	return httptrace.WithClientTrace(ctx, &t.trace)
}

// mayHaveArrived is false only on evidence: the transport traced the request and
// never wrote its head, or the error belongs to making a connection. A
// RoundTripper that reports nothing gets the careful answer, and so does a call
// that was given up with a connection in hand: its writer may still be at work.
func (t *trail) mayHaveArrived(err error) bool {
	gaveUp := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if t.wrote.Load() || t.linked.Load() && gaveUp {
		return true
	}
	return !t.traced.Load() && !isConnectError(err)
}

// isConnectError reports whether err can only come before a request is written.
func isConnectError(err error) bool {
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return true
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &record)
}

// mostCallers is how many may call side by side, each with a connection to keep: one
// that finds no room among the idle ones is closed, and the next call pays for
// another handshake.
const mostCallers = 256

// newTransport is tuned for one host and many callers. It speaks HTTP/1.1 only:
// when a connection breaks, one send is in doubt and not all that shared it.
// Idle connections are dropped early, before servers drop them under a send.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		TLSHandshakeTimeout:    10 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns:           mostCallers,
		MaxIdleConnsPerHost:    mostCallers,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}
