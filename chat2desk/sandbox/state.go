package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// state is the world as it is now: the World, the crowd computed from it, and
// everything that callers have changed since. People have positions in the
// order of their ids: those written out, the crowd, those created later.
// Methods want mu to be held.
type state struct {
	mu    sync.RWMutex
	w     World
	loc   *time.Location
	crowd crowd

	positions map[int64]int       // of the contacts written out
	messages  map[int64][]Message // of clients: written out or injected, by id
	dialogs   map[int64][]Dialog  // of the contacts written out
	dialogOf  map[int64]int64     // dialog → client, of the contacts written out

	created []Contact
	changed map[int64]Contact
	gone    map[int64]bool
	gaps    []int // the positions of those who are gone, in order
	version int   // of the people; listings by filter are kept while it stands

	reads    map[int64]bool   // message → read mark
	marks    int              // how many read marks were ever set
	injected int              // messages that came in since
	moved    map[int64]Dialog // dialogs that callers changed
	accepted acceptedList
	requests map[int64][]int64

	lastContact, lastMessage, lastDialog, lastTag int64

	listings cache[[]int32]
	scans    cache[[]messageKey]
	sessions cache[[]requestRow]
}

func newState(w World) *state {
	s := &state{
		w: w, loc: w.Location(), crowd: newCrowd(w),
		positions: map[int64]int{}, messages: map[int64][]Message{}, dialogs: map[int64][]Dialog{}, dialogOf: map[int64]int64{},
		changed: map[int64]Contact{}, gone: map[int64]bool{}, reads: map[int64]bool{}, moved: map[int64]Dialog{},
		accepted: newAcceptedList(), requests: map[int64][]int64{},
		lastMessage: 500_000, lastDialog: 30_000,
	}
	s.w.Contacts = w.sortedContacts()
	s.w.Events = slices.SortedStableFunc(slices.Values(w.Events), func(a, b Event) int { return a.At.Compare(b.At) })
	s.lastContact = firstContactID - 1
	if s.crowd.count > 0 {
		s.lastContact = s.crowd.id(s.crowd.count - 1)
		s.lastDialog = firstDialogID + int64(s.crowd.count)
		s.lastMessage = s.crowd.messageID(s.crowd.now, 0) + 1
	}
	for i, c := range s.w.Contacts {
		s.positions[c.ID] = i
		s.lastContact = max(s.lastContact, c.ID)
	}
	for _, m := range w.Messages {
		s.messages[m.ClientID] = append(s.messages[m.ClientID], m)
		s.lastMessage = max(s.lastMessage, m.ID)
	}
	for _, own := range s.messages {
		slices.SortStableFunc(own, byMessageID)
	}
	for _, d := range w.Dialogs {
		s.addDialog(d)
	}
	for _, c := range s.w.Contacts {
		if len(s.dialogs[c.ID]) == 0 && len(c.Channels) > 0 {
			s.addDialog(Dialog{ClientID: c.ID, ChannelID: c.Channels[0].ID, Began: c.FirstMessage, Ended: c.LastMessage})
		}
	}
	for _, t := range w.Tags {
		s.lastTag = max(s.lastTag, t.ID)
	}
	return s
}

func (s *state) addDialog(d Dialog) Dialog {
	if d.ID == 0 {
		d.ID = s.lastDialog + 1
	}
	s.lastDialog = max(s.lastDialog, d.ID)
	s.dialogs[d.ClientID] = append(s.dialogs[d.ClientID], d)
	s.dialogOf[d.ID] = d.ClientID
	return d
}

// people is the number of positions, those of the deleted included.
func (s *state) people() int { return len(s.w.Contacts) + s.crowd.count + len(s.created) }

func (s *state) idAt(pos int) int64 {
	if pos < len(s.w.Contacts) {
		return s.w.Contacts[pos].ID
	}
	if pos -= len(s.w.Contacts); pos < s.crowd.count {
		return s.crowd.id(pos)
	}
	return s.created[pos-s.crowd.count].ID
}

// contactAt gives the person of a position, as changed since.
func (s *state) contactAt(pos int) Contact {
	var c Contact
	switch n := pos - len(s.w.Contacts); {
	case n < 0:
		c = s.w.Contacts[pos]
	case n < s.crowd.count:
		c = s.crowd.contact(n)
	default:
		c = s.created[n-s.crowd.count]
	}
	if len(s.changed) > 0 {
		if now, ok := s.changed[c.ID]; ok {
			return now
		}
	}
	return c
}

// tagsAt is contactAt(pos).Tags at a tenth of the price.
func (s *state) tagsAt(pos int) []int64 {
	n := pos - len(s.w.Contacts)
	if n < 0 || n >= s.crowd.count {
		return s.contactAt(pos).Tags
	}
	if len(s.changed) > 0 {
		if now, ok := s.changed[s.crowd.id(n)]; ok {
			return now.Tags
		}
	}
	return s.crowd.tags(n)
}

// find gives the position of a living person.
func (s *state) find(id int64) (int, bool) {
	if s.gone[id] {
		return 0, false
	}
	if pos, ok := s.positions[id]; ok {
		return pos, true
	}
	if n, ok := s.crowd.index(id); ok {
		return len(s.w.Contacts) + n, true
	}
	n, ok := slices.BinarySearchFunc(s.created, id, func(c Contact, id int64) int { return cmp.Compare(c.ID, id) })
	return len(s.w.Contacts) + s.crowd.count + n, ok
}

