package steps

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

// faraway starts a TLS server on this machine that the kind reaches as
// https://example.com.
func faraway(t *testing.T, handler http.HandlerFunc) (*fakeHost, context.Context) {
	t.Helper()
	srv := httptest.NewTLSServer(handler)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	f := newFetcher(isPublic, roots)
	f.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	h, ctx := newHost(t)
	h.retry = step.Retry{Attempts: 1}
	h.shared[fetcherKey{}] = f
	return h, ctx
}

// nearby starts a server on this machine that is asked as such.
func nearby(t *testing.T, handler http.HandlerFunc) (h *fakeHost, ctx context.Context, address string) {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	h, ctx = newHost(t)
	h.retry = step.Retry{Attempts: 1}
	return h, ctx, srv.URL
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestHTTPGet(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		args obj
		want any
	}{
		"json":    {"\ufeff{\"rate\": 92.5, \"n\": 7, \"list\": [1, null]}\n", obj{}, obj{"rate": 92.5, "n": 7, "list": []any{1, nil}}},
		"text":    {"\ufeffДа <b>\n", obj{"format": "text"}, "Да <b>\n"},
		"a type":  {`{"rate": 92, "day": "2026-11-22", "more": 1}`, obj{"type": types("rate", "number", "day", "string", "none", "any")}, obj{"rate": 92.0, "day": "2026-11-22", "none": nil}},
		"records": {`[{"id": 1, "x": 2}, {"id": null}]`, obj{"type": types("id", "integer"), "list": true}, []any{obj{"id": 1}, obj{"id": nil}}},
		"limit":   {`[12]`, obj{"maxBytes": 4}, []any{12}},
	} {
		t.Run(name, func(t *testing.T) {
			_, ctx := faraway(t, says(tt.body))
			tt.args["url"] = "https://example.com/x"
			outs, err := kind(t, "http_get").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, obj{"value": tt.want, "status": 200}, outs)
		})
	}
}

func TestHTTPGetRequest(t *testing.T) {
	var got *http.Request
	_, ctx := faraway(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("{}"))
	})
	secret := step.NewSecret("Bearer hunter2")
	outs, err := kind(t, "http_get").Run(ctx, obj{
		"url": "HTTPS://Example.com/a%20b/ы?x=1#part", "query": types("phone", "+7 916&y=2", "x", "2"),
		"headers": types("X-Shop", "17", "accept", "application/vnd.shop+json"), "auth": secret,
	})
	require.NoError(t, err)
	require.Equal(t, 202, outs["status"])
	require.Equal(t, http.MethodGet, got.Method)
	require.Equal(t, "example.com", strings.ToLower(got.Host))
	require.Equal(t, "/a%20b/%D1%8B", got.URL.EscapedPath())
	require.Equal(t, "x=1&phone=%2B7+916%26y%3D2&x=2", got.URL.RawQuery)
	require.Equal(t, http.Header{
		"User-Agent": {"flowrunner"}, "Accept": {"application/vnd.shop+json"}, "X-Shop": {"17"},
		"Authorization": {"Bearer hunter2"}, "Accept-Encoding": {"gzip"},
	}, got.Header)

	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com", "auth": secret, "authHeader": "x-api-key", "format": "text"})
	require.NoError(t, err)
	require.Equal(t, "Bearer hunter2", got.Header.Get("X-Api-Key"))
	require.Equal(t, "text/*", got.Header.Get("Accept"))
	require.Empty(t, got.Header.Get("Authorization"))
}

