package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// Ids of generated people and things stand in ranges of their own, from which
// the person can be computed back: nothing has to be remembered.
const (
	firstContactID = 70001
	contactIDStep  = 3 // ids have gaps, as in a grown account
	firstDialogID  = 40001
	firstRequestID = 900001
	maxTalks       = 5 // conversations of one person
	requestIDStep  = 8
)

// A phone ends with the person's number, shuffled: times phoneFactor plus
// phoneShift, modulo phoneRange. Times phoneInverse undoes the first.
const (
	phoneRange   = 10_000_000
	phoneFactor  = 3_141_593
	phoneShift   = 2_718_281
	phoneInverse = 9_444_457
)

// messageEpoch is what the minutes in generated message ids count from.
var messageEpoch = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// crowd computes the people of a Population.
type crowd struct {
	seed  uint64
	count int
	now   time.Time
	today time.Time // local midnight of now
}

func newCrowd(w World) crowd {
	now := w.Now.Truncate(time.Second)
	y, m, d := now.In(w.Location()).Date()
	return crowd{
		seed:  w.Population.Seed,
		count: w.Population.Count,
		now:   now.UTC(),
		today: time.Date(y, m, d, 0, 0, 0, 0, w.Location()).UTC(),
	}
}

// person is what decides about a contact, the history and the dialog alike.
type person struct {
	n          int
	country    *country
	route      route
	operator   int64
	last       time.Time // the last client message; zero: never wrote
	unanswered bool
	refuses    bool
	talks      int
}

// route is how a person is reached.
type route struct {
	channel   int64
	transport string
	address   string // prefix of an address that is no phone; "" for phones
}

// routes are the ways with their share of 100. The prefix stands before the
// number in addresses that are not phones.
var routes = []struct {
	weight int
	route  route
}{
	{58, route{21, "wa_dialog", ""}},
	{20, route{22, "telegram", "[tg] "}},
	{7, route{23, "viber_business", ""}},
	{6, route{24, "wa_gupshup", "[wa_gupshup] KZ."}},
	{5, route{25, "sms", ""}},
	{4, route{26, "widget", "[chat] "}},
}

func (c *crowd) id(n int) int64 {
	d := rollFor(c.seed, uint64(n), 'i')
	return firstContactID + int64(n)*contactIDStep + int64(d.below(contactIDStep))
}

// index finds the person of an id.
func (c *crowd) index(id int64) (int, bool) {
	n := int((id - firstContactID) / contactIDStep)
	if id < firstContactID || n >= c.count {
		return 0, false
	}
	return n, c.id(n) == id
}

func (c *crowd) person(n int) person {
	d := rollFor(c.seed, uint64(n), 'p')
	p := person{n: n, operator: 301 + int64(d.below(8)), talks: d.between(1, maxTalks)}
	for i, share := 0, d.below(100); ; i++ {
		if share -= countries[i].weight; share < 0 {
			p.country = &countries[i]
			break
		}
	}
	for i, share := 0, d.below(100); ; i++ {
		if share -= routes[i].weight; share < 0 {
			p.route = routes[i].route
			break
		}
	}
	p.refuses = d.percent(5)
	// The days keep clear of 30 and 90, so that the counts of a flow do not
	// depend on the hour at which somebody tries it.
	switch share := d.below(100); {
	case share < 6: // imported, never wrote
		p.refuses = false
	case share < 18:
		p.last = c.daysAgo(&d, d.between(93, 400))
	case share < 42:
		p.last = c.daysAgo(&d, d.between(32, 88))
	case share < 85:
		p.last = c.daysAgo(&d, d.between(3, 28))
	default:
		p.last = c.now.Add(-time.Duration(d.between(4*60, 46*3600)) * time.Second)
		p.unanswered = !p.refuses && d.percent(30)
	}
	return p
}

// daysAgo is a moment of the working hours of a day of the past.
func (c *crowd) daysAgo(d *dice, days int) time.Time {
	return c.today.AddDate(0, 0, -days).Add(9*time.Hour + time.Duration(d.below(12*3600))*time.Second)
}

// phone is invertible: its last seven digits are n, shuffled.
func (c *crowd) phone(n int, land *country) string {
	d := rollFor(c.seed, uint64(n), 't')
	code := pick(&d, land.codes)
	digits := strconv.Itoa(phoneRange + (n*phoneFactor+phoneShift)%phoneRange)
	return code + digits[1:]
}

