package steps

import (
	"context"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

type listClientsIn struct {
	APIToken     *step.Secret `flow:"apiToken" doc:"The API token of this step; without it that of the connection."`
	Limit        *int         `flow:"limit" min:"1" default:"all" doc:"How many clients to give at most."`
	Offset       *int         `flow:"offset" min:"0" default:"0" doc:"How many clients to pass over first."`
	Phone        string       `flow:"phone" optional:"true" nonempty:"true" doc:"Only clients with exactly this phone."`
	Tags         []int        `flow:"tags" nonempty:"true" doc:"Only clients with any of these tags, by their ids."`
	CreatedAfter *time.Time   `flow:"createdAfter" nonempty:"true" doc:"Only clients that came after this day."`
	Order        string       `flow:"order" optional:"true" enum:"asc,desc" default:"the API's own" doc:"Whether the oldest (asc) or the newest (desc) come first."`
}

type listClientsOut struct {
	Clients step.Stream[contactRecord] `flow:"clients" doc:"The clients; fields but id and phone may be nil, and tags and channels are given by chat2desk_find_client only."`
	Total   int                        `flow:"total" doc:"How many clients match in the account, whatever the limit."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "chat2desk_list_clients",
	Summary: "List the clients of the account.",
	Detail: "Clients stream page by page as they are wanted. A filter that the API does not apply stops the plan: it would give everybody. " +
		"A filter that is written must have a value.",
	Since:     since,
	Connected: true,
	Example: `flow: example-chat2desk-list-clients
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      tags: [17]
      limit: 50
outputs:
  total: ${{ steps.clients.outputs.total }}
`,
}, listClients))

func listClients(ctx context.Context, in listClientsIn) (listClientsOut, error) {
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return listClientsOut{}, err
	}
	q := chat2desk.ContactsQuery{
		Tags: in.Tags, CreatedAfter: valueOf(in.CreatedAfter), Order: in.Order, Limit: valueOf(in.Limit), Offset: valueOf(in.Offset),
		Fields: step.CallOf(ctx).Wanted["clients"], Whole: step.CallOf(ctx).Whole["clients"],
	}
	if in.Phone != "" {
		if q.Phone, err = onePhone(in.Phone); err != nil {
			return listClientsOut{}, err
		}
	}
	list, err := c.ListContacts(ctx, q)
	if err != nil {
		return listClientsOut{}, failure(err)
	}
	return listClientsOut{Clients: records(ctx, list, contactRecordOf), Total: total(ctx, list)}, nil
}
