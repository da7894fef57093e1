package chat2desk

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContactsQuery is what ListContacts asks for: only what the API honours.
type ContactsQuery struct {
	Phone        string    // exact; anything but digits is dropped unless it is an address such as "[tg] 1"
	Tags         []int     // ids; with any of them
	CreatedAfter time.Time // sent as its calendar day, in its own zone
	Order        string    // "asc", "desc" or "" for the API's default
	Limit        int       // at most this many; 0 is all
	Offset       int

	// Fields are the API's names of the fields to read of each contact, beside id;
	// the others are passed over and stay empty. Nil is all.
	Fields []string
	// Whole says that the stream will be read to its end, so that pages may be asked for
	// early, and many at once from a server that is far away.
	Whole bool
}

const opContacts = "list clients"

// ListContacts lists people. The first page is read before it returns, and the
// filters are proven (see honest.go): a filter that the API ignored is an error
// of KindFilterIgnored, here or while streaming, never everybody.
func (c *Client) ListContacts(ctx context.Context, q ContactsQuery) (*Listing[Contact], error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	base, fields := q.values(), q.fields()
	fetch := func(ctx context.Context, limit, offset int) (page[Contact], error) {
		g, err := c.contactsPage(ctx, base, limit, offset, fields)
		if err == nil {
			err = q.matches(g.items)
		}
		return g, err
	}
	first, err := fetch(ctx, firstLimit(q.Limit), q.Offset)
	if err != nil {
		return nil, err
	}
	if err := c.proveFilters(ctx, q, first); err != nil {
		return nil, err
	}
	l := &Listing[Contact]{stream: func(yield func(Contact, error) bool) {
		p := pager[Contact, int]{
			op: opContacts, what: "client", fetch: fetch, key: func(x Contact) int { return x.ID },
			first: &first, from: q.Offset, max: q.Limit, ahead: &ahead[Contact]{fetch: fetch, whole: q.Whole, rate: c.rate},
		}
		p.stream(ctx, yield)
	}}
	l.count(first.total)
	return l, nil
}

func firstLimit(limit int) int {
	if limit > 0 {
		return min(limit, maxPage)
	}
	return maxPage
}

func (q ContactsQuery) check() error {
	switch {
	case q.Limit < 0 || q.Offset < 0:
		return invalid(opContacts, "limit %d, offset %d: neither may be negative", q.Limit, q.Offset)
	case !slices.Contains([]string{"", "asc", "desc"}, q.Order):
		return invalid(opContacts, "order %q: use asc or desc", q.Order)
	case q.Phone != "" && address(q.Phone) == "":
		return invalid(opContacts, "phone %q holds no number", q.Phone)
	case slices.ContainsFunc(q.Tags, func(id int) bool { return id <= 0 }):
		return invalid(opContacts, "tags %v: ids of tags are above 0", q.Tags)
	}
	return nil
}

// values are the query's filters, without paging.
func (q ContactsQuery) values() url.Values {
	v := url.Values{}
	if q.Phone != "" {
		v.Set("phone", address(q.Phone))
	}
	if len(q.Tags) > 0 {
		ids := make([]string, len(q.Tags))
		for i, id := range q.Tags {
			ids[i] = strconv.Itoa(id)
		}
		v.Set("tags", strings.Join(ids, ","))
	}
	if !q.CreatedAfter.IsZero() {
		v.Set("created_after", q.CreatedAfter.Format("02-01-2006"))
	}
	if q.Order != "" {
		v.Set("order", q.Order)
	}
	return v
}

// idOnly is what a contact is known by.
var idOnly = []string{"id"}

