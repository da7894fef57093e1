package chat2desk

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// starts runs callers that call until the time is up, and gives when each call
// began, in order. answer is what comes back.
func starts(t *testing.T, p *pace, callers int, d time.Duration, answer func(n int) *Error) []time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	begin := time.Now()
	var mu sync.Mutex
	var out []time.Duration
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				at, err := p.wait(ctx)
				if err != nil {
					return
				}
				mu.Lock()
				out = append(out, at.Sub(begin))
				n := len(out)
				mu.Unlock()
				time.Sleep(10 * time.Millisecond) // the call
				p.learn(at, answer(n))
			}
		})
	}
	wg.Wait()
	slices.Sort(out)
	return out
}

func fine(int) *Error { return nil }

func between(all []time.Duration, from, to time.Duration) int {
	n := 0
	for _, d := range all {
		if d >= from && d < to {
			n++
		}
	}
	return n
}

func TestPaceNeverAboveTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := starts(t, newPace(10), 8, 5*time.Second+50*time.Millisecond, fine)
		require.Len(t, got, 51)
		for i := 1; i < len(got); i++ {
			require.GreaterOrEqual(t, got[i]-got[i-1], 99*time.Millisecond)
		}
	})
}

func TestPaceUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := starts(t, newPace(0), 8, time.Second-time.Millisecond, fine)
		require.Len(t, got, 800)
	})
}

func TestPaceAfter429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(10)
		refusal := &Error{Kind: KindRateLimited, RetryAfter: 7 * time.Second}
		got := starts(t, p, 8, 80*time.Second, func(n int) *Error {
			if n == 10 {
				return refusal
			}
			return nil
		})
		require.Equal(t, 10, between(got, 0, 920*time.Millisecond))
		require.Zero(t, between(got, 920*time.Millisecond, 7900*time.Millisecond), "all wait until the server wants them back")
		slower := between(got, 7900*time.Millisecond, 9900*time.Millisecond)
		require.InDelta(t, 17, slower, 2, "then they go below the rate that was refused")
		require.InDelta(t, 100, between(got, 55*time.Second, 65*time.Second), 1, "and regain it when the refusal is forgotten, six pauses later")
		require.Equal(t, rate.Limit(10), p.bucket.Limit())
	})
}

func TestPacePausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := starts(t, newPace(100), 1, 16*time.Second, func(int) *Error { return &Error{Kind: KindRateLimited} })
		require.Len(t, got, 7) // 0, 0.2, 0.6, 1.4, 3, 6.2, 12.6 seconds, and the calls themselves
		require.InDelta(t, 12.6, got[6].Seconds(), 0.5)
	})
}

func TestPacePausesAreShortWhenCallsPassBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(0)
		got := starts(t, p, 4, 30*time.Second, func(n int) *Error {
			if n%10 == 0 {
				return &Error{Kind: KindRateLimited}
			}
			return nil
		})
		require.Greater(t, len(got), 300, "one call in ten refused costs time, not the run")
	})
}

func TestPaceCountsOneStormOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(0)
		var begun []time.Time
		for range 40 {
			at, err := p.wait(t.Context())
			require.NoError(t, err)
			begun = append(begun, at)
			time.Sleep(20 * time.Millisecond)
		}
		for _, at := range begun {
			p.learn(at, &Error{Kind: KindRateLimited})
		}
		at := time.Now()
		_, err := p.wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, firstPause, time.Since(at))
		require.InDelta(t, leastMeasured*slowdown, float64(p.bucket.Limit()), 0.1, "nothing got through that would tell a rate; cut once")
		for range 4000 {
			time.Sleep(20 * time.Millisecond)
			p.learn(time.Now(), nil)
		}
		require.Greater(t, p.bucket.Limit(), rate.Limit(100), "what holds nobody back any more is no wall")
	})
}

func TestPaceFirstCallRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(0)
		at, err := p.wait(t.Context())
		require.NoError(t, err)
		p.learn(at, &Error{Kind: KindRateLimited, RetryAfter: time.Hour})
		_, err = p.wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, maxPause, time.Since(at), "a server cannot hold a run for an hour")
		p.learn(at, &Error{Kind: KindServer})
		require.Less(t, p.bucket.Limit(), rate.Limit(leastMeasured))
	})
}

func TestPaceCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(0.1)
		_, err := p.wait(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 3 { // one waits for the bucket, two for their turn
			wg.Go(func() {
				_, err := p.wait(ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		wg.Wait()
		at := time.Now()
		_, err = p.wait(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(at), 9*time.Second, "a place given up is free again")
	})
}

func TestClientHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, calls := scripted(t, "429 5", "200")
		at := time.Now()
		_, err := c.Company(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, *calls)
		require.GreaterOrEqual(t, time.Since(at), 5*time.Second)
		require.Less(t, time.Since(at), 7*time.Second)
	})
}

func TestBackoffDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, calls := scripted(t, "500", "500", "500", "200")
		at := time.Now()
		_, err := c.Company(t.Context())
		require.NoError(t, err)
		require.Equal(t, 4, *calls)
		require.GreaterOrEqual(t, time.Since(at), (1+2+4)*time.Second/2)
		require.LessOrEqual(t, time.Since(at), (1+2+4)*time.Second)
	})
}

// scripted is a client whose calls are answered in turn, by a status and the
// Retry-After that comes with it.
func scripted(t *testing.T, answers ...string) (*Client, *int) {
	t.Helper()
	calls := 0
	c, err := New(testToken, WithRetry(len(answers), time.Second), WithTransport(roundTripper(func(*http.Request) (*http.Response, error) {
		status, wait, _ := strings.Cut(answers[calls], " ")
		calls++
		code, err := strconv.Atoi(status)
		return &http.Response{
			StatusCode: code, Header: http.Header{"Retry-After": {wait}},
			Body: io.NopCloser(strings.NewReader(`{"data":{"companyID":1}}`)),
		}, err
	})))
	require.NoError(t, err)
	return c, &calls
}
