package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// World is everything that the fake API knows at its start. It is plain data:
// the zero value of a field means "none", and an empty text is null in JSON.
type World struct {
	Now       time.Time // the moment that the world is made for
	Company   Company
	TagGroups []TagGroup
	Tags      []Tag
	Channels  []Channel
	Operators []Operator
	Groups    []OperatorGroup

	Contacts []Contact // people written out, in any order
	Dialogs  []Dialog  // of Contacts; those missing are made up, one for each
	Messages []Message // of Contacts
	Events   []Event   // what operators did, in any order

	Population Population // people computed from a seed, after Contacts
}

// Company is the account that the token belongs to.
type Company struct {
	ID                int64
	Name              string
	Timezone          string // IANA name; statistics are in this zone
	Mode              string // the tariff
	Language          string
	AdminEmail        string
	RequestsThisMonth int64
	MonthlyQuota      int64 // calls a month that the tariff allows; 0 is no limit
	WriteFirst        bool
}

// Population is a crowd that is computed person by person.
type Population struct {
	Seed  uint64
	Count int
}

// Tag is a label of a client.
type Tag struct {
	ID          int64
	GroupID     int64
	Label       string
	Description string
}

// TagGroup holds tags.
type TagGroup struct {
	ID   int64
	Name string
}

// Channel is one connected account of a messenger.
type Channel struct {
	ID         int64
	Name       string
	Phone      string
	Transports []string
}

// Operator is a member of the company's staff.
type Operator struct {
	ID                         int64
	Email, Phone               string
	Role                       string // operator, supervisor, admin, disabled, deleted
	Status                     string // enabled or disabled
	FirstName, LastName        string
	Online                     bool
	OfflineType                string
	StatusID                   int64
	OpenedDialogs              int64
	LastVisit                  time.Time
	AccessRightID, TwoFactorOn int64
}

// OperatorGroup is a team of operators.
type OperatorGroup struct {
	ID          int64
	Name        string
	OperatorIDs []int64
}

// Contact is a person; the API calls them clients.
type Contact struct {
	ID               int64
	Name             string
	Username         string
	AssignedName     string
	Comment          string
	Phone            string // digits, or an address such as "[tg] 807892"
	ClientPhone      string
	AssignedPhone    string
	Avatar           string
	RegionID         int64
	CountryID        int64
	Created          time.Time // what created_after is compared with
	FirstMessage     time.Time // first_client_message
	LastMessage      time.Time // last_client_message
	ExtraComments    [3]string
	CustomFields     map[string]string
	ClientExternalID string
	ExternalID       string
	Tags             []int64
	Channels         []ContactChannel // the last used one first
}

// ContactChannel is a way to write to a person.
type ContactChannel struct {
	ID         int64
	Transports []string
}

// Dialog is the thread of one person in one channel. It lives forever and is
// open or closed.
type Dialog struct {
	ID         int64
	ClientID   int64
	ChannelID  int64
	OperatorID int64
	Open       bool
	Began      time.Time
	Ended      time.Time
}

// Message is one entry of a history.
type Message struct {
	ID         int64
	ClientID   int64
	Text       string
	Type       string // to_client, from_client, autoreply, system, comment; "" is null
	Transport  string
	ChannelID  int64
	DialogID   int64
	RequestID  int64
	OperatorID int64
	Read       bool
	Status     string
	Created    time.Time
	Photo      string
	PDF        string
	Attachment string
	ExternalID string
}

// Event is one row of the operator_events report.
type Event struct {
	At         time.Time
	OperatorID int64
	Kind       string // login, logout, busy, take_chat, transfer_chat, …
	DialogID   int64  // of take_chat and transfer_chat
	Duration   time.Duration
}

// Count is the number of people at the start.
func (w World) Count() int { return len(w.Contacts) + w.Population.Count }

// Contact gives person i of Count, in the order of their ids.
func (w World) Contact(i int) Contact {
	if i < len(w.Contacts) {
		return w.sortedContacts()[i]
	}
	c := newCrowd(w)
	return c.contact(i - len(w.Contacts))
}

// History gives the messages of person i of Count, oldest first.
func (w World) History(i int) []Message {
	if i >= len(w.Contacts) {
		c := newCrowd(w)
		return c.history(i - len(w.Contacts))
	}
	id := w.sortedContacts()[i].ID
	var own []Message
	for _, m := range w.Messages {
		if m.ClientID == id {
			own = append(own, m)
		}
	}
	slices.SortStableFunc(own, byMessageID)
	return own
}

// Location is the company's zone; UTC when it is not named.
func (w World) Location() *time.Location {
	loc, err := time.LoadLocation(w.Company.Timezone)
	if err != nil {
		return time.UTC
	}
	return loc
}

func (w World) sortedContacts() []Contact {
	return slices.SortedFunc(slices.Values(w.Contacts), func(a, b Contact) int { return cmp.Compare(a.ID, b.ID) })
}

func byMessageID(a, b Message) int { return cmp.Compare(a.ID, b.ID) }
