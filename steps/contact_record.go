package steps

import (
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
)

// contactRecord is a client as lists carry it, under the API's own names.
type contactRecord struct {
	ID                 int               `flow:"id" doc:"The client's id."`
	Phone              string            `flow:"phone" doc:"The phone, or the address of a chat such as [tg] 807892."`
	Name               *string           `flow:"name" doc:"The name that the client gave."`
	Username           *string           `flow:"username" doc:"The name in the messenger."`
	AssignedName       *string           `flow:"assigned_name" doc:"The name that an operator gave."`
	Comment            *string           `flow:"comment" doc:"The operators' comment."`
	ClientPhone        *string           `flow:"client_phone" doc:"The phone that the client gave."`
	AssignedPhone      *string           `flow:"assigned_phone" doc:"The real phone, where the instance has it."`
	Avatar             *string           `flow:"avatar" doc:"The link to the picture."`
	RegionID           *int              `flow:"region_id" doc:"The id of the region."`
	CountryID          *int              `flow:"country_id" doc:"The id of the country."`
	ChannelID          *int              `flow:"channel_id" doc:"The id of the channel; only some instances give it."`
	FirstClientMessage *time.Time        `flow:"first_client_message" doc:"When the client first wrote."`
	LastClientMessage  *time.Time        `flow:"last_client_message" doc:"When the client last wrote."`
	ExtraComment1      *string           `flow:"extra_comment_1" doc:"The first extra comment."`
	ExtraComment2      *string           `flow:"extra_comment_2" doc:"The second extra comment."`
	ExtraComment3      *string           `flow:"extra_comment_3" doc:"The third extra comment."`
	CustomFields       map[string]string `flow:"custom_fields" doc:"The custom fields, by their ids."`
	ClientExternalID   *string           `flow:"client_external_id" doc:"The client's id in another system, as the messenger gave it."`
	ExternalID         *string           `flow:"external_id" doc:"The client's id in another system."`
	ExternalIDs        map[string]string `flow:"external_ids" doc:"The client's ids in other systems, by system."`
}

// contactDetails is a client with what only a single answer carries.
type contactDetails struct {
	contactRecord
	Tags     *[]tagRecord            `flow:"tags" doc:"The client's tags; a field only with details."`
	Channels *[]contactChannelRecord `flow:"channels" doc:"The ways to write to the client; a field only with details."`
}

// Lacks is nothing: all fields are there.
func (contactDetails) Lacks() map[string]string { return nil }

type tagRecord struct {
	ID          int     `flow:"id" doc:"The tag's id."`
	GroupID     *int    `flow:"group_id" doc:"The id of the tag's group."`
	GroupName   *string `flow:"group_name" doc:"The name of the tag's group."`
	Label       *string `flow:"label" doc:"The name of the tag."`
	Description *string `flow:"description" doc:"What the tag is for."`
}

type contactChannelRecord struct {
	ID         int      `flow:"id" doc:"The channel's id."`
	Transports []string `flow:"transports" doc:"The transports that reach the client there."`
}

func contactRecordOf(c chat2desk.Contact, zone *time.Location) contactRecord {
	return contactRecord{
		ID: c.ID, Phone: c.Phone, Name: c.Name, Username: c.Username, AssignedName: c.AssignedName, Comment: c.Comment,
		ClientPhone: c.ClientPhone, AssignedPhone: c.AssignedPhone, Avatar: c.Avatar,
		RegionID: c.RegionID, CountryID: c.CountryID, ChannelID: c.ChannelID,
		FirstClientMessage: local(c.FirstClientMessage, zone), LastClientMessage: local(c.LastClientMessage, zone),
		ExtraComment1: c.ExtraComment1, ExtraComment2: c.ExtraComment2, ExtraComment3: c.ExtraComment3,
		CustomFields: c.CustomFields, ClientExternalID: c.ClientExternalID, ExternalID: c.ExternalID, ExternalIDs: c.ExternalIDs,
	}
}

func contactDetailsOf(c chat2desk.Contact, zone *time.Location) contactDetails {
	tags, channels := []tagRecord{}, []contactChannelRecord{}
	for _, t := range c.Tags {
		tags = append(tags, tagRecord(t))
	}
	for _, ch := range c.Channels {
		channels = append(channels, contactChannelRecord(ch))
	}
	return contactDetails{contactRecordOf(c, zone), &tags, &channels}
}
