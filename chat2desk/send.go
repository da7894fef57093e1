package chat2desk

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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
	start, err := c.turn(ctx, op)
	if err != nil {
		return Sent{}, err
	}
	s := c.exchange(ctx, http.MethodPost, "/v1/messages", nil, m.appendBody(nil))
	if sent, ok := s.receipt(); ok {
		c.pace.learn(start, nil)
		return sent, nil
	}
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

// appendBody appends the request's body. HTML is not escaped: the text goes out as
// it is.
func (m Outgoing) appendBody(b []byte) []byte {
	b = slices.Grow(b, len(m.Text)+len(m.Attachment)+len(m.ExternalID)+128)
	b = strconv.AppendInt(append(b, `{"client_id":`...), int64(m.ContactID), 10)
	for _, f := range [...]struct{ name, value string }{
		{`,"text":`, m.Text},
		{`,"transport":`, m.Transport},
		{`,"type":`, m.Type},
		{`,"attachment":`, m.Attachment},
		{`,"external_id":`, m.ExternalID},
	} {
		if f.value != "" {
			b, _ = jsontext.AppendQuote(append(b, f.name...), f.value) // an error tells of U+FFFD
		}
	}
	if m.ChannelID != nil {
		b = strconv.AppendInt(append(b, `,"channel_id":`...), int64(*m.ChannelID), 10)
	}
	if m.OpenDialog != nil {
		b = strconv.AppendBool(append(b, `,"open_dialog":`...), *m.OpenDialog)
	}
	return append(b, '}')
}

// sentOf reads what came with the message id. A field that cannot be read is
// left out: the message is sent whatever else the answer says.
func sentOf(a answer) Sent {
	data, ok := a.data.(object)
	if !ok {
		data = a.data.([]any)[0].(object)
	}
	r := &row{what: "message", fields: data}
	id, _ := messageID(a)
	return Sent{
		MessageID: id, ContactID: r.num("client_id"), ChannelID: r.num("channel_id"), DialogID: r.num("dialog_id"),
		RequestID: r.num("request_id"), OperatorID: r.num("operator_id"), Transport: r.text("transport"), Type: r.text("type"),
	}
}