func TestHTTPGetRefusesArguments(t *testing.T) {
	for problem, args := range map[string]obj{
		"url is http, which anybody":             {"url": "http://example.com/"},
		"url begins with ftp://":                 {"url": "ftp://example.com/"},
		"url is no address":                      {"url": "example.com/x"},
		"url holds a name or password":           {"url": "https://user:pass@example.com/"},
		"url holds a space":                      {"url": "https://example.com/a b"},
		"url holds a space, a line break":        {"url": "https://example.com/\r\nX: y"},
		"url leads up with":                      {"url": "https://example.com/users/../admin"},
		"url cannot be read":                     {"url": "https://example.com/%zz"},
		"url has no host":                        {"url": "https:///x"},
		"headers.Cookie is not for a flow":       {"url": "https://example.com/", "headers": types("Cookie", "a")},
		"headers.authorization carries a secret": {"url": "https://example.com/", "headers": types("authorization", "a")},
		"headers.X-A holds a line break":         {"url": "https://example.com/", "headers": types("X-A", "a\r\nX-B: c")},
		"headers.X A is no name":                 {"url": "https://example.com/", "headers": types("X A", "a")},
		"auth holds a line break":                {"url": "https://example.com/", "auth": step.NewSecret("a\nb")},
		"authHeader is not for a flow":           {"url": "https://example.com/", "authHeader": "Host"},
		"maxBytes is 16777217":                   {"url": "https://example.com/", "maxBytes": 16<<20 + 1},
		"url leads to 10.0.0.1, inside":          {"url": "https://10.0.0.1/"},
		"url leads to localhost, inside":         {"url": "https://localhost/"},
	} {
		t.Run(problem, func(t *testing.T) {
			_, ctx := faraway(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
			_, err := kind(t, "http_get").Run(ctx, args)
			require.ErrorContains(t, err, problem)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestInferHTTPGet(t *testing.T) {
	k := kind(t, "http_get")
	value := func(c step.Call) (step.Shape, error) {
		fields, err := k.Infer(c)
		if err != nil {
			return step.Shape{}, err
		}
		f, _ := step.ObjectOf(fields...).Field("value")
		return f.Shape, nil
	}
	call := func(begins string, whole bool, literals obj) step.Call {
		c := step.Call{Begins: map[string]string{"url": begins}, Literals: obj{}, Shapes: map[string]step.Shape{"url": step.ShapeText}}
		if whole {
			c.Literals["url"] = begins
		}
		for name, v := range literals {
			c.Shapes[name] = step.ShapeAny
			if v != nil {
				c.Literals[name] = v
			}
		}
		return c
	}
	const good = "https://example.com/"
	for _, begins := range []string{good, "https://example.com/v1?x=", "https://example.com?x=", "http://localhost:8080/", "http://[::1]/x", "http://127.0.0.2/"} {
		s, err := value(call(begins, false, nil))
		require.NoError(t, err, begins)
		require.Equal(t, step.ShapeAny, s)
	}
	_, err := value(call("https://example.com", true, nil))
	require.NoError(t, err)

	typed := obj{"type": types("id", "integer")}
	s, err := value(call(good, true, typed))
	require.NoError(t, err)
	require.Equal(t, "object {id}", s.String())
	typed["list"] = true
	s, err = value(call(good, true, typed))
	require.NoError(t, err)
	require.Equal(t, "list of object {id}", s.String())
	s, err = value(call(good, true, obj{"format": "text"}))
	require.NoError(t, err)
	require.Equal(t, step.ShapeText, s)

	for _, tt := range []struct {
		problem string
		call    step.Call
	}{
		{"url begins with an expression", call("", false, nil)},
		{"url computes its host", call("https://", false, nil)},
		{"url computes its host", call("https://api.", false, nil)},
		{"url computes its host", call("https://api.example.com", false, nil)},
		{"url computes its host", call("https://api.example.com#", false, nil)},
		{"url computes its host", call(`https://api.example.com\`, false, nil)},
		{"url holds a name or password", call("https://api.example.com@evil.example/", false, nil)},
		{"url has no host", call("https://${{ x }}/", true, nil)},
		{"url leads to 169.254.169.254", call("https://169.254.169.254/latest", true, nil)},
		{"url leads to ::ffff:10.0.0.1", call("https://[::ffff:10.0.0.1]/", true, nil)},
		{"type.id is \"uuid\"", call(good, true, obj{"type": types("id", "uuid")})},
		{"type belongs to JSON", call(good, true, obj{"type": types("id", "any"), "format": "text"})},
		{"list needs type", call(good, true, obj{"list": true})},
		{"list is an expression", call(good, true, obj{"list": nil})},
		{"format is an expression", call(good, true, obj{"format": nil})},
		{"authHeader is no name", call(good, true, obj{"authHeader": "a b"})},
	} {
		_, err := value(tt.call)
		require.ErrorContains(t, err, tt.problem)
		var arg *step.ArgError
		require.ErrorAs(t, err, &arg)
	}
	withHeaders := call(good, true, nil)
	withHeaders.Shapes["headers"] = step.ObjectOf(step.Field{Name: "X-Shop"}, step.Field{Name: "Proxy-Foo"})
	_, err = value(withHeaders)
	require.ErrorContains(t, err, "headers.Proxy-Foo is not for a flow")
	_, err = value(call(good, true, obj{"authHeader": "authorization"}))
	require.NoError(t, err)
}

func TestHTTPGetFailures(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	_, _ = packed.Write(bytes.Repeat([]byte(" "), 8<<20))
	require.NoError(t, packed.Close())

	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		args    obj
		class   step.Class
		reason  string
	}{
		"auth refused":     {status(401), obj{"auth": step.NewSecret("hunter2")}, step.ClassToken, "refuses the secret of auth"},
		"auth missing":     {status(403), obj{}, step.ClassInvalid, "wants to know who asks"},
		"nothing there":    {status(404), obj{}, step.ClassNotFound, "HTTP 404: there is no such thing"},
		"bad request":      {status(422), obj{}, step.ClassInvalid, "example.com answers HTTP 422"},
		"too fast":         {status(429, "Retry-After", "7"), obj{}, step.ClassRateLimited, "fewer requests"},
		"broken":           {status(503, "Retry-After", "soon"), obj{}, step.ClassServer, "HTTP 503"},
		"slow":             {status(408), obj{}, step.ClassServer, "HTTP 408"},
		"elsewhere":        {status(302, "Location", "https://other.example/"), obj{}, step.ClassRedirect, "redirects to another host, https://other.example"},
		"another port":     {status(307, "Location", "https://example.com:8443/"), obj{}, step.ClassRedirect, "redirects to another host"},
		"no longer https":  {status(301, "Location", "http://example.com/"), obj{}, step.ClassRedirect, "redirects to another host"},
		"round and round":  {status(302, "Location", "https://example.com:443/again"), obj{}, step.ClassRedirect, "more than 3 times"},
		"to nowhere":       {status(304), obj{}, step.ClassRedirect, "without an address"},
		"too large":        {says("[12, 13]"), obj{"maxBytes": 7}, step.ClassOther, "more than 7 bytes"},
		"too large by far": {says(strings.Repeat(" ", 2<<20)), obj{}, step.ClassOther, "more than 1048576 bytes"},
		"a gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, obj{}, step.ClassOther, "more than 1048576 bytes"},
		"broken gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes()[:bomb.Len()/2])
		}, obj{"maxBytes": 16 << 20}, step.ClassUnreachable, "the connection broke"},
		"another packing": {status(200, "Content-Encoding", "br"), obj{}, step.ClassOther, `packs its answer as "br"`},
		"empty":           {says(" \n"), obj{}, step.ClassServer, "is empty"},
		"no JSON":         {says("{'a'}"), obj{}, step.ClassServer, "is no JSON at byte"},
		"cut off":         {says(`{"a": `), obj{}, step.ClassServer, "is no JSON at byte"},
		"two values":      {says("{} {}"), obj{}, step.ClassServer, "goes on after its JSON value"},
		"too deep":        {says(strings.Repeat("[", 20_000)), obj{}, step.ClassServer, "is no JSON"},
		"not UTF-8":       {says("\"\xff\""), obj{}, step.ClassServer, "not encoded as UTF-8"},
		"a page":          {says("<!doctype html><p>"), obj{}, step.ClassServer, "a page for browsers"},
		"cut off midway": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, obj{}, step.ClassUnreachable, "the connection broke"},
		"a large header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 2*maxAnswerHeader))
		}, obj{}, step.ClassUnreachable, "could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ctx := faraway(t, tt.handler)
			tt.args["url"] = "https://example.com/x?phone=79160000001"
			_, err := kind(t, "http_get").Run(ctx, tt.args)
			var f *step.Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.class, f.Class, "%s", f.Reason)
			require.Contains(t, f.Reason, tt.reason)
			require.Contains(t, f.Reason, "example.com")
			require.NotEmpty(t, f.Hint)
			require.Equal(t, step.NotSent, f.Delivery)
			for e := err; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, e.Error(), "79160000001", "an address may hold somebody's phone")
				require.NotContains(t, e.Error(), "hunter2")
			}
			if name == "too fast" {
				require.Equal(t, 7*time.Second, f.RetryAfter)
			}
		})
	}
}

func TestHTTPGetTypeErrors(t *testing.T) {
	for problem, tt := range map[string]struct {
		body string
		args obj
	}{
		"is a list; for a list of records write list: true": {`[{}]`, obj{"type": types("id", "integer")}},
		"is no list of records":                             {`{}`, obj{"type": types("id", "integer"), "list": true}},
		"record 2: is no record":                            {`[{}, 7]`, obj{"type": types("id", "integer"), "list": true}},
		"field id: \"x\" is no integer":                     {`{"id": "x"}`, obj{"type": types("id", "integer")}},
		"is not encoded as UTF-8":                           {"\xff", obj{"format": "text"}},
	} {
		_, ctx := faraway(t, says(tt.body))
		tt.args["url"] = "https://example.com/"
		_, err := kind(t, "http_get").Run(ctx, tt.args)
		require.ErrorContains(t, err, problem)
	}
}

func TestHTTPGetFollowsItsOwnHost(t *testing.T) {
	hops := 0
	_, ctx := faraway(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "hunter2", r.Header.Get("Authorization"))
		if hops++; hops <= 3 {
			http.Redirect(w, r, fmt.Sprintf("https://EXAMPLE.com:443/%d", hops), http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(`"` + r.URL.Path + `"`))
	})
	outs, err := kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/", "auth": step.NewSecret("hunter2")})
	require.NoError(t, err)
	require.Equal(t, "/3", outs["value"])
}

func TestHTTPGetTriesAgain(t *testing.T) {
	calls := 0
	h, ctx := faraway(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte("1"))
	})
	h.retry = step.Retry{Attempts: 3, Backoff: time.Nanosecond}
	outs, err := kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.NoError(t, err)
	require.Equal(t, 1, outs["value"])
	require.Equal(t, 3, calls)

	calls = -10
	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "HTTP 502")
	require.Equal(t, -7, calls)

	// A host that wants to be left alone for long is left alone.
	asked := 0
	h, ctx = faraway(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	h.retry = step.Retry{}
	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "HTTP 429")
	require.Equal(t, 1, asked)
}

func TestHTTPGetEndsWithTheRun(t *testing.T) {
	gone := errors.New("the run ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	h, inner := faraway(t, func(w http.ResponseWriter, r *http.Request) {
		cancel(gone)
		<-r.Context().Done()
	})
	_ = inner
	_, err := kind(t, "http_get").Run(step.WithHost(ctx, h), obj{"url": "https://example.com/"})
	require.ErrorIs(t, err, gone)

	ctx, cancel = context.WithCancelCause(t.Context())
	h, _ = faraway(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	h.retry = step.Retry{Attempts: 2, Backoff: time.Hour}
	done := make(chan error)
	go func() {
		_, err := kind(t, "http_get").Run(step.WithHost(ctx, h), obj{"url": "https://example.com/"})
		done <- err
	}()
	cancel(gone)
	require.ErrorIs(t, <-done, gone)
}

// The address is checked where the connection is made, whatever a name was said
// to lead to before.
func TestHTTPGetChecksTheConnectedAddress(t *testing.T) {
	_, ctx, address := nearby(t, says("1"))
	outs, err := kind(t, "http_get").Run(ctx, obj{"url": address})
	require.NoError(t, err)
	require.Equal(t, 1, outs["value"])

	h, ctx, address := nearby(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	h.shared[fetcherKey{local: true}] = newFetcher(isPublic, nil) // as for a name that turns out to be this machine
	_, err = kind(t, "http_get").Run(ctx, obj{"url": strings.Replace(address, "127.0.0.1", "localhost", 1)})
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.ClassInvalid, f.Class)
	require.Contains(t, f.Reason, "which is inside a network")

	srv := httptest.NewTLSServer(says("1"))
	defer srv.Close()
	h.shared[fetcherKey{}] = newFetcher(netip.Addr.IsLoopback, nil)
	h.shared[fetcherKey{}].(*fetcher).client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "certificate that is not trusted")
}

func TestHTTPGetUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	h, ctx := newHost(t)
	h.retry = step.Retry{Attempts: 1}
	_, err = kind(t, "http_get").Run(ctx, obj{"url": address})
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.ClassUnreachable, f.Class)

	h.shared[fetcherKey{}] = newFetcher(isPublic, nil)
	h.shared[fetcherKey{}].(*fetcher).client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}
	}
	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "example.com is no known host")

	h.shared[fetcherKey{}].(*fetcher).client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, context.DeadlineExceeded
	}
	_, err = kind(t, "http_get").Run(ctx, obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "did not answer within 30s")
}

func TestHTTPGetStaysOnThisMachineInTheSandbox(t *testing.T) {
	_, ctx := faraway(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	_, err := kind(t, "http_get").Run(step.Offline(ctx), obj{"url": "https://example.com/"})
	require.ErrorContains(t, err, "nothing leaves this machine")

	_, ctx, address := nearby(t, says("1"))
	_, err = kind(t, "http_get").Run(step.Offline(ctx), obj{"url": address})
	require.NoError(t, err)
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1::1": true, "64:ff9b::808:808": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "10.1.2.3": false, "127.0.0.1": false, "169.254.169.254": false, "172.16.0.1": false, "192.168.1.1": false,
		"100.100.100.200": false, "192.0.0.192": false, "198.18.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "ff02::1": false,
		"fec0::1": false, "64:ff9b::a00:1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "2001::1": false,
	} {
		require.Equal(t, want, isPublic(netip.MustParseAddr(address)), address)
	}
}

func FuzzDestination(f *testing.F) {
	for _, s := range []string{"https://example.com/", "http://[::1]:80/", "https://a@b/", "https://example.com\\@evil/", "HTTPS://[::ffff:10.0.0.1]/", "https:///"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		q, err := questionOf(httpGetIn{URL: address})
		if err != nil {
			return
		}
		// What is asked is what was checked.
		require.Equal(t, q.to.host, strings.ToLower(q.url.Host))
		require.True(t, q.url.Scheme == "https" || q.to.local)
		require.Nil(t, q.url.User)
		open, err := destinationOf(address, true)
		if err == nil {
			require.Equal(t, q.to, open)
		}
	})
}
