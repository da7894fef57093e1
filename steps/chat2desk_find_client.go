package steps

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

type findClientIn struct {
	APIToken *step.Secret `flow:"apiToken" doc:"The API token of this step; without it that of the connection."`
	Phone    string       `flow:"phone" nonempty:"true" doc:"The phone, written in any usual way, with the country's code."`
	Prefer   any          `flow:"prefer" optional:"true" default:"last_active" doc:"Which of several clients with the phone to take: last_active (who wrote last), or a transport or a list of transports, the best first."`
	Details  bool         `flow:"details" optional:"true" default:"false" doc:"Whether to read the client's tags and channels too, which costs one more call."`
}

type findClientOut struct {
	Client     *contactDetails `flow:"client" doc:"The client, nil when nobody has the phone; tags and channels are fields only with details."`
	Candidates []contactRecord `flow:"candidates" optional:"false" doc:"All clients with the phone."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "chat2desk_find_client",
	Summary: "Find the client who has a phone.",
	Detail: "Blanks, brackets, dashes and a leading + or 00 do not matter; an 8 before a Russian or Kazakh number counts as 7, and Mexican " +
		"numbers are tried with 52 and with 521. Only a client who really has the phone is given, else nil.",
	Since:     since,
	Connected: true,
	Example: `flow: example-chat2desk-find-client
steps:
  - id: ann
    uses: chat2desk_find_client
    with:
      phone: "+7 916 000-00-01"
outputs:
  id: ${{ steps.ann.outputs.client?.id }}
`,
	Infer: inferFindClient,
}, findClient))

func inferFindClient(c step.Call) ([]step.Field, error) {
	if prefer, literal := c.Literals["prefer"]; literal {
		if _, err := transportsOf(prefer); err != nil {
			return nil, err
		}
	}
	details, literal := c.Literals["details"]
	if _, written := c.Shapes["details"]; written && !literal {
		return nil, &step.ArgError{Param: "details", Problem: "is an expression; write true or false, since it decides which fields the client has"}
	}
	if details == true {
		client := step.ShapeOf[*contactDetails]()
		for i, f := range client.Fields {
			if f.Name == "tags" || f.Name == "channels" {
				client.Fields[i].Shape = f.Shape.NotNil()
			}
		}
		return outputs[findClientOut](map[string]step.Shape{"client": client}), nil
	}
	return outputs[findClientOut](map[string]step.Shape{"client": step.ShapeOf[*contactRecord]()}), nil
}

// transportsOf reads prefer; no transports means last_active.
func transportsOf(prefer any) ([]string, error) {
	bad := &step.ArgError{Param: "prefer", Problem: "is neither last_active nor a transport or a list of transports, as in [wa_dialog, telegram]"}
	switch x := prefer.(type) {
	case nil:
		return nil, nil
	case string:
		switch x {
		case "last_active":
			return nil, nil
		case "":
			return nil, bad
		}
		return []string{x}, nil
	case []any:
		var names []string
		for _, e := range x {
			name, ok := e.(string)
			if !ok || name == "" || name == "last_active" {
				return nil, bad
			}
			names = append(names, name)
		}
		return names, nil
	}
	return nil, bad
}

func findClient(ctx context.Context, in findClientIn) (findClientOut, error) {
	transports, err := transportsOf(in.Prefer)
	if err != nil {
		return findClientOut{}, err
	}
	forms, err := phoneForms(in.Phone)
	if err != nil {
		return findClientOut{}, err
	}
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return findClientOut{}, err
	}
	var found []chat2desk.Contact
	for _, form := range forms {
		if found, err = c.FindContacts(ctx, form); err != nil {
			return findClientOut{}, failure(err)
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		return findClientOut{}, nil
	}
	slices.SortStableFunc(found, byLastActive)
	zone := step.HostOf(ctx).Zone()
	out := findClientOut{}
	for _, x := range found {
		out.Candidates = append(out.Candidates, contactRecordOf(x, zone))
	}
	best, err := choose(ctx, c, found, transports, in.Details)
	if err != nil {
		return findClientOut{}, failure(err)
	}
	client := contactDetails{contactRecord: contactRecordOf(best, zone)}
	if in.Details {
		client = contactDetailsOf(best, zone)
	}
	out.Client = &client
	return out, nil
}

// byLastActive puts those who wrote last first, those who never did last.
func byLastActive(a, b chat2desk.Contact) int {
	at := func(c chat2desk.Contact) time.Time { return valueOf(c.LastClientMessage) }
	return cmp.Or(at(b).Compare(at(a)), cmp.Compare(a.ID, b.ID))
}

// choose takes the first of found who can be reached by the best transport.
// Lists do not say how people can be reached, so it asks, but only where there
// is a choice or the details are wanted.
func choose(ctx context.Context, c *chat2desk.Client, found []chat2desk.Contact, transports []string, details bool) (chat2desk.Contact, error) {
	if len(transports) == 0 || len(found) == 1 {
		if details {
			return c.GetContact(ctx, found[0].ID)
		}
		return found[0], nil
	}
	best, rank := found[0], len(transports)
	for i, x := range found {
		full, err := c.GetContact(ctx, x.ID)
		if err != nil {
			return chat2desk.Contact{}, err
		}
		r := rankOf(full, transports)
		if i == 0 || r < rank {
			best, rank = full, r
		}
		if rank == 0 {
			break
		}
	}
	return best, nil
}

// rankOf is the place of the best transport that reaches a contact.
func rankOf(c chat2desk.Contact, transports []string) int {
	rank := len(transports)
	for _, ch := range c.Channels {
		for _, t := range ch.Transports {
			if i := slices.Index(transports, t); i >= 0 {
				rank = min(rank, i)
			}
		}
	}
	return rank
}
