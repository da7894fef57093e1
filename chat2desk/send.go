package chat2desk

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Outgoing is one message to send. Zero fields are left to the API.
type Outgoing struct {
	ContactID  int
	Text       string
	ChannelID  *int   // nil is the contact's last channel
	Transport  string // "" is the contact's last transport
	Type       string // to_client (the default), autoreply, system, comment
	Attachment string // a direct link to a file
	ExternalID string // stored and echoed by the API; it does not prevent doubles
	OpenDialog *bool  // nil is the API's default: a closed dialog is opened
}

// Sent is what the API said of a message that it accepted. Accepted is not
// delivered.
type Sent struct {
	MessageID  int
	ContactID  *int
	ChannelID  *int
	DialogID   *int
	RequestID  *int
	OperatorID *int
	Transport  *string
	Type       *string
}

// SendMessage makes exactly one attempt and never another. It succeeds only with
// a message id; of every failure Error.Delivery says what is known.
func (c *Client) SendMessage(ctx context.Context, m Outgoing) (Sent, error) {
	const op = "send message"
	switch {
	case m.ContactID <= 0:
		return Sent{}, invalid(op, "client id %d: ids are above 0", m.ContactID)
	case strings.TrimSpace(m.Text) == "" && m.Attachment == "":
		return Sent{}, invalid(op, "there is neither text nor attachment")
	case !utf8.ValidString(m.Text):
		return Sent{}, invalid(op, "the text is not valid UTF-8")
	}
	body, err := encode(m.body())
	if err != nil {
		return Sent{}, invalid(op, "%v", err)
	}
	start, err := c.turn(ctx, op)
	if err != nil {
		return Sent{}, err
	}
	s := c.exchange(ctx, http.MethodPost, "/v1/messages", nil, body)
	v := s.judge(nil)
	c.pace.learn(start, v.problem)
	d := deliveryOf(s, v)
	if d == Accepted {
		return sentOf(v.answer), nil
	}
	e := v.problem
	if e == nil {
		e = &Error{Status: s.status, Kind: KindBadAnswer, Message: "the answer says neither that it was sent nor why not"}
	}
	return Sent{}, c.finish(e, op, d)
}

func (m Outgoing) body() map[string]any {
	b := map[string]any{"client_id": m.ContactID}
	set := func(name, value string) {
		if value != "" {
			b[name] = value
		}
	}
	set("text", m.Text)
	set("transport", m.Transport)
	set("type", m.Type)
	set("attachment", m.Attachment)
	set("external_id", m.ExternalID)
	if m.ChannelID != nil {
		b["channel_id"] = *m.ChannelID
	}
	if m.OpenDialog != nil {
		b["open_dialog"] = *m.OpenDialog
	}
	return b
}

// sentOf reads what came with the message id. A field that cannot be read is
// left out: the message is sent whatever else the answer says.
func sentOf(a answer) Sent {
	data, ok := a.data.(map[string]any)
	if !ok {
		data = a.data.([]any)[0].(map[string]any)
	}
	r := &row{what: "message", fields: data}
	id, _ := messageID(a)
	return Sent{
		MessageID: id, ContactID: r.num("client_id"), ChannelID: r.num("channel_id"), DialogID: r.num("dialog_id"),
		RequestID: r.num("request_id"), OperatorID: r.num("operator_id"), Transport: r.text("transport"), Type: r.text("type"),
	}
}
