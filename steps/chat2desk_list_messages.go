package steps

import (
	"context"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

type listMessagesIn struct {
	APIToken  *step.Secret `flow:"apiToken" doc:"The API token of this step; without it that of the connection."`
	ContactID int          `flow:"contactId" min:"1" doc:"The id of the client whose messages to list."`
	Limit     *int         `flow:"limit" min:"1" default:"all" doc:"How many messages to give at most."`
	Type      string       `flow:"type" optional:"true" nonempty:"true" enum:"to_client,from_client,autoreply,system" doc:"Only messages of this type."`
	Order     string       `flow:"order" optional:"true" enum:"asc,desc" default:"desc" doc:"Whether the oldest (asc) or the newest (desc) come first."`
	Since     *time.Time   `flow:"since" nonempty:"true" doc:"Only messages from this moment on."`
	ChannelID *int         `flow:"channelId" nonempty:"true" min:"1" doc:"Only messages of this channel."`
	Transport string       `flow:"transport" optional:"true" nonempty:"true" doc:"Only messages of this transport."`
}

// messageRecord is a message under the API's own names.
type messageRecord struct {
	ID              int                `flow:"id" doc:"The message's id."`
	Created         time.Time          `flow:"created" doc:"When the message was written."`
	Text            *string            `flow:"text" doc:"The text, nil for a picture or a file alone."`
	Type            *string            `flow:"type" doc:"One of to_client, from_client, autoreply, system, comment; nil for ratings."`
	Transport       *string            `flow:"transport" doc:"The transport, such as wa_dialog or telegram."`
	Status          *string            `flow:"status" doc:"What became of it, such as sent or failed; accepted is not delivered."`
	RecipientStatus *string            `flow:"recipient_status" doc:"What the recipient's side reported."`
	Read            *bool              `flow:"read" doc:"Whether an operator has read it."`
	IsNew           *bool              `flow:"is_new" doc:"Whether the API calls it new."`
	ClientID        *int               `flow:"client_id" doc:"The id of the client."`
	ChannelID       *int               `flow:"channel_id" doc:"The id of the channel."`
	DialogID        *int               `flow:"dialog_id" doc:"The id of the dialog."`
	RequestID       *int               `flow:"request_id" doc:"The id of the request within the dialog."`
	OperatorID      *int               `flow:"operator_id" doc:"The id of the operator, nil for a bot or the API."`
	RemoteID        *string            `flow:"remote_id" doc:"The messenger's own id."`
	ExternalID      *string            `flow:"external_id" doc:"The id that the sender gave, where the instance gives it back."`
	Photo           *string            `flow:"photo" doc:"The link to a picture."`
	Video           *string            `flow:"video" doc:"The link to a video."`
	Audio           *string            `flow:"audio" doc:"The link to a recording."`
	PDF             *string            `flow:"pdf" doc:"The link to a document."`
	Coordinates     *string            `flow:"coordinates" doc:"A place, as the API writes it."`
	AITips          *string            `flow:"ai_tips" doc:"What the API's assistant suggests."`
	Attachments     []attachmentRecord `flow:"attachments" doc:"The files of the message."`
	ExtraData       map[string]string  `flow:"extra_data" doc:"Further facts, by name."`
}

type attachmentRecord struct {
	Name *string `flow:"name" doc:"The name of the file."`
	Link *string `flow:"link" doc:"The link to the file."`
}

type listMessagesOut struct {
	Messages step.Stream[messageRecord] `flow:"messages" doc:"The messages; fields but id and created may be nil."`
	Total    int                        `flow:"total" doc:"How many messages match, whatever the limit and since."`
}

var _ = declare(step.Read(step.Doc{
	Name:    "chat2desk_list_messages",
	Summary: "List the messages of one client.",
	Detail: "The newest come first unless order says otherwise; they stream page by page as they are wanted. Messages of somebody else, or " +
		"others than a filter asked for, stop the plan.",
	Since:     since,
	Connected: true,
	Example: `flow: example-chat2desk-list-messages
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 5
  - id: each
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - id: history
        uses: chat2desk_list_messages
        with:
          contactId: ${{ client.id }}
          type: from_client
          limit: 1
    outputs:
      id: ${{ client.id }}
      messages: ${{ steps.history.outputs.total }}
outputs:
  clients: ${{ steps.each.outputs.items }}
`,
}, listMessages))

func listMessages(ctx context.Context, in listMessagesIn) (listMessagesOut, error) {
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return listMessagesOut{}, err
	}
	list, err := c.ListMessages(ctx, chat2desk.MessagesQuery{
		ContactID: in.ContactID, Limit: valueOf(in.Limit), Type: in.Type, Order: in.Order,
		Since: valueOf(in.Since), ChannelID: valueOf(in.ChannelID), Transport: in.Transport,
	})
	if err != nil {
		return listMessagesOut{}, failure(err)
	}
	return listMessagesOut{Messages: records(ctx, list, messageRecordOf), Total: total(ctx, list)}, nil
}

func messageRecordOf(m chat2desk.Message, zone *time.Location) messageRecord {
	r := messageRecord{
		ID: m.ID, Created: m.Created.In(zone), Text: m.Text, Type: m.Type, Transport: m.Transport,
		Status: m.Status, RecipientStatus: m.RecipientStatus, Read: m.Read, IsNew: m.IsNew,
		ClientID: m.ClientID, ChannelID: m.ChannelID, DialogID: m.DialogID, RequestID: m.RequestID, OperatorID: m.OperatorID,
		RemoteID: m.RemoteID, ExternalID: m.ExternalID, Photo: m.Photo, Video: m.Video, Audio: m.Audio, PDF: m.PDF,
		Coordinates: m.Coordinates, AITips: m.AITips, ExtraData: m.ExtraData,
	}
	for _, a := range m.Attachments {
		r.Attachments = append(r.Attachments, attachmentRecord(a))
	}
	return r
}
