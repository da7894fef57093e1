package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// requestRow is one request as statistics count it.
type requestRow struct {
	id                 int64
	client             int64
	operator           int64
	channel            int64
	transport          string
	start, end         time.Time // end is zero while the request is open
	reaction           time.Duration
	answered           bool
	incoming, outgoing int64
	rated              bool
}

// statistics is GET /v1/statistics: one report of one day, in the company's
// local time, newest first.
func (s *Server) statistics(c *call) answer {
	report := c.params.text("report")
	if !slices.Contains([]string{"request_stats", "rating", "operator_stats", "operator_replies", "operator_events"}, report) {
		return invalid("report", "unknown report")
	}
	day, err := time.ParseInLocation(time.DateOnly, c.params.text("date"), s.state.loc)
	if err != nil {
		return invalid("date", "wrong date format, use YYYY-MM-DD")
	}
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	within := span{from: day, to: day.AddDate(0, 0, 1)}
	p := c.params.page()
	if report == "operator_events" {
		return s.state.operatorEvents(p, within)
	}
	all := s.state.requestRows(within)
	if report == "operator_stats" {
		return s.state.operatorStats(p, day, all)
	}
	if report == "rating" {
		all = slices.DeleteFunc(slices.Clone(all), func(r requestRow) bool { return !r.rated })
	}
	return reportPage(p, len(all), func(e *encoder, i int) {
		switch report {
		case "request_stats":
			s.state.writeRequestStats(e, all[i])
		case "operator_replies":
			s.state.writeOperatorReply(e, all[i])
		default:
			s.state.writeRating(e, all[i])
		}
	})
}

// reportPage has the total as a string, as some versions do.
func reportPage(p page, total int, row func(e *encoder, i int)) answer {
	from, to := p.of(total)
	return rows(p, strconv.Quote(strconv.Itoa(total)), to-from, func(e *encoder, i int) { row(e, from+i) })
}

// localTime writes a moment as statistics do; no moment is "".
func (s *state) localTime(e *encoder, name string, t time.Time) {
	if t.IsZero() {
		e.string(name, "")
		return
	}
	e.string(name, t.In(s.loc).Format(time.DateTime))
}

// operatorEvents gives what operators did; hand-overs are rows of their own.
func (s *state) operatorEvents(p page, within span) answer {
	var all []Event
	for _, ev := range s.w.Events {
		if within.holds(ev.At) {
			all = append(all, ev)
		}
	}
	return reportPage(p, len(all), func(e *encoder, i int) {
		ev := all[len(all)-1-i]
		o, _ := s.operator(ev.OperatorID)
		e.open('{')
		e.id("operator_id", ev.OperatorID)
		e.string("operator_name", o.fullName())
		e.string("operator_role", o.Role)
		e.key("operator_groups")
		e.open('[')
		for _, g := range s.w.Groups {
			if slices.Contains(g.OperatorIDs, o.ID) {
				e.text(g.Name)
			}
		}
		e.close(']')
		e.string("event", ev.Kind)
		if ev.DialogID == 0 {
			e.string("dialog_id", "")
		} else {
			e.number("dialog_id", ev.DialogID)
		}
		s.localTime(e, "created_at", ev.At)
		e.string("status_duration", digitsOrEmpty(int64(ev.Duration/time.Second)))
		e.close('}')
	})
}

// requestRows gives the requests that began within a day, newest first.
func (s *state) requestRows(within span) []requestRow {
	name := within.from.Format(time.DateOnly) + " " + strconv.Itoa(s.injected)
	return s.sessions.get(name, func() []requestRow {
		var all []requestRow
		for pos := range s.people() {
			all = appendRequests(all, s.baseHistory(pos), within)
		}
		slices.SortFunc(all, func(a, b requestRow) int {
			return cmp.Or(b.start.Compare(a.start), cmp.Compare(b.id, a.id))
		})
		return all
	})
}

// baseHistory is the history of a position without what callers sent.
func (s *state) baseHistory(pos int) []Message {
	if n := pos - len(s.w.Contacts); n >= 0 && n < s.crowd.count {
		if p := s.crowd.person(n); p.last.IsZero() {
			return nil
		}
		return s.crowd.history(n)
	}
	return s.messages[s.idAt(pos)]
}

