package chat2desk

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// MessagesQuery is what ListMessages asks for.
type MessagesQuery struct {
	ContactID int
	Limit     int       // at most this many; 0 is all
	Type      string    // to_client, from_client, autoreply, system; "" is any
	Order     string    // "desc" (newest first, the default) or "asc"
	Since     time.Time // only messages from then on; judged here, to the second
	ChannelID int       // 0 is any
	Transport string    // "" is any
}

const opMessages = "list messages"

// ListMessages reads one person's history. The first page is read before it
// returns. Where the instance ignores offset, deeper history is walked by
// start_id (see history.go). A row of somebody else, or one that plainly is not
// what a filter asked for, is an error of KindFilterIgnored.
//
// With Since and order asc the history is read newest first down to Since and
// turned round, which costs memory for that stretch.
func (c *Client) ListMessages(ctx context.Context, q MessagesQuery) (*Listing[Message], error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	turned := q.Order == "asc" && !q.Since.IsZero()
	h := &history{c: c, q: q, base: q.values(), asc: q.Order == "asc" && !turned}
	want := q.Limit
	if !q.Since.IsZero() && turned {
		want = 0
	}
	order := "desc"
	if h.asc {
		order = "asc"
	}
	first, err := h.fetch(ctx, order, url.Values{}, firstLimit(want), 0)
	if err != nil {
		return nil, err
	}
	l := &Listing[Message]{stream: func(yield func(Message, error) bool) {
		run := *h
		if turned {
			run.turned(ctx, first, yield)
			return
		}
		run.read(ctx, first, q.Limit, yield)
	}}
	l.count(first.total)
	return l, nil
}

func (q MessagesQuery) check() error {
	switch {
	case q.ContactID <= 0:
		return invalid(opMessages, "client id %d: ids are above 0", q.ContactID)
	case q.Limit < 0:
		return invalid(opMessages, "limit %d: it may not be negative", q.Limit)
	case q.ChannelID < 0:
		return invalid(opMessages, "channel id %d: ids are above 0", q.ChannelID)
	case !slices.Contains([]string{"", "asc", "desc"}, q.Order):
		return invalid(opMessages, "order %q: use asc or desc", q.Order)
	case !slices.Contains([]string{"", "to_client", "from_client", "autoreply", "system"}, q.Type):
		return invalid(opMessages, "type %q: use to_client, from_client, autoreply or system", q.Type)
	}
	return nil
}

func (q MessagesQuery) values() url.Values {
	v := url.Values{"client_id": {strconv.Itoa(q.ContactID)}}
	if q.Type != "" {
		v.Set("type", q.Type)
	}
	if q.ChannelID > 0 {
		v.Set("channel_id", strconv.Itoa(q.ChannelID))
	}
	if q.Transport != "" {
		v.Set("transport", q.Transport)
	}
	return v
}

// matches shows from the rows themselves that the filters were honoured. A
// field that a row does not carry proves nothing.
func (q MessagesQuery) matches(items []Message) error {
	for _, m := range items {
		switch {
		case m.ClientID != nil && *m.ClientID != q.ContactID:
			return ignored(opMessages, "client_id", fmt.Sprintf("message %d is of client %d, not %d", m.ID, *m.ClientID, q.ContactID))
		case q.Type != "" && m.Type != nil && *m.Type != q.Type:
			return ignored(opMessages, "type", fmt.Sprintf("message %d has type %s", m.ID, *m.Type))
		case q.ChannelID > 0 && m.ChannelID != nil && *m.ChannelID != q.ChannelID:
			return ignored(opMessages, "channel_id", fmt.Sprintf("message %d is of channel %d", m.ID, *m.ChannelID))
		case q.Transport != "" && m.Transport != nil && *m.Transport != q.Transport:
			return ignored(opMessages, "transport", fmt.Sprintf("message %d has transport %s", m.ID, *m.Transport))
		}
	}
	return nil
}

// GetMessage reads one message back. Accepted is not delivered: Status says more,
// some time later.
func (c *Client) GetMessage(ctx context.Context, id int) (Message, error) {
	const op = "get message"
	if id <= 0 {
		return Message{}, invalid(op, "message id %d: ids are above 0", id)
	}
	a, err := c.get(ctx, op, "/v1/messages/"+strconv.Itoa(id), nil, nil)
	if err != nil {
		return Message{}, err
	}
	r, err := a.one(op, "message")
	if err != nil {
		return Message{}, err
	}
	m := messageOf(r)
	switch {
	case r.err != nil:
		return Message{}, badAnswer(op, r.err.Error())
	case m.ID != id:
		return Message{}, badAnswer(op, fmt.Sprintf("asked for message %d, got %d", id, m.ID))
	}
	return m, nil
}
