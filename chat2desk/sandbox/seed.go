package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// FromSeed makes a World of the generic value of a seed file. Everything may be
// left out: what is missing is as in a generated world, but for the clients,
// of whom there are those that the seed lists. `generate: {seed, clients}` adds
// a crowd. Every problem is reported, each with the path of its value.
func FromSeed(v any) (World, error) {
	r := &seedReader{now: time.Now().UTC().Truncate(time.Second), loc: time.UTC}
	top, ok := r.object("", v,
		"now", "company", "generate", "tag_groups", "tags", "channels", "operators", "operator_groups", "clients", "messages", "dialogs", "events")
	if !ok {
		return World{}, r.err()
	}
	if top.has("now") {
		if now := top.moment("now"); !now.IsZero() {
			r.now = now
		}
	}
	s := seeding{seedReader: r, w: World{Now: r.now}}
	s.company(top)
	r.loc = s.w.Location()
	s.vocabulary(top)
	s.w.furnish()
	s.generate(top)
	s.references = references(s.w)
	for i, v := range r.list("clients", top.v["clients"]) {
		s.client(item("clients", i), v)
	}
	s.numberClients()
	for i, v := range r.list("messages", top.v["messages"]) {
		s.message(item("messages", i), v, -1)
	}
	for i, v := range r.list("dialogs", top.v["dialogs"]) {
		s.dialog(item("dialogs", i), v)
	}
	for i, v := range r.list("events", top.v["events"]) {
		s.event(item("events", i), v)
	}
	s.complete()
	if err := r.err(); err != nil {
		return World{}, err
	}
	return s.w, nil
}

// seeding is a World in the making.
type seeding struct {
	*seedReader
	w          World
	references map[string][]int64 // what ids there are of each sort
	owners     []int              // of w.Messages: the place of the client in w.Contacts
	clientAt   []string           // the path of each of w.Contacts
	phoneless  []bool             // which of w.Contacts need a phone made up
}

func references(w World) map[string][]int64 {
	out := map[string][]int64{}
	for _, t := range w.Tags {
		out["tag"] = append(out["tag"], t.ID)
	}
	for _, c := range w.Channels {
		out["channel"] = append(out["channel"], c.ID)
	}
	for _, o := range w.Operators {
		out["operator"] = append(out["operator"], o.ID)
	}
	return out
}

// known checks that an id means something; 0 means none and is fine.
func (s *seeding) known(path, sort string, id int64) {
	if id == 0 || slices.Contains(s.references[sort], id) {
		return
	}
	list := ""
	for i, known := range s.references[sort] {
		if i == 12 {
			list += ", …"
			break
		}
		if i > 0 {
			list += ", "
		}
		list += strconv.FormatInt(known, 10)
	}
	s.refuse(path, "there is no %s %d; there are %s", sort, id, list)
}

func (s *seeding) company(top seedMap) {
	m, ok := s.object("company", top.v["company"], "id", "name", "timezone", "mode", "language", "admin_email", "requests_this_month", "monthly_quota", "write_first")
	var base World
	base.Now = s.now
	base.furnish()
	c := &s.w.Company
	*c = base.Company
	if !ok {
		return
	}
	for key, to := range map[string]*string{"name": &c.Name, "timezone": &c.Timezone, "mode": &c.Mode, "language": &c.Language, "admin_email": &c.AdminEmail} {
		if m.has(key) {
			*to = m.text(key)
		}
	}
	for key, to := range map[string]*int64{"id": &c.ID, "requests_this_month": &c.RequestsThisMonth, "monthly_quota": &c.MonthlyQuota} {
		if m.has(key) {
			*to = m.number(key)
		}
	}
	c.WriteFirst = m.bool("write_first", true)
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		s.refuse(m.at("timezone"), "%q is no time zone; write a name such as Europe/Moscow", c.Timezone)
	}
}

