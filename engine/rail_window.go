package engine

import (
	"context"
	"slices"
	"strconv"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/step"
)

// window leaves free texts out that WhatsApp would not deliver. What the API
// would go by where no transport is named is the client's last one, which nobody
// tells: where one of the client's may be WhatsApp, it counts as that.
func (p *planner) window(ctx context.Context, c *candidate) (string, error) {
	if p.p.Guard.Window == "" || guard.IsTemplate(c.preview.Text) {
		return "", nil
	}
	transport := c.preview.Details["transport"]
	if transport != "" && !guard.HasWindow(transport) {
		return "", nil
	}
	f, err := p.factsOf(ctx, c)
	if err != nil {
		return "", err
	}
	now := p.o.clock()
	if guard.Free(f.LastWrote, now) {
		c.LastWrote = f.LastWrote // until apply, by which time it may have closed
		return "", nil
	}
	if transport != "" {
		return guard.ClosedReason, nil
	}
	if f.Channels == nil && p.o.People != nil {
		// Lists do not say how people can be reached. It matters here alone.
		if f, err = p.readFacts(ctx, c); err != nil {
			return "", err
		}
		if guard.Free(f.LastWrote, now) {
			c.LastWrote = f.LastWrote
			return "", nil
		}
	}
	switch some, all := windows(f.Channels, c.preview.Details["channelId"]); {
	case all:
		return guard.ClosedReason, nil
	case some:
		return guard.UnsureReason, nil
	}
	return "", nil
}

// windows reports whether some, and whether all, of the ways to a client are
// WhatsApp's; with a channel, of those through it. Where no way is known, some may
// be.
func windows(channels []step.Channel, channel string) (some, all bool) {
	var transports []string
	for _, ch := range channels {
		if channel == "" || channel == strconv.Itoa(ch.ID) {
			transports = append(transports, ch.Transports...)
		}
	}
	if len(transports) == 0 {
		return true, false
	}
	some = slices.ContainsFunc(transports, guard.HasWindow)
	all = some && !slices.ContainsFunc(transports, func(t string) bool { return !guard.HasWindow(t) })
	return some, all
}