// fields are what must be read of each contact: what is wanted, and what proves
// that the filters were honoured.
func (q ContactsQuery) fields() []string {
	if q.Fields == nil {
		return nil
	}
	fields := append(slices.Clone(q.Fields), idOnly...)
	if q.Phone != "" {
		fields = append(fields, "phone", "client_phone", "assigned_phone")
	}
	if !q.CreatedAfter.IsZero() {
		fields = append(fields, "first_client_message")
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// address is a phone as the API's filter wants it: digits, or the address of a
// chat as it is.
func address(phone string) string {
	if phone = strings.TrimSpace(phone); strings.HasPrefix(phone, "[") {
		return phone
	}
	return phoneDigits(phone)
}

// contactsPage reads one page of people; fields are those to read of each, nil
// is all.
func (c *Client) contactsPage(ctx context.Context, base url.Values, limit, offset int, fields []string) (page[Contact], error) {
	a, err := c.get(ctx, opContacts, "/v1/clients", paged(base, limit, offset), fields)
	if err != nil {
		return page[Contact]{}, err
	}
	return pageOf(a, opContacts, "client", contactOf)
}

// paged adds limit and offset to a copy of base.
func paged(base url.Values, limit, offset int) url.Values {
	v := url.Values{"limit": {strconv.Itoa(limit)}}
	for k, x := range base {
		v[k] = x
	}
	if offset > 0 {
		v.Set("offset", strconv.Itoa(offset))
	}
	return v
}

// pageOf decodes the records of one answer.
func pageOf[T any](a answer, op, what string, decode func(*row) T) (page[T], error) {
	rows, err := a.list(op, what)
	if err != nil {
		return page[T]{}, err
	}
	g := page[T]{items: make([]T, 0, len(rows)), total: a.total, limit: a.limit, took: a.took}
	for _, r := range rows {
		item := decode(r)
		if r.err != nil {
			return page[T]{}, badAnswer(op, r.err.Error())
		}
		g.items = append(g.items, item)
	}
	return g, nil
}

// GetContact reads one person, with tags and channels.
func (c *Client) GetContact(ctx context.Context, id int) (Contact, error) {
	const op = "get client"
	if id <= 0 {
		return Contact{}, invalid(op, "client id %d: ids are above 0", id)
	}
	a, err := c.get(ctx, op, "/v1/clients/"+strconv.Itoa(id), nil, nil)
	if err != nil {
		return Contact{}, err
	}
	r, err := a.one(op, "client")
	if err != nil {
		return Contact{}, err
	}
	x := contactOf(r)
	detailsOf(&x, r)
	switch {
	case r.err != nil:
		return Contact{}, badAnswer(op, r.err.Error())
	case x.ID != id:
		return Contact{}, badAnswer(op, fmt.Sprintf("asked for client %d, got %d", id, x.ID))
	}
	return x, nil
}

// FindContacts finds people by telephone number, in the API's order; none is an
// empty list. Only those are given whose number really is the one asked for.
// Mexican numbers are tried in both their forms, 52 and 521.
func (c *Client) FindContacts(ctx context.Context, phone string) ([]Contact, error) {
	const op = "find client"
	want := address(phone)
	if want == "" {
		return nil, invalid(op, "phone %q holds no number", phone)
	}
	for _, form := range forms(want) {
		g, err := c.contactsPage(ctx, url.Values{"phone": {form}}, maxPage, 0, nil)
		if err != nil {
			return nil, err
		}
		q := ContactsQuery{Phone: form}
		match := slices.DeleteFunc(slices.Clone(g.items), func(x Contact) bool { return !q.has(x) })
		// A list with others in it is an ignored filter. If it is the whole list, the
		// answer is in it all the same; else nobody knows who is on the pages after.
		whole := !g.full(maxPage) && (g.total == nil || *g.total <= len(g.items))
		if len(match) < len(g.items) && !whole {
			return nil, ignored(op, "phone", fmt.Sprintf("%d of %d clients have another number", len(g.items)-len(match), len(g.items)))
		}
		if len(match) > 0 {
			return match, nil
		}
	}
	return nil, nil
}

// forms are the ways that one number may be written in an account.
func forms(number string) []string {
	switch {
	case len(number) == 12 && strings.HasPrefix(number, "52"):
		return []string{number, "521" + number[2:]}
	case len(number) == 13 && strings.HasPrefix(number, "521"):
		return []string{number, "52" + number[3:]}
	}
	return []string{number}
}
