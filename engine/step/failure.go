package step

import "time"

// Delivery is what is known of a send whose attempt failed. The zero value is
// the careful one.
type Delivery uint8

// The deliveries (the table in docs/delivery.md says what is seen as which).
const (
	Unknown Delivery = iota // it may have gone out
	NotSent                 // surely not; may be tried again
	Refused                 // surely not, and never will for this recipient
)

// String is the word used in messages.
func (d Delivery) String() string { return [...]string{"unknown", "not sent", "refused"}[d] }

// Class is the cause of a Failure, as far as the engine must act on it.
type Class uint8

// The classes. Token, Redirect, WrongPath, Quota and Allowance stop a run at once.
const (
	ClassOther       Class = iota
	ClassInvalid           // the request is wrong (400, 422)
	ClassNotFound          // the person or thing is not there
	ClassToken             // 401, 403: missing or refused
	ClassRedirect          // 3xx
	ClassWrongPath         // 404 that names no thing: wrong base URL
	ClassQuota             // the monthly quota is used up
	ClassRateLimited       // 429
	ClassServer            // 5xx, or an answer that is no JSON
	ClassUnreachable       // no connection, or it broke
	ClassAllowance         // more calls than the command may make
)

// Failure is an error of the outside world, classified. Steps translate what
// their client reports into it; the engine decides by it and never by text.
type Failure struct {
	Class      Class
	Delivery   Delivery
	RetryAfter time.Duration // 0 when the server said nothing
	Reason     string        // one line for reports, without the person's data
	Hint       string        // what to do about it; may be empty
	Err        error
}

// Error is the reason.
func (f *Failure) Error() string { return f.Reason }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Stops reports whether the whole run ends with this failure, whoever it
// concerned.
func (f *Failure) Stops() bool {
	switch f.Class {
	case ClassToken, ClassRedirect, ClassWrongPath, ClassQuota, ClassAllowance:
		return true
	}
	return false
}

// Temporary reports whether the same read may succeed a little later.
func (f *Failure) Temporary() bool {
	switch f.Class {
	case ClassRateLimited, ClassServer, ClassUnreachable:
		return true
	}
	return false
}
