package chat2desk

import (
	"slices"
	"strings"
	"time"
)

// Contact is a person: what the API calls a client. Fields are nil where the API
// gives nothing, "" or, for names, "unknown".
type Contact struct {
	ID                 int
	Phone              string // not always a number: "[tg] 807892" is an address too
	Name               *string
	Username           *string
	AssignedName       *string
	Comment            *string
	ClientPhone        *string
	AssignedPhone      *string // the real number, where an instance has it
	Avatar             *string
	RegionID           *int
	CountryID          *int
	ChannelID          *int // some instances only
	FirstClientMessage *time.Time
	LastClientMessage  *time.Time
	ExtraComment1      *string
	ExtraComment2      *string
	ExtraComment3      *string
	CustomFields       map[string]string // by the id of the field
	ClientExternalID   *string
	ExternalID         *string
	ExternalIDs        map[string]string

	// Tags and Channels come with GetContact only; lists do not carry them.
	Tags     []Tag
	Channels []ContactChannel
}

// Tag is a label of a contact.
type Tag struct {
	ID          int
	GroupID     *int
	GroupName   *string
	Label       *string
	Description *string
}

// ContactChannel is a way to reach a contact.
type ContactChannel struct {
	ID         int
	Transports []string
}

func contactOf(r *row) Contact {
	c := Contact{
		ID:                 r.id("id"),
		Phone:              r.plain("phone"),
		Name:               r.name("name"),
		Username:           r.text("username"),
		AssignedName:       r.name("assigned_name"),
		Comment:            r.text("comment"),
		ClientPhone:        r.text("client_phone"),
		AssignedPhone:      r.text("assigned_phone"),
		Avatar:             r.text("avatar"),
		RegionID:           r.num("region_id"),
		CountryID:          r.num("country_id"),
		ChannelID:          r.num("channel_id"),
		FirstClientMessage: r.moment("first_client_message", time.UTC),
		LastClientMessage:  r.moment("last_client_message", time.UTC),
		ExtraComment1:      r.text("extra_comment_1"),
		ExtraComment2:      r.text("extra_comment_2"),
		ExtraComment3:      r.text("extra_comment_3"),
		CustomFields:       r.labels("custom_fields"),
		ClientExternalID:   r.text("client_external_id"),
		ExternalID:         r.text("external_id"),
		ExternalIDs:        r.labels("external_ids"),
	}
	return c
}

// detailsOf adds what only a single contact carries.
func detailsOf(c *Contact, r *row) {
	for _, t := range r.rows("tags", "tag") {
		c.Tags = append(c.Tags, Tag{
			ID: t.id("id"), GroupID: t.num("group_id"), GroupName: t.text("group_name"),
			Label: t.text("label"), Description: t.text("description"),
		})
		r.adopt(t)
	}
	for _, ch := range r.rows("channels", "channel") {
		c.Channels = append(c.Channels, ContactChannel{ID: ch.id("id"), Transports: ch.texts("transports")})
		r.adopt(ch)
	}
}

// adopt takes over the error of a record within this one.
func (r *row) adopt(inner *row) {
	if r.err == nil {
		r.err = inner.err
	}
}

// Numbers are the real telephone numbers of a contact, digits only: the one that
// was assigned first, then the phone, then the one that the client gave.
func (c Contact) Numbers() []string {
	var assigned, given string
	if c.AssignedPhone != nil {
		assigned = *c.AssignedPhone
	}
	if c.ClientPhone != nil {
		given = *c.ClientPhone
	}
	return Numbers(assigned, c.Phone, given)
}

// Numbers are the real telephone numbers among phones as the API gives them: digits
// only, each once, in that order.
func Numbers(phones ...string) []string {
	var out []string
	for _, p := range phones {
		if d := phoneDigits(p); d != "" && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// phoneDigits is the number in a phone field, or "" when it holds none: the
// addresses of chats ("[tg] 807892", "[chat] 1d0b") only look like one.
func phoneDigits(s string) string {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "["); ok {
		transport, number, closed := strings.Cut(rest, "]")
		if !closed || !speaksPhone(transport) {
			return ""
		}
		s = strings.TrimSpace(number)
		if len(s) > 3 && s[2] == '.' && isLetters(s[:2]) {
			s = s[3:] // a country: "KZ.77010000000"
		}
	}
	if strings.Trim(s, "0123456789") == "" {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" +-().\u00a0\u2011\u2013/", r):
		default:
			return ""
		}
	}
	return b.String()
}

// speaksPhone reports whether a transport addresses people by telephone number.
func speaksPhone(transport string) bool {
	for _, p := range []string{"wa_", "whatsapp", "viber", "sms", "vox"} {
		if strings.HasPrefix(strings.ToLower(transport), p) {
			return true
		}
	}
	return false
}

func isLetters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }) < 0
}
