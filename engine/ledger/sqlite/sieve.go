package sqlite

import (
	"encoding/binary"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// sieve is a Bloom filter of identities: what it does not have was never added,
// what it has was added perhaps. It grows by a layer at a time up to a bound, of which
// the first is small, as most plans are. With a million identities it is wrong once in
// 200 times; with more than it is made for it is wrong often, which costs a look and
// nothing else.
type sieve struct {
	layers []sieveLayer
	count  int // identities in the last layer
}

// sieveLayer has its bits in blocks of a cache line each. An identity has all of its
// bits in one of them, so a look into a layer waits for memory once.
type sieveLayer [][8]uint64

// How many blocks a layer has is a power of two.
const (
	firstBlocks = 1 << 10 // 64 KiB, for 32,768 identities
	sieveBlocks = 1 << 13 // 512 KiB, for 262,144
	sieveProbes = 6
	maxLayers   = 17 // 8 MiB, four million identities
)

// holds is how many identities a layer is made for, at 16 bits each.
func (l sieveLayer) holds() int { return len(l) * 512 / 16 }

// newSieveLayer has its memory at once. The system gives a page that is looked at before
// it is written twice, and the second time all cores stop for it; identities are looked
// for before they are added, and everywhere.
func newSieveLayer(blocks int) sieveLayer {
	const page = 4096 / 64 // blocks
	l := make(sieveLayer, blocks)
	for i := 0; i < blocks; i += page {
		l[i][0] = 0
	}
	return l
}

// at gives the block of an identity and its bits there, of nine digits each. An
// identity is a SHA-256 already, so its own bytes are as good as any hash of them.
func (l sieveLayer) at(id ledger.Identity) (block *[8]uint64, bits uint64) {
	return &l[binary.LittleEndian.Uint16(id[:])&uint16(len(l)-1)], binary.LittleEndian.Uint64(id[8:])
}

func (l sieveLayer) has(id ledger.Identity) bool {
	block, bits := l.at(id)
	for range sieveProbes {
		if block[bits>>6&7]&(1<<(bits&63)) == 0 {
			return false
		}
		bits >>= 9
	}
	return true
}

func (l sieveLayer) add(id ledger.Identity) {
	block, bits := l.at(id)
	for range sieveProbes {
		block[bits>>6&7] |= 1 << (bits & 63)
		bits >>= 9
	}
}

func (s *sieve) has(id ledger.Identity) bool {
	for _, l := range s.layers {
		if l.has(id) {
			return true
		}
	}
	return false
}

// add reports whether the identity was there before, perhaps.
func (s *sieve) add(id ledger.Identity) bool {
	if s.has(id) {
		return true
	}
	switch n := len(s.layers); {
	case n == 0:
		s.layers = append(s.layers, newSieveLayer(firstBlocks))
	case n < maxLayers && s.count >= s.layers[n-1].holds():
		s.layers, s.count = append(s.layers, newSieveLayer(sieveBlocks)), 0
	}
	s.layers[len(s.layers)-1].add(id)
	s.count++
	return false
}
