package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (s *state) writeDialog(e *encoder, d *Dialog) {
	e.open('{')
	e.number("id", d.ID)
	if d.Open {
		e.string("state", "open")
	} else {
		e.string("state", "closed")
	}
	e.time("begin", d.Began)
	e.time("end", d.Ended)
	e.id("operator_id", d.OperatorID)
	e.number("client_id", d.ClientID)
	e.id("channel_id", d.ChannelID)
	all := s.history(d.ClientID)
	count, last := 0, -1
	for i := range all {
		if all[i].DialogID == d.ID {
			count, last = count+1, i
		}
	}
	e.digits("messages", int64(count)) // a string here, a number in other versions
	e.key("last_message")
	if last < 0 {
		e.raw("null")
	} else {
		writeMessage(e, &all[last])
	}
	e.close('}')
}

// dialogsAt gives the dialogs of a position: one for each of the crowd.
func (s *state) dialogsAt(pos int) []Dialog { return s.dialogsOf(s.idAt(pos)) }

// listDialogs honours operator_id, state, order, limit and offset; client_id
// is ignored, as in the real one.
func (s *Server) listDialogs(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	operator, byOperator := c.params.number("operator_id")
	state := c.params.text("state")
	var all []Dialog
	for pos := range s.state.people() {
		for _, d := range s.state.dialogsAt(pos) {
			if (byOperator && d.OperatorID != operator) || (state == "open" && !d.Open) || (state == "closed" && d.Open) {
				continue
			}
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Dialog) int { return cmp.Compare(a.ID, b.ID) })
	if c.params.text("order") == "desc" {
		slices.Reverse(all)
	}
	return list(c.params.page(), len(all), func(e *encoder, i int) { s.state.writeDialog(e, &all[i]) })
}

// unanswered lists dialogs whose client has waited for more than limit, which
// is in seconds here.
func (s *Server) unanswered(c *call) answer {
	limit, ok := c.params.number("limit")
	if !ok || limit < 0 {
		limit = 600
	}
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	due := s.now().Add(-time.Duration(min(limit, 1<<31)) * time.Second)
	var all []Dialog
	for pos := range s.state.people() {
		if n := pos - len(s.state.w.Contacts); n >= 0 && n < s.state.crowd.count {
			if p := s.state.crowd.person(n); !p.unanswered && len(s.state.messages[s.state.idAt(pos)]) == 0 {
				continue
			}
		}
		for _, d := range s.state.dialogsAt(pos) {
			if at := s.state.waitingSince(d); !at.IsZero() && at.Before(due) {
				all = append(all, d)
			}
		}
	}
	p := page{limit: max(len(all), 1)}
	return list(p, len(all), func(e *encoder, i int) { s.state.writeDialog(e, &all[i]) })
}

// waitingSince is when the client of a dialog wrote last, zero when answered.
func (s *state) waitingSince(d Dialog) time.Time {
	for _, m := range slices.Backward(s.history(d.ClientID)) {
		if m.DialogID != d.ID {
			continue
		}
		switch m.Type {
		case "from_client":
			return m.Created
		case "to_client":
			return time.Time{}
		}
	}
	return time.Time{}
}

func (s *Server) showDialog(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	d, ok := s.state.dialog(c.id())
	if !ok {
		return notFound("not_found")
	}
	return success(func(e *encoder) { s.state.writeDialog(e, &d) })
}

// updateDialog sets operator and state.
func (s *Server) updateDialog(c *call) answer {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	d, ok := s.state.dialog(c.id())
	if !ok {
		return notFound("not_found")
	}
	if id, ok := c.params.number("operator_id"); ok {
		if _, ok := s.state.operator(id); !ok {
			return problem(http.StatusBadRequest, "operator not found", "")
		}
		d.OperatorID = id
	}
	switch c.params.text("state") {
	case "":
	case "open":
		d.Open, d.Ended = true, time.Time{}
	case "closed":
		d.Open, d.Ended = false, s.now().UTC()
	default:
		return invalid("state", "is not included in the list")
	}
	s.state.moved[d.ID] = d
	return success(func(e *encoder) { s.state.writeDialog(e, &d) })
}

// request gives the messages of one request.
func (s *state) request(id int64) []Message {
	if _, own := s.crowd.findRequest(id); len(own) > 0 {
		return own
	}
	var own []Message
	for _, all := range s.messages {
		for _, m := range all {
			if m.RequestID == id && id != 0 {
				own = append(own, m)
			}
		}
	}
	slices.SortFunc(own, byMessageID)
	return own
}

func (s *Server) showRequest(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	own := s.state.request(c.id())
	if len(own) == 0 {
		return notFound("request not found")
	}
	return success(func(e *encoder) {
		e.open('{')
		e.number("id", c.id())
		e.id("dialog_id", own[0].DialogID)
		e.number("client_id", own[0].ClientID)
		e.key("tags")
		e.open('[')
		for _, t := range s.state.requests[c.id()] {
			e.int(t)
		}
		e.close(']')
		e.close('}')
	})
}

// requestMessages is a bare array without an envelope, in shapes of its own.
func (s *Server) requestMessages(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	own := s.state.request(c.id())
	if len(own) == 0 {
		return notFound("request not found")
	}
	var e encoder
	e.open('[')
	for _, m := range own {
		e.open('{')
		e.number("id", m.ID)
		e.orNull("text", m.Text)
		if m.Type == "from_client" {
			e.string("type", "in")
		} else {
			e.string("type", "out")
		}
		e.id("operatorID", m.OperatorID)
		e.number("created", m.Created.Unix())
		e.string("transport", m.Transport)
		e.close('}')
	}
	e.close(']')
	return answer{body: e.b}
}

// digitsOrEmpty writes statistics' "no data", which is "" and not zero.
func digitsOrEmpty(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
