package chat2desk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// seen is everything that one exchange showed of itself.
type seen struct {
	err     error // the transport's, when no status came
	arrived bool  // the request's head was written whole, or nobody can tell
	ended   error // why the caller's context ended, if it did
	status  int
	header  http.Header
	heard   time.Time // when the header came
	body    []byte
	bodyErr error // the body broke off, was too large, or could not be unpacked
}

// verdict is what an exchange means. problem is nil when it succeeded.
type verdict struct {
	problem *Error
	answer  answer
}

// judge finds what an exchange means, for reads and sends alike but for
// Delivery, which only deliveryOf knows. fields are those to keep of each record
// of a list, nil is all.
func (s seen) judge(fields []string) verdict {
	if s.err != nil {
		return verdict{problem: s.broken(s.err)}
	}
	ans, decodeErr := answer{}, s.bodyErr
	if decodeErr == nil {
		ans, decodeErr = decodeAnswer(s.body, fields)
	}
	ok := s.status/100 == 2
	if ok && s.bodyErr != nil {
		e := s.broken(s.bodyErr)
		e.Status = s.status
		if large := tooLarge(0); errors.As(s.bodyErr, &large) {
			e.Kind = KindBadAnswer
		} else if e.Kind != KindCanceled {
			e.Kind, e.Message, e.brokeOff = KindBadAnswer, "the answer broke off: "+e.Message, true
		}
		return verdict{problem: e}
	}
	if ok && decodeErr == nil && !ans.failed() {
		return verdict{answer: ans}
	}
	e := &Error{Status: s.status, RetryAfter: retryAfter(s.header, s.heard)}
	words := s.words(ans, decodeErr)
	e.Message = clean(words)
	if kind, known := recognise(words); known {
		e.Kind = kind
	} else {
		e.Kind = kindOfStatus(s.status, decodeErr == nil)
	}
	switch {
	case ok && errors.Is(decodeErr, errCutOff):
		e.Message, e.Err, e.brokeOff = errCutOff.Error(), errCutOff, true
	case e.Kind == KindRedirect:
		e.Message = clean("to " + s.header.Get("Location") + "; redirects are not followed, use the final base URL")
	case e.Message == "" && s.status != 0:
		e.Message = http.StatusText(s.status)
	}
	return verdict{problem: e, answer: ans}
}

// words is what the server said in words. Of a body that is no JSON only a short
// plain text counts: an HTML page of some gateway says nothing about this API.
func (s seen) words(ans answer, decodeErr error) string {
	if decodeErr == nil {
		return ans.words()
	}
	text := strings.TrimSpace(string(s.body))
	switch {
	case s.bodyErr != nil || !utf8.ValidString(text):
		return ""
	case strings.HasPrefix(text, "<"):
		return "an HTML page instead of JSON"
	case len(text) > maxMessage:
		return "a text that is no JSON"
	case text == "" && s.status/100 == 2:
		return "an empty answer"
	}
	return text
}

// kindOfStatus is the kind when the words say nothing known.
func kindOfStatus(status int, isJSON bool) Kind {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return KindToken
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return KindWrongPath
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status/100 == 3:
		return KindRedirect
	case status/100 == 5 || status == http.StatusRequestTimeout:
		return KindServer
	case status/100 == 2 && !isJSON:
		return KindBadAnswer
	case status/100 == 4 && !isJSON:
		return KindBadAnswer
	case status/100 == 4 || status/100 == 2:
		return KindInvalid
	}
	return KindBadAnswer
}

// broken is an exchange that the network or the caller ended.
func (s seen) broken(err error) *Error {
	e := &Error{Kind: KindUnreachable, Message: clean(brokenBy(err)), Err: err}
	switch {
	case s.ended != nil:
		e.Kind, e.Message, e.Err = KindCanceled, clean(s.ended.Error()), s.ended
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = "no answer in time"
	}
	return e
}

// deliveryOf is the classification of a send: the only place that decides
// whether a message may have gone out.
//
//	seen                                                 class
//	dial, DNS or TLS error; head never written whole      not sent
//	head written, then reset, EOF, timeout, cancel        unknown
//	2xx, JSON, status success, message id                 accepted
//	2xx with a clear refusal in words                     refused (token, quota, pace: not sent)
//	2xx with anything else                                unknown
//	400 422, and 404 that names the person, as API JSON   refused
//	401 403 405, 404 naming nothing, 3xx                  not sent
//	429, and its words with a 4xx                         not sent
//	408 409 5xx and every other status                    unknown
func deliveryOf(s seen, v verdict) Delivery {
	if s.err != nil {
		if s.arrived {
			return DeliveryUnknown
		}
		return NotSent
	}
	if v.problem == nil {
		if _, ok := messageID(v.answer); ok && isSuccess(v.answer) {
			return Accepted
		}
		return DeliveryUnknown
	}
	shaped := s.bodyErr == nil && v.answer.shaped()
	switch s.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusTooManyRequests:
		return NotSent
	case http.StatusNotFound:
		if shaped && v.problem.Kind == KindNotFound {
			return Refused
		}
		return NotSent
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if !shaped {
			return DeliveryUnknown
		}
		return refusalOf(v.problem.Kind)
	}
	switch s.status / 100 {
	case 3:
		return NotSent
	case 2:
		if _, ok := messageID(v.answer); ok || !shaped {
			return DeliveryUnknown
		}
		if _, known := recognise(v.answer.words()); known || v.answer.namesField() {
			return refusalOf(v.problem.Kind)
		}
	}
	return DeliveryUnknown
}

// refusalOf tells a refusal of everybody, which another try may pass, from a
// refusal of this request.
func refusalOf(k Kind) Delivery {
	switch k {
	case KindToken, KindQuotaMonth, KindRateLimited:
		return NotSent
	default:
		return Refused
	}
}

func isSuccess(a answer) bool { return a.status() == "success" }

// messageID is data.message_id, a number or a numeric string.
func messageID(a answer) (int, bool) {
	data, ok := a.data.(object)
	if list, isList := a.data.([]any); isList && len(list) == 1 {
		data, ok = list[0].(object)
	}
	if !ok {
		return 0, false
	}
	n, ok := wholeNumber(data.get("message_id"))
	return n, ok && n > 0
}

// maxRetryAfter caps what a server may ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the header in both its forms, seconds and a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n >= maxRetryAfter.Seconds() {
			return maxRetryAfter
		}
		d = time.Duration(n * float64(time.Second)) // NaN and negatives end below 0 or at 0
	} else if at, err := http.ParseTime(text); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// brokenBy says how a connection broke, without the addresses: with our port of
// the moment in it, no two failures would read alike.
func brokenBy(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op != "dial" && op.Err != nil {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}
