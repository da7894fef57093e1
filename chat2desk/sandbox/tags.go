package sandbox

import (
	"slices"
)

func (s *state) writeTag(e *encoder, t Tag) {
	e.open('{')
	e.number("id", t.ID)
	e.id("group_id", t.GroupID)
	group := ""
	for _, g := range s.w.TagGroups {
		if g.ID == t.GroupID {
			group = g.Name
		}
	}
	e.orNull("group_name", group)
	e.string("label", t.Label)
	e.string("description", t.Description)
	e.close('}')
}

func (s *state) tag(id int64) (Tag, bool) {
	i := slices.IndexFunc(s.w.Tags, func(t Tag) bool { return t.ID == id })
	if i < 0 {
		return Tag{}, false
	}
	return s.w.Tags[i], true
}

func (s *Server) listTags(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return list(c.params.page(), len(s.state.w.Tags), func(e *encoder, i int) { s.state.writeTag(e, s.state.w.Tags[i]) })
}

func (s *Server) showTag(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	t, ok := s.state.tag(c.id())
	if !ok {
		return notFound("tag not found")
	}
	return success(func(e *encoder) { s.state.writeTag(e, t) })
}

func (s *Server) createTag(c *call) answer {
	if !c.params.has("tag_label") {
		return invalid("tag_label", "can't be blank")
	}
	group, _ := c.params.number("tag_group_id")
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if !slices.ContainsFunc(s.state.w.TagGroups, func(g TagGroup) bool { return g.ID == group }) {
		return invalid("tag_group_id", "tag group not found")
	}
	s.state.lastTag++
	t := Tag{ID: s.state.lastTag, GroupID: group, Label: c.params.text("tag_label"), Description: c.params.text("tag_description")}
	s.state.w.Tags = append(slices.Clip(s.state.w.Tags), t)
	return success(func(e *encoder) { s.state.writeTag(e, t) })
}

func writeTagGroup(e *encoder, g TagGroup) {
	e.open('{')
	e.number("id", g.ID)
	e.string("name", g.Name)
	e.close('}')
}

func (s *Server) listTagGroups(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return list(c.params.page(), len(s.state.w.TagGroups), func(e *encoder, i int) { writeTagGroup(e, s.state.w.TagGroups[i]) })
}

func (s *Server) createTagGroup(c *call) answer {
	if !c.params.has("tag_group_name") {
		return invalid("tag_group_name", "can't be blank")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	g := TagGroup{ID: 1, Name: c.params.text("tag_group_name")}
	for _, other := range s.state.w.TagGroups {
		g.ID = max(g.ID, other.ID+1)
	}
	s.state.w.TagGroups = append(slices.Clip(s.state.w.TagGroups), g)
	return success(func(e *encoder) { writeTagGroup(e, g) })
}

// assignTags gives tags to a client or a request; a tag that is there already
// does no harm.
func (s *Server) assignTags(c *call) answer {
	tags := c.params.numbers("tag_ids")
	if len(tags) == 0 {
		return invalid("tag_ids", "can't be blank")
	}
	id, _ := c.params.number("assignee_id")
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	for _, t := range tags {
		if _, ok := s.state.tag(t); !ok {
			return invalid("tag_ids", "tag not found")
		}
	}
	switch c.params.text("assignee_type") {
	case "client":
		k, ok := s.state.contact(id)
		if !ok {
			return invalid("assignee_id", "client not found")
		}
		k.Tags = withTags(k.Tags, tags)
		s.state.change(k)
	case "request":
		if len(s.state.request(id)) == 0 {
			return invalid("assignee_id", "request not found")
		}
		s.state.requests[id] = withTags(s.state.requests[id], tags)
	default:
		return invalid("assignee_type", "is not included in the list")
	}
	return done()
}

func withTags(have, more []int64) []int64 {
	out := slices.Clone(have)
	for _, t := range more {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// removeTag takes a tag from a client or a request, named in the body of a
// DELETE.
func (s *Server) removeTag(c *call) answer {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	tag := c.id()
	if _, ok := s.state.tag(tag); !ok {
		return notFound("tag not found")
	}
	without := func(have []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(have), func(t int64) bool { return t == tag })
	}
	if request, ok := c.params.number("request_id"); ok {
		s.state.requests[request] = without(s.state.requests[request])
		return done()
	}
	id, ok := c.params.number("client_id")
	if !ok {
		return invalid("client_id", "can't be blank")
	}
	k, ok := s.state.contact(id)
	if !ok {
		return notFound("client not found")
	}
	k.Tags = without(k.Tags)
	s.state.change(k)
	return done()
}
