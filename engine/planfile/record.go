package planfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Version is the form of the records. A reader refuses every other.
const Version = 1

// Header is the first record: what the plan is bound to.
type Header struct {
	Type    string     `json:"type"` // "header"
	Version int        `json:"version"`
	Run     string     `json:"run"`   // the run id, fixed here
	Stage   int        `json:"stage"` // from 0; a later one is planned when the one before has settled
	Stages  int        `json:"stages"`
	Now     time.Time  `json:"now"`           // run.now
	Slot    *time.Time `json:"slot,omitzero"` // of the flow's schedule, which its periods come from
	Expires time.Time  `json:"expires"`

	Flow       string            `json:"flow"`
	File       string            `json:"file"`
	FlowHash   string            `json:"flowHash"`
	FlowText   string            `json:"flowText"`
	Texts      map[string]string `json:"texts,omitempty"` // the texts and flows beside the flow that it reads, by path
	Inputs     Members           `json:"inputs"`
	Env        map[string]string `json:"env,omitempty"` // the variables that expressions read; nil values are absent
	InputsHash string            `json:"inputsHash"`
	Campaign   string            `json:"campaign"`

	Accounts map[string]string `json:"accounts,omitempty"`       // API host → account
	Month    map[string]int    `json:"callsThisMonth,omitempty"` // account → API calls of this month before planning, where it is told
	Lineage  string            `json:"lineage,omitzero"`
	Serial   int64             `json:"serial"`
	MaxSends int               `json:"maxSends"`
	Suppress []Suppressed      `json:"suppress,omitempty"`
	Window   string            `json:"window,omitzero"` // guard.window, which asked when the contacts last wrote
	Only     []int             `json:"only,omitempty"`  // the contacts that --only names; none is everybody
	Rate     float64           `json:"rate,omitzero"`   // calls a second; 0 is unlimited
	Sandbox  bool              `json:"sandbox,omitzero"`
	Delivery *Delivery         `json:"delivery,omitzero"` // nil where nothing is sent
	Halted   string            `json:"halted,omitzero"`   // why the run had stopped when this later stage was planned: it sends nothing, and is planned anew when the run goes on
}

// Delivery is what the plan says of sends whose outcome nobody knows.
type Delivery struct {
	Unknown string        `json:"unknown"` // verify, never-resend or resend
	Settle  time.Duration `json:"settle"`  // in nanoseconds
}

// Statuses of a send in a plan.
const (
	StatusPlanned     = "planned"
	StatusAlreadySent = "already_sent"
	StatusLeftOut     = "left_out"
	StatusDuplicate   = "duplicate"
	StatusUnknown     = "unknown" // an earlier run left it so; it is read back before anything else
	StatusRefused     = "refused" // the API refused it for good in an earlier run
)

// Statuses of a send that was applied.
const (
	StatusSent    = "sent"
	StatusFailed  = "failed"
	StatusSkipped = "skipped"
)

// Send is one message, or another change of the account, in plan order.
type Send struct {
	Type     string     `json:"type"` // "send"
	Seq      int64      `json:"seq"`  // from 1, over the whole run
	Step     string     `json:"step"`
	Unit     int64      `json:"unit"`           // sends of one unit run one after another
	Item     []int      `json:"item,omitempty"` // the iteration, outermost loop first
	Status   string     `json:"status"`
	Reason   string     `json:"reason,omitzero"`
	Rail     string     `json:"rail,omitzero"`      // of left_out: the rail that said so; of unknown: the rail that forbids another try
	Since    *time.Time `json:"since,omitzero"`     // of already_sent, unknown, refused: when
	Message  int        `json:"messageId,omitzero"` // of already_sent
	Changed  bool       `json:"changed,omitzero"`   // of already_sent: the text was another
	Identity string     `json:"identity,omitzero"`
	Former   string     `json:"formerStep,omitzero"` // the earlier id of the step that it is remembered under (`moved:`)
	Account  string     `json:"account,omitzero"`
	Key      string     `json:"key,omitzero"`
	Period   string     `json:"period,omitzero"`
	Contact  int        `json:"contact,omitzero"`
	Zone     string     `json:"zone,omitzero"`     // what tells the recipient's time zone, where guard.hours asks for it
	Content  string     `json:"content,omitzero"`  // hex SHA-256 of the arguments
	TextHash string     `json:"textHash,omitzero"` // what TextHash gives for the rendered text
	Args     Members    `json:"args,omitempty"`    // of planned and unknown: everything that is sent

	// What the rails look at again in apply. Whose phone it is stands here as a hash
	// alone.
	Internal  bool       `json:"internal,omitzero"`  // the message stays with the operators
	Person    string     `json:"person,omitzero"`    // hash of the person, in hex
	Known     []string   `json:"known,omitempty"`    // hashes of what else the contact is known by
	LastWrote *time.Time `json:"lastWrote,omitzero"` // when the contact last wrote, where a rail asked
}

// TextHash names a text that people get, so that everybody who was to get the
// same one can be found: the first 16 hex digits of its SHA-256, "" of no text.
func TextHash(text string) string {
	if text == "" {
		return ""
	}
	var few [512]byte // enough for an ordinary message, and on the stack
	sum := sha256.Sum256(append(few[:0], text...))
	return string(hex.AppendEncode(few[:0], sum[:8]))
}

// SameIteration reports whether two sends of a unit belong to one iteration: the
// path of one leads to the other. Only then does an earlier one that is not sent
// keep the later one back.
func SameIteration(a, b []int) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Remembered is the id of the step that the send is remembered under.
func (s Send) Remembered() string { return cmp.Or(s.Former, s.Step) }

