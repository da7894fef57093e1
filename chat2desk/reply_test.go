package chat2desk

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const acceptedBody = `{"data":{"message_id":500002,"client_id":70001},"status":"success"}`

// wire says what a server does with a connection once it has read the request.
type wire func(c net.Conn)

// raw writes bytes and closes.
func raw(text string) wire { return func(c net.Conn) { _, _ = io.WriteString(c, text) } }

// answered is a whole answer with a body.
func answered(status, body string, header ...string) wire {
	head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", status, len(body))
	for _, h := range header {
		head += h + "\r\n"
	}
	return raw(head + "\r\n" + body)
}

// forever writes the same again until the other side has gone.
func forever(head, piece string, pause time.Duration) wire {
	return func(c net.Conn) {
		_, err := io.WriteString(c, head)
		for err == nil {
			time.Sleep(pause)
			_, err = io.WriteString(c, piece)
		}
	}
}

// silent waits until the other side has gone.
func silent(head string) wire {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, head)
		_, _ = io.Copy(io.Discard, c)
	}
}

// reset closes the hard way, after some bytes.
func reset(head string) wire {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, head)
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

func gzipped(size int) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, strings.Repeat(" ", size))
	_ = z.Close()
	return b.String()
}

const ok = "HTTP/1.1 200 OK\r\n"

