package sandbox

import (
	"slices"
	"time"
)

// requestGap is the silence after which a client's message begins a new request.
const requestGap = 24 * time.Hour

// complete fills in what follows from the rest: whose a message is, its
// channel, dialog, request and id, and when a client wrote first and last.
func (s *seeding) complete() {
	if len(s.problems) > 0 {
		return
	}
	type pair struct{ client, channel int64 }
	dialogs := map[pair]int{}
	lastDialog := int64(30_000)
	for i, d := range s.w.Dialogs {
		dialogs[pair{d.ClientID, d.ChannelID}] = i
		lastDialog = max(lastDialog, d.ID)
	}
	dialogOf := func(client, channel int64, at time.Time) *Dialog {
		i, ok := dialogs[pair{client, channel}]
		if !ok {
			lastDialog++
			i = len(s.w.Dialogs)
			s.w.Dialogs = append(s.w.Dialogs, Dialog{ID: lastDialog, ClientID: client, ChannelID: channel, Began: at})
			dialogs[pair{client, channel}] = i
		}
		return &s.w.Dialogs[i]
	}

	lastMessage, lastRequest := int64(500_000), int64(90_000)
	for i := range s.w.Messages {
		s.w.Messages[i].ClientID = s.w.Contacts[s.owners[i]].ID
		lastMessage = max(lastMessage, s.w.Messages[i].ID)
		lastRequest = max(lastRequest, s.w.Messages[i].RequestID)
	}
	// In the order of time, so that ids grow with it.
	places := make([]int, len(s.w.Messages))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return s.w.Messages[a].Created.Compare(s.w.Messages[b].Created) })
	latest := map[int64]*Message{} // of each client
	for _, i := range places {
		m, c := &s.w.Messages[i], &s.w.Contacts[s.owners[i]]
		if m.ID == 0 {
			lastMessage++
			m.ID = lastMessage
		}
		s.route(m, c)
		if d := dialogOf(c.ID, m.ChannelID, m.Created); m.DialogID == 0 {
			m.DialogID = d.ID
			if m.OperatorID != 0 {
				d.OperatorID = m.OperatorID
			}
			d.Open = m.Type == "from_client" || (d.Open && m.Type != "to_client")
		}
		before := latest[c.ID]
		switch {
		case m.RequestID != 0:
		case before != nil && (m.Type != "from_client" || m.Created.Sub(before.Created) < requestGap):
			m.RequestID = before.RequestID
		case m.Type == "from_client":
			lastRequest++
			m.RequestID = lastRequest
		}
		latest[c.ID] = m
		if m.Type == "from_client" {
			if c.FirstMessage.IsZero() || m.Created.Before(c.FirstMessage) {
				c.FirstMessage = m.Created
			}
			if m.Created.After(c.LastMessage) {
				c.LastMessage = m.Created
			}
		}
	}
	s.unique("messages", len(s.w.Messages), func(i int) int64 { return s.w.Messages[i].ID })
	for i := range s.w.Contacts {
		c := &s.w.Contacts[i]
		if c.FirstMessage.IsZero() {
			c.FirstMessage = c.LastMessage
		}
		if c.Created.IsZero() {
			c.Created = c.FirstMessage
		}
		if c.Created.IsZero() {
			c.Created = s.now.AddDate(0, -1, 0)
		}
		if len(c.Channels) > 0 {
			dialogOf(c.ID, c.Channels[0].ID, c.Created)
		}
	}
}

// route fills in the channel and the transport of a message.
func (s *seeding) route(m *Message, c *Contact) {
	if m.ChannelID == 0 && len(c.Channels) > 0 {
		m.ChannelID = c.Channels[0].ID
	}
	if m.Transport != "" {
		return
	}
	for _, ch := range c.Channels {
		if ch.ID == m.ChannelID && len(ch.Transports) > 0 {
			m.Transport = ch.Transports[0]
			return
		}
	}
	for _, ch := range s.w.Channels {
		if ch.ID == m.ChannelID {
			m.Transport = ch.Transports[0]
		}
	}
}
