package ledger

import "time"

// Record is what the ledger knows of one identity.
type Record struct {
	Identity Identity
	State    State
	Run      string // the run of the last attempt
	Seq      int64  // its place in that run's plan
	Flow     string
	Campaign string
	Step     string
	Period   string
	Contact  int    // Chat2Desk client id; 0 is nobody in particular
	Person   Person // who that is; zero where nobody said
	Class    Class

	// ContentHash is the hash of what was sent. Texts are never stored.
	ContentHash [32]byte
	MessageID   int       // given by the API; 0 when there is none
	Reason      string    // why it is not sent, refused or unknown; one line, without personal data
	Attempts    int       // intents so far
	Attempted   time.Time // of the last intent; a read-back looks from here on
	At          time.Time // of the last change
}

// Intention announces one attempt of one send. Flow and campaign are its run's.
type Intention struct {
	Identity    Identity
	Run         string
	Seq         int64
	Step        string
	Period      string
	Contact     int
	Person      Person
	Class       Class
	Account     string // of the contact, for Caps
	Caps        []Cap  // each is checked with the write, in one transaction
	ContentHash [32]byte
	At          time.Time
}

// Outcome says what became of an attempt, or what was found out about an unknown
// one.
type Outcome struct {
	Identity  Identity
	Run       string // the run that made the attempt, or that settles an unknown
	State     State  // Sent, NotSent, Refused or Unknown
	MessageID int    // for Sent
	Reason    string // for the others
	At        time.Time
}

// Filter chooses records. A zero field chooses all.
type Filter struct {
	Run      string // a whole run id
	Flow     string
	Campaign string
	Contact  int
	States   []State
}

// RememberedStep is a step under which sends are remembered.
type RememberedStep struct {
	Step  string
	Sends int       // that went out, may have, or were refused for good
	Last  time.Time // the latest change of one
}
