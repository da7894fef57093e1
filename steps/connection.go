package steps

import (
	"context"
	"errors"
	"net/http"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

// clientKey is the key of the API client that all steps of one effective
// connection share, and with it one pace.
type clientKey step.Connection

// apiClient gives the client of a running step, and the context that its calls
// are made in: it says how often a read is tried. A token that stands on the
// step goes before that of the connection.
func apiClient(ctx context.Context, token *step.Secret) (context.Context, *chat2desk.Client, error) {
	h := step.HostOf(ctx)
	own := token != nil && !token.IsZero()
	if c, waited := ctx.Value(turnKey{}).(*chat2desk.Client); waited && !own {
		return retrying(ctx, h), c, nil
	}
	conn := h.Connection()
	if own {
		conn.Token = *token
	}
	if conn.Token.IsZero() {
		return ctx, nil, &step.Failure{Class: step.ClassToken, Delivery: step.NotSent, Reason: "there is no API token", Hint: tokenHint}
	}
	v, err := h.Shared(clientKey(conn), func() (any, error) {
		return chat2desk.New(conn.Token.Reveal(),
			chat2desk.WithBaseURL(conn.BaseURL), chat2desk.WithScheme(conn.Scheme), chat2desk.WithRate(conn.Rate))
	})
	if err != nil {
		return ctx, nil, failure(err)
	}
	return retrying(ctx, h), v.(*chat2desk.Client), nil
}

// retrying is a context in which reads are tried as often as the step says.
func retrying(ctx context.Context, h step.Host) context.Context {
	if r, ok := h.Retry(); ok {
		return chat2desk.Retrying(ctx, r.Attempts, r.Backoff)
	}
	return ctx
}

// CompanyID asks Chat2Desk which company the running step's connection belongs
// to, as part of the account that sends are remembered under. It is "" only
// where the instance surely does not say: it has no such endpoint, or gives no
// id. Whatever else goes wrong is an error, since a guess would let everybody be
// written to again under another account.
func CompanyID(ctx context.Context) (id string, err error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return "", err
	}
	facts, err := company(ctx, c)
	if err == nil {
		return facts.ID, nil
	}
	var e *chat2desk.Error
	if !errors.As(err, &e) || e.Status != http.StatusNotFound {
		return "", failure(err)
	}
	// A wrong base URL answers 404 too. Where another endpoint of the API works,
	// it is this one that is not there.
	if _, err := c.ListContacts(ctx, chat2desk.ContactsQuery{Limit: 1}); err != nil {
		return "", failure(err)
	}
	return "", nil
}

// companyKey is the key of what a connection tells of its company, asked for once
// in the life of a run.
type companyKey struct{ *chat2desk.Client }

func company(ctx context.Context, c *chat2desk.Client) (chat2desk.Company, error) {
	v, err := step.HostOf(ctx).Shared(companyKey{c}, func() (any, error) { return c.Company(ctx) })
	facts, _ := v.(chat2desk.Company)
	return facts, err
}

// CallsThisMonth is how many calls the company of the running step's connection
// had made this month when the run began, whoever made them; nil where the
// instance does not say. What is left of a month is told under names that differ
// by instance, and so is not read.
func CallsThisMonth(ctx context.Context) (*int, error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return nil, err
	}
	facts, err := company(ctx, c)
	var e *chat2desk.Error
	switch {
	case err == nil:
		return facts.RequestsThisMonth, nil
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		return nil, nil
	}
	return nil, failure(err)
}

// MessageStatus is what became of a message of the running step's connection, in
// the API's own word, such as sent or failed; "" where it says nothing.
func MessageStatus(ctx context.Context, message int) (string, error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return "", err
	}
	m, err := c.GetMessage(ctx, message)
	if err != nil {
		return "", failure(err)
	}
	return valueOf(m.Status), nil
}

// turnKey is the key of the client whose turn a context holds.
type turnKey struct{}

// WaitTurn waits until the pace of the running step's connection allows one more
// call. The send that is made in the context that it gives does not wait again.
func WaitTurn(ctx context.Context) (context.Context, error) {
	ctx, c, err := apiClient(ctx, nil)
	if err != nil {
		return ctx, err
	}
	ready, err := c.WaitTurn(ctx)
	if err != nil {
		return ctx, failure(err)
	}
	return context.WithValue(ready, turnKey{}, c), nil
}
