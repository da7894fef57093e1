package chat2desk

import "time"

// Message is one entry of a client's history. Fields are nil where the API
// gives nothing or "".
type Message struct {
	ID              int
	Created         time.Time
	Text            *string
	Type            *string // to_client, from_client, autoreply, system, comment; nil for ratings
	Transport       *string
	Status          *string // sent, failed, …; accepted is not delivered
	RecipientStatus *string
	Read            *bool
	IsNew           *bool
	ClientID        *int
	ChannelID       *int
	DialogID        *int
	RequestID       *int
	OperatorID      *int
	RemoteID        *string
	ExternalID      *string // ours, where the instance gives it back
	Photo           *string
	Video           *string
	Audio           *string
	PDF             *string
	Coordinates     *string
	AITips          *string
	Attachments     []Attachment
	ExtraData       map[string]string
}

// Attachment is a file of a message.
type Attachment struct {
	Name *string
	Link *string
}

func messageOf(r *row) Message {
	m := Message{
		ID:              r.id("id"),
		Text:            r.text("text"),
		Type:            r.text("type"),
		Transport:       r.text("transport"),
		Status:          r.text("status"),
		RecipientStatus: r.text("recipient_status"),
		Read:            r.flag("read"),
		IsNew:           r.flag("is_new"),
		ClientID:        r.num("client_id"),
		ChannelID:       r.num("channel_id"),
		DialogID:        r.num("dialog_id"),
		RequestID:       r.num("request_id"),
		OperatorID:      r.num("operator_id"),
		RemoteID:        r.text("remote_id"),
		ExternalID:      r.text("external_id"),
		Photo:           r.text("photo"),
		Video:           r.text("video"),
		Audio:           r.text("audio"),
		PDF:             r.text("pdf"),
		Coordinates:     r.text("coordinates"),
		AITips:          r.text("ai_tips"),
		ExtraData:       r.labels("extra_data"),
	}
	if at := r.moment("created", time.UTC); at != nil {
		m.Created = *at
	} else {
		r.fail("created", "a time", r.fields.get("created"))
	}
	for _, a := range r.rows("attachments", "attachment") {
		m.Attachments = append(m.Attachments, Attachment{Name: a.text("name"), Link: a.text("link")})
	}
	return m
}
