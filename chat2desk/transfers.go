package chat2desk

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// TransfersQuery is what ListTransfers asks for. Days are calendar days of Zone,
// the company's zone: From and To are both included.
type TransfersQuery struct {
	From, To time.Time      // zero: the last seven days, today included
	Zone     *time.Location // nil is UTC
	Limit    int            // at most this many; 0 is all
}

const opTransfers = "list transfers"

// ListTransfers derives transfers from the operator_events report, oldest first,
// one series of calls a day. Only the first day is read before it returns; days
// to come are not asked for. The following day is read ahead where a transfer
// was not taken on its own day. The API counts events and not transfers, so the
// listing's total is not known.
func (c *Client) ListTransfers(ctx context.Context, q TransfersQuery) (*Listing[Transfer], error) {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	today := midnight(c.now(), q.Zone)
	from, to := today.AddDate(0, 0, -6), today
	if !q.To.IsZero() {
		to = midnight(q.To, q.Zone)
		from = to.AddDate(0, 0, -6)
	}
	if !q.From.IsZero() {
		from = midnight(q.From, q.Zone)
	}
	switch {
	case q.Limit < 0:
		return nil, invalid(opTransfers, "limit %d: it may not be negative", q.Limit)
	case from.After(to):
		return nil, invalid(opTransfers, "from %s is after to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
	}
	d := &days{c: c, zone: q.Zone, today: today}
	first, err := d.events(ctx, from)
	if err != nil {
		return nil, err
	}
	return &Listing[Transfer]{stream: func(yield func(Transfer, error) bool) {
		d.stream(ctx, first, from, to, q.Limit, yield)
	}}, nil
}

// midnight is the start of t's calendar day in zone.
func midnight(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// days reads events day by day.
type days struct {
	c     *Client
	zone  *time.Location
	today time.Time
}

func (d *days) stream(ctx context.Context, events []event, day, to time.Time, limit int, yield func(Transfer, error) bool) {
	given := 0
	for {
		next := day.AddDate(0, 0, 1)
		more := !next.After(to)
		var after []event
		if more || unresolved(events) {
			var err error
			if after, err = d.events(ctx, next); err != nil {
				yield(Transfer{}, err)
				return
			}
		}
		for _, t := range derive(events, after) {
			if !yield(t, nil) {
				return
			}
			if given++; limit > 0 && given >= limit {
				return
			}
		}
		if !more {
			return
		}
		day, events = next, after
	}
}

// events reads the events of one day, oldest first.
func (d *days) events(ctx context.Context, day time.Time) ([]event, error) {
	if day.After(d.today) {
		return nil, nil
	}
	date := day.Format(time.DateOnly)
	base := url.Values{"report": {"operator_events"}, "date": {date}}
	p := &pager[event, eventKey]{
		op: opTransfers, what: "event", key: event.key,
		fetch: func(ctx context.Context, limit, offset int) (page[event], error) {
			a, err := d.c.get(ctx, opTransfers, "/v1/statistics", paged(base, limit, offset), nil)
			if err != nil {
				return page[event]{}, err
			}
			g, err := pageOf(a, opTransfers, "event", eventOf(d.zone))
			if err == nil {
				err = d.matches(g.items, day)
			}
			return g, err
		},
	}
	var out []event
	for {
		fresh, ended, err := p.next(ctx)
		if err != nil {
			return nil, err
		}
		if out = append(out, fresh...); ended {
			break
		}
	}
	// The API gives the newest first. Turned round before a stable sort, events of
	// one second keep the order in which they happened.
	if len(out) > 0 && !out[0].at.Before(out[len(out)-1].at) {
		slices.Reverse(out)
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.at.Compare(b.at) })
	return out, nil
}

// matches shows that the API honoured the date: a day more or less is left to
// instances that reckon their days in another zone.
func (d *days) matches(items []event, day time.Time) error {
	low, high := day.AddDate(0, 0, -1), day.AddDate(0, 0, 2)
	for _, e := range items {
		if e.at.Before(low) || !e.at.Before(high) {
			return ignored(opTransfers, "date", fmt.Sprintf("asked for %s, got an event of %s",
				day.Format(time.DateOnly), e.at.In(d.zone).Format(time.DateOnly)))
		}
	}
	return nil
}
