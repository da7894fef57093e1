package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// mask is what stands where a secret stood.
const mask = "***"

// minSecret is the length below which a text is no secret worth hiding: masking
// every "a" would make output unreadable and hide nothing.
const minSecret = 4

// Redactor knows the secrets of a process and keeps them out of its Writers. It
// is safe for use from many goroutines.
type Redactor struct {
	mu    sync.Mutex
	known [][]byte // every form of every secret, longest first
	heads [256]bool
}

// Add registers a secret in every form in which it may come back: as it is, and
// URL-, JSON-, hex- and base64-encoded.
func (r *Redactor) Add(secret string) {
	if len(secret) < minSecret {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range forms(secret) {
		if len(f) < minSecret || slices.ContainsFunc(r.known, func(k []byte) bool { return string(k) == f }) {
			continue
		}
		r.known = append(r.known, []byte(f))
		r.heads[f[0]] = true
	}
	slices.SortStableFunc(r.known, func(a, b []byte) int { return len(b) - len(a) })
}

// forms are the ways in which a secret is written. Base64 of a longer text that
// holds the secret depends on where in a group of three bytes it begins, so the
// part that is the same for each of the three places is kept too.
func forms(secret string) []string {
	raw := []byte(secret)
	quoted, _ := json.Marshal(secret) // of a string: never fails
	hexed := hex.EncodeToString(raw)
	out := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]),
		hexed, strings.ToUpper(hexed),
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		out = append(out, enc.EncodeToString(raw), enc.WithPadding(base64.NoPadding).EncodeToString(raw))
		for before := range 3 {
			whole := enc.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, before), raw...))
			from, to := (before*8+5)/6, (before+len(raw))*8/6
			if to-from >= 2*minSecret {
				out = append(out, whole[from:to])
			}
		}
	}
	return out
}

// Mask replaces the secrets in a text that is whole.
func (r *Redactor) Mask(text []byte) []byte {
	out, _ := r.clean(text, true)
	return out
}

// Writer passes on to w what it is given, with every registered secret replaced,
// also one that several writes bring in pieces. Only the beginning of what may
// become a secret is held back, until the next write or Flush.
func (r *Redactor) Writer(w io.Writer) *RedactingWriter { return &RedactingWriter{r: r, w: w} }

// RedactingWriter is made by Redactor.Writer.
type RedactingWriter struct {
	r    *Redactor
	w    io.Writer
	mu   sync.Mutex
	held []byte
}

// Write implements io.Writer. The count is that of p, since a masked text has
// another length.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.held, p...)
	out, rest := w.r.clean(text, false)
	w.held = append([]byte(nil), rest...)
	if len(out) > 0 {
		if _, err := w.w.Write(out); err != nil {
			return 0, unread(err)
		}
	}
	return len(p), nil
}

// UnreadError is that of a writer whose reader has gone, as head does when it has
// seen enough.
type UnreadError struct{ err error }

func (e *UnreadError) Error() string { return e.err.Error() }

// Unwrap gives what the system said.
func (e *UnreadError) Unwrap() error { return e.err }

// unread tells a reader that has gone from other errors of writing.
func unread(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return &UnreadError{err}
	}
	return err
}

// Flush passes on what is held back: no more is coming that could complete it.
func (w *RedactingWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) == 0 {
		return nil
	}
	out, _ := w.r.clean(w.held, true)
	w.held = nil
	_, err := w.w.Write(out)
	return unread(err)
}

// clean masks the secrets in text. rest is its end, which may be the beginning
// of one; there is none when nothing more comes.
func (r *Redactor) clean(text []byte, final bool) (out, rest []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) == 0 {
		return text, nil
	}
	out = make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if !r.heads[text[i]] {
			out = append(out, text[i])
			i++
			continue
		}
		n, pending := r.match(text[i:], final)
		switch {
		case pending:
			return out, text[i:]
		case n > 0:
			out = append(out, mask...)
			i += n
		default:
			out = append(out, text[i])
			i++
		}
	}
	return out, nil
}

// match finds the longest secret at the beginning of text. pending says that a
// still longer one may come with the next write.
func (r *Redactor) match(text []byte, final bool) (n int, pending bool) {
	for _, k := range r.known {
		switch {
		case bytes.HasPrefix(text, k):
			return len(k), false
		case !final && len(text) < len(k) && bytes.HasPrefix(k, text):
			return 0, true
		}
	}
	return 0, false
}
