package lang

import (
	_ "embed" // for the table of countries
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/phone"
)

//go:embed countries.txt
var countries string

// Zones finds time zones and keeps what it has found: reading a zone's rules costs
// more than all else. The zero value is ready, and may be used by many at once.
type Zones struct {
	mu    sync.Mutex
	known map[string][]*time.Location // by the names, joined
}

// Of gives the time zones that a text leaves possible for a person: one for
// a name of the IANA list, all of its country's for two letters, and for a phone
// with its country's code all that it may be in. It never guesses: an
// error is a text that tells nothing.
func (z *Zones) Of(text string) ([]*time.Location, error) {
	text = strings.TrimSpace(text)
	names := []string{text}
	switch {
	case isCountry(text):
		if names = zonesOfCountry(text); len(names) == 0 {
			return nil, fmt.Errorf("%s is no country", quote(text))
		}
	case strings.Trim(text, "+0123456789 ()-") == "":
		if names = zonesOfPhone(text); len(names) == 0 {
			return nil, fmt.Errorf("the phone leaves its time zone open")
		}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	key := strings.Join(names, " ")
	if zones, ok := z.known[key]; ok {
		return zones, nil
	}
	zones := make([]*time.Location, 0, len(names))
	for _, name := range names {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			return nil, fmt.Errorf("%s is no time zone, no country and no phone", quote(text))
		}
		zones = append(zones, zone)
	}
	if z.known == nil {
		z.known = map[string][]*time.Location{}
	}
	z.known[key] = zones
	return zones, nil
}

func isCountry(text string) bool {
	return len(text) == 2 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func zonesOfCountry(code string) []string {
	for line := range strings.Lines(countries) {
		if rest, ok := strings.CutPrefix(line, code+" "); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

// zonesOfPhone takes a phone in the international form, with or without the +,
// as the API gives it. Only a fixed line stands where its prefix says; what may be
// a mobile is carried along, keeps its number, and so may be anywhere in its
// country.
func zonesOfPhone(text string) []string {
	number, ok := phone.Read("+"+strings.TrimLeft(text, "+"), "")
	switch {
	case !ok:
		return nil
	case number.FixedLine():
		return number.Zones()
	}
	return zonesOfCountry(number.Country())
}
