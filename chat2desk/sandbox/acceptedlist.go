package sandbox

import (
	"encoding/json"
	"slices"
)

// acceptedList has every accepted message as its line of the log. None of that has a
// pointer in it and nothing large is copied as it grows, so that the millionth send is
// answered as soon as the first: the collector of garbage has little to look at, where it
// took a tenth of a second each second for half a million messages in structs.
type acceptedList struct {
	lines [][]byte // blocks
	each  []acceptedLine
	last  map[int64]int32 // client → place in each
	sent  map[int64]int32 // message → place in each
	lastN int             // the number of the last one
}

// acceptedLine is where a line stands.
type acceptedLine struct {
	block, from, to int32
	before          int32 // place of the client's message before it, -1 for none
}

const acceptedBlock = 1 << 20

func newAcceptedList() acceptedList {
	return acceptedList{last: map[int64]int32{}, sent: map[int64]int32{}}
}

func (l *acceptedList) count() int { return len(l.each) }

// add keeps a message, whose line it is.
func (l *acceptedList) add(a *Accepted, line []byte) {
	if n := len(l.lines); n == 0 || len(l.lines[n-1])+len(line) > acceptedBlock {
		l.lines = append(l.lines, nil)
	}
	n := len(l.lines) - 1
	at := acceptedLine{block: int32(n), from: int32(len(l.lines[n])), before: -1}
	l.lines[n] = append(l.lines[n], line...)
	at.to = int32(len(l.lines[n]))
	place := int32(len(l.each))
	if before, ok := l.last[a.ClientID]; ok {
		at.before = before
	}
	l.each = append(l.each, at)
	l.last[a.ClientID] = place
	l.sent[a.MessageID] = place
	l.lastN = a.N
}

func (l *acceptedList) at(place int32) (a Accepted) {
	at := l.each[place]
	if err := json.Unmarshal(l.lines[at.block][at.from:at.to], &a); err != nil {
		panic("sandbox: a line that it wrote itself: " + err.Error())
	}
	return a
}

// of gives what a client was sent, in order.
func (l *acceptedList) of(client int64) (all []Accepted) {
	place, ok := l.last[client]
	for ; ok && place >= 0; place = l.each[place].before {
		all = append(all, l.at(place))
	}
	slices.Reverse(all)
	return all
}

// message finds one by its id.
func (l *acceptedList) message(id int64) (a Accepted, found bool) {
	place, found := l.sent[id]
	if found {
		a = l.at(place)
	}
	return a, found
}

// all gives every message, in order.
func (l *acceptedList) all() []Accepted {
	all := make([]Accepted, len(l.each))
	for i := range all {
		all[i] = l.at(int32(i))
	}
	return all
}
