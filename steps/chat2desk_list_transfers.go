package steps

import (
	"context"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

type listTransfersIn struct {
	APIToken *step.Secret `flow:"apiToken" doc:"The API token of this step; without it that of the connection."`
	Limit    *int         `flow:"limit" min:"1" default:"all" doc:"How many transfers to give at most."`
	From     *time.Time   `flow:"from" nonempty:"true" default:"six days before to" doc:"The first day, in the connection's zone."`
	To       *time.Time   `flow:"to" nonempty:"true" default:"today" doc:"The last day, in the connection's zone."`
}

// transferRecord is an event transfer_chat, whose fields say from whom, and what
// is derived from the events after it.
type transferRecord struct {
	At               time.Time  `flow:"at" doc:"When the dialog was handed on."`
	Kind             string     `flow:"kind" doc:"The event of the API that it was read from: transfer_chat."`
	DialogID         *int       `flow:"dialog_id" doc:"The id of the dialog."`
	FromOperatorID   *int       `flow:"from_operator_id" doc:"The id of the operator who handed it on."`
	FromOperatorName *string    `flow:"from_operator_name" doc:"The name of the operator who handed it on."`
	FromRole         *string    `flow:"from_operator_role" doc:"The role of that operator."`
	FromGroups       *string    `flow:"from_operator_groups" doc:"The groups of that operator."`
	ToOperatorID     *int       `flow:"to_operator_id" doc:"Derived: the id of the operator of the dialog's next event; nil when nobody took it until the next day."`
	ToOperatorName   *string    `flow:"to_operator_name" doc:"Derived: the name of that operator."`
	TakenAt          *time.Time `flow:"taken_at" doc:"Derived: when that operator took the dialog."`
}

type listTransfersOut struct {
	Transfers step.Stream[transferRecord] `flow:"transfers" doc:"The transfers, the oldest first."`
	Total     int                         `flow:"total" count:"transfers" doc:"How many transfers were found; the API has no count of its own."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "chat2desk_list_transfers",
	Summary: "List the dialogs that operators handed on.",
	Detail: "Chat2Desk has no list of transfers: they are derived from the operators' events, one series of calls a day. Who received a dialog is " +
		"derived from the dialog's next event. Days are those of connection.timezone, which should be the company's.",
	Since:     since,
	Connected: true,
	LocalTime: func(step.Call) string { return "The day that a transfer belongs to" },
	Example: `flow: example-chat2desk-list-transfers
connection:
  timezone: Europe/Moscow
steps:
  - id: week
    uses: chat2desk_list_transfers
    with:
      limit: 100
finally:
  - id: save
    uses: write_csv
    with:
      path: out/transfers.csv
      rows: ${{ steps.week.outputs.transfers }}
`,
}, listTransfers))

func listTransfers(ctx context.Context, in listTransfersIn) (listTransfersOut, error) {
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return listTransfersOut{}, err
	}
	h := step.HostOf(ctx)
	q := chat2desk.TransfersQuery{To: h.Now(), Zone: h.Zone(), Limit: valueOf(in.Limit)}
	if in.To != nil {
		q.To = *in.To
	}
	if in.From != nil {
		q.From = *in.From
		if in.To == nil && q.From.After(q.To) {
			return listTransfersOut{}, &step.ArgError{Param: "from", Problem: "is " + q.From.In(h.Zone()).Format(time.DateOnly) + ", a day to come"}
		}
	}
	list, err := c.ListTransfers(ctx, q)
	if err != nil {
		return listTransfersOut{}, failure(err)
	}
	return listTransfersOut{Transfers: records(ctx, list, transferRecordOf)}, nil
}

func transferRecordOf(t chat2desk.Transfer, zone *time.Location) transferRecord {
	return transferRecord{
		At: t.At.In(zone), Kind: "transfer_chat", DialogID: t.DialogID, FromOperatorID: t.FromOperatorID, FromOperatorName: t.FromOperatorName,
		FromRole: t.FromRole, FromGroups: t.FromGroups,
		ToOperatorID: t.ToOperatorID, ToOperatorName: t.ToOperatorName, TakenAt: local(t.TakenAt, zone),
	}
}
