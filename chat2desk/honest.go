package chat2desk

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The API drops parameters that it does not know and answers with everybody, so
// a filtered list is believed only when it shows that the filter was honoured:
//
//   - phone: each row must have the number.
//   - created_after: nobody may have written long before that day.
//   - tags and created_after: the count must differ from the count without them
//     (one more call for a single row). When both are nearly equal the pair is
//     asked again, since people come and go between two calls. When they are
//     equal the filter counts as ignored, unless the list is so short that each
//     contact can be looked at.

const (
	provable  = 10 // contacts that are looked at one by one
	pairTries = 3  // times that a nearly equal pair of counts is asked
)

// ignored is the error of a filter that was not honoured.
func ignored(op, filter, found string) *Error {
	return &Error{
		Op: op, Kind: KindFilterIgnored, Delivery: NotSent,
		Message: clean("the API did not honour " + filter + ": " + found),
	}
}

// has reports whether a contact has the number that is asked for.
func (q ContactsQuery) has(x Contact) bool {
	want := address(q.Phone)
	if strings.HasPrefix(want, "[") {
		return strings.EqualFold(strings.TrimSpace(x.Phone), want)
	}
	return slices.Contains(x.Numbers(), want)
}

// matches looks at what rows themselves can show.
func (q ContactsQuery) matches(items []Contact) error {
	for _, x := range items {
		if q.Phone != "" && !q.has(x) {
			return ignored(opContacts, "phone", fmt.Sprintf("client %d has another number", x.ID))
		}
		if q.wroteBefore(x) {
			return ignored(opContacts, "created_after", fmt.Sprintf("client %d wrote before that day already", x.ID))
		}
	}
	return nil
}

// wroteBefore reports whether a contact must be older than CreatedAfter. Two
// days are allowed for zones and for what "after" means to the API.
func (q ContactsQuery) wroteBefore(x Contact) bool {
	return !q.CreatedAfter.IsZero() && x.FirstClientMessage != nil &&
		x.FirstClientMessage.Before(q.CreatedAfter.Add(-48*time.Hour))
}

// proveFilters shows for tags and created_after that they were honoured.
func (c *Client) proveFilters(ctx context.Context, q ContactsQuery, first page[Contact]) error {
	if len(q.Tags) == 0 && q.CreatedAfter.IsZero() {
		return nil
	}
	if first.total == nil {
		return c.proveEach(ctx, q, first)
	}
	filtered := *first.total
	if filtered == 0 && len(first.items) == 0 {
		return nil
	}
	wider := q
	wider.Tags, wider.CreatedAfter = nil, time.Time{}
	for range pairTries {
		all, err := c.countContacts(ctx, wider.values())
		switch {
		case err != nil:
			return err
		case all == nil:
			return c.proveEach(ctx, q, first)
		case *all == filtered:
			return c.proveEach(ctx, q, first)
		}
		gap := max(*all-filtered, filtered-*all)
		if gap > 5 && gap > *all/200 {
			return nil
		}
		again, err := c.countContacts(ctx, q.values())
		if err != nil {
			return err
		}
		if again != nil {
			filtered = *again
		}
	}
	return nil
}

// countContacts is meta.total of a list, nil when the API does not say.
func (c *Client) countContacts(ctx context.Context, v url.Values) (*int, error) {
	g, err := c.contactsPage(ctx, v, 1, 0, idOnly)
	return g.total, err
}

// proveEach looks at each contact of a short list, where the counts prove
// nothing. Of a long one nothing is proven, and that is an error.
func (c *Client) proveEach(ctx context.Context, q ContactsQuery, first page[Contact]) error {
	name := "tags"
	if len(q.Tags) == 0 {
		name = "created_after"
	}
	if first.total != nil && *first.total > provable || len(first.items) > provable {
		return ignored(opContacts, name, "as many clients come back as without it")
	}
	for _, x := range first.items {
		if !q.CreatedAfter.IsZero() && len(q.Tags) == 0 {
			if x.FirstClientMessage == nil {
				return ignored(opContacts, name, "as many clients come back as without it")
			}
			continue // matches has seen the day
		}
		one, err := c.GetContact(ctx, x.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(one.Tags, func(t Tag) bool { return slices.Contains(q.Tags, t.ID) }) {
			return ignored(opContacts, name, fmt.Sprintf("client %d has none of them", x.ID))
		}
	}
	return nil
}
