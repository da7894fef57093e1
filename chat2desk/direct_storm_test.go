//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStorm has as many callers as there may be call a server whose connections end at
// random, while the callers give up at random: whatever the server has counted is
// answered or may have arrived, it counts nothing twice, and whatever is answered it
// has counted.
func TestStorm(t *testing.T) {
	t.Run("plain", func(t *testing.T) { storm(t, mostCallers, 25, nil) })
	t.Run("secure", func(t *testing.T) {
		srv, _, _ := secureServer(t, nil)
		storm(t, 64, 25, srv)
	})
}

// storm uses the certificate of a server, if one is given.
func storm(t *testing.T, callers, calls int, secure *httptest.Server) {
	var counting sync.Mutex
	counted := make(map[string]int, callers*calls)
	base := rawServer(t, func(_ int64, c net.Conn) {
		tcp := c.(*net.TCPConn)
		hard := func() { _ = tcp.SetLinger(0) }
		if secure != nil {
			if rand.N(40) == 0 {
				return // in the handshake
			}
			c = tls.Server(c, &tls.Config{Certificates: secure.TLS.Certificates})
		}
		for in := bufio.NewReader(c); ; {
			if rand.N(40) == 0 {
				return // before a request, or at rest
			}
			body, ok := heard(in)
			if !ok {
				return
			}
			counting.Lock()
			counted[body]++
			counting.Unlock()
			answer := wholeAnswer[:len(wholeAnswer)-2] + "[]"
			switch rand.N(24) {
			case 0:
				return
			case 1:
				hard()
				return
			case 2:
				_, _ = io.WriteString(c, answer[:rand.N(len(answer))])
				return
			case 3:
				time.Sleep(time.Duration(rand.N(3)) * time.Millisecond)
			case 4:
				_, _ = io.WriteString(c, answer)
				hard()
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
	if secure != nil {
		base.Scheme = "https"
	}
	d := directTo(t, base)
	trust(d, secure)
	var all sync.WaitGroup
	var ends sync.Mutex
	var answered, doubtful, nothing int
	for caller := range callers {
		all.Go(func() {
			for n := range calls {
				id := strconv.Itoa(caller) + "." + strconv.Itoa(n)
				ctx, cancel := context.WithCancel(t.Context())
				q := post(id)
				switch rand.N(12) {
				case 0:
					time.AfterFunc(time.Duration(rand.N(2000))*time.Microsecond, cancel)
				case 1:
					q.deadline = time.Now().Add(time.Duration(rand.N(2000)) * time.Microsecond)
				}
				_, body, err := ask(ctx, d, q)
				cancel()
				counting.Lock()
				times := counted[id]
				counting.Unlock()
				ends.Lock()
				switch {
				case err == nil:
					answered++
					if body != "[]" || times != 1 {
						t.Errorf("call %s: answered %q, counted %d times", id, body, times)
					}
				case surelyUnsent(err):
					nothing++
				default:
					doubtful++
				}
				if surelyUnsent(err) {
					counting.Lock()
					counted[id] += 1000 // it must stay at that to the end
					counting.Unlock()
				}
				ends.Unlock()
			}
		})
	}
	all.Wait()
	for l := d.take(); l != nil; l = d.take() {
		l.close()
	}
	counting.Lock()
	defer counting.Unlock()
	for id, times := range counted {
		if times != 1 && times != 1000 {
			t.Errorf("call %s: counted %d times (1000 is for one that was told unsent)", id, times)
		}
	}
	require.Equal(t, callers*calls, answered+doubtful+nothing)
	require.Greater(t, answered, callers*calls/2)
	require.NotZero(t, doubtful)
	require.NotZero(t, nothing)
	require.LessOrEqual(t, d.resting(), mostCallers)
}