// vocabulary reads what clients refer to.
func (s *seeding) vocabulary(top seedMap) {
	for i, v := range s.list("tag_groups", top.v["tag_groups"]) {
		if m, ok := s.object(item("tag_groups", i), v, "id", "name"); ok {
			s.w.TagGroups = append(s.w.TagGroups, TagGroup{m.required("id"), m.text("name")})
		}
	}
	for i, v := range s.list("tags", top.v["tags"]) {
		if m, ok := s.object(item("tags", i), v, "id", "group_id", "label", "description"); ok {
			s.w.Tags = append(s.w.Tags, Tag{m.required("id"), m.number("group_id"), m.text("label"), m.text("description")})
		}
	}
	for i, v := range s.list("channels", top.v["channels"]) {
		m, ok := s.object(item("channels", i), v, "id", "name", "phone", "transports")
		if !ok {
			continue
		}
		ch := Channel{m.required("id"), m.text("name"), m.text("phone"), m.texts("transports")}
		if len(ch.Transports) == 0 {
			s.refuse(m.at("transports"), "at least one is needed, such as [wa_dialog]")
		}
		s.w.Channels = append(s.w.Channels, ch)
	}
	for i, v := range s.list("operators", top.v["operators"]) {
		m, ok := s.object(item("operators", i), v, "id", "email", "phone", "role", "status", "first_name", "last_name", "online", "offline_type", "status_id", "opened_dialogs", "last_visit")
		if !ok {
			continue
		}
		s.w.Operators = append(s.w.Operators, Operator{
			ID: m.required("id"), Email: m.text("email"), Phone: m.text("phone"),
			Role:      m.oneOf("role", "operator", helpLists["roles"]...),
			Status:    m.oneOf("status", "enabled", "enabled", "disabled"),
			FirstName: m.text("first_name"), LastName: m.text("last_name"), Online: m.bool("online", true), OfflineType: m.text("offline_type"),
			StatusID: m.number("status_id"), OpenedDialogs: m.number("opened_dialogs"), LastVisit: m.moment("last_visit"),
		})
	}
	for i, v := range s.list("operator_groups", top.v["operator_groups"]) {
		if m, ok := s.object(item("operator_groups", i), v, "id", "name", "operator_ids"); ok {
			s.w.Groups = append(s.w.Groups, OperatorGroup{m.required("id"), m.text("name"), m.numbers("operator_ids")})
		}
	}
	s.unique("tags", len(s.w.Tags), func(i int) int64 { return s.w.Tags[i].ID })
	s.unique("channels", len(s.w.Channels), func(i int) int64 { return s.w.Channels[i].ID })
	s.unique("operators", len(s.w.Operators), func(i int) int64 { return s.w.Operators[i].ID })
}

// required reads an id that must be there and positive.
func (m seedMap) required(key string) int64 {
	n := m.number(key)
	if n <= 0 && (m.v[key] == nil || n < 0) {
		m.r.refuse(m.at(key), "a number above zero is needed")
	}
	return n
}

// unique refuses an id that stands twice in a list.
func (s *seeding) unique(path string, n int, id func(i int) int64) {
	first := map[int64]int{}
	for i := range n {
		if j, twice := first[id(i)]; twice && id(i) != 0 {
			s.refuse(item(path, i)+".id", "%d is taken by %s", id(i), item(path, j))
			continue
		}
		first[id(i)] = i
	}
}

// generate adds a crowd, which needs the vocabulary that it was made for.
func (s *seeding) generate(top seedMap) {
	if !top.has("generate") {
		return
	}
	m, ok := s.object("generate", top.v["generate"], "seed", "clients")
	if !ok {
		return
	}
	for _, key := range []string{"tags", "channels", "operators"} {
		if top.has(key) {
			s.refuse(key, "cannot stand beside generate, whose clients have %s of their own; leave out one of the two", key)
		}
	}
	count := m.number("clients")
	if count < 0 || count > phoneRange {
		s.refuse(m.at("clients"), "must be from 0 to %d", phoneRange)
		return
	}
	s.w.Population = Population{Seed: uint64(m.number("seed")), Count: int(cmp.Or(count, DefaultContacts))}
	if !top.has("events") {
		s.w.Events = generateEvents(s.w)
	}
}

