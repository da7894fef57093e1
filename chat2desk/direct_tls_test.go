//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// trust has a carrier trust the certificate of a test's server.
func trust(d *direct, srv *httptest.Server) {
	if d.tls != nil {
		d.tls.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	}
}

// secureServer answers over TLS and counts connections and requests.
func secureServer(t *testing.T, change func(*httptest.Server)) (srv *httptest.Server, opened, requests *atomic.Int64) {
	t.Helper()
	opened, requests = new(atomic.Int64), new(atomic.Int64)
	srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, "{}")
	}))
	srv.Config.ErrorLog = quietLog()
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.TLS = &tls.Config{}
	if change != nil {
		change(srv)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, opened, requests
}

func TestSecure(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		srv, opened, requests := secureServer(t, func(s *httptest.Server) {
			s.TLS.MaxVersion = version
			s.EnableHTTP2 = true
		})
		base, err := url.Parse(srv.URL)
		require.NoError(t, err)
		d := directTo(t, base)
		trust(d, srv)
		for range 50 {
			status, body, err := ask(t.Context(), d, post("x"))
			require.NoError(t, err)
			require.Equal(t, 200, status)
			require.Equal(t, "{}", body)
		}
		require.EqualValues(t, 50, requests.Load())
		require.EqualValues(t, 1, opened.Load(), "one connection serves them all")

		srv.CloseClientConnections()
		_, _, err = ask(t.Context(), d, post("x"))
		require.NoError(t, err, "a connection that died at rest is noticed under TLS too")
		require.EqualValues(t, 51, requests.Load())
	}
}

func TestSecureRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*httptest.Server)
		client func(*direct, *httptest.Server)
		want   string
	}{
		{"another name", nil, func(d *direct, s *httptest.Server) { trust(d, s); d.tls.ServerName = "api.elsewhere.test" }, "not api.elsewhere.test"},
		{"unknown authority", nil, func(*direct, *httptest.Server) {}, "unknown authority"},
		{"too old", func(s *httptest.Server) { s.TLS.MinVersion, s.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, trust, "protocol version"},
		{"another protocol", func(s *httptest.Server) { s.TLS.NextProtos = []string{"spdy/1"} }, trust, "application protocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _, requests := secureServer(t, tt.change)
			base, err := url.Parse(srv.URL)
			require.NoError(t, err)
			d := directTo(t, base)
			tt.client(d, srv)
			_, _, err = ask(t.Context(), d, post("x"))
			require.ErrorContains(t, err, tt.want)
			require.True(t, surelyUnsent(err))
			require.Zero(t, requests.Load())
		})
	}
	t.Run("no TLS there", func(t *testing.T) {
		base := rawServer(t, func(_ int64, c net.Conn) {
			_, _ = c.Read(make([]byte, 1000))
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\nthis is HTTP")
		})
		base.Scheme = "https"
		_, _, err := ask(t.Context(), directTo(t, base), post("x"))
		require.ErrorAs(t, err, new(tls.RecordHeaderError))
		require.True(t, surelyUnsent(err))
	})
}

// together holds back what is written until it is told to let go.
type together struct {
	net.Conn
	held []byte
	hold bool
}

func (c *together) Write(p []byte) (int, error) {
	if c.held = append(c.held, p...); c.hold {
		return len(p), nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = nil
	return len(p), err
}

// TestUnaskedUnderTLS has the server write, in one packet with its answer, a record
// that holds another answer, or its farewell. The system's connection is empty then:
// only TLS knows of it. The next call must take neither for its own.
func TestUnaskedUnderTLS(t *testing.T) {
	certificate, _, _ := secureServer(t, nil)
	for name, then := range map[string]func(*tls.Conn){
		"an answer": func(c *tls.Conn) { _, _ = io.WriteString(c, strings.Replace(wholeAnswer, "{}", "[]", 1)) },
		"a farewell": func(c *tls.Conn) {
			_ = c.CloseWrite()
			_ = c.SetDeadline(time.Time{}) // CloseWrite lets it pass
		},
		"nothing": func(*tls.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			var opened atomic.Int64
			base := rawServer(t, func(n int64, c net.Conn) {
				opened.Store(n)
				held := &together{Conn: c}
				over := tls.Server(held, &tls.Config{Certificates: certificate.TLS.Certificates})
				for {
					if _, err := over.Read(make([]byte, 10_000)); err != nil {
						return
					}
					held.hold = true
					_, _ = io.WriteString(over, wholeAnswer)
					then(over)
					held.hold = false
					_, _ = held.Write(nil)
				}
			})
			base.Scheme = "https"
			d := directTo(t, base)
			trust(d, certificate)
			for range 3 {
				_, body, err := ask(t.Context(), d, post("x"))
				require.NoError(t, err)
				require.Equal(t, "{}", body)
			}
			want := int64(3)
			if name == "nothing" {
				want = 1
			}
			require.Equal(t, want, opened.Load())
		})
	}
}
