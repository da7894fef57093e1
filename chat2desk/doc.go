// Package chat2desk is a client of the Chat2Desk REST API (v1) that people can
// be trusted with: it reads lists to their true end, it never takes an ignored
// filter for an answer, it makes exactly one attempt per send, and it says of
// each failed send whether the message may have gone out.
//
//	c, err := chat2desk.New(token, chat2desk.WithRate(10))
//	list, err := c.ListContacts(ctx, chat2desk.ContactsQuery{Tags: []int{17}})
//	for contact, err := range list.All() { … }
//
// The API calls people "clients"; here the API client is a Client and a person
// is a Contact. Every failure is an *Error: Kind is the cause, Delivery what is
// known of a send. Client is safe for concurrent use and holds one pace for all
// its callers.
//
// Nothing of flowrunner is known here. Start at New; exchange.go makes a call,
// carrier.go says over what, verdict.go judges it, pager.go reads lists.
package chat2desk
