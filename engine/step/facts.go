package step

import "time"

// Facts are what the rails about people must know of a client. What nobody has
// told is zero: a client of whom only the id is known has Facts with a Contact
// alone.
type Facts struct {
	Contact   int        // Chat2Desk client id
	Numbers   []string   // real telephone numbers, digits with the country's code; the one that an operator assigned first
	Address   string     // of a chat where that is the client's phone: [tg] 807892
	LastWrote *time.Time // when the client last wrote; nil when never
	Channels  []Channel  // the ways to write to the client; nil when nobody has told
}

// Channel is a way to write to a client.
type Channel struct {
	ID         int
	Transports []string // such as wa_dialog
}

// Inbound is a message that a client wrote.
type Inbound struct {
	ID   int
	Text string
	At   time.Time
}
