package chat2desk

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Client talks to one Chat2Desk account. Make it with New; it is immutable and
// safe for concurrent use, and all its callers share one pace.
type Client struct {
	config
	carrier    carrier
	calls      atomic.Int64
	pace       *pace
	deadOffset atomic.Bool              // this instance ignores offset on messages
	told       atomic.Pointer[toldTime] // what the API's clock shows; nil until it has said
	bodies     sync.Pool                // of *[]byte: what answers to reads were read into, for those to come
}

// New makes a client. The token may be pasted with "Authorization:", "Bearer",
// quotes or blanks around it. No call is made.
func New(token string, opts ...Option) (*Client, error) {
	const op = "new client"
	c := &Client{config: defaults()}
	c.token = bareToken(token)
	if c.token == "" {
		return nil, &Error{Op: op, Kind: KindToken, Delivery: NotSent, Message: "the API token is empty"}
	}
	if strings.ContainsFunc(c.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &Error{
			Op: op, Kind: KindToken, Delivery: NotSent,
			Message: "the API token holds blanks or characters that no token has; copy it again from Settings > API",
		}
	}
	for _, o := range opts {
		if err := o(&c.config); err != nil {
			message := err.Error()
			var base *BaseURLError
			if errors.As(err, &base) {
				message += "; " + base.Fix()
			}
			return nil, &Error{Op: op, Kind: KindInvalid, Delivery: NotSent, Message: clean(message), Err: err}
		}
	}
	c.authorization = c.token
	if c.scheme != "" {
		c.authorization = c.scheme + " " + c.token
	}
	if c.transport != nil {
		c.carrier = &traced{c.transport, c.base, c.headers()}
	} else {
		c.carrier = newCarrier(c.base, c.headers())
	}
	c.pace = newPace(c.rate)
	return c, nil
}

// bareToken strips what people paste along with a token.
func bareToken(s string) string {
	for {
		before := s
		s = strings.Trim(s, " \t\r\n\"'`“”‘’«»")
		for _, prefix := range []string{"authorization:", "authorization=", "bearer ", "token:"} {
			if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
				s = s[len(prefix):]
			}
		}
		if strings.EqualFold(s, "bearer") {
			return ""
		}
		if s == before {
			return s
		}
	}
}

// Calls is how many HTTP calls were made so far, failed ones included.
func (c *Client) Calls() int64 { return c.calls.Load() }

// Host is the API's host, with the port if one is set.
func (c *Client) Host() string { return c.base.Host }

// retrying is how often the reads of one context are tried.
type retrying struct {
	attempts int
	backoff  time.Duration
}

type retryKey struct{}

// Retrying gives a context whose reads are tried attempts times in all, with
// this wait after the first failure, whatever WithRetry says.
func Retrying(ctx context.Context, attempts int, backoff time.Duration) context.Context {
	return context.WithValue(ctx, retryKey{}, retrying{max(1, attempts), max(0, backoff)})
}

// get makes one read, tried again by itself while it may still succeed. fields
// are those to keep of each record of a list, nil is all.
func (c *Client) get(ctx context.Context, op, path string, query url.Values, fields []string) (answer, error) {
	retry, ok := ctx.Value(retryKey{}).(retrying)
	if !ok {
		retry = retrying{c.attempts, c.backoff}
	}
	for attempt := 1; ; attempt++ {
		a, err := c.getOnce(ctx, op, path, query, fields)
		if err == nil {
			return a, nil
		}
		if attempt >= retry.attempts || !err.Temporary() {
			return answer{}, err
		}
		if sleep(ctx, max(retry.wait(attempt), min(err.RetryAfter, maxPause))) != nil {
			return answer{}, canceled(op, ctx)
		}
	}
}

func (c *Client) getOnce(ctx context.Context, op, path string, query url.Values, fields []string) (answer, *Error) {
	if e := allow(ctx, op); e != nil {
		return answer{}, e
	}
	start, err := c.pace.wait(ctx)
	if err != nil {
		return answer{}, canceled(op, ctx)
	}
	s := c.exchange(ctx, http.MethodGet, path, query, nil)
	took := time.Since(start)
	if s.status == http.StatusOK && !mayDecode(ctx) {
		c.pace.learn(start, nil)
		c.reuse(s.body)
		return answer{}, canceled(op, ctx)
	}
	v := s.judge(fields)
	c.reuse(s.body)
	v.answer.took = took
	c.pace.learn(start, v.problem)
	if v.problem == nil {
		return v.answer, nil
	}
	return answer{}, c.finish(v.problem, op, NotSent)
}

// finish completes an error of this client.
func (c *Client) finish(e *Error, op string, d Delivery) *Error {
	e.Op, e.Delivery = op, d
	e.Message = c.hide(e.Message)
	if e.Kind == KindUnreachable {
		e.Message = c.base.Host + ": " + e.Message
	}
	return e
}

// wait is the pause before the try after attempt: doubled each time, half
// of it random, so that many callers do not come back at once.
func (r retrying) wait(attempt int) time.Duration {
	d := min(r.backoff<<min(attempt-1, 10), maxPause)
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1)
}

func canceled(op string, ctx context.Context) *Error {
	cause := context.Cause(ctx)
	if cause == nil {
		cause = context.Canceled
	}
	return &Error{Op: op, Kind: KindCanceled, Delivery: NotSent, Message: clean(cause.Error()), Err: cause}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// badAnswer is an answer that was read whole and cannot be what was asked for.
func badAnswer(op, message string) *Error {
	return &Error{Op: op, Status: http.StatusOK, Kind: KindBadAnswer, Delivery: NotSent, Message: clean(message)}
}

// one is the object of an answer that holds one.
func (a answer) one(op, what string) (*row, error) {
	rows, err := a.list(op, what)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, badAnswer(op, "no "+what+" in the answer")
	}
	return rows[0], nil
}

// list is the records of an answer.
func (a answer) list(op, what string) ([]*row, error) {
	if !a.has {
		return nil, badAnswer(op, "there is no data in the answer")
	}
	var err error
	rows := rowsOf(a.data, what, func() { err = badAnswer(op, "data is no list of "+what+"s") })
	return rows, err
}
