package engine

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/lang"
)

// closed is what keeps a send from going out at a moment: the hours that are not
// open, and when all are again.
type closed struct {
	rule  *Hours
	opens time.Time // zero: never
	own   bool      // nobody else's hours are meant
}

// openings knows when the hours of a program are open, and remembers what it has
// found out of each set of zones. It may be used by many at once.
type openings struct {
	p     *Program
	zones lang.Zones

	mu   sync.Mutex
	next map[**time.Location]time.Time // by the zones of a recipient; nil where no rule asks for them
}

// at looks at the hours of one send. zone is what the plan says of its recipient,
// "" where no rule asks. Nil is open. Of several closed rules the strictest speaks,
// and the one for everybody before that for each recipient.
func (o *openings) at(zone string, now time.Time) (*closed, error) {
	type hours struct {
		rule  *Hours
		zones []*time.Location
	}
	var all []hours
	var c *closed
	var recipient **time.Location
	for _, rule := range o.p.Guard.Hours {
		zones := []*time.Location{o.p.Zone}
		text, own := rule.Zone, rule.Zone == ""
		if own {
			text = zone
		}
		if text != companyZone {
			var err error
			if zones, err = o.zones.Of(text); err != nil {
				return nil, err
			}
		}
		if own && text != companyZone {
			recipient = &zones[0]
		}
		all = append(all, hours{rule, zones})
		if rule.OpenIn(now, zones) {
			continue
		}
		if c == nil || c.own && !own || c.own == own && rule.Otherwise > c.rule.Otherwise {
			c = &closed{rule: rule, own: own}
		}
	}
	if c == nil {
		return nil, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	known, ok := o.next[recipient]
	if !ok || !known.IsZero() && !known.After(now) {
		known, _ = guard.NextOpening(now, func(at time.Time) bool {
			for _, h := range all {
				if !h.rule.OpenIn(at, h.zones) {
					return false
				}
			}
			return true
		})
		if o.next == nil {
			o.next = map[**time.Location]time.Time{}
		}
		o.next[recipient] = known
	}
	c.opens = known
	return c, nil
}

// why says what is closed, for a person.
func (c *closed) why(zone *time.Location) string {
	text := fmt.Sprintf("outside guard.hours, %s", c.rule)
	if c.opens.IsZero() {
		return text + ", which the zones that are possible never share"
	}
	return text + "; they open on " + moment(c.opens, zone)
}

// moment is a time as people read it.
func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2006-01-02 at 15:04 -07:00")
}

// spell writes a duration without its seconds, or only with them.
func spell(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	text := strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
