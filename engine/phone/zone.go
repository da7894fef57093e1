package phone

import (
	_ "embed" // for the table of zones
	"strings"
	"sync"
)

//go:embed zones.txt
var zonesText string

// zones are the time zones by how a number begins.
var zones = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(zonesText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		names, prefixes, _ := strings.Cut(line, ":")
		for prefix := range strings.FieldsSeq(prefixes) {
			all[prefix] = strings.Split(names, "&")
		}
	}
	return all
})

// Zones are the time zones that the longest known beginning of the number leaves
// open, as names of the IANA list; nil where nothing is known. They say where a
// fixed line stands: a mobile is carried along.
func (n Number) Zones() []string {
	for digits := n.Digits(); digits != ""; digits = digits[:len(digits)-1] {
		if found, ok := zones()[digits]; ok {
			return found
		}
	}
	return nil
}