// indexByPhone finds the person who has this phone.
func (c *crowd) indexByPhone(phone string) (int, bool) {
	if len(phone) < 10 {
		return 0, false
	}
	low, err := strconv.Atoi(phone[len(phone)-7:])
	if err != nil {
		return 0, false
	}
	for n := (low + phoneRange - phoneShift) * phoneInverse % phoneRange; n < c.count; n += phoneRange {
		p := c.person(n)
		if p.address(c) == phone {
			return n, true
		}
	}
	return 0, false
}

// address is what the phone field holds.
func (p *person) address(c *crowd) string {
	d := rollFor(c.seed, uint64(p.n), 'a')
	switch p.route.address {
	case "":
		return c.phone(p.n, p.country)
	case "[chat] ":
		return p.route.address + strconv.FormatUint(d.next()|1<<63, 16)
	default:
		return p.route.address + strconv.Itoa(100_000+p.n*7+d.below(7))
	}
}

// tags of person n; it is cheap, since every listing by tags asks everybody.
func (c *crowd) tags(n int) []int64 {
	d := rollFor(c.seed, uint64(n), 'g')
	var own []int64
	for _, t := range generatedTags {
		if d.percent(t.share) {
			own = append(own, t.tag.ID)
		}
	}
	return own
}

func (c *crowd) name(n int, land *country) string {
	d := rollFor(c.seed, uint64(n), 'n')
	given, family := pick(&d, land.given), pick(&d, land.family)
	switch share := d.below(100); {
	case share < 4:
		return "unknown"
	case share < 8:
		return ""
	case share < 22:
		return given
	case share < 30:
		return given + " " + pick(&d, decorations)
	case share < 33:
		return strings.ToUpper(given + " " + family)
	default:
		return given + " " + family
	}
}

// contact gives person n as the API shows them.
func (c *crowd) contact(n int) Contact {
	p := c.person(n)
	d := rollFor(c.seed, uint64(n), 'c')
	k := Contact{
		ID:        c.id(n),
		Name:      c.name(n, p.country),
		Phone:     p.address(c),
		CountryID: p.country.id,
		RegionID:  p.country.region,
		Tags:      c.tags(n),
		Channels:  []ContactChannel{{p.route.channel, []string{p.route.transport}}},
	}
	if p.route.address != "" && d.percent(85) && p.route.transport != "widget" {
		k.AssignedPhone = c.phone(n, p.country)
	}
	if p.route.transport == "telegram" && d.percent(60) {
		k.Username = "user" + strconv.Itoa(1000+n)
	}
	if p.route.address == "" && p.route.transport != "sms" && d.percent(30) {
		k.Channels = append(k.Channels, ContactChannel{25, []string{"sms"}})
	}
	if d.percent(12) && k.Name != "" && k.Name != "unknown" {
		k.AssignedName = "VIP " + k.Name
	}
	if d.percent(35) {
		k.ExternalID = "CRM-" + strconv.Itoa(5000+n)
	}
	if d.percent(20) {
		k.CustomFields = map[string]string{"12": pick(&d, []string{"gold", "silver", "bronze"})}
	}
	if d.percent(50) {
		k.Avatar = "https://storage.example.com/avatars/" + strconv.Itoa(n%97) + ".jpg"
	}
	k.LastMessage = p.last
	if p.last.IsZero() {
		k.Created = c.daysAgo(&d, d.between(5, 300))
		return k
	}
	k.FirstMessage = c.sessions(&p)[0].start
	k.Created = k.FirstMessage
	return k
}

// dialog gives the one dialog of person n.
func (c *crowd) dialog(n int) Dialog {
	p := c.person(n)
	g := Dialog{
		ID:         firstDialogID + int64(n),
		ClientID:   c.id(n),
		ChannelID:  p.route.channel,
		OperatorID: p.operator,
		Open:       p.unanswered || (!p.last.IsZero() && c.now.Sub(p.last) < 12*time.Hour),
		Began:      c.today.AddDate(0, 0, -30),
	}
	if !p.last.IsZero() {
		g.Began = c.sessions(&p)[0].start
	}
	if !g.Open {
		g.Ended = p.last.Add(2 * time.Hour)
		if p.last.IsZero() {
			g.Ended = g.Began.Add(time.Hour)
		}
	}
	return g
}
