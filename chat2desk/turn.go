package chat2desk

import (
	"context"
	"sync/atomic"
	"time"
)

// turn is leave to make one call, taken before the call itself.
type turn struct {
	pace  *pace
	start time.Time
	used  atomic.Bool
}

type turnKey struct{}

// WaitTurn waits until the client's pace allows one more call, and gives a
// context in which the next SendMessage goes at once. Whoever must write
// something down between having leave and sending calls it first, so that what
// is written is not old when the message goes out.
func (c *Client) WaitTurn(ctx context.Context) (context.Context, error) {
	if e := allow(ctx, "wait"); e != nil {
		return ctx, e
	}
	start, err := c.pace.wait(ctx)
	if err != nil {
		return ctx, canceled("wait", ctx)
	}
	return context.WithValue(ctx, turnKey{}, &turn{pace: c.pace, start: start}), nil
}

// turn takes the leave that ctx carries, or waits for one.
func (c *Client) turn(ctx context.Context, op string) (time.Time, error) {
	if t, ok := ctx.Value(turnKey{}).(*turn); ok && t.pace == c.pace && !t.used.Swap(true) {
		return t.start, nil
	}
	if e := allow(ctx, op); e != nil {
		return time.Time{}, e
	}
	start, err := c.pace.wait(ctx)
	if err != nil {
		return start, canceled(op, ctx)
	}
	return start, nil
}
