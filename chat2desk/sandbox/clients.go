package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listClients honours phone, tags, created_after, order, limit and offset.
// Everything else is ignored without a word: a misspelt filter lists everybody.
func (s *Server) listClients(c *call) answer {
	f := contactFilter{tags: c.params.numbers("tags")}
	if c.params.has("created_after") {
		at, ok := parseMoment(c.params.text("created_after"), s.state.loc)
		if !ok {
			return invalid("created_after", "wrong date format")
		}
		f.after = at
	}
	p := c.params.page()
	if b, ok := s.rooms.Get().(*[]byte); ok {
		p.room = (*b)[:0]
	}
	a := s.pageOfClients(c, p, f)
	a.reuse = true
	s.churn(p, f, c.params.text("order") == "desc")
	return a
}

func (s *Server) pageOfClients(c *call, p page, f contactFilter) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	var people listing
	if phone := c.params.text("phone"); c.params.has("phone") {
		people = s.state.ofPhone(strings.TrimSpace(phone), f)
	} else {
		people = s.state.listing(f)
	}
	desc := c.params.text("order") == "desc"
	return list(p, people.count, func(e *encoder, i int) {
		if desc {
			i = people.count - 1 - i
		}
		k := s.state.contactAt(people.at(i))
		s.state.writeContact(e, &k, false)
	})
}

// writeContact leaves tags and channels to the single get, as the API does.
func (s *state) writeContact(e *encoder, c *Contact, whole bool) {
	e.open('{')
	e.number("id", c.ID)
	e.orNull("name", c.Name)
	e.orNull("username", c.Username)
	e.orNull("assigned_name", c.AssignedName)
	e.orNull("comment", c.Comment)
	e.orNull("phone", c.Phone)
	e.orNull("client_phone", c.ClientPhone)
	e.orNull("assigned_phone", c.AssignedPhone)
	e.orNull("avatar", c.Avatar)
	e.id("region_id", c.RegionID)
	e.id("country_id", c.CountryID)
	e.time("first_client_message", c.FirstMessage)
	e.time("last_client_message", c.LastMessage)
	e.orNull("extra_comment_1", c.ExtraComments[0])
	e.orNull("extra_comment_2", c.ExtraComments[1])
	e.orNull("extra_comment_3", c.ExtraComments[2])
	e.key("custom_fields")
	e.open('{')
	if len(c.CustomFields) > 0 {
		for _, k := range slices.Sorted(maps.Keys(c.CustomFields)) {
			e.comma()
			e.b = append(appendQuoted(e.b, k), ':')
			e.text(c.CustomFields[k])
		}
	}
	e.close('}')
	e.orNull("client_external_id", c.ClientExternalID)
	e.orNull("external_id", c.ExternalID)
	e.member("external_ids", "{}")
	if whole {
		e.key("tags")
		e.open('[')
		for _, t := range s.w.Tags {
			if slices.Contains(c.Tags, t.ID) {
				s.writeTag(e, t)
			}
		}
		e.close(']')
		e.key("channels")
		e.open('[')
		for _, ch := range c.Channels {
			e.open('{')
			e.number("id", ch.ID)
			e.texts("transports", ch.Transports)
			e.close('}')
		}
		e.close(']')
	}
	e.close('}')
}

// withClient gives a client of the path to a reader.
func (s *Server) withClient(c *call, read func(k *Contact) answer) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	k, ok := s.state.contact(c.id())
	if !ok {
		return notFound("client not found")
	}
	return read(&k)
}

func (s *Server) showClient(c *call) answer {
	return s.withClient(c, func(k *Contact) answer {
		return success(func(e *encoder) { s.state.writeContact(e, k, true) })
	})
}

func (s *Server) clientTransports(c *call) answer {
	return s.withClient(c, func(k *Contact) answer {
		return success(func(e *encoder) {
			e.open('[')
			for _, ch := range k.Channels {
				e.open('{')
				e.number("channel_id", ch.ID)
				e.texts("transports", ch.Transports)
				e.close('}')
			}
			e.close(']')
		})
	})
}

func (s *Server) clientDialogs(c *call) answer {
	return s.withClient(c, func(k *Contact) answer {
		all := s.state.dialogsOf(k.ID)
		return list(c.params.page(), len(all), func(e *encoder, i int) { s.state.writeDialog(e, &all[i]) })
	})
}

func (s *Server) lastQuestion(c *call) answer {
	return s.withClient(c, func(k *Contact) answer {
		all := s.state.history(k.ID)
		for _, m := range slices.Backward(all) {
			if m.Type == "from_client" {
				return success(func(e *encoder) { writeMessage(e, &m) })
			}
		}
		return notFound("message not found")
	})
}

