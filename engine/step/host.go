package step

import (
	"context"
	"io"
	"os"
	"time"
)

// Connection is the effective connection of one step.
type Connection struct {
	Token   Secret
	BaseURL string  // scheme and host, without /v1; "" is the default host
	Scheme  string  // "raw" (bare token, the default), "bearer" or a custom word
	Rate    float64 // calls a second; 0 is unlimited
}

// Retry says how often a read is tried when the failure may pass.
type Retry struct {
	Attempts int           // in all; 1 is no retry
	Backoff  time.Duration // before the second; it doubles from then on
}

// Scratch is a folder of the run for what does not fit into memory, and how values stand
// there. A file in it is gone when whoever made it has closed it.
type Scratch struct {
	Dir    string
	Append func(b []byte, v any) ([]byte, error) // an error for a secret, and a list that is read once
	Read   func(b []byte) (any, error)
}

// Host is what the engine lends to a running step.
type Host interface {
	// Connection is the step's effective connection.
	Connection() Connection
	// Retry is how often the step's reads are tried; false where the flow does not
	// say.
	Retry() (Retry, bool)
	// Shared returns the value made by the first caller with this key in this run:
	// an API client with its limiter, say.
	Shared(key any, make func() (any, error)) (any, error)
	// Root holds every file that a flow may touch: the flow's directory. The caller
	// closes it.
	Root() (*os.Root, error)
	// Zone is the company's zone; Now is run.now in it.
	Zone() *time.Location
	Now() time.Time
	// Stdout is where print writes.
	Stdout() io.Writer
	// Scratch is where a step puts what it does not hold in memory.
	Scratch() (Scratch, error)
	// LeaveOut counts records that the step did not pass on, with the reason that
	// plan shows.
	LeaveOut(reason string, n int)
	// Warn tells the user of something odd that stops nothing.
	Warn(format string, args ...any)
}

type hostKey struct{}

// WithHost gives ctx a Host. The engine calls it before every Run, Do and Settle.
func WithHost(ctx context.Context, h Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// HostOf returns the Host of a running step.
func HostOf(ctx context.Context) Host { return ctx.Value(hostKey{}).(Host) }
