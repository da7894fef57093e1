package steps

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

const (
	// How far the clock of the API and what we know of it may be apart: little
	// where its answers say what it shows, more where nothing does.
	toldSkew  = 2 * time.Minute
	blindSkew = 10 * time.Minute

	// doubtful is how long before the attempt the same text still raises doubt. It
	// may be an older message of somebody else, or ours under a wrong clock.
	doubtful = 24 * time.Hour

	// agedRow is how many messages in a row must be older than all that counts
	// before reading ends. One alone proves nothing: imported messages carry old
	// dates and new ids.
	agedRow = 10

	quickTries = 2
	quickPause = 500 * time.Millisecond
)

// settleMessage looks for the message of an attempt in the client's history,
// newest first, as far back as it can stand there. The rules are those of
// docs/adr/0008.
func settleMessage(ctx context.Context, in sendMessageIn, a step.Attempt) (step.Reading, error) {
	ctx, c, err := apiClient(ctx, in.APIToken)
	if err != nil {
		return step.Reading{}, err
	}
	ctx = chat2desk.Retrying(ctx, quickTries, quickPause) // who looks looks again, later
	list, err := c.ListMessages(ctx, chat2desk.MessagesQuery{ContactID: in.ContactID})
	if err != nil {
		return step.Reading{}, failure(err)
	}
	now, told := c.Now()
	skew := blindSkew
	if told {
		skew = toldSkew
	}
	attempted := now.Add(-max(a.Age, 0))
	b := readBack{in: in, a: a, attempted: attempted, from: attempted.Add(-skew), text: sentText(in.Message)}
	for m, err := range list.All() {
		if err != nil {
			return step.Reading{}, failure(err)
		}
		if err := b.look(m); err != nil {
			return step.Reading{}, err
		}
		if b.exact != nil || b.passed() {
			break
		}
	}
	if !b.passed() && b.seen < list.Total || !list.TotalKnown && !b.passed() {
		b.partial = true
	}
	return b.reading(), nil
}

// readBack is one look through a history for one attempt.
type readBack struct {
	in        sendMessageIn
	a         step.Attempt
	attempted time.Time // by the API's clock
	from      time.Time // the earliest moment at which the API can have accepted it
	text      messageText

	seen     int  // messages
	aged     int  // messages in a row that are older than all that counts
	lastID   int  // of the message before
	rising   bool // the history does not come newest first
	lists    bool // it shows messages of the type that was sent
	partial  bool
	exact    *chat2desk.Message
	alike    []chat2desk.Message // unclaimed, with the text, after from
	doubt    string
	doubting bool
}

// passed reports whether everything that counts has been seen.
func (b *readBack) passed() bool { return b.aged >= agedRow && !b.rising }

// look takes in one message.
func (b *readBack) look(m chat2desk.Message) error {
	b.rising = b.rising || b.seen > 0 && m.ID > b.lastID
	b.seen, b.lastID = b.seen+1, m.ID
	if m.Created.Before(b.attempted.Add(-doubtful)) {
		b.aged++
		return nil
	}
	b.aged = 0
	kind := valueOf(m.Type)
	if kind == "from_client" {
		return nil
	}
	b.lists = b.lists || kind == b.kind()
	id := valueOf(m.ExternalID)
	ours := id != "" && id == b.a.ExternalID && b.in.ExternalID == ""
	own := id != "" && id == b.in.ExternalID && b.foretold() == "" && b.text.is(valueOf(m.Text)) && !m.Created.Before(b.from)
	byText := id == "" && b.in.ExternalID == "" && b.foretold() == "" && b.text.like(valueOf(m.Text))
	if !ours && !own && !byText {
		return nil
	}
	if b.a.Claimed != nil {
		if claimed, err := b.a.Claimed(m.ID); err != nil || claimed {
			return err
		}
	}
	switch {
	case ours || own:
		b.exact = &m
	default:
		b.weigh(m)
	}
	return nil
}

// weigh decides whether a message with the text is a proof, or a doubt.
func (b *readBack) weigh(m chat2desk.Message) {
	another := func(have *int, want *int) bool { return have != nil && want != nil && *have != *want }
	why := ""
	switch {
	case m.Created.Before(b.from):
		why = "the chat has the same text from shortly before the attempt, and nobody can tell whose it is"
	case !b.text.is(valueOf(m.Text)):
		why = "the chat has a text that differs only in signs and blanks"
	case m.Type != nil && *m.Type != b.kind():
		why = "the chat has the same text as a message of the type " + *m.Type
	case another(m.ChannelID, b.in.ChannelID), m.Transport != nil && b.in.Transport != "" && *m.Transport != b.in.Transport:
		why = "the chat has the same text by another channel"
	default:
		b.alike = append(b.alike, m)
		return
	}
	b.doubt, b.doubting = cmp.Or(b.doubt, why), true
}

func (b *readBack) kind() string { return cmp.Or(b.in.Type, "to_client") }

// foretold is why nobody knows what the message looks like in the history, ""
// when it is known.
func (b *readBack) foretold() string {
	switch text := strings.TrimSpace(b.in.Message); {
	case strings.HasPrefix(text, "@HSM@"):
		return "a template's text in the chat is not the one that was sent"
	case text == "":
		return "an attachment alone has no text to look for"
	case b.a.Changed:
		return "the flow sends another text than it did then"
	}
	return ""
}

// reading draws the conclusion.
func (b *readBack) reading() step.Reading {
	cannot := func(why string) step.Reading { return step.Reading{Finding: step.CannotTell, Evidence: why} }
	if b.exact != nil {
		return step.Reading{Finding: step.Happened, MessageID: b.exact.ID, Evidence: "the chat has a message with its external id"}
	}
	if m, ok := b.best(); ok {
		return step.Reading{Finding: step.Happened, MessageID: m.ID, Evidence: "the chat has its text, after the attempt"}
	}
	switch why := b.foretold(); {
	case why != "":
		return cannot(why)
	case b.in.ExternalID != "":
		return cannot("an external id of one's own need not be unique, so that a chat without it proves nothing")
	case b.doubting:
		return cannot(b.doubt)
	case b.partial:
		return cannot("the chat could not be read whole, back to the attempt")
	case b.a.Age < 0:
		return cannot("the clock of this machine was set back since the attempt")
	case (b.kind() == "comment" || b.kind() == "system") && !b.lists:
		return cannot("the chat may not show messages of the type " + b.kind())
	}
	return step.Reading{Finding: step.NotThere, Evidence: "the chat, read back to the attempt, does not have it"}
}

// best is the message that stands nearest after the attempt, else nearest before
// it within the skew.
func (b *readBack) best() (chat2desk.Message, bool) {
	if len(b.alike) == 0 {
		return chat2desk.Message{}, false
	}
	slices.SortFunc(b.alike, func(x, y chat2desk.Message) int {
		return cmp.Or(x.Created.Compare(y.Created), x.ID-y.ID)
	})
	// Records carry whole seconds, and so does what we know of the API's clock.
	after := b.attempted.Add(-2 * time.Second)
	i := slices.IndexFunc(b.alike, func(m chat2desk.Message) bool { return !m.Created.Before(after) })
	if i < 0 {
		i = len(b.alike) - 1
	}
	return b.alike[i], true
}
