package steps

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/step"
)

// The limits of one request.
const (
	maxRedirects     = 3
	defaultMaxAnswer = 1 << 20
	maxAnswerHeader  = 64 << 10
	answerTime       = 30 * time.Second // for all of it, the body too
	dialTime         = 10 * time.Second
)

// question is one request, checked.
type question struct {
	in  httpGetIn
	to  destination
	url *url.URL
}

// questionOf checks what the values of a run made of the parameters.
func questionOf(in httpGetIn) (question, error) {
	q := question{in: in}
	bad := func(problem string) (question, error) {
		return q, &step.ArgError{Param: "url", Problem: problem}
	}
	var err error
	if q.to, err = destinationOf(in.URL, false); err != nil {
		return q, err
	}
	if strings.ContainsFunc(in.URL, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return bad(`holds a space, a line break or a backslash; values that may hold them belong under query`)
	}
	if q.url, err = url.Parse(in.URL); err != nil || !strings.EqualFold(q.url.Host, q.to.host) {
		return bad("cannot be read as an address; values with signs of their own belong under query")
	}
	for part := range strings.SplitSeq(q.url.Path, "/") {
		if part == "." || part == ".." {
			return bad("leads up with . or .., which a value may have brought in; write the path that is meant")
		}
	}
	q.url.Fragment, q.url.RawFragment = "", ""
	if len(in.Query) > 0 {
		more := url.Values{}
		for _, item := range in.Query {
			more.Add(item.Name, item.Value)
		}
		q.url.RawQuery = strings.TrimPrefix(q.url.RawQuery+"&"+more.Encode(), "&")
	}
	for _, item := range in.Headers {
		if err := checkHeader("headers."+item.Name, item.Name, item.Value); err != nil {
			return q, err
		}
	}
	if in.AuthHeader != "" {
		err = checkAuthHeader(in.AuthHeader)
	}
	if err == nil && in.Auth != nil && strings.ContainsFunc(in.Auth.Reveal(), isControl) {
		err = &step.ArgError{Param: "auth", Problem: "holds a line break or another control character, which no header may"}
	}
	return q, err
}

// request is what goes over the wire.
func (q question) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url.String(), nil)
	if err != nil {
		return nil, &step.ArgError{Param: "url", Problem: "cannot be read as an address"}
	}
	req.Header.Set("User-Agent", "flowrunner")
	req.Header.Set("Accept", "application/json")
	if q.in.Format == "text" {
		req.Header.Set("Accept", "text/*")
	}
	for _, item := range q.in.Headers {
		req.Header.Set(item.Name, item.Value)
	}
	if q.in.Auth != nil {
		name := q.in.AuthHeader
		if name == "" {
			name = "Authorization"
		}
		req.Header.Set(name, q.in.Auth.Reveal())
	}
	return req, nil
}

// fetcherKey is the key of the fetcher that all steps of a run share: one for
// this machine, one for the rest of the world.
type fetcherKey struct{ local bool }

// fetcher asks hosts whose addresses it allows.
type fetcher struct{ client *http.Client }

// newFetcher makes a fetcher. roots are the authorities that it trusts; nil is
// those of the system.
func newFetcher(allowed func(netip.Addr) bool, roots *x509.CertPool) *fetcher {
	dialer := &net.Dialer{
		Timeout: dialTime,
		// Here the name has been resolved: what is checked is what is connected to.
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !allowed(at.Addr()) {
				return &addressError{address}
			}
			return nil
		},
	}
	return &fetcher{&http.Client{
		CheckRedirect: sameHost,
		Transport: &http.Transport{
			Proxy:                  nil, // the address of a proxy would be checked, not that of the host
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTime,
			MaxResponseHeaderBytes: maxAnswerHeader,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        dialTime,
			ForceAttemptHTTP2:      true,
		},
	}}
}

// Close ends the connections that are kept open.
func (f *fetcher) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// addressError is a host that leads where no flow may ask.
type addressError struct{ address string }

func (e *addressError) Error() string { return "the address " + e.address + " is not allowed" }

// redirectError is a redirect that is not followed.
type redirectError struct{ reason string }

func (e *redirectError) Error() string { return e.reason }

// sameHost lets a host redirect to itself, a few times.
func sameHost(next *http.Request, via []*http.Request) error {
	if first := via[0].URL; next.URL.Scheme != first.Scheme || origin(next.URL) != origin(first) {
		return &redirectError{"redirects to another host, " + next.URL.Scheme + "://" + next.URL.Host}
	}
	if len(via) > maxRedirects {
		return &redirectError{fmt.Sprintf("redirects more than %d times", maxRedirects)}
	}
	// Left to itself, net/http would drop the secret when only the spelling of the
	// host differs, and tell where it comes from.
	next.Header = via[0].Header.Clone()
	return nil
}

