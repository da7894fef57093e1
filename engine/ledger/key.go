package ledger

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Key is what makes a send the same send: written to twice for one Key, a person
// got the message twice.
type Key struct {
	Account  string // whose Chat2Desk account
	Flow     string
	Campaign string // the occasion
	Step     string // the step's id; in a called flow, with the calling step's
	Key      string // the contact, or what `key:` gave
	Period   string // the calendar period, or the run for `oncePer: run`
}

// Identity is the canonical hash of a Key.
type Identity [32]byte

// identityVersion opens the encoding. Another encoding is another version, and
// would make every earlier send look new: golden hashes pin this one.
const identityVersion = "flowrunner/identity/v1"

// Identity hashes the fields. Texts are taken as they are.
func (k Key) Identity() Identity {
	return hashOf(identityVersion, k.Account, k.Flow, k.Campaign, k.Step, k.Key, k.Period)
}

// hashOf hashes the version of an encoding and then each field behind its length in
// bytes, so that no two lists of fields share an encoding.
func hashOf(version string, fields ...string) [32]byte {
	var few [512]byte // enough for ordinary fields, and on the stack
	b := append(few[:0], version...)
	for _, field := range fields {
		b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	return sha256.Sum256(b)
}

// String is the identity in lower-case hex.
func (i Identity) String() string { return string(hex.AppendEncode(make([]byte, 0, 2*len(i)), i[:])) }

// MarshalText and UnmarshalText give JSON the hex form.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (i *Identity) UnmarshalText(text []byte) error {
	parsed, err := ParseIdentity(string(text))
	if err != nil {
		return err
	}
	*i = parsed
	return nil
}

// ParseIdentity reads what String wrote, and nothing else: one identity has one
// spelling.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	if len(s) != hex.EncodedLen(len(i)) {
		return Identity{}, fmt.Errorf("identity: has %d characters, %d are wanted", len(s), hex.EncodedLen(len(i)))
	}
	if !unhex(i[:], s) {
		return Identity{}, fmt.Errorf("identity: %q is not written in lower-case hex digits", s)
	}
	return i, nil
}

// unhex reads what hex.Encode writes, and nothing else: no upper case, and not less or
// more of it.
func unhex(to []byte, s string) bool {
	if len(s) != hex.EncodedLen(len(to)) {
		return false
	}
	_, err := hex.Decode(to, []byte(s))
	var few [64]byte // of an identity
	return err == nil && string(hex.AppendEncode(few[:0], to)) == s
}

// externalLength is how many bytes of an identity its ExternalID carries: 120
// bits, and no padding in base32.
const externalLength = 15

// external writes bytes in lower case; whole groups of five need no padding.
var external = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// ExternalID is the identity as our mark on the message that the API keeps:
// short, ASCII, and the same for every attempt.
func (i Identity) ExternalID() string {
	return string(external.AppendEncode([]byte("fr1-"), i[:externalLength]))
}
