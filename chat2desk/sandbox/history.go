package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// session is one conversation of a person, which the API calls a request.
type session struct {
	n          int
	start, end time.Time // the first and the last message of the client
	talk       talk
	cut        bool // nobody answered the last message
	rated      bool
	serial     int // the number that {n} stands for
	photo      bool
	auto       bool
}

// sessions gives the conversations of somebody who wrote, oldest first; the
// last one ends at p.last.
func (c *crowd) sessions(p *person) []session {
	d := rollFor(c.seed, uint64(p.n), 's')
	speech := locales[p.country.language]
	all := make([]session, p.talks)
	end := p.last
	for k := p.talks - 1; k >= 0; k-- {
		s := session{
			n: k, end: end, talk: pick(&d, speech.talks),
			serial: d.between(10_000, 99_999), rated: d.percent(15), photo: d.percent(6), auto: d.percent(12),
		}
		if k == p.talks-1 && p.refuses {
			s.talk = talk{s.talk[0], {'o', speech.offer}, {'c', pick(&d, speech.refusal)}}
		}
		if k == p.talks-1 && p.unanswered {
			s.talk = s.talk[:1]
		}
		s.cut = k == p.talks-1 && (p.unanswered || p.refuses)
		// At least two minutes a line keep the minutes of a history distinct.
		s.start = end.Add(-time.Duration(s.lastOfClient()*d.between(150, 1500)) * time.Second)
		all[k] = s
		end = s.start.Add(-time.Duration(d.between(4*24*60, 13*24*60)) * time.Minute)
	}
	return all
}

// lastOfClient is the line at which the session's end stands.
func (s *session) lastOfClient() int {
	for i := len(s.talk) - 1; i > 0; i-- {
		if s.talk[i].who == 'c' {
			return i
		}
	}
	return 0
}

func (c *crowd) requestID(n, session int) int64 {
	return firstRequestID + int64(n)*requestIDStep + int64(session)
}

// messageID grows with the minute, is even, and tells whose message it is.
// What is sent later takes odd ids, so the two never meet.
func (c *crowd) messageID(at time.Time, n int) int64 {
	minute := int64(at.Sub(messageEpoch) / time.Minute)
	return 2 * (minute*int64(c.count) + int64(n))
}

// owner finds the person of a generated message id.
func (c *crowd) owner(message int64) (int, bool) {
	if c.count == 0 || message <= 0 || message%2 != 0 {
		return 0, false
	}
	return int(message / 2 % int64(c.count)), true
}

// history gives the messages of person n, oldest first.
func (c *crowd) history(n int) []Message {
	p := c.person(n)
	if p.last.IsZero() {
		return nil
	}
	sessions := c.sessions(&p)
	all := make([]Message, 0, 6*len(sessions))
	for i := range sessions {
		all = c.appendSession(all, &p, &sessions[i])
	}
	return all
}

func (c *crowd) appendSession(all []Message, p *person, s *session) []Message {
	d := rollFor(c.seed, uint64(p.n), 'm', uint64(s.n))
	speech := locales[p.country.language]
	add := func(at time.Time, kind, text string) *Message {
		m := Message{
			ID: c.messageID(at, p.n), ClientID: c.id(p.n), Text: text, Type: kind, Created: at,
			Transport: p.route.transport, ChannelID: p.route.channel, Read: true, Status: "sent",
			DialogID: firstDialogID + int64(p.n), RequestID: c.requestID(p.n, s.n),
		}
		if kind == "from_client" || kind == "to_client" {
			m.OperatorID = p.operator
		}
		all = append(all, m)
		return &all[len(all)-1]
	}

	last := s.lastOfClient()
	at := s.end
	for i, l := range s.talk {
		text := strings.Replace(l.text, "{n}", strconv.Itoa(s.serial), 1)
		switch {
		case i <= last && last > 0:
			at = s.start.Add(s.end.Sub(s.start) * time.Duration(i) / time.Duration(last))
		case i > last && s.cut:
			return all
		case i > last:
			at = at.Add(time.Duration(d.between(61, 115)) * time.Second)
		}
		if l.who == 'c' {
			m := add(at, "from_client", text)
			m.Read = i != last || !s.cut || p.refuses
			if i == last && s.photo {
				m.Photo = "companies/company_4711/messages/" + at.Format("2006-1") + "/" + strconv.Itoa(s.serial) + ".jpg"
			}
		} else if m := add(at, "to_client", text); d.percent(2) {
			m.Status = "failed"
		}
		if i == 0 && s.auto && last > 0 {
			add(at.Add(time.Minute), "autoreply", speech.auto)
		}
	}
	if s.rated && !s.cut && c.now.Sub(at) > 10*time.Minute {
		add(at.Add(2*time.Minute), "system", speech.moved)
		add(at.Add(4*time.Minute), "", speech.rating)
	}
	return all
}

// findRequest gives the messages of a request.
func (c *crowd) findRequest(id int64) (n int, messages []Message) {
	n = int((id - firstRequestID) / requestIDStep)
	if id < firstRequestID || n >= c.count {
		return 0, nil
	}
	return n, slices.DeleteFunc(c.history(n), func(m Message) bool { return m.RequestID != id })
}
