package sandbox

import (
	"sort"
	"strconv"
	"time"
)

// contactFilter is what a listing of clients can be asked for.
type contactFilter struct {
	tags  []int64
	after time.Time
}

func (f contactFilter) all() bool { return len(f.tags) == 0 && f.after.IsZero() }

func (f contactFilter) name(version int) string {
	b := strconv.AppendInt(nil, int64(version), 10)
	b = strconv.AppendInt(append(b, '/'), f.after.Unix(), 10)
	for _, t := range f.tags {
		b = strconv.AppendInt(append(b, ','), t, 10)
	}
	return string(b)
}

// listing are the people that fit, in order. It is valid while the state is locked.
type listing struct {
	fit   []int32 // their positions; of everybody it is nil
	gaps  []int   // of everybody: the positions where nobody is any more
	count int
}

// at gives the position of the i-th person.
func (l listing) at(i int) int {
	if l.fit != nil {
		return int(l.fit[i])
	}
	// The gap number n lies behind gaps[n]-n people.
	return i + sort.Search(len(l.gaps), func(n int) bool { return l.gaps[n]-n > i })
}

// listing gives the people that fit. Everybody costs nothing, however many there are:
// people are computed when they are asked for.
func (s *state) listing(f contactFilter) listing {
	if f.all() {
		return listing{gaps: s.gaps, count: s.people() - len(s.gaps)}
	}
	fit := s.listings.get(f.name(s.version), func() []int32 {
		fit := make([]int32, 0, s.people())
		for pos := range s.people() {
			if len(f.tags) > 0 && !containsAny(s.tagsAt(pos), f.tags) {
				continue
			}
			if len(s.gone) > 0 && s.gone[s.idAt(pos)] {
				continue
			}
			if !f.after.IsZero() && !s.contactAt(pos).Created.After(f.after) {
				continue
			}
			fit = append(fit, int32(pos))
		}
		return fit
	})
	return listing{fit: fit, count: len(fit)}
}

// ofPhone are the people with a phone who fit.
func (s *state) ofPhone(phone string, f contactFilter) listing {
	fit := []int32{}
	for _, pos := range s.byPhone(phone) {
		if len(f.tags) == 0 || containsAny(s.tagsAt(pos), f.tags) {
			fit = append(fit, int32(pos))
		}
	}
	return listing{fit: fit, count: len(fit)}
}
