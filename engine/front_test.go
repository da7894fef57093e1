package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// fate is what becomes of a call to the API.
type fate int

const (
	served     fate = iota
	lostBefore      // a 500, and the API never hears of it
	lostAfter       // a 500, although the API has done it
	held            // a 500; the API does it when arrive is called
	tooMany         // a 429 that asks for a pause of an hour
)

// call is what a fate may depend on.
type call struct {
	method, path string
	client       int    // of a message that is sent
	externalID   string // likewise
}

func (c call) sends() bool { return c.method == http.MethodPost }

// front stands before the sandbox of a bench and decides what becomes of each
// call, one at a time.
type front struct {
	b     *bench
	mu    sync.Mutex
	of    func(call) fate // nil: all are served
	calls int
	held  []func()
}

// front puts itself between a bench and its sandbox.
func (b *bench) front(of func(call) fate) *front {
	f := &front{b: b, of: of}
	srv := httptest.NewServer(f)
	b.t.Cleanup(srv.Close)
	b.env["CHAT2DESK_BASE_URL"] = srv.URL
	return f
}

// become changes what becomes of calls from now on.
func (f *front) become(of func(call) fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of = of
}

// arrive lets the API do what was held back.
func (f *front) arrive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, serve := range f.held {
		serve()
	}
	f.held = nil
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	unheard := func() { f.b.api.ServeHTTP(httptest.NewRecorder(), r) }
	switch f.decide(r, body) {
	case served:
		f.b.api.ServeHTTP(w, r)
		return
	case tooMany:
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case lostBefore:
	case lostAfter:
		unheard()
	case held:
		r = r.Clone(context.WithoutCancel(r.Context()))
		f.mu.Lock()
		f.held = append(f.held, unheard)
		f.mu.Unlock()
	}
	w.WriteHeader(http.StatusInternalServerError)
}

func (f *front) decide(r *http.Request, body []byte) fate {
	c := call{method: r.Method, path: r.URL.Path}
	if c.sends() {
		var m struct {
			Client   int    `json:"client_id"`
			External string `json:"external_id"`
		}
		if err := json.Unmarshal(body, &m); err != nil {
			f.b.t.Errorf("%s %s with %q: %v", c.method, c.path, body, err)
		}
		c.client, c.externalID = m.Client, m.External
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.of == nil {
		return served
	}
	return f.of(c)
}

// sendsAre is the fate of sends in which all else is served.
func sendsAre(of func(call) fate) func(call) fate {
	return func(c call) fate {
		if c.sends() {
			return of(c)
		}
		return served
	}
}