func (s *seeding) client(path string, v any) {
	m, ok := s.object(path, v,
		"id", "name", "username", "assigned_name", "comment", "phone", "client_phone", "assigned_phone", "avatar", "region_id", "country_id", "created",
		"first_client_message", "last_client_message", "extra_comment_1", "extra_comment_2", "extra_comment_3", "custom_fields",
		"client_external_id", "external_id", "tags", "channels", "messages")
	if !ok {
		return
	}
	c := Contact{
		ID: m.number("id"), Name: m.text("name"), Username: m.text("username"), AssignedName: m.text("assigned_name"), Comment: m.text("comment"),
		Phone: m.text("phone"), ClientPhone: m.text("client_phone"), AssignedPhone: m.text("assigned_phone"), Avatar: m.text("avatar"),
		RegionID: m.number("region_id"), CountryID: m.number("country_id"), Created: m.moment("created"),
		FirstMessage: m.moment("first_client_message"), LastMessage: m.moment("last_client_message"),
		ExtraComments:    [3]string{m.text("extra_comment_1"), m.text("extra_comment_2"), m.text("extra_comment_3")},
		ClientExternalID: m.text("client_external_id"), ExternalID: m.text("external_id"), Tags: m.numbers("tags"),
	}
	if c.ID < 0 || (s.w.Population.Count > 0 && c.ID >= firstContactID) {
		s.refuse(m.at("id"), "must be a number above zero, and below %d beside generate", firstContactID)
	}
	if c.Phone != "" && !isAddress(c.Phone) {
		s.refuse(m.at("phone"), "%q is no phone; write 10 to 14 digits, or an address such as \"[tg] 807892\"", c.Phone)
	}
	for i, t := range c.Tags {
		s.known(item(m.at("tags"), i), "tag", t)
	}
	if fields, ok := m.v["custom_fields"].(map[string]any); ok {
		c.CustomFields = map[string]string{}
		for key := range fields {
			c.CustomFields[key] = seedMap{s.seedReader, m.at("custom_fields"), fields}.text(key)
		}
	} else if m.v["custom_fields"] != nil {
		s.refuse(m.at("custom_fields"), "must be a map, but it is %s", shapeOf(m.v["custom_fields"]))
	}
	c.Channels = s.clientChannels(m)
	s.phoneless = append(s.phoneless, !m.has("phone"))
	s.w.Contacts = append(s.w.Contacts, c)
	s.clientAt = append(s.clientAt, path)
	for i, v := range s.list(m.at("messages"), m.v["messages"]) {
		s.message(item(m.at("messages"), i), v, len(s.w.Contacts)-1)
	}
}

// clientChannels reads ids, or maps of id and transports. Absent is the first
// channel of the company, an empty list is no channel.
func (s *seeding) clientChannels(m seedMap) []ContactChannel {
	if !m.has("channels") {
		first := s.w.Channels[0]
		return []ContactChannel{{first.ID, first.Transports[:min(1, len(first.Transports))]}}
	}
	var out []ContactChannel
	for i, v := range s.list(m.at("channels"), m.v["channels"]) {
		path := item(m.at("channels"), i)
		var ch ContactChannel
		if _, ok := v.(map[string]any); ok {
			one, _ := s.object(path, v, "id", "transports")
			ch = ContactChannel{one.number("id"), one.texts("transports")}
		} else {
			ch.ID = s.number(path, v)
		}
		s.known(path, "channel", ch.ID)
		if len(ch.Transports) == 0 {
			for _, company := range s.w.Channels {
				if company.ID == ch.ID {
					ch.Transports = company.Transports
				}
			}
		}
		out = append(out, ch)
	}
	return out
}

