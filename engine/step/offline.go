package step

import "context"

type offlineKey struct{}

// Offline says that nothing of what runs in ctx may leave this machine: a run in
// the sandbox. What talks to other hosts than the connection's asks IsOffline.
func Offline(ctx context.Context) context.Context { return context.WithValue(ctx, offlineKey{}, true) }

// IsOffline reports whether ctx is of Offline.
func IsOffline(ctx context.Context) bool { return ctx.Value(offlineKey{}) != nil }