// appendRequests adds the requests of one history that began within a day.
func appendRequests(all []requestRow, history []Message, within span) []requestRow {
	var r *requestRow
	for _, m := range history {
		if m.RequestID == 0 {
			continue
		}
		if r == nil || r.id != m.RequestID {
			r = nil
			if m.Type != "from_client" || !within.holds(m.Created) {
				continue
			}
			all = append(all, requestRow{
				id: m.RequestID, client: m.ClientID, operator: m.OperatorID, channel: m.ChannelID, transport: m.Transport, start: m.Created,
			})
			r = &all[len(all)-1]
		}
		switch m.Type {
		case "from_client":
			r.incoming++
			r.end = time.Time{}
		case "to_client":
			if r.outgoing++; !r.answered {
				r.answered, r.reaction = true, m.Created.Sub(r.start)
			}
			r.end = m.Created
			if r.operator == 0 {
				r.operator = m.OperatorID
			}
		case "":
			r.rated = true
		}
	}
	return all
}

func (s *state) writeRequestStats(e *encoder, r requestRow) {
	k, _ := s.contact(r.client)
	o, _ := s.operator(r.operator)
	ch, _ := s.channel(r.channel)
	e.open('{')
	e.number("request_id", r.id)
	s.localTime(e, "request_start", r.start)
	s.localTime(e, "request_end", r.end)
	if r.end.IsZero() {
		e.string("request_time", "")
	} else {
		e.digits("request_time", int64(r.end.Sub(r.start)/time.Second))
	}
	e.string("reaction_time", digitsOrEmpty(int64(r.reaction/time.Second)))
	e.string("request_type", "common")
	e.string("transport", r.transport)
	e.id("channel_id", r.channel)
	e.string("channel_name", ch.Name)
	e.number("client_id", r.client)
	e.orNull("client_name", k.Name)
	e.orNull("phone", k.Phone)
	e.orNull("assigned_phone", k.AssignedPhone)
	e.id("operator_id", r.operator)
	e.string("operator_name", o.fullName())
	e.digits("incoming_messages", r.incoming)
	e.digits("outgoing_messages", r.outgoing)
	e.digits("replies", r.outgoing)
	e.string("average_replies_time", digitsOrEmpty(int64(r.reaction/time.Second)))
	e.string("total_replies_time", digitsOrEmpty(int64(r.reaction/time.Second)*max(1, r.outgoing)))
	score := ""
	if r.rated {
		score = score5(r.id)
	}
	e.string("rating_scale_score", score)
	e.string("rating_text", "")
	e.close('}')
}

// score5 is the rating of a request that has one.
func score5(request int64) string { return strconv.FormatInt(3+request/requestIDStep%3, 10) + ".0" }

func (s *state) writeOperatorReply(e *encoder, r requestRow) {
	o, _ := s.operator(r.operator)
	e.open('{')
	e.number("request_id", r.id)
	e.id("operator_id", r.operator)
	e.string("operator_name", o.fullName())
	e.string("reaction_time", digitsOrEmpty(int64(r.reaction/time.Second)))
	e.string("working_reaction_time", digitsOrEmpty(int64(r.reaction/time.Second)))
	e.digits("replies", r.outgoing)
	e.close('}')
}

func (s *state) writeRating(e *encoder, r requestRow) {
	k, _ := s.contact(r.client)
	o, _ := s.operator(r.operator)
	ch, _ := s.channel(r.channel)
	e.open('{')
	e.string("operator_name", o.fullName())
	s.localTime(e, "created_at", r.end)
	e.number("rating_id", r.id+1)
	e.number("rating_scale_id", 1)
	e.string("rating_scale_score", score5(r.id))
	e.string("score_value", score5(r.id))
	e.number("request_id", r.id)
	e.number("valuation_request_id", r.id+1)
	e.orNull("phone", k.Phone)
	e.string("channel_name", ch.Name)
	e.close('}')
}

// operatorStats sums the requests of a day up, one row for each operator.
func (s *state) operatorStats(p page, day time.Time, all []requestRow) answer {
	return reportPage(p, len(s.w.Operators), func(e *encoder, i int) {
		o := s.w.Operators[i]
		var took, replied int64
		for _, r := range all {
			if r.operator == o.ID {
				took++
				if r.answered {
					replied++
				}
			}
		}
		e.open('{')
		e.number("operator_id", o.ID)
		e.string("operator_name", o.fullName())
		e.string("date", day.Format(time.DateOnly))
		e.digits("requests_took_part", took)
		e.digits("requests_replied_first", replied)
		e.close('}')
	})
}
