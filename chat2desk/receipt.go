package chat2desk

import (
	"strconv"
	"strings"
)

// receipt reads the answer that a send nearly always gets: an object of data and
// status, where data is an object of plain members. It gives what judge, deliveryOf
// and sentOf together give, in one pass over the bytes. Of every other answer it is
// false, whatever that one means, and they decide.
func (s seen) receipt() (Sent, bool) {
	if s.err != nil || s.bodyErr != nil || s.status/100 != 2 {
		return Sent{}, false
	}
	r := receiptReader{rest: string(s.body), room: &receiptRoom{}}
	if !r.answer() {
		return Sent{}, false
	}
	return r.sent, true
}

// receiptReader is one reading of a receipt. Its methods are false where the bytes
// are not of the one form that it knows: no sign before a number and no fraction, no
// escape in a text and nothing beyond ASCII, no name twice.
type receiptReader struct {
	rest string
	had  [10]bool // the names that came, by their place below
	sent Sent
	room *receiptRoom
}

// receiptRoom is what the fields of a Sent point to. It lives as long as that, which
// its reader need not.
type receiptRoom struct {
	ids   [5]int
	texts [2]string
}

// answer reads the whole body.
func (r *receiptReader) answer() bool {
	whole := r.object(func(name string) bool {
		switch name {
		case "data":
			return r.once(0) && r.object(r.member)
		case "status":
			text, ok := r.text()
			return r.once(1) && ok && text == "success"
		}
		return false
	})
	r.blanks()
	return whole && r.rest == "" && r.had[1] && r.sent.MessageID > 0
}

// member reads a member of data. A status in there may take back the outer one, so
// that is not for us.
func (r *receiptReader) member(name string) bool {
	switch name {
	case "status":
		return false
	case "message_id":
		n, ok := r.number()
		r.sent.MessageID = n
		return r.once(2) && ok
	case "client_id":
		return r.once(3) && r.id(&r.sent.ContactID, &r.room.ids[0])
	case "channel_id":
		return r.once(4) && r.id(&r.sent.ChannelID, &r.room.ids[1])
	case "dialog_id":
		return r.once(5) && r.id(&r.sent.DialogID, &r.room.ids[2])
	case "request_id":
		return r.once(6) && r.id(&r.sent.RequestID, &r.room.ids[3])
	case "operator_id":
		return r.once(7) && r.id(&r.sent.OperatorID, &r.room.ids[4])
	case "transport":
		return r.once(8) && r.word(&r.sent.Transport, &r.room.texts[0])
	case "type":
		return r.once(9) && r.word(&r.sent.Type, &r.room.texts[1])
	}
	return r.scalar()
}

// once is false for a name that came before.
func (r *receiptReader) once(place int) bool {
	before := r.had[place]
	r.had[place] = true
	return !before
}

// id reads a whole number or null.
func (r *receiptReader) id(to **int, room *int) bool {
	if r.take("null") {
		return true
	}
	n, ok := r.number()
	*room, *to = n, room
	return ok
}

// word reads a text or null. A blank text is none.
func (r *receiptReader) word(to **string, room *string) bool {
	if r.take("null") {
		return true
	}
	text, ok := r.text()
	if strings.TrimSpace(text) != "" {
		*room, *to = text, room
	}
	return ok
}

// scalar passes over a member that nobody asks for.
func (r *receiptReader) scalar() bool {
	if r.take("null") || r.take("true") || r.take("false") {
		return true
	}
	if strings.HasPrefix(r.rest, `"`) {
		_, ok := r.text()
		return ok
	}
	_, ok := r.number()
	return ok
}

// object reads an object; member reads the value of each name.
func (r *receiptReader) object(member func(name string) bool) bool {
	r.blanks()
	if !r.take("{") {
		return false
	}
	for {
		name, ok := r.text()
		r.blanks()
		if !ok || !r.take(":") {
			return false
		}
		r.blanks()
		if !member(name) {
			return false
		}
		r.blanks()
		if r.take("}") {
			return true
		}
		if !r.take(",") {
			return false
		}
	}
}

// text reads a text.
func (r *receiptReader) text() (string, bool) {
	r.blanks()
	if !r.take(`"`) {
		return "", false
	}
	for i := range len(r.rest) {
		switch c := r.rest[i]; {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

// number reads a whole number.
func (r *receiptReader) number() (int, bool) {
	digits := 0
	for digits < len(r.rest) && r.rest[digits] >= '0' && r.rest[digits] <= '9' {
		digits++
	}
	text := r.rest[:digits]
	if len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	r.rest = r.rest[digits:]
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// take passes over a token if it comes next.
func (r *receiptReader) take(token string) bool {
	rest, ok := strings.CutPrefix(r.rest, token)
	r.rest = rest
	return ok
}

func (r *receiptReader) blanks() {
	for r.rest != "" && (r.rest[0] == ' ' || r.rest[0] == '\t' || r.rest[0] == '\r' || r.rest[0] == '\n') {
		r.rest = r.rest[1:]
	}
}
