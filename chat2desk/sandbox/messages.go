package sandbox

import (
	"cmp"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
)

// messageKey names one message and where to find it.
type messageKey struct{ id, client int64 }

// span is a range of days; the zero value holds every moment.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool {
	return (s.from.IsZero() || !t.Before(s.from)) && (s.to.IsZero() || t.Before(s.to))
}

// readSpan reads start_date and finish_date: strictly dd-mm-yyyy, days of the
// company, the last one not included.
func (s *Server) readSpan(p params) (span, *answer) {
	var out span
	for name, to := range map[string]*time.Time{"start_date": &out.from, "finish_date": &out.to} {
		if !p.has(name) {
			continue
		}
		t, err := time.ParseInLocation(dayLayout, p.text(name), s.state.loc)
		if err != nil {
			a := invalid(name, "wrong date format, use dd-mm-yyyy")
			return span{}, &a
		}
		*to = t
	}
	return out, nil
}

// messageFilter is what a listing of messages can be asked for; request_id is
// not among it, and so ignored.
type messageFilter struct {
	client             int64
	byClient           bool
	channel, operator  string
	dialog             string
	transport, kind    string
	read               string
	span               span
	start              int64
	started, backwards bool
}

func (s *Server) readMessageFilter(p params) (messageFilter, *answer) {
	var refused *answer
	f := messageFilter{
		byClient: p.has("client_id"), channel: p.text("channel_id"), operator: p.text("operator_id"), dialog: p.text("dialog_id"),
		transport: p.text("transport"), kind: p.text("type"), read: p.text("read"), backwards: p.bool("direction_reverse", false),
	}
	f.client, _ = p.number("client_id")
	f.start, f.started = p.number("start_id")
	if f.span, refused = s.readSpan(p); refused != nil {
		return f, refused
	}
	if f.started && f.span != (span{}) {
		a := invalid("start_id", "use the date filter and start_id separately")
		return f, &a
	}
	return f, nil
}

func (f *messageFilter) fits(m *Message) bool {
	same := func(want string, have int64) bool { return want == "" || want == strconv.FormatInt(have, 10) }
	switch {
	case f.started && !f.backwards && m.ID < f.start, f.started && f.backwards && m.ID > f.start:
		return false
	case f.transport != "" && f.transport != m.Transport, f.kind != "" && f.kind != m.Type:
		return false
	case !same(f.channel, m.ChannelID), !same(f.operator, m.OperatorID), !same(f.dialog, m.DialogID):
		return false
	case f.read != "" && (f.read == "1" || f.read == "true") != m.Read:
		return false
	}
	return f.span.holds(m.Created)
}

// listMessages gives histories, of one client as a rule.
func (s *Server) listMessages(c *call) answer {
	f, refused := s.readMessageFilter(c.params)
	if refused != nil {
		return *refused
	}
	p := c.params.page()
	asked := p.offset
	if s.options.DeadOffset {
		p.offset = 0 // the same first page for ever
	}
	desc := c.params.text("order") == "desc" || (f.started && f.backwards)
	place := func(i, total int) int {
		if desc {
			return total - 1 - i
		}
		return i
	}
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	var a answer
	if f.byClient {
		all := slices.DeleteFunc(s.state.history(f.client), func(m Message) bool { return !f.fits(&m) })
		from, to := p.of(len(all))
		p.offset = asked
		a = rows(p, strconv.Itoa(len(all)), to-from, func(e *encoder, i int) { s.writeListed(e, all[place(from+i, len(all))]) })
		return a
	}
	keys := s.state.scan(f)
	from, to := p.of(len(keys))
	p.offset = asked
	return rows(p, strconv.Itoa(len(keys)), to-from, func(e *encoder, i int) {
		k := keys[place(from+i, len(keys))]
		m, _ := messageIn(s.state.history(k.client), k.id)
		s.writeListed(e, m)
	})
}

// scan gives the messages of everybody that fit, in the order of their ids.
func (s *state) scan(f messageFilter) []messageKey {
	return s.scans.get(f.name(s), func() []messageKey {
		var keys []messageKey
		look := func(client int64) {
			for _, m := range s.history(client) {
				if f.fits(&m) {
					keys = append(keys, messageKey{m.ID, client})
				}
			}
		}
		for pos := range s.people() {
			look(s.idAt(pos))
		}
		slices.SortFunc(keys, func(a, b messageKey) int { return cmp.Compare(a.id, b.id) })
		return keys
	})
}

