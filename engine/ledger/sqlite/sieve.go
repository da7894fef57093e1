package sqlite

import (
	"encoding/binary"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// sieve is a Bloom filter of identities: what it does not have was never added,
// what it has was added perhaps. Its size is fixed. With a million identities it
// is wrong once in 1,500 times; with many more it is wrong often, which costs a
// look and nothing else.
type sieve struct{ bits [sieveBits / 64]uint64 }

const (
	sieveBits   = 1 << 24 // 2 MiB
	sieveProbes = 6
)

// probes gives the bits of an identity. It is a SHA-256 already, so its own bytes
// are as good as any hash of them.
func (s *sieve) probes(id ledger.Identity) (bits [sieveProbes]uint32) {
	at, step := binary.LittleEndian.Uint64(id[:]), binary.LittleEndian.Uint64(id[8:])|1
	for i := range bits {
		bits[i] = uint32(at >> 40)
		at += step
	}
	return bits
}

func (s *sieve) has(id ledger.Identity) bool {
	for _, bit := range s.probes(id) {
		if s.bits[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// add reports whether the identity was there before, perhaps.
func (s *sieve) add(id ledger.Identity) bool {
	before := true
	for _, bit := range s.probes(id) {
		mask := uint64(1) << (bit % 64)
		before = before && s.bits[bit/64]&mask != 0
		s.bits[bit/64] |= mask
	}
	return before
}
