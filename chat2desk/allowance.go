package chat2desk

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Allowance bounds the calls that are made in a context, over all clients, tries
// included. It may be used by many at once.
type Allowance struct {
	most int64
	made atomic.Int64
}

// NewAllowance allows so many calls.
func NewAllowance(calls int) *Allowance { return &Allowance{most: int64(calls)} }

// Left is how many calls may still be made.
func (a *Allowance) Left() int { return int(max(0, a.most-a.made.Load())) }

type allowanceKey struct{}

// Within gives a context whose calls use up the allowance. One that is not left
// is not made: its Error is of KindAllowance, and surely nothing was sent.
func Within(ctx context.Context, a *Allowance) context.Context {
	return context.WithValue(ctx, allowanceKey{}, a)
}

// allow takes one call from the allowance of ctx, where it has one.
func allow(ctx context.Context, op string) *Error {
	a, ok := ctx.Value(allowanceKey{}).(*Allowance)
	if !ok || a.made.Add(1) <= a.most {
		return nil
	}
	a.made.Add(-1)
	return &Error{Op: op, Kind: KindAllowance, Delivery: NotSent, Message: fmt.Sprintf("%d calls were allowed, and all are made", a.most)}
}
