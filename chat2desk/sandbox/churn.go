package sandbox

import "strconv"

// Churn changes the people while they are being listed, so that pages shift
// under whoever reads them by offset.
type Churn struct {
	Delete int // people deleted after each page, from among those already listed
	Insert int // people who come in after each page
	Pages  int // only after so many pages; 0 is after every one

	// PerSecond is how often it happens, by the clock and not by the pages: what fell
	// due since the last page happens after the next one. 0 is once after each page.
	PerSecond float64
}

// churn happens after a page of clients was made.
func (s *Server) churn(p page, f contactFilter, desc bool) {
	rule := s.options.Churn
	if rule.Delete == 0 && rule.Insert == 0 {
		return
	}
	nth := s.pages.Add(1)
	if rule.Pages > 0 && nth > int64(rule.Pages) {
		return
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	times := 1
	if rule.PerSecond > 0 {
		if s.listed.IsZero() {
			s.listed = s.now()
		}
		due := int(s.now().Sub(s.listed).Seconds() * rule.PerSecond)
		times, s.churned = due-s.churned, due
	}
	d := rollFor(s.state.crowd.seed, uint64(nth), 'x')
	for range times {
		s.change(rule, p, f, desc, &d)
	}
}

// change deletes people and lets others come in once. The state is locked.
func (s *Server) change(rule Churn, p page, f contactFilter, desc bool, d *dice) {
	for range rule.Delete {
		people := s.state.listing(f)
		listed := min(p.offset+p.limit, people.count)
		if listed == 0 {
			break
		}
		i := d.below(listed)
		if desc {
			i = people.count - 1 - i
		}
		s.state.remove(people.at(i))
	}
	for range rule.Insert {
		k := Contact{Name: "New client", Phone: "7900" + strconv.FormatInt(1_000_000+s.state.lastContact%9_000_000, 10), Created: s.now().UTC()}
		for _, t := range s.state.w.Tags { // all of them, so that a listing by any tag shifts
			k.Tags = append(k.Tags, t.ID)
		}
		if len(s.state.w.Channels) > 0 {
			ch := s.state.w.Channels[0]
			k.Channels = []ContactChannel{{ch.ID, ch.Transports}}
		}
		s.state.create(k)
	}
}

// PresentThroughout gives the ids of everybody who was there at New and still
// is: a listing must have all of them.
func (s *Server) PresentThroughout() []int64 {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	var ids []int64
	for pos := range s.state.w.Count() {
		if id := s.state.idAt(pos); !s.state.gone[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
