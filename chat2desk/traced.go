package chat2desk

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// traced is a carrier by any RoundTripper, which it follows by the hooks of httptrace.
type traced struct {
	by   http.RoundTripper
	base *url.URL
	headers
}

func (t *traced) carry(ctx context.Context, q request) (*http.Response, error) {
	ctx, cancel := context.WithDeadline(ctx, q.deadline)
	way := &trail{}
	resp, err := t.by.RoundTrip(t.request(way.follow(ctx), q))
	switch {
	case err == nil:
		resp.Body = &lastingBody{resp.Body, cancel}
		return resp, nil
	case !way.mayHaveArrived(err):
		err = unsent{err}
	}
	cancel()
	return nil, err
}

// request makes the request for a RoundTripper, which must not write to the headers.
func (t *traced) request(ctx context.Context, q request) *http.Request {
	u := *t.base
	u.Path, u.RawQuery = q.path, q.query
	req := (&http.Request{
		Method: q.method, URL: &u, Host: u.Host, Header: t.of(q.method), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if q.body != nil {
		// Without GetBody the transport cannot replay a POST on another connection. It
		// must know the reader's type, or it writes head and body apart.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(q.body)), int64(len(q.body))
	}
	return req
}

// lastingBody keeps the call's context alive while its body is read.
type lastingBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *lastingBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

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

// newTransport is tuned for one host and many callers. It speaks HTTP/1.1 only:
// when a connection breaks, one send is in doubt and not all that shared it.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		Protocols:              protocols,
		TLSHandshakeTimeout:    handshakeTimeout,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxIdleConns:           mostCallers,
		MaxIdleConnsPerHost:    mostCallers,
		IdleConnTimeout:        maxRest,
		MaxResponseHeaderBytes: maxHead,
	}
}
