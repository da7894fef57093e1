package chat2desk

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Kind is the cause of an Error.
type Kind uint8

// The kinds.
const (
	KindOther         Kind = iota
	KindToken              // missing or refused
	KindQuotaMonth         // the company's calls of this month are used up
	KindRateLimited        // too many calls just now
	KindInvalid            // the request is wrong: 400, 422, or refused before any call
	KindNotFound           // the person or thing is not there
	KindAlreadyExists      // it is there already
	KindWrongPath          // 404 that names no thing: the base URL is not this API's
	KindRedirect           // 3xx, never followed
	KindServer             // 5xx
	KindBadAnswer          // an answer that cannot be what was asked for
	KindUnreachable        // no connection, or it broke, or it took too long
	KindCanceled           // the caller's context ended
	KindFilterIgnored      // the API answered as if a filter had not been given
	KindAllowance          // more calls than Within allows; none was made
)

var kindNames = [...]string{
	"error", "token refused", "monthly quota used up", "too many calls", "invalid request", "not found",
	"already exists", "wrong path", "redirected", "server error", "bad answer", "unreachable", "canceled",
	"filter ignored", "allowance used up",
}

// String is the word used in messages.
func (k Kind) String() string { return kindNames[k] }

// Delivery is what is known of a send. The zero value is the careful one.
type Delivery uint8

// The deliveries.
const (
	DeliveryUnknown Delivery = iota // the message may have gone out
	NotSent                         // surely not; it may be tried again
	Refused                         // surely not, and never will for this request
	Accepted                        // the API took it; no Error carries this
)

// String is the word used in messages.
func (d Delivery) String() string {
	return [...]string{"unknown", "not sent", "refused", "accepted"}[d]
}

// Error is every failure of this package. Its text is one line without control
// characters and never holds the token.
type Error struct {
	Op         string // what was tried, such as "list clients"
	Status     int    // the HTTP status, 0 when there was none
	Kind       Kind
	Delivery   Delivery      // what is known of a send; of a read it says nothing
	RetryAfter time.Duration // what the server asked for, 0 when it did not
	Message    string        // the API's own words, or what is wrong; cleaned and capped
	Err        error         // the cause below, if any

	brokeOff bool // the body ended too early: the same read may succeed
}

// Error is `op: kind: message (HTTP status)`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	return b.String()
}

// Unwrap gives the cause, so that errors.Is finds context.Canceled and friends.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same read may succeed a little later.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case KindRateLimited, KindServer, KindUnreachable:
		return true
	case KindBadAnswer:
		return e.brokeOff
	default:
		return false
	}
}

// invalid is a request that is refused before any call.
func invalid(op, format string, args ...any) *Error {
	return &Error{Op: op, Kind: KindInvalid, Delivery: Refused, Message: clean(fmt.Sprintf(format, args...))}
}

// maxMessage caps what is kept of a server's words, in runes.
const maxMessage = 300

// clean makes hostile text fit for one line of a terminal or log: control,
// format (bidirectional) and unprintable characters become blanks, runs of
// blanks one, and the length is capped.
func clean(s string) string {
	var b strings.Builder
	blank, n := false, 0
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			blank = true
			continue
		}
		if n == maxMessage {
			b.WriteString("…")
			break
		}
		if blank && n > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
		n++
	}
	return b.String()
}