func (s *state) contact(id int64) (Contact, bool) {
	pos, ok := s.find(id)
	if !ok {
		return Contact{}, false
	}
	return s.contactAt(pos), true
}

func (s *state) change(c Contact) {
	s.changed[c.ID] = c
	s.version++
}

func (s *state) create(c Contact) Contact {
	s.lastContact++
	c.ID = s.lastContact
	s.created = append(s.created, c)
	s.version++
	return c
}

// remove takes away the person of a position.
func (s *state) remove(pos int) {
	s.gone[s.idAt(pos)] = true
	if i, again := slices.BinarySearch(s.gaps, pos); !again {
		s.gaps = slices.Insert(s.gaps, i, pos)
	}
	s.version++
}

// byPhone finds everybody whose phone field is exactly this, by position.
func (s *state) byPhone(phone string) []int {
	var found []int
	try := func(pos int) {
		if c := s.contactAt(pos); c.Phone == phone && !s.gone[c.ID] {
			found = append(found, pos)
		}
	}
	for pos := range s.w.Contacts {
		try(pos)
	}
	if n, ok := s.crowd.indexByPhone(phone); ok {
		try(len(s.w.Contacts) + n)
	} else if strings.HasPrefix(phone, "[") {
		for n := range s.crowd.count {
			if p := s.crowd.person(n); p.route.address != "" && p.address(&s.crowd) == phone {
				try(len(s.w.Contacts) + n)
			}
		}
	}
	for i := range s.created {
		try(len(s.w.Contacts) + s.crowd.count + i)
	}
	return found
}

func containsAny(have, want []int64) bool {
	for _, w := range want {
		if slices.Contains(have, w) {
			return true
		}
	}
	return false
}

// history gives the messages of a client, oldest first, those sent included.
func (s *state) history(id int64) []Message {
	var all []Message
	if n, ok := s.crowd.index(id); ok {
		all = s.crowd.history(n)
	}
	all = append(all, s.messages[id]...)
	sent := s.accepted.of(id)
	for i := range sent {
		all = append(all, s.sentMessage(&sent[i]))
	}
	if len(sent)+len(s.messages[id]) > 0 {
		slices.SortStableFunc(all, byMessageID)
	}
	if len(s.reads) > 0 {
		for i := range all {
			if read, ok := s.reads[all[i].ID]; ok {
				all[i].Read = read
			}
		}
	}
	return all
}

// sentMessage is how an accepted message looks in the history.
func (s *state) sentMessage(a *Accepted) Message {
	return Message{
		ID: a.MessageID, ClientID: a.ClientID, Text: a.Text, Type: a.Type, Transport: a.Transport, ChannelID: a.ChannelID,
		OperatorID: a.OperatorID, DialogID: s.dialogID(a.ClientID, a.ChannelID), Read: true, Status: "sent", Created: a.At,
		Attachment: a.Attachment, ExternalID: a.ExternalID,
	}
}

// message finds one by its id.
func (s *state) message(id int64) (Message, bool) {
	client := int64(0)
	if a, ok := s.accepted.message(id); ok {
		client = a.ClientID
	} else if n, ok := s.crowd.owner(id); ok {
		client = s.crowd.id(n)
	}
	if m, ok := messageIn(s.history(client), id); ok {
		return m, true
	}
	for _, client := range slices.Sorted(maps.Keys(s.messages)) {
		if _, ok := messageIn(s.messages[client], id); ok {
			return messageIn(s.history(client), id)
		}
	}
	return Message{}, false
}

func messageIn(all []Message, id int64) (Message, bool) {
	i, ok := slices.BinarySearchFunc(all, id, func(m Message, id int64) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return Message{}, false
	}
	return all[i], true
}

// dialogsOf gives the dialogs of a client as they are now.
func (s *state) dialogsOf(id int64) []Dialog {
	all := slices.Clone(s.dialogs[id])
	if n, ok := s.crowd.index(id); ok {
		all = append([]Dialog{s.crowd.dialog(n)}, all...)
	}
	for i, d := range all {
		if now, ok := s.moved[d.ID]; ok {
			all[i] = now
		}
	}
	return all
}

func (s *state) dialog(id int64) (Dialog, bool) {
	if d, ok := s.moved[id]; ok {
		return d, true
	}
	if n := int(id - firstDialogID); id >= firstDialogID && n < s.crowd.count {
		return s.crowd.dialog(n), true
	}
	client, ok := s.dialogOf[id]
	if !ok {
		return Dialog{}, false
	}
	all := s.dialogs[client]
	i := slices.IndexFunc(all, func(d Dialog) bool { return d.ID == id })
	return all[i], i >= 0
}

// dialogID is the dialog of a client in a channel, 0 when there is none.
func (s *state) dialogID(client, channel int64) int64 {
	if n, ok := s.crowd.index(client); ok {
		if p := s.crowd.person(n); p.route.channel == channel {
			return firstDialogID + int64(n)
		}
	}
	for _, d := range s.dialogs[client] {
		if d.ChannelID == channel {
			return d.ID
		}
	}
	return 0
}

// nextMessageID is odd beside a crowd, whose ids are even.
func (s *state) nextMessageID(now time.Time) int64 {
	if s.crowd.count == 0 {
		s.lastMessage++
		return s.lastMessage
	}
	s.lastMessage = max(s.lastMessage+2, s.crowd.messageID(now, 0)) | 1
	return s.lastMessage
}