// OptOut is a message found while planning in which a contact asked for peace.
// Apply remembers it for good.
type OptOut struct {
	Type    string    `json:"type"` // "optOut"
	Account string    `json:"account"`
	Contact int       `json:"contact"`
	Person  string    `json:"person,omitzero"`
	Word    string    `json:"word"`
	Message int       `json:"messageId"`
	At      time.Time `json:"at"`
}

// Suppressed is a list of people who are never written to, as it was when the
// plan was made.
type Suppressed struct {
	By    string `json:"by"` // a file, the tags, or words
	Count int    `json:"count"`
	Hash  string `json:"hash,omitzero"` // hex SHA-256 of a file, or of the words
}

// Local is a local step to perform after the sends before it.
type Local struct {
	Type string  `json:"type"` // "local"
	Seq  int64   `json:"seq"`
	Step string  `json:"step"`
	Unit int64   `json:"unit"`
	Item []int   `json:"item,omitempty"`
	Args Members `json:"args"`
}

// Item is one iteration of a loop that sends: what its record will hold.
type Item struct {
	Type    string  `json:"type"` // "item"
	Loop    string  `json:"loop"`
	Unit    int64   `json:"unit"`
	Item    []int   `json:"item"`
	Status  string  `json:"status,omitzero"` // left_out or skipped: of the iteration as a whole
	Reason  string  `json:"reason,omitzero"`
	Sends   []int64 `json:"sends,omitempty"`
	Outputs Members `json:"outputs,omitempty"` // known at plan
	Scope   Members `json:"scope,omitempty"`   // what the other outputs need, by dotted path
}

// Step is what a finished step of this stage gives to what comes later.
type Step struct {
	Type    string  `json:"type"` // "step"
	Step    string  `json:"step"`
	Status  string  `json:"status"` // ok, skipped, failed or planned
	Reason  string  `json:"reason,omitzero"`
	Outputs Members `json:"outputs,omitempty"`
	Inputs  Members `json:"inputs,omitempty"` // of a step that uses a flow
	Sends   Counts  `json:"sends,omitzero"`
}

// Row is one record of a stream that a later stage, finally or outputs read.
type Row struct {
	Type   string `json:"type"` // "row"
	Stream string `json:"stream"`
	Value  Value  `json:"value"`
}

// LeftOut counts records that a step did not pass on.
type LeftOut struct {
	Type   string `json:"type"` // "leftOut"
	Step   string `json:"step"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Counts is the balance of a plan: how many sends have each status.
type Counts struct {
	Iterations  int `json:"iterations,omitzero"`
	Planned     int `json:"planned,omitzero"`
	AlreadySent int `json:"alreadySent,omitzero"`
	LeftOut     int `json:"leftOut,omitzero"`
	Duplicate   int `json:"duplicate,omitzero"`
	Unknown     int `json:"unknown,omitzero"`
	Refused     int `json:"refused,omitzero"`
	Changed     int `json:"changed,omitzero"` // already sent with another text
}

// Add counts one status.
func (c *Counts) Add(status string) {
	switch status {
	case StatusPlanned:
		c.Planned++
	case StatusAlreadySent:
		c.AlreadySent++
	case StatusLeftOut:
		c.LeftOut++
	case StatusDuplicate:
		c.Duplicate++
	case StatusUnknown:
		c.Unknown++
	case StatusRefused:
		c.Refused++
	}
}

// Plus adds another balance.
func (c *Counts) Plus(o Counts) {
	c.Iterations += o.Iterations
	c.Planned += o.Planned
	c.AlreadySent += o.AlreadySent
	c.LeftOut += o.LeftOut
	c.Duplicate += o.Duplicate
	c.Unknown += o.Unknown
	c.Refused += o.Refused
	c.Changed += o.Changed
}

// Later is a sending step that is planned when this stage has settled.
type Later struct {
	Step string `json:"step"`
	UpTo int    `json:"upTo,omitzero"` // sends at most; 0 when nothing bounds them yet
}

// fingerprintLength is how much of a hash people compare.
const fingerprintLength = 12

// Fingerprint is the beginning of Recipients, for people to compare; "" where
// nothing is to be sent.
func (e End) Fingerprint() string {
	if e.Counts.Planned == 0 || len(e.Recipients) < fingerprintLength {
		return ""
	}
	return e.Recipients[:fingerprintLength]
}

// End closes the plan.
type End struct {
	Type     string   `json:"type"` // "end"
	Counts   Counts   `json:"counts"`
	Calls    int64    `json:"calls"`            // API calls that planning made
	Asked    int64    `json:"asked,omitzero"`   // of these, what the rails asked about people
	Unasked  int      `json:"unasked,omitzero"` // planned sends whose rows do not say what phones their contacts have
	Warnings []string `json:"warnings,omitempty"`
	Later    []Later  `json:"later,omitempty"` // sending steps of later stages, not yet planned
	// Hidden are the values of sensitive inputs, which whoever shows anything of this
	// plan keeps out.
	Hidden []string `json:"hidden,omitempty"`
	// Recipients is the hex SHA-256 of the planned sends in order: the identity and
	// the content hash of each. Two plans that have it in common write the same to
	// the same people.
	Recipients string `json:"recipients,omitzero"`
	Hash       string `json:"hash"` // hex SHA-256 of every line before this one, and of this one without the hash
}