// origin is a host with its port, written or not.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// ask makes one request and reads its answer.
func (f *fetcher) ask(ctx context.Context, q question, zone *time.Location) (httpGetOut, error) {
	timed, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := q.request(timed)
	if err != nil {
		return httpGetOut{}, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return httpGetOut{}, q.unanswered(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return httpGetOut{}, q.refused(resp)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return httpGetOut{}, q.failure(step.ClassOther, "packs its answer as "+strconv.Quote(cut(e))+", which was not asked for", "only gzip can be read; ask the service for it", nil)
	}
	most := defaultMaxAnswer
	if q.in.MaxBytes != nil {
		most = *q.in.MaxBytes
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1)) // counted unpacked
	if err != nil {
		return httpGetOut{}, q.unanswered(ctx, err)
	}
	if len(body) > most {
		return httpGetOut{}, q.failure(step.ClassOther, fmt.Sprintf("answers with more than %d bytes", most), "raise maxBytes, or ask for less", nil)
	}
	v, err := q.decodeAnswer(body, resp.Header.Get("Content-Type"), zone)
	return httpGetOut{Value: v, Status: resp.StatusCode}, err
}

func (q question) failure(class step.Class, reason, hint string, err error) *step.Failure {
	return &step.Failure{Class: class, Delivery: step.NotSent, Reason: q.to.host + " " + reason, Hint: hint, Err: err}
}

// unanswered says why there is no answer. What net/http reports holds the whole
// address, and with it perhaps a person's phone: only its cause is kept.
func (q question) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err
	}
	var (
		address  *addressError
		redirect *redirectError
		dns      *net.DNSError
		cert     *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &address):
		return q.failure(step.ClassInvalid, "leads to "+address.address+", which is inside a network", "only hosts of the public internet are asked, and this machine by http://localhost", err)
	case errors.As(err, &redirect):
		return q.failure(step.ClassRedirect, redirect.reason, "write the final address in url", err)
	case errors.As(err, &cert):
		return q.failure(step.ClassInvalid, "shows a certificate that is not trusted", "ask whoever runs the service, or correct the host", err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return q.failure(step.ClassUnreachable, "is no known host", "correct the host, or check the network", err)
	case errors.Is(err, context.DeadlineExceeded):
		return q.failure(step.ClassUnreachable, fmt.Sprintf("did not answer within %s", answerTime), "try again later", err)
	}
	return q.failure(step.ClassUnreachable, "could not be reached, or the connection broke", "check the network, and try again", err)
}

// refused turns a status that is no answer into a failure.
func (q question) refused(resp *http.Response) error {
	status := resp.StatusCode
	reason := fmt.Sprintf("answers HTTP %d", status)
	switch {
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && q.in.Auth != nil:
		return q.failure(step.ClassToken, reason+": it refuses the secret of auth", "check the secret and the words around it, as in `auth: Bearer ${{ secrets.NAME }}`", nil)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return q.failure(step.ClassInvalid, reason+": it wants to know who asks", "write `auth: Bearer ${{ secrets.NAME }}`, or what the service says", nil)
	case status == http.StatusNotFound || status == http.StatusGone:
		return q.failure(step.ClassNotFound, reason+": there is no such thing", "check the path; with `onError: continue` the flow goes on without it", nil)
	case status == http.StatusTooManyRequests:
		f := q.failure(step.ClassRateLimited, reason+": it asks for fewer requests", "lower the loop's concurrency, or try again later", nil)
		f.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
		return f
	case status >= 500 || status == http.StatusRequestTimeout:
		f := q.failure(step.ClassServer, reason+": it has a problem of its own", "try again a little later", nil)
		f.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
		return f
	case status >= 300 && status < 400:
		return q.failure(step.ClassRedirect, reason+" without an address to go to", "write the final address in url", nil)
	}
	return q.failure(step.ClassInvalid, reason, "check the address, query and headers", nil)
}

// retryAfter reads the seconds of a Retry-After header; a date is not worth a
// clock that may differ.
func retryAfter(text string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 24*60*60)) * time.Second
}

// answerText is an answer as a text.
func answerText(where string, body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%s is not encoded as UTF-8", where)
	}
	return string(body), nil
}

// answer reads exactly one JSON value. Errors speak of the place, never of what
// stands there.
func (s *jsonSource) answer(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New(s.path + " is empty")
	}
	if !utf8.Valid(body) {
		return nil, errors.New(s.path + " is not encoded as UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("%s is no JSON at byte %d", s.path, dec.InputOffset())
	}
	if len(bytes.TrimSpace(body[dec.InputOffset():])) > 0 {
		return nil, fmt.Errorf("%s goes on after its JSON value, at byte %d", s.path, dec.InputOffset())
	}
	return step.FromJSON(v), nil
}
