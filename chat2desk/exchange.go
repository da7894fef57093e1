package chat2desk

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxReadBody = 16 << 20 // bytes of an unpacked answer to a read
	maxSendBody = 1 << 20  // bytes of an unpacked answer to a send
	maxTrusted  = 1 << 20  // bytes of memory that are taken at a header's word
)

// exchange makes exactly one HTTP request within one total deadline. It speaks to
// the carrier directly: no redirect is ever followed, and no request repeated.
func (c *Client) exchange(ctx context.Context, method, path string, query url.Values, body []byte) (s seen) {
	timeout, maxBody := c.readTimeout, int64(maxReadBody)
	if method != http.MethodGet {
		timeout, maxBody = c.sendTimeout, maxSendBody
	}
	defer func() {
		if s.err != nil || s.bodyErr != nil {
			s.ended = context.Cause(ctx)
		}
	}()
	c.calls.Add(1)
	resp, err := c.carrier.carry(ctx, request{method, path, query.Encode(), body, time.Now().Add(timeout)})
	if err != nil {
		return seen{err: c.redact(err), arrived: !errors.As(err, new(unsent))}
	}
	defer resp.Body.Close()
	s = seen{arrived: true, status: resp.StatusCode, header: resp.Header, heard: c.now()}
	c.learnTime(s.header, s.heard)
	var room []byte
	if method == http.MethodGet {
		room = c.room()
	}
	s.body, s.bodyErr = readBody(resp, maxBody, room)
	s.bodyErr = c.redact(s.bodyErr)
	return s
}

// headers are those of reads and of sends. Pages may come packed; the answer to a
// send is too short for that to pay.
func (c *config) headers() (h headers) {
	h.read = http.Header{"Authorization": {c.authorization}, "Accept": {"application/json"}, "User-Agent": {c.userAgent}}
	h.send = h.read.Clone()
	h.read["Accept-Encoding"] = []string{"gzip"}
	h.send["Content-Type"], h.send["Accept-Encoding"] = []string{"application/json"}, []string{"identity"}
	return h
}

// Bodies of so many bytes are kept for the next one: a page of clients has 100 kB.
const (
	leastReused = 16 << 10
	mostReused  = maxTrusted
)

// room gives the memory of a body that was read and decoded, or none.
func (c *Client) room() []byte {
	if b, ok := c.bodies.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

// reuse takes back a body. Nothing that was decoded may point into it.
func (c *Client) reuse(body []byte) {
	if cap(body) >= leastReused && cap(body) <= mostReused {
		c.bodies.Put(&body)
	}
}

// readBody reads a body up to limit bytes, to its end, and unpacks it if it came
// packed, asked for or not. It is read into room, where that is enough.
func readBody(resp *http.Response, limit int64, room []byte) ([]byte, error) {
	r := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("unpack the answer: %w", err)
		}
		r = z
	}
	size := int64(bytes.MinRead)
	if resp.ContentLength >= 0 {
		size = min(resp.ContentLength, limit, maxTrusted)
	}
	// One byte more, so that the end shows without growing.
	body := room
	if int64(cap(body)) <= size {
		body = make([]byte, 0, size+1)
	}
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return body, nil
		case err != nil:
			return body, err
		case len(body) == cap(body):
			body = slices.Grow(body, bytes.MinRead)
		}
	}
}

// tooLarge is the error of an answer of more than that many bytes.
type tooLarge int64

func (t tooLarge) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB", int64(t)>>20)
}

// redact makes an error of the transport fit to show: it never holds the token.
func (c *Client) redact(err error) error {
	if err == nil || !strings.Contains(err.Error(), c.token) {
		return err
	}
	return errors.New(c.hide(err.Error()))
}

// hide puts *** in the token's place.
func (c *Client) hide(text string) string { return strings.ReplaceAll(text, c.token, "***") }
