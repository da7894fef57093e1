package chat2desk

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// carrier takes one request to the API, once, and brings the answer. Whoever asked
// reads the answer's body to its end and closes it. All of it ends with the request's
// deadline or with the context, whose error it then gives.
type carrier interface {
	carry(context.Context, request) (*http.Response, error)
}

// request is one call of the API.
type request struct {
	method   string
	path     string // as it is meant, not escaped
	query    string // escaped
	body     []byte // nil of a read
	deadline time.Time
}

// headers are those of every read and of every send: shared, never written to.
type headers struct{ read, send http.Header }

func (h headers) of(method string) http.Header {
	if method == http.MethodGet {
		return h.read
	}
	return h.send
}

// unsent is the error of a request that surely did not arrive. Every other error of a
// carrier leaves open whether it did.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// mostCallers is how many may call side by side, each with a connection to keep: one
// that finds no room among the idle ones is closed, and the next call pays for
// another handshake.
const mostCallers = 256

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	keepAlive        = 30 * time.Second
	maxRest          = 20 * time.Second // idle connections are dropped before servers drop them under a send
	maxHead          = 256 << 10        // bytes of the heads of an answer
)

// newCarrier is the carrier to the API at base: connections of our own where they are
// direct, and net/http's Transport behind a proxy, for a host whose name must be
// translated, and where a connection at rest cannot be looked at.
func newCarrier(base *url.URL, h headers) carrier {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	translated := strings.ContainsFunc(base.Host, func(r rune) bool { return r > '~' || r == '%' })
	if canPeek && proxy == nil && err == nil && !translated {
		return newDirect(base, h)
	}
	return &traced{newTransport(), base, h}
}
