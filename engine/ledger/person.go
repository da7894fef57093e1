package ledger

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Person stands for whoever a send was for, across contacts, flows and accounts:
// a hash of the telephone number, of what `person:` gave, or else of the contact.
//
// It has no key and no salt, since it must be the same in each ledger that may
// one day be merged into this one. So whoever has a Person and all telephone
// numbers of a country finds the number: it keeps a phone from being read, and
// from nobody who looks for it.
type Person [16]byte

// personVersion opens the encoding. Another encoding is another person: golden
// hashes pin this one.
const personVersion = "flowrunner/person/v1"

// PersonOfNumber is the person who has a telephone number, given as digits with
// the country's code.
func PersonOfNumber(digits string) Person { return personOf("number", digits) }

// PersonNamed is the person whom a flow names in its own way.
func PersonNamed(name string) Person { return personOf("name", name) }

// PersonOfContact is a contact of whom nothing else is known.
func PersonOfContact(account string, contact int) Person {
	return personOf("contact", account, strconv.Itoa(contact))
}

func personOf(fields ...string) Person {
	sum := hashOf(personVersion, fields...)
	return Person(sum[:len(Person{})])
}

// IsZero reports whether nobody is meant.
func (p Person) IsZero() bool { return p == Person{} }

// String is the person in lower-case hex.
func (p Person) String() string { return string(hex.AppendEncode(make([]byte, 0, 2*len(p)), p[:])) }

// MarshalText and UnmarshalText give JSON the hex form.
func (p Person) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (p *Person) UnmarshalText(text []byte) error {
	parsed, err := ParsePerson(string(text))
	*p = parsed
	return err
}

// ParsePerson reads what String wrote, and nothing else.
func ParsePerson(s string) (p Person, err error) {
	if !unhex(p[:], s) {
		return Person{}, fmt.Errorf("person: %q is not %d lower-case hex digits", s, hex.EncodedLen(len(p)))
	}
	return p, nil
}

// Class says what a send is to its recipient. The numbers are stored; never
// renumber.
type Class uint8

// The classes.
const (
	Marketing Class = iota // counts for and is held by a cap per contact
	Service                // an answer or a notice that the recipient expects; neither counts nor is held
	Internal               // stays with the operators
)

var classNames = [...]string{"marketing", "service", "internal"}

// String is the word used in messages and files.
func (c Class) String() string {
	if !c.Valid() {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return classNames[c]
}

// Valid reports whether c is one of the classes.
func (c Class) Valid() bool { return int(c) < len(classNames) }

// ParseClass reads what String wrote; "" is Marketing.
func ParseClass(s string) (Class, error) {
	if s == "" {
		return Marketing, nil
	}
	for i, name := range classNames {
		if name == s {
			return Class(i), nil
		}
	}
	return 0, fmt.Errorf("class: %q is not one of %q", s, classNames)
}

// Past chooses the occasions on which a person was written to. An occasion is one
// run that wrote to one contact, however many messages that were: marketing that
// was sent, that may have gone out, or that is on its way.
type Past struct {
	Person  Person
	Account string
	Contact int       // its sends count whoever they were for; 0 is none
	Since   time.Time // of the attempt; what came at this very moment is over
	But     string    // the run whose own sends to the contact are no other occasion
}

// Cap is how many occasions in Past may have been, at most, before a send.
type Cap struct {
	Most   int
	Since  time.Time
	Reason string // what is said of whom it refuses
}

// CapError says that a person was written to as often as a cap allows. Nothing
// was recorded.
type CapError struct {
	Identity Identity
	Had      int // occasions
	Cap      Cap
}

func (e *CapError) Error() string {
	return fmt.Sprintf("record intent of send %s: the person was written to on %d occasions since %s, and %d are allowed", e.Identity, e.Had, e.Cap.Since.Format(time.RFC3339), e.Cap.Most)
}
