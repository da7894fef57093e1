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
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxReadBody = 16 << 20 // bytes of an unpacked answer to a read
	maxSendBody = 1 << 20  // bytes of an unpacked answer to a send
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
		s.now = c.now()
		if s.err != nil || s.bodyErr != nil {
			s.ended = context.Cause(ctx)
		}
	}()
	t := &trail{}
	req, err := c.request(t.follow(inner), method, path, query, body)
	if err != nil {
		return seen{err: err}
	}
	c.calls.Add(1)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return seen{err: c.redact(err), arrived: t.mayHaveArrived(err)}
	}
	defer resp.Body.Close()
	c.learnTime(resp.Header)
	s = seen{arrived: true, status: resp.StatusCode, header: resp.Header}
	s.body, s.bodyErr = readBody(resp, maxBody)
	s.bodyErr = c.redact(s.bodyErr)
	return s
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Request, error) {
	u := *c.base
	u.Path = path
	u.RawQuery = query.Encode()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, err
	}
	// Without GetBody the transport cannot replay a POST on another connection.
	req.GetBody = nil
	req.Header.Set("Authorization", c.authorization)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
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
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return body, err
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(limit)
	}
	return body, nil
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

// trail follows how far a request came.
type trail struct {
	traced atomic.Bool // the transport reports to traces at all
	linked atomic.Bool // a connection was there to write to
	wrote  atomic.Bool // the whole head was handed to the connection
}

func (t *trail) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { t.traced.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { t.linked.Store(true) },
		WroteHeaders: func() { t.wrote.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				t.wrote.Store(true)
			}
		},
	})
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
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}
