package sandbox

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEverybodyButThoseWhoAreGone holds the listing of everybody against a count by
// hand, as people go and come.
func TestEverybodyButThoseWhoAreGone(t *testing.T) {
	s := newState(Generate(3, 300, noon))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var want []int
		for pos := range s.people() {
			if !s.gone[s.idAt(pos)] {
				want = append(want, pos)
			}
		}
		l := s.listing(contactFilter{})
		require.Equal(t, len(want), l.count)
		for i, pos := range want {
			require.Equal(t, pos, l.at(i))
		}
		s.remove(l.at(rnd.IntN(l.count)))
		if rnd.IntN(3) == 0 {
			s.create(Contact{Name: "New"})
		}
		s.remove(s.gaps[0]) // once more is nothing
	}
}
