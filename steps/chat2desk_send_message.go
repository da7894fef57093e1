package steps

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

type sendMessageIn struct {
	APIToken   *step.Secret `flow:"apiToken" doc:"The API token of this step; without it that of the connection."`
	ContactID  int          `flow:"contactId" min:"1" doc:"The id of the client to write to."`
	Message    string       `flow:"message" doc:"The text to send; empty only with an attachment."`
	ChannelID  *int         `flow:"channelId" min:"1" default:"the client's last channel" doc:"The id of the channel to send through."`
	Transport  string       `flow:"transport" optional:"true" default:"the client's last transport" doc:"The transport to send by, such as wa_dialog or telegram."`
	Type       string       `flow:"type" optional:"true" enum:"to_client,autoreply,system,comment" default:"to_client" doc:"The type of the message; comment and system stay with the operators."`
	OpenDialog *bool        `flow:"openDialog" default:"true" doc:"Whether sending opens a closed dialog, which counts in the operators' metrics."`
	Attachment string       `flow:"attachment" optional:"true" doc:"A direct link to a file to send."`
	ExternalID string       `flow:"externalId" optional:"true" default:"one of ours for each identity" doc:"An id of your own, stored with the message; it does not prevent doubles."`
}

type sendMessageOut struct {
	MessageID int  `flow:"messageId" doc:"The id of the message that Chat2Desk accepted."`
	Success   bool `flow:"success" doc:"Whether Chat2Desk accepted the message, which is not yet a delivery."`
}

// Message is the id of the message.
func (o sendMessageOut) Message() int { return o.MessageID }

var _ = declare(step.Send(step.Doc{
	Name:    "chat2desk_send_message",
	Summary: "Send a message to a client.",
	Detail: "The message is planned first and sent in apply, at most once for each client of the flow and campaign. Success means that Chat2Desk " +
		"accepted the message with an id; whether it was delivered shows later in the message's status.",
	Since:     since,
	Connected: true,
	TextLimit: messageLimit,
	Example: `flow: example-chat2desk-send-message
guard:
  maxSends: 5
steps:
  - id: clients
    uses: chat2desk_list_clients
    with:
      limit: 5
  - id: greet
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: chat2desk_send_message
    with:
      contactId: ${{ client.id }}
      message: Hello ${{ client.name ?? "friend" }}, our shop is open again.
`,
	Infer: inferSendMessage,
}, sendKey, sendRecipient, sendPreview, sendMessage, settleMessage))

// inferSendMessage refuses a message that could only be refused, before anybody
// is asked to approve it.
func inferSendMessage(c step.Call) ([]step.Field, error) {
	text, written := c.Literals["message"].(string)
	if _, attached := c.Shapes["attachment"]; written && strings.TrimSpace(text) == "" && !attached {
		return nil, &step.ArgError{Param: "message", Problem: "is empty, and there is no attachment; write what the client is to read"}
	}
	return outputs[sendMessageOut](nil), nil
}

// messageLimit is what channels are known to take: the vendor documents no limit
// of its own. A message without a transport goes by the client's last one, which
// nobody knows before the run.
func messageLimit(c step.Call) (param string, most int, of string) {
	transport, _ := c.Literals["transport"].(string)
	switch {
	case strings.HasPrefix(transport, "viber"):
		return "message", 1000, transport
	case transport != "":
		return "message", 4096, transport
	}
	return "", 0, ""
}

func sendKey(in sendMessageIn) string { return strconv.Itoa(in.ContactID) }

func sendRecipient(in sendMessageIn) step.Recipient {
	return step.Recipient{Contact: in.ContactID, Internal: in.Type == "comment" || in.Type == "system"}
}

// sendPreview holds everything that the recipient or an operator can see of the
// message. externalId is a label and no content.
func sendPreview(in sendMessageIn) (step.Preview, error) {
	if strings.TrimSpace(in.Message) == "" && in.Attachment == "" {
		return step.Preview{}, &step.ArgError{
			Param: "message", Problem: "is blank, and there is no attachment; leave such people out with `if`, or say with ?? what stands in place of what is missing",
		}
	}
	details := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			details[name] = value
		}
	}
	set("transport", in.Transport)
	set("type", in.Type)
	set("attachment", in.Attachment)
	if in.ChannelID != nil {
		details["channelId"] = strconv.Itoa(*in.ChannelID)
	}
	if in.OpenDialog != nil {
		details["openDialog"] = strconv.FormatBool(*in.OpenDialog)
	}
	return step.Preview{Text: in.Message, Details: details}, nil
}

func sendMessage(ctx context.Context, in sendMessageIn, a step.Attempt) (sendMessageOut, error) {
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return sendMessageOut{}, err
	}
	sent, err := c.SendMessage(ctx, chat2desk.Outgoing{
		ContactID: in.ContactID, Text: in.Message, ChannelID: in.ChannelID, Transport: in.Transport, Type: in.Type,
		Attachment: in.Attachment, ExternalID: cmp.Or(in.ExternalID, a.ExternalID), OpenDialog: in.OpenDialog,
	})
	if err != nil {
		return sendMessageOut{}, failure(err)
	}
	return sendMessageOut{MessageID: sent.MessageID, Success: true}, nil
}