// replyFaults are the ways in which a server may answer a send, or not, with what
// must be concluded. Each is met over a real connection.
var replyFaults = []struct {
	name string
	wire wire
	want Delivery
}{
	// What arrived may have been taken, and nobody said so.
	{"closed without a word", raw(""), DeliveryUnknown},
	{"reset without a word", reset(""), DeliveryUnknown},
	{"silent for ever", silent(""), DeliveryUnknown},
	{"no HTTP", raw("SSH-2.0-OpenSSH_9.6\r\n\r\n"), DeliveryUnknown},
	{"another HTTP", raw("HTTP/9.9 200 OK\r\n\r\n"), DeliveryUnknown},
	{"half a status line", raw("HTTP/1.1 2"), DeliveryUnknown},
	{"status that is no number", raw("HTTP/1.1 abc OK\r\n\r\n"), DeliveryUnknown},
	{"half a head", raw(ok + "Content-Le"), DeliveryUnknown},
	{"a head without an end", silent(ok + "X: y\r\n"), DeliveryUnknown},
	{"a head that drips", forever(ok, "X-Drip: y\r\n", 2*time.Millisecond), DeliveryUnknown},
	{"an endless head", forever(ok, "X-Long: "+strings.Repeat("y", 60<<10)+"\r\n", 0), DeliveryUnknown},
	{"one endless line of the head", forever(ok+"X: ", strings.Repeat("y", 64<<10), 0), DeliveryUnknown},
	{"interim answers for ever", forever("", "HTTP/1.1 102 Processing\r\n\r\n", time.Millisecond), DeliveryUnknown},
	{"a wrong header", raw(ok + "no colon\r\n\r\n"), DeliveryUnknown},
	{"two lengths", raw(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}"), DeliveryUnknown},
	{"a negative length", raw(ok + "Content-Length: -1\r\n\r\n{}"), DeliveryUnknown},

	// A status came, but the body says nothing that can be trusted.
	{"a body that never comes", silent(ok + "Content-Length: 60\r\n\r\n"), DeliveryUnknown},
	{"half a body", raw(ok + "Content-Length: 70\r\n\r\n" + acceptedBody[:30]), DeliveryUnknown},
	{"a reset in the body", reset(ok + "Content-Length: 70\r\n\r\n" + acceptedBody[:30]), DeliveryUnknown},
	{"a body that drips", forever(ok+"Content-Length: 100000\r\n\r\n", " ", 2*time.Millisecond), DeliveryUnknown},
	{"an endless body", forever(ok+"\r\n", strings.Repeat(" ", 64<<10), 0), DeliveryUnknown},
	{"endless chunks", forever(ok+"Transfer-Encoding: chunked\r\n\r\n", "8000\r\n"+strings.Repeat(" ", 0x8000)+"\r\n", 0), DeliveryUnknown},
	{"a broken chunk", raw(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), DeliveryUnknown},
	{"chunks without an end", raw(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"), DeliveryUnknown},
	{"a gzip bomb", answered("200 OK", gzipped(64<<20), "Content-Encoding: gzip"), DeliveryUnknown},
	{"broken gzip", answered("200 OK", "not gzip", "Content-Encoding: gzip"), DeliveryUnknown},
	{"200 and nothing", answered("200 OK", ""), DeliveryUnknown},
	{"204", raw("HTTP/1.1 204 No Content\r\n\r\n"), DeliveryUnknown},
	{"200 and a page", answered("200 OK", "<html>welcome</html>"), DeliveryUnknown},
	{"200 and half of the JSON", answered("200 OK", acceptedBody[:40]), DeliveryUnknown},
	{"200 and JSON of something else", answered("200 OK", `["a"]`), DeliveryUnknown},
	{"200, success, no id", answered("200 OK", `{"status":"success","data":{}}`), DeliveryUnknown},
	{"200 and an error that refuses nothing", answered("200 OK", `{"status":"error","message":"something went wrong"}`), DeliveryUnknown},
	{"200 and deep JSON", answered("200 OK", strings.Repeat("[", 200_000)), DeliveryUnknown},
	{"500", answered("500 Internal Server Error", `{"status":"error"}`), DeliveryUnknown},
	{"502 and a page", answered("502 Bad Gateway", "<html>Bad Gateway</html>"), DeliveryUnknown},
	{"503, try again", answered("503 Service Unavailable", "", "Retry-After: 1"), DeliveryUnknown},
	{"504", answered("504 Gateway Timeout", "Timeout"), DeliveryUnknown},
	{"408", answered("408 Request Timeout", "", "Connection: close"), DeliveryUnknown},
	{"409", answered("409 Conflict", `{"status":"error","message":"x"}`), DeliveryUnknown},
	{"400 and a page", answered("400 Bad Request", "<h1>Bad Request</h1>"), DeliveryUnknown},

	// It surely was not taken.
	{"401", answered("401 Unauthorized", ""), NotSent},
	{"403", answered("403 Forbidden", `{"status":"error","message":"Token is not correct"}`), NotSent},
	{"404 of a path", answered("404 Not Found", "<html>"), NotSent},
	{"405", answered("405 Method Not Allowed", ""), NotSent},
	{"301", answered("301 Moved Permanently", "", "Location: /elsewhere"), NotSent},
	{"307, which would have the POST repeated", answered("307 Temporary Redirect", "", "Location: /v1/messages"), NotSent},
	{"308 without an address", answered("308 Permanent Redirect", ""), NotSent},
	{"429", answered("429 Too Many Requests", "", "Retry-After: 1"), NotSent},
	{"429, used-up month", answered("429 Too Many Requests", `{"message":"API calls exceeded API limit per month"}`), NotSent},

	// It was refused for good.
	{"404 of the person", answered("404 Not Found", `{"status":"error","message":"client not found"}`), Refused},
	{"422", answered("422 Unprocessable Entity", `{"status":"error","errors":{"text":["is too long"]}}`), Refused},

	// It was taken.
	{"200", answered("200 OK", acceptedBody), Accepted},
	{"200 after an interim answer", raw("HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 67\r\n\r\n" + acceptedBody), Accepted},
	{"200 and more than was promised", raw(ok + "Content-Length: 67\r\n\r\n" + acceptedBody + "HTTP/1.1 500 Oops\r\n\r\n"), Accepted},
}

// mostMemory is more than this program may ever take for one answer.
const mostMemory = 64 << 20

// Every fault of a reply has its class, costs one request and little memory, and
// ends with the call's deadline where it would not end by itself.
func TestReplyFaults(t *testing.T) {
	for _, tt := range replyFaults {
		t.Run(tt.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			var requests atomic.Int64
			served := make(chan bool)
			go func() {
				defer close(served)
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
						_, _ = io.Copy(io.Discard, req.Body)
						requests.Add(1)
						tt.wire(c)
					}
					_ = c.Close()
				}
			}()
			c, err := New(testToken, WithBaseURL("http://"+listener.Addr().String()), WithTimeout(0, 250*time.Millisecond))
			require.NoError(t, err)

			peak := watchMemory()
			sent, err := c.SendMessage(t.Context(), Outgoing{ContactID: 70001, Text: "hello"})
			require.Less(t, peak(), uint64(mostMemory))
			if tt.want == Accepted {
				require.NoError(t, err)
				require.Equal(t, 500002, sent.MessageID)
			} else {
				e := problem(t, err)
				require.Equal(t, tt.want, e.Delivery, "%v", e)
			}
			require.NoError(t, listener.Close())
			<-served // each of its connections has ended, so the call has let go of them
			require.EqualValues(t, 1, requests.Load())
		})
	}
	require.GreaterOrEqual(t, len(replyFaults), 40)
}

// watchMemory follows how much the heap grows until its end is asked for.
func watchMemory() func() uint64 {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, most := heap(), uint64(0)
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			if now := heap(); now > before {
				most = max(most, now-before)
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most
	}
}
