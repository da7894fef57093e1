package steps

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

// People tells the engine what its rails must know of clients.
type People struct{}

// Known gives the facts of a client's record, as chat2desk_list_clients and its
// like give it.
func (People) Known(record map[string]any) step.Facts {
	phone, _ := record["phone"].(string)
	assigned, _ := record["assigned_phone"].(string)
	given, _ := record["client_phone"].(string)
	f := step.Facts{Numbers: chat2desk.Numbers(assigned, phone, given), Address: addressOf(phone)}
	f.Contact, _ = record["id"].(int)
	if at, ok := record["last_client_message"].(time.Time); ok {
		f.LastWrote = &at
	}
	return f
}

// addressOf is the phone of a client whose chat has no number, "" of any other.
func addressOf(phone string) string {
	if strings.HasPrefix(phone, "[") {
		return phone
	}
	return ""
}

// Read asks for one client.
func (People) Read(ctx context.Context, contact int) (f step.Facts, ok bool, err error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return f, false, err
	}
	found, err := c.GetContact(ctx, contact)
	var e *chat2desk.Error
	switch {
	case err == nil:
		return factsOf(found), true, nil
	case errors.As(err, &e) && e.Kind == chat2desk.KindNotFound:
		return f, false, nil
	}
	return f, false, failure(err)
}

func factsOf(c chat2desk.Contact) step.Facts {
	f := step.Facts{Contact: c.ID, Numbers: c.Numbers(), Address: addressOf(c.Phone), LastWrote: c.LastClientMessage}
	for _, ch := range c.Channels {
		f.Channels = append(f.Channels, step.Channel{ID: ch.ID, Transports: ch.Transports})
	}
	return f
}

// Tagged ranges over the ids of the clients with any of the tags. That the API
// honoured the filter is proven (see chat2desk.ListContacts).
func (People) Tagged(ctx context.Context, tags []int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		ctx, c, err := apiClient(ctx, nil)
		if err != nil {
			yield(0, err)
			return
		}
		list, err := c.ListContacts(ctx, chat2desk.ContactsQuery{Tags: tags, Whole: true})
		if err != nil {
			yield(0, failure(err))
			return
		}
		for x, err := range list.All() {
			if err != nil {
				yield(0, failure(err))
				return
			}
			if !yield(x.ID, nil) {
				return
			}
		}
	}
}

// Wrote gives the newest messages that a client wrote, at most so many.
func (People) Wrote(ctx context.Context, contact, most int) ([]step.Inbound, error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return nil, err
	}
	list, err := c.ListMessages(ctx, chat2desk.MessagesQuery{ContactID: contact, Limit: most, Type: "from_client", Order: "desc"})
	if err != nil {
		return nil, failure(err)
	}
	var all []step.Inbound
	for m, err := range list.All() {
		if err != nil {
			return nil, failure(err)
		}
		all = append(all, step.Inbound{ID: m.ID, Text: valueOf(m.Text), At: m.Created})
	}
	return all, nil
}