func (s *Server) questions(c *call) answer {
	span, refused := s.readSpan(c.params)
	if refused != nil {
		return *refused
	}
	return s.withClient(c, func(k *Contact) answer {
		all := slices.DeleteFunc(s.state.history(k.ID), func(m Message) bool { return m.Type != "from_client" || !span.holds(m.Created) })
		return list(c.params.page(), len(all), func(e *encoder, i int) { writeMessage(e, &all[i]) })
	})
}

// createClient refuses a phone that is there already, and hides the id in the
// second text of errors.client.
func (s *Server) createClient(c *call) answer {
	phone := strings.TrimPrefix(strings.TrimSpace(c.params.text("phone")), "+")
	if phone == "" {
		return invalid("phone", "can't be blank")
	}
	if !isAddress(phone) {
		return invalid("phone", "wrong phone format")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if !s.state.w.Company.WriteFirst {
		return problem(http.StatusBadRequest, "Write first is not available for your company", "")
	}
	if found := s.state.byPhone(phone); len(found) > 0 {
		hidden := `{"id":` + strconv.FormatInt(s.state.idAt(found[0]), 10) + `}`
		return problem(http.StatusBadRequest, "Client already exists", "client", "client already exists", hidden)
	}
	channel, refused := s.state.chooseChannel(c.params)
	if refused != nil {
		return *refused
	}
	k := s.state.create(Contact{
		Name: c.params.text("nickname"), AssignedName: c.params.text("nickname"), Phone: phone,
		AssignedPhone: c.params.text("assigned_phone"), Created: s.now().UTC(), Channels: []ContactChannel{channel},
	})
	s.state.addDialog(Dialog{ClientID: k.ID, ChannelID: channel.ID, Began: k.Created})
	return success(func(e *encoder) { s.state.writeContact(e, &k, true) })
}

// chooseChannel finds the channel and transport of a new client.
func (s *state) chooseChannel(p params) (ContactChannel, *answer) {
	refuse := func(field, text string) (ContactChannel, *answer) {
		a := invalid(field, text)
		return ContactChannel{}, &a
	}
	transport := p.text("transport")
	if p.has("channel_id") {
		id, _ := p.number("channel_id")
		ch, ok := s.channel(id)
		if !ok {
			return refuse("channel_id", "channel not found")
		}
		if transport == "" {
			transport = first(ch.Transports)
		}
		return ContactChannel{id, []string{transport}}, nil
	}
	for _, ch := range s.w.Channels {
		if transport == "" || slices.Contains(ch.Transports, transport) {
			if transport == "" {
				transport = first(ch.Transports)
			}
			return ContactChannel{ch.ID, []string{transport}}, nil
		}
	}
	return refuse("transport", "transport is not available")
}

func (s *Server) updateClient(c *call) answer {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	k, ok := s.state.contact(c.id())
	if !ok {
		return notFound("client not found")
	}
	set := func(name string, to *string) {
		if _, there := c.params[name]; there {
			*to = c.params.text(name)
		}
	}
	set("nickname", &k.AssignedName)
	set("comment", &k.Comment)
	set("external_id", &k.ExternalID)
	for i := range k.ExtraComments {
		set("extra_comment_"+strconv.Itoa(i+1), &k.ExtraComments[i])
	}
	if fields, ok := c.params["custom_fields"].(map[string]any); ok {
		k.CustomFields = maps.Clone(k.CustomFields)
		if k.CustomFields == nil {
			k.CustomFields = map[string]string{}
		}
		for id, v := range fields {
			k.CustomFields[id] = asText(v)
		}
	}
	s.state.change(k)
	return success(func(e *encoder) { s.state.writeContact(e, &k, true) })
}

// isAddress says whether a text can stand in a client's phone field: 10 to 14
// digits, or an address such as "[tg] 807892".
func isAddress(text string) bool {
	if rest, ok := strings.CutPrefix(text, "["); ok {
		name, address, ok := strings.Cut(rest, "] ")
		return ok && name != "" && strings.TrimSpace(address) != ""
	}
	return len(text) >= 10 && len(text) <= 14 && strings.Trim(text, "0123456789") == ""
}

// dayLayout is the only format that the filters of messages take.
const dayLayout = "02-01-2006"

// parseMoment reads the formats that a filter for a moment is known to get.
func parseMoment(text string, loc *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	for _, layout := range []string{dayLayout, time.DateOnly, createdLayout, time.RFC3339, time.DateTime} {
		in := loc
		if layout == createdLayout {
			in = time.UTC
		}
		if t, err := time.ParseInLocation(layout, text, in); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
