package sqlite

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// TestDraftOfALargePlan finds each duplicate among more rows than a draft keeps
// in memory, and invents none.
func TestDraftOfALargePlan(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := openNew(t)
	opened, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	d := opened.(*draft)
	const people = 40_000
	for n := range people {
		seen, err := d.Add(t.Context(), identity(n), [32]byte{byte(n)}, int64(n))
		require.NoError(t, err)
		require.Equal(t, ledger.Seen{Prior: -1}, seen)
	}
	require.NotNil(t, d.rows.file, "a large draft uses a file")
	for n := 0; n < people; n += 997 {
		seen, err := d.Add(t.Context(), identity(n), [32]byte{byte(n)}, int64(people+n))
		require.NoError(t, err)
		require.Equal(t, ledger.Seen{Prior: int64(n), SameContent: true}, seen)
	}
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "closing twice is nothing")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestDraftKnowsItsScope sees what the ledger remembers of the flow and campaign,
// and looks at no other's.
func TestDraftKnowsItsScope(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	for _, scope := range []struct {
		flow, campaign string
		known          bool
	}{{"spring", "default", true}, {"spring", "autumn", false}, {"winter", "default", false}} {
		d, err := s.Draft(t.Context(), scope.flow, scope.campaign)
		require.NoError(t, err)
		seen, err := d.Add(t.Context(), identity(1), [32]byte{}, 1)
		require.NoError(t, err)
		require.Equal(t, scope.known, seen.Record != nil, "%v", scope)
		require.NoError(t, d.Close())
	}
}

// TestSieve never loses what was added, and is seldom wrong about the rest, however
// many layers it has.
func TestSieve(t *testing.T) {
	const people = (firstBlocks+sieveBlocks)*512/16 + 1000
	s := &sieve{}
	for n := range people {
		s.add(identity(n))
	}
	require.Len(t, s.layers, 3)
	wrong := 0
	for n := range people {
		require.True(t, s.has(identity(n)))
		require.True(t, s.add(identity(n)))
		if s.has(identity(people + n)) {
			wrong++
		}
	}
	require.Less(t, wrong, people/200)
	require.Len(t, s.layers, 3)
}

// TestASieveHasABound takes more than it is made for, into its last layer.
func TestASieveHasABound(t *testing.T) {
	s := &sieve{layers: make([]sieveLayer, maxLayers)}
	for i := range s.layers {
		s.layers[i] = newSieveLayer(firstBlocks)
	}
	s.count = s.layers[0].holds()
	for n := range 1000 {
		s.add(identity(n))
		require.True(t, s.has(identity(n)))
	}
	require.Len(t, s.layers, maxLayers)
}

// TestAFullSieveIsStillRight lets every lookup go to the rows and the ledger.
func TestAFullSieveIsStillRight(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(3, "r1")))
	opened, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	d := opened.(*draft)
	d.sieve.add(identity(99)) // so that it has a layer
	for i := range firstBlocks {
		for j := range 8 {
			d.sieve.layers[0][i][j], d.known.layers[0][i][j] = ^uint64(0), ^uint64(0)
		}
	}
	for n := range 10 {
		seen, err := d.Add(t.Context(), identity(n), [32]byte{}, int64(n))
		require.NoError(t, err)
		require.Equal(t, int64(-1), seen.Prior)
		require.Equal(t, n == 3, seen.Record != nil)
	}
	require.NoError(t, d.Close())
}
