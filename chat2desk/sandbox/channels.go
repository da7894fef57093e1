package sandbox

import "slices"

func writeChannel(e *encoder, ch Channel) {
	e.open('{')
	e.number("id", ch.ID)
	e.string("name", ch.Name)
	e.orNull("phone", ch.Phone)
	e.texts("transports", ch.Transports)
	e.close('}')
}

func (s *state) channel(id int64) (Channel, bool) {
	i := slices.IndexFunc(s.w.Channels, func(ch Channel) bool { return ch.ID == id })
	if i < 0 {
		return Channel{}, false
	}
	return s.w.Channels[i], true
}

// listChannels has one page where offset is dead: the rest cannot be had.
func (s *Server) listChannels(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	all := s.state.w.Channels
	if phone := c.params.text("phone"); phone != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(ch Channel) bool { return ch.Phone != phone })
	}
	p := c.params.page()
	if s.options.DeadOffset && p.offset > 0 {
		p.offset = len(all)
	}
	return list(p, len(all), func(e *encoder, i int) { writeChannel(e, all[i]) })
}

func (s *Server) showChannel(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	ch, ok := s.state.channel(c.id())
	if !ok {
		return notFound("channel not found")
	}
	return success(func(e *encoder) { writeChannel(e, ch) })
}
