package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say which world is served and how. The zero value serves an empty
// account that takes any token.
type Options struct {
	World  World  // its zero Now becomes the time of New
	Token  string // what Authorization must hold; "" takes anything
	Faults Faults

	DeadOffset      bool // offset is ignored on messages, and channels have one page, as on some instances
	NoExternalID    bool // histories do not give external ids back, as on some instances
	EscapeTexts     bool // histories give texts back escaped for HTML
	StrictTransport bool // a send over a channel or transport that the client does not have is refused
	MaxPerSecond    int  // more calls than this within a second are answered 429; 0 is no limit
	Churn           Churn
	Latency         time.Duration // how long each call takes: half of it before what it asks for happens, and half before the answer

	AcceptedLog io.Writer        // gets a line for each accepted message, before the answer
	Clock       func() time.Time // default: World.Now and the time that has passed since New
}

// Server is the fake Chat2Desk.
type Server struct {
	state   *state
	token   string
	options Options
	now     func() time.Time
	fate    fate
	window  window
	calls   atomic.Int64
	above   atomic.Int64 // of the calls, those above MaxPerSecond
	pages   atomic.Int64 // of clients, for Churn
	listed  time.Time    // when the first of them was given, under state.mu
	churned int          // how often people have changed since, under state.mu
	rooms   sync.Pool    // of *[]byte: pages of clients that were answered, of 100 kB each
	log     io.Writer
	line    []byte // reused for log, under state.mu
	late    sync.WaitGroup
	done    chan struct{}
	close   sync.Once
}

// New makes a server of a world. It is ready at once: people are computed when
// they are asked for.
func New(o Options) *Server {
	if o.World.Now.IsZero() {
		o.World.Now = time.Now().UTC()
	}
	if o.Faults.LateBy <= 0 {
		o.Faults.LateBy = 2 * time.Second
	}
	if o.Faults.Bound <= 0 {
		o.Faults.Bound = 10 * time.Minute
	}
	s := &Server{
		state: newState(o.World), token: o.Token, options: o, now: o.Clock, log: o.AcceptedLog,
		fate: fate{faults: o.Faults}, done: make(chan struct{}),
	}
	if s.now == nil {
		start := time.Now()
		s.now = func() time.Time { return o.World.Now.Add(time.Since(start)) }
	}
	s.calls.Store(o.World.Company.RequestsThisMonth)
	return s
}

// Close ends calls that hang and waits for the sends that are accepted late.
func (s *Server) Close() {
	s.close.Do(func() { close(s.done) })
	s.late.Wait()
}

// Calls counts the calls since New, and those of them that were above MaxPerSecond
// and so answered 429.
func (s *Server) Calls() (all, above int64) {
	return s.calls.Load() - s.options.World.Company.RequestsThisMonth, s.above.Load()
}

// call is one request, taken apart.
type call struct {
	method   string
	segments []string // of the path, after /v1
	ids      []string // what stood where the route has ":id"
	params   params
}

// id is the first id of the path; 0 when it is no number.
func (c *call) id() int64 {
	n, err := strconv.ParseInt(c.ids[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// answer is what a call gets.
type answer struct {
	code       int // 0 is 200
	body       []byte
	reuse      bool // the next page of clients may be written over body
	html       bool
	retryAfter string
}

// maxBody is more than any send needs.
const maxBody = 1 << 20

// ServeHTTP answers one call of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived, calls := time.Now(), s.calls.Add(1)
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, problem(http.StatusBadRequest, "wrong request body", ""))
		return
	}
	if !s.there(r.Context(), arrived) {
		return
	}
	c := &call{method: r.Method, segments: segments(r.URL.Path)}
	if refused := s.admit(c, r, calls); refused != nil {
		s.back(r.Context(), arrived)
		write(w, *refused)
		return
	}
	fault, dice := s.fate.draw(targetOf(c), r.Method, r.URL.RequestURI(), body)
	var a answer
	if fault == "" || fault.accepts() {
		a = s.perform(c, r, body)
	}
	s.back(r.Context(), arrived)
	if fault == "" {
		write(w, a)
		if a.reuse {
			s.rooms.Put(&a.body)
		}
		return
	}
	s.fail(w, r, fault, dice, a, func() { s.perform(c, r, body) })
}

// there is the way of a call to the API, and back that of its answer. As over a
// network, who is lost meanwhile may have been heard or not, and what the fake needs to
// perform a call does not add to the time that it takes. there is false when the caller
// has gone or the server was closed; what has happened by then is answered, whoever hears it.
func (s *Server) there(ctx context.Context, arrived time.Time) bool {
	return s.options.Latency <= 0 || s.pause(ctx, time.Until(arrived.Add(s.options.Latency/2)))
}

func (s *Server) back(ctx context.Context, arrived time.Time) {
	if s.options.Latency > 0 {
		s.pause(ctx, time.Until(arrived.Add(s.options.Latency)))
	}
}

// perform runs the route of a call.
func (s *Server) perform(c *call, r *http.Request, body []byte) answer {
	do := findRoute(c)
	if do == nil {
		return notFound("Page not found")
	}
	p, err := readParams(r, body)
	if err != nil {
		return problem(http.StatusBadRequest, err.Error(), "")
	}
	c.params = p
	return do(s, c)
}

// admit checks rate, quota and token; nil lets the call in.
func (s *Server) admit(c *call, r *http.Request, calls int64) *answer {
	refuse := func(a answer) *answer { return &a }
	if max := s.options.MaxPerSecond; max > 0 && !s.window.take(time.Now(), max) {
		s.above.Add(1)
		return refuse(tooMany("1"))
	}
	if quota := s.state.w.Company.MonthlyQuota; quota > 0 && calls > quota {
		return refuse(overQuota())
	}
	if s.token == "" || strings.Join(c.segments, "/") == "help/transports" {
		return nil
	}
	switch got := r.Header.Get("Authorization"); got {
	case s.token:
		return nil
	case "":
		return refuse(problem(http.StatusForbidden, "You have to specify your token. See API manual", ""))
	default: // the bare token: "Bearer …" is as wrong as any other text
		return refuse(problem(http.StatusForbidden, "Token is not correct", ""))
	}
}

// pause waits; false means that the caller has gone or the server was closed.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// segments takes a path apart; nil when it is not below /v1. A slash at the
// end makes no difference.
func segments(path string) []string {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimSuffix(rest, "/"), "/")
}

func write(w http.ResponseWriter, a answer) {
	h := w.Header()
	if a.html {
		h.Set("Content-Type", "text/html")
	} else {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.code != 0 {
		w.WriteHeader(a.code)
	}
	// A caller that has gone is no concern of the fake's.
	_, _ = io.Copy(w, bytes.NewReader(a.body))
}

// window counts the calls of the current second.
type window struct {
	mu     sync.Mutex
	second int64
	calls  int
}

func (w *window) take(now time.Time, max int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if second := now.Unix(); second != w.second {
		w.second, w.calls = second, 0
	}
	w.calls++
	return w.calls <= max
}
