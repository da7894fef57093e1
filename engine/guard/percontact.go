package guard

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// PerContact is how often one person may be written to: on Most occasions within
// any stretch of time as long as Per.
type PerContact struct {
	Most int
	Per  time.Duration
	Text string // as it was written: 1 per 7d
}

// ParsePerContact reads "1 per 7d". duration reads what stands behind per;
// its errors say what to write.
func ParsePerContact(text string, duration func(string) (time.Duration, error)) (PerContact, error) {
	words := strings.Fields(text)
	if len(words) != 3 || words[1] != "per" {
		return PerContact{}, fmt.Errorf("%q is no such rule", text)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 {
		return PerContact{}, fmt.Errorf("%q is not how often: a whole number from 1 on is", words[0])
	}
	per, err := duration(words[2])
	if err == nil && per <= 0 {
		err = fmt.Errorf("%q must be longer than nothing", words[2])
	}
	if err != nil {
		return PerContact{}, err
	}
	return PerContact{Most: n, Per: per, Text: strings.Join(words, " ")}, nil
}

// LooserThan reports whether whatever holds under o holds under p.
func (p PerContact) LooserThan(o PerContact) bool {
	return p.Most >= o.Most && p.Per <= o.Per && (p.Most > o.Most || p.Per < o.Per)
}

// Reason says why a person is not written to again.
func (p PerContact) Reason() string {
	return "perContact: this person was written to as often as " + p.Text + " allows"
}
