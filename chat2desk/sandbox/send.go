package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// sendTypes are the types that a send may have; the last two stay inside the
// company.
var sendTypes = []string{"to_client", "autoreply", "system", "comment"}

// sendMessage accepts a message: it is in the log and in the history before
// the answer goes out.
func (s *Server) sendMessage(c *call) answer {
	a, openDialog, refused := s.readSend(c.params)
	if refused != nil {
		return *refused
	}
	a, err := s.accept(a)
	if err != nil {
		return problem(http.StatusInternalServerError, "Internal server error", "")
	}
	dialog := int64(0)
	if openDialog && a.Type == "to_client" {
		s.state.mu.Lock()
		dialog = s.state.openDialog(a, s.now())
		s.state.mu.Unlock()
	}
	e := encoder{b: make([]byte, 0, 256)}
	e.b = append(e.b, `{"data":`...)
	e.open('{')
	e.number("message_id", a.MessageID)
	e.number("channel_id", a.ChannelID)
	e.id("operator_id", a.OperatorID)
	e.string("transport", a.Transport)
	e.string("type", a.Type)
	e.number("client_id", a.ClientID)
	e.id("dialog_id", dialog)
	e.member("request_id", "null")
	e.close('}')
	if a.Attachment != "" {
		e.texts("attachment", []string{a.Attachment})
	}
	e.string("status", "success")
	e.b = append(e.b, '}')
	return answer{body: e.b}
}

// readSend checks a send and fills in what it leaves out.
func (s *Server) readSend(p params) (a Accepted, openDialog bool, refused *answer) {
	refuse := func(field, text string) (Accepted, bool, *answer) {
		x := invalid(field, text)
		return Accepted{}, false, &x
	}
	id, isNumber := p.number("client_id")
	if !isNumber {
		return refuse("client_id", "can't be blank")
	}
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	k, ok := s.state.contact(id)
	if !ok {
		return refuse("client_id", "client not found")
	}
	a = Accepted{
		ClientID: id, Text: p.text("text"), Type: p.text("type"), Transport: p.text("transport"),
		ExternalID: p.text("external_id"), Attachment: p.text("attachment"),
	}
	if a.Attachment == "" {
		a.Attachment = p.text("pdf")
	}
	if strings.TrimSpace(a.Text) == "" && a.Attachment == "" {
		return refuse("text", "can't be blank")
	}
	if a.Type == "" {
		a.Type = "to_client"
	}
	if !slices.Contains(sendTypes, a.Type) {
		return refuse("type", "is not included in the list")
	}
	if p.has("operator_id") {
		a.OperatorID, _ = p.number("operator_id")
		if _, ok := s.state.operator(a.OperatorID); !ok {
			return refuse("operator_id", "operator not found")
		}
	}
	if field, text := s.chooseRoute(p, &k, &a); field != "" {
		return refuse(field, text)
	}
	return a, p.bool("open_dialog", true), nil
}

// chooseRoute settles channel and transport: what the call says, else what the
// client used last. A problem is a field and a text.
func (s *Server) chooseRoute(p params, k *Contact, a *Accepted) (field, text string) {
	if p.has("channel_id") {
		a.ChannelID, _ = p.number("channel_id")
		if _, ok := s.state.channel(a.ChannelID); !ok {
			return "channel_id", "channel not found"
		}
	}
	own := slices.IndexFunc(k.Channels, func(ch ContactChannel) bool {
		return (a.ChannelID == 0 || ch.ID == a.ChannelID) && (a.Transport == "" || slices.Contains(ch.Transports, a.Transport))
	})
	switch {
	case own >= 0:
		a.ChannelID = k.Channels[own].ID
		if a.Transport == "" {
			a.Transport = first(k.Channels[own].Transports)
		}
	case len(k.Channels) == 0 && a.ChannelID == 0:
		return "channel_id", "client has no channel"
	case s.options.StrictTransport && a.Transport != "":
		return "transport", "transport is not available for this client"
	case s.options.StrictTransport:
		return "channel_id", "channel is not available for this client"
	case a.ChannelID == 0:
		a.ChannelID = k.Channels[0].ID
	case a.Transport == "":
		ch, _ := s.state.channel(a.ChannelID)
		a.Transport = first(ch.Transports)
	}
	return "", ""
}

// first is the transport that a channel prefers.
func first(transports []string) string {
	if len(transports) == 0 {
		return ""
	}
	return transports[0]
}

// openDialog opens the dialog of a message that was sent, and gives its id.
func (s *state) openDialog(a Accepted, now time.Time) int64 {
	id := s.dialogID(a.ClientID, a.ChannelID)
	d, ok := s.dialog(id)
	switch {
	case !ok:
		d = s.addDialog(Dialog{ClientID: a.ClientID, ChannelID: a.ChannelID, OperatorID: a.OperatorID, Open: true, Began: now.UTC()})
	case !d.Open:
		d.Open, d.Ended = true, time.Time{}
		s.moved[d.ID] = d
	}
	return d.ID
}

// injectMessage is POST /v1/messages/inbox: a message comes in over an external
// channel.
func (s *Server) injectMessage(c *call) answer {
	from, _ := c.params["from_client"].(map[string]any)
	sender := params(from)
	id, hasID := sender.number("id")
	phone := sender.text("phone")
	if hasID == (phone != "") {
		return invalid("from_client", "give either id or phone")
	}
	channelID, _ := c.params.number("channel_id")
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	ch, ok := s.state.channel(channelID)
	if !ok || !slices.Contains(ch.Transports, "external") {
		return invalid("channel_id", "channel with transport external not found")
	}
	body := c.params.text("body")
	if body == "" && !c.params.has("image") && !c.params.has("video") && !c.params.has("location") {
		return invalid("body", "can't be blank")
	}
	now := s.now().UTC().Truncate(time.Second)
	if phone != "" {
		if !isAddress(phone) {
			return invalid("from_client", "wrong phone format")
		}
		if found := s.state.byPhone(phone); len(found) > 0 {
			id = s.state.idAt(found[0])
		} else {
			id = s.state.create(Contact{Name: sender.text("nickname"), Phone: phone, Created: now, FirstMessage: now}).ID
		}
	}
	k, ok := s.state.contact(id)
	if !ok {
		return notFound("client not found")
	}
	dialog := s.state.openDialog(Accepted{ClientID: id, ChannelID: ch.ID}, now)
	m := Message{
		ID: s.state.nextMessageID(now), ClientID: id, Text: body, Type: "from_client", Transport: "external", ChannelID: ch.ID,
		DialogID: dialog, Status: "sent", Created: now, Photo: c.params.text("image"), ExternalID: c.params.text("external_id"),
	}
	s.state.messages[id] = append(s.state.messages[id], m)
	s.state.injected++
	k.LastMessage = now
	if !slices.ContainsFunc(k.Channels, func(own ContactChannel) bool { return own.ID == ch.ID }) {
		k.Channels = append(slices.Clone(k.Channels), ContactChannel{ch.ID, []string{"external"}})
	}
	s.state.change(k)
	return success(func(e *encoder) {
		e.open('{')
		e.number("message_id", m.ID)
		e.number("client_id", id)
		e.number("dialog_id", dialog)
		e.close('}')
	})
}