// numberClients gives an id to those who have none, and a phone to those whose
// phone is not written; `phone: null` stays null.
func (s *seeding) numberClients() {
	next := int64(1001)
	for _, c := range s.w.Contacts {
		if c.ID >= next && c.ID < firstContactID {
			next = c.ID + 1
		}
	}
	for i := range s.w.Contacts {
		if s.w.Contacts[i].ID == 0 {
			s.w.Contacts[i].ID = next
			next++
		}
	}
	first := map[int64]int{}
	for i, c := range s.w.Contacts {
		if s.phoneless[i] {
			s.w.Contacts[i].Phone = "7900" + strconv.FormatInt(phoneRange+c.ID%phoneRange, 10)[1:]
		}
		if j, twice := first[c.ID]; twice {
			s.refuse(s.clientAt[i]+".id", "%d is taken by %s", c.ID, s.clientAt[j])
			continue
		}
		first[c.ID] = i
	}
}

// message reads one; owner is the place of its client, or -1 when it names one.
func (s *seeding) message(path string, v any, owner int) {
	keys := []string{"id", "text", "type", "transport", "channel_id", "dialog_id", "request_id", "operator_id", "read", "status", "created", "photo", "pdf", "attachment", "external_id"}
	if owner < 0 {
		keys = append(keys, "client_id")
	}
	m, ok := s.object(path, v, keys...)
	if !ok {
		return
	}
	if owner < 0 {
		if owner = s.owner(m, "client_id"); owner < 0 {
			return
		}
	}
	msg := Message{
		ID: m.number("id"), Text: m.text("text"), Transport: m.text("transport"), ChannelID: m.number("channel_id"), DialogID: m.number("dialog_id"),
		Type:      m.oneOf("type", "from_client", "from_client", "to_client", "autoreply", "system", "comment", ""),
		RequestID: m.number("request_id"), OperatorID: m.number("operator_id"), Read: m.bool("read", true), Status: m.text("status"),
		Created: m.moment("created"), Photo: m.text("photo"), PDF: m.text("pdf"), Attachment: m.text("attachment"), ExternalID: m.text("external_id"),
	}
	s.known(m.at("channel_id"), "channel", msg.ChannelID)
	s.known(m.at("operator_id"), "operator", msg.OperatorID)
	if msg.Created.IsZero() {
		msg.Created = s.now
	}
	if msg.Status == "" {
		msg.Status = "sent"
	}
	s.w.Messages = append(s.w.Messages, msg)
	s.owners = append(s.owners, owner)
}

// owner finds the client that a message or dialog names.
func (s *seeding) owner(m seedMap, key string) int {
	id := m.number(key)
	i := slices.IndexFunc(s.w.Contacts, func(c Contact) bool { return c.ID == id })
	if i < 0 {
		s.refuse(m.at(key), "there is no client %d under clients", id)
	}
	return i
}

func (s *seeding) dialog(path string, v any) {
	m, ok := s.object(path, v, "id", "client_id", "channel_id", "operator_id", "state", "begin", "end")
	if !ok || s.owner(m, "client_id") < 0 {
		return
	}
	d := Dialog{
		ID: m.required("id"), ClientID: m.number("client_id"), ChannelID: m.number("channel_id"), OperatorID: m.number("operator_id"),
		Open: m.oneOf("state", "open", "open", "closed") == "open", Began: m.moment("begin"), Ended: m.moment("end"),
	}
	s.known(m.at("channel_id"), "channel", d.ChannelID)
	s.known(m.at("operator_id"), "operator", d.OperatorID)
	s.w.Dialogs = append(s.w.Dialogs, d)
}

func (s *seeding) event(path string, v any) {
	m, ok := s.object(path, v, "operator_id", "event", "dialog_id", "created_at", "status_duration")
	if !ok {
		return
	}
	e := Event{At: m.moment("created_at"), OperatorID: m.number("operator_id"), Kind: m.text("event"), DialogID: m.number("dialog_id"), Duration: m.spell("status_duration")}
	if e.Kind == "" {
		s.refuse(m.at("event"), "is needed, such as transfer_chat, take_chat, login or logout")
	}
	if e.At.IsZero() {
		s.refuse(m.at("created_at"), "is needed, such as \"2h ago\"")
	}
	s.known(m.at("operator_id"), "operator", e.OperatorID)
	s.w.Events = append(s.w.Events, e)
}