// name tells filters, and states of the world's messages, apart.
func (f messageFilter) name(s *state) string {
	parts := []string{
		strconv.Itoa(s.accepted.count()), strconv.Itoa(s.injected), strconv.Itoa(len(s.created)), strconv.Itoa(s.marks),
		f.channel, f.operator, f.dialog, f.transport, f.kind, f.read,
		strconv.FormatInt(f.span.from.Unix(), 10), strconv.FormatInt(f.span.to.Unix(), 10),
		strconv.FormatInt(f.start, 10), strconv.FormatBool(f.started), strconv.FormatBool(f.backwards),
	}
	return strings.Join(parts, "\x00")
}

// writeListed writes a message as this instance's histories have it.
func (s *Server) writeListed(e *encoder, m Message) {
	if s.options.NoExternalID {
		m.ExternalID = ""
	}
	if s.options.EscapeTexts {
		m.Text = html.EscapeString(m.Text)
	}
	writeMessage(e, &m)
}

func writeMessage(e *encoder, m *Message) {
	e.open('{')
	e.number("id", m.ID)
	e.orNull("text", m.Text)
	e.member("coordinates", "null")
	e.orNull("transport", m.Transport)
	e.orNull("type", m.Type)
	e.bit("read", m.Read)
	e.time("created", m.Created)
	e.orNull("pdf", m.PDF)
	e.orNull("photo", m.Photo)
	e.member("video", "null")
	e.member("audio", "null")
	e.member("remote_id", "null")
	e.member("recipient_status", "null")
	e.orNull("status", m.Status)
	e.member("ai_tips", "null")
	e.bool("is_new", m.Type == "from_client" && !m.Read)
	e.id("dialog_id", m.DialogID)
	e.id("operator_id", m.OperatorID)
	e.id("channel_id", m.ChannelID)
	e.number("client_id", m.ClientID)
	e.id("request_id", m.RequestID)
	e.orNull("external_id", m.ExternalID)
	e.key("attachments")
	if m.Attachment == "" && m.Photo == "" {
		e.raw("null")
	} else {
		link := m.Attachment
		if link == "" {
			link = "https://storage.example.com/" + m.Photo
		}
		e.open('[')
		e.open('{')
		e.string("name", link[strings.LastIndexByte(link, '/')+1:])
		e.string("link", link)
		e.close('}')
		e.close(']')
	}
	e.member("extra_data", "{}")
	e.close('}')
}

func (s *Server) showMessage(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	m, ok := s.state.message(c.id())
	if !ok {
		return notFound("message not found")
	}
	return success(func(e *encoder) { writeMessage(e, &m) })
}

func (s *Server) markRead(c *call) answer   { return s.mark(c, true) }
func (s *Server) markUnread(c *call) answer { return s.mark(c, false) }

// mark sets the read mark; it is a GET that changes state, as the API has it.
func (s *Server) mark(c *call, read bool) answer {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	m, ok := s.state.message(c.id())
	if !ok {
		return notFound("message not found")
	}
	s.state.reads[m.ID] = read
	s.state.marks++
	return done()
}

// transfer gives the dialog of a message to an operator.
func (s *Server) transfer(c *call) answer {
	id, _ := c.params.number("operator_id")
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	m, ok := s.state.message(c.id())
	if !ok {
		return notFound("message not found")
	}
	if _, ok := s.state.operator(id); !ok {
		return notFound("operator not found")
	}
	s.state.handOver(m, id, s.now())
	return done()
}

// transferToGroup gives the dialog of a message to the first of a group.
func (s *Server) transferToGroup(c *call) answer {
	id, _ := c.params.number("group_id")
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	m, ok := s.state.message(c.id())
	if !ok {
		return notFound("message not found")
	}
	for _, g := range s.state.w.Groups {
		if g.ID == id && len(g.OperatorIDs) > 0 {
			s.state.handOver(m, g.OperatorIDs[0], s.now())
			return done()
		}
	}
	return notFound("operator group not found")
}

// handOver moves a dialog, which operator_events then shows.
func (s *state) handOver(m Message, to int64, now time.Time) {
	d, ok := s.dialog(m.DialogID)
	if !ok {
		return
	}
	now = now.UTC().Truncate(time.Second)
	from := d.OperatorID
	d.OperatorID, d.Open, d.Ended = to, true, time.Time{}
	s.moved[d.ID] = d
	s.w.Events = append(s.w.Events,
		Event{At: now, OperatorID: from, Kind: "transfer_chat", DialogID: d.ID},
		Event{At: now, OperatorID: to, Kind: "take_chat", DialogID: d.ID})
}
