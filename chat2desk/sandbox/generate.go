package sandbox

import (
	"time"
)

// DefaultContacts is how many people a generated world has unless asked otherwise.
const DefaultContacts = 5000

// generatedTags are the tags of a generated world, with the share of people
// (of 100) who have them.
var generatedTags = []struct {
	tag   Tag
	share int
}{
	{Tag{5, 2, "vip", "Spends a lot"}, 6},
	{Tag{9, 2, "wholesale", ""}, 4},
	{Tag{17, 3, "newsletter", "Agreed to hear about offers"}, 46},
	{Tag{18, 3, "no ads", "Asked not to get offers"}, 5},
	{Tag{23, 4, "новый клиент", ""}, 11},
	{Tag{24, 4, "complaint", "Had a reason to complain"}, 3},
}

// Generate makes the world of a shop that serves people of six countries. It
// depends on its arguments alone. No contacts at all means DefaultContacts.
func Generate(seed uint64, contacts int, now time.Time) World {
	if contacts <= 0 {
		contacts = DefaultContacts
	}
	w := World{
		Now:        now,
		Population: Population{Seed: seed, Count: contacts},
	}
	w.furnish()
	w.Events = generateEvents(w)
	return w
}

// furnish gives a world the company, tags, channels and operators that a
// generated one has, where it has none of its own.
func (w *World) furnish() {
	if w.Company == (Company{}) {
		w.Company = Company{
			ID: 4711, Name: "Example Shop", Timezone: "Europe/Moscow", Mode: "business", Language: "ru",
			AdminEmail: "admin@example.com", RequestsThisMonth: 18_234, WriteFirst: true,
		}
	}
	if w.TagGroups == nil {
		w.TagGroups = []TagGroup{{2, "Sales"}, {3, "Consent"}, {4, "Service"}}
	}
	if w.Tags == nil {
		for _, t := range generatedTags {
			w.Tags = append(w.Tags, t.tag)
		}
	}
	if w.Channels == nil {
		w.Channels = []Channel{
			{21, "WhatsApp", "79161110001", []string{"wa_dialog"}},
			{22, "Telegram", "", []string{"telegram"}},
			{23, "Viber", "79161110003", []string{"viber_business"}},
			{24, "WhatsApp KZ", "77011110004", []string{"wa_gupshup"}},
			{25, "SMS", "79161110005", []string{"sms"}},
			{26, "Website", "", []string{"widget", "external"}},
		}
	}
	if w.Operators == nil {
		w.Operators = generateOperators(w.Now)
	}
	if w.Groups == nil {
		w.Groups = []OperatorGroup{{61, "Sales", nil}, {62, "Support", nil}}
		for i, o := range w.Operators {
			g := &w.Groups[i%len(w.Groups)]
			g.OperatorIDs = append(g.OperatorIDs, o.ID)
		}
	}
}

// generateOperators gives eight who work and one whose account was deleted but
// still says that it is online, as deleted accounts do.
func generateOperators(now time.Time) []Operator {
	names := [][2]string{
		{"Ирина", "Лебедь"},
		{"Bruno", "Costa"},
		{"Алма", "Сәбит"},
		{"Paula", "Ortega"},
		{"Олег", "Гончар"},
		{"Marta", "Vidal"},
		{"Heike", "Brandt"},
		{"Руслан", "Тлеу"},
	}
	var all []Operator
	for i, n := range names {
		o := Operator{
			ID: 301 + int64(i), Email: "operator" + string(rune('1'+i)) + "@example.com", Role: "operator", Status: "enabled",
			FirstName: n[0], LastName: n[1], Online: i != 5, StatusID: 1, OpenedDialogs: int64(i % 4),
			LastVisit: now.Add(-time.Duration(i) * 17 * time.Minute), AccessRightID: 1,
		}
		switch i {
		case 0:
			o.Role = "admin"
		case 1:
			o.Role = "supervisor"
		case 5:
			o.OfflineType, o.StatusID = "break", 3
		}
		all = append(all, o)
	}
	return append(all, Operator{
		ID: 309, Email: "left@example.com", Role: "deleted", Status: "disabled", FirstName: "Former", LastName: "Colleague",
		Online: true, OfflineType: "busy", StatusID: 2, LastVisit: now.AddDate(0, -4, 0),
	})
}

const eventDays = 14

// generateEvents gives what the operators did in the last two weeks: they come,
// take chats, hand some over, have breaks, and go.
func generateEvents(w World) []Event {
	c := newCrowd(w)
	now := w.Now.UTC().Truncate(time.Second)
	var all []Event
	for day := eventDays - 1; day >= 0; day-- {
		midnight := c.today.AddDate(0, 0, -day)
		for i, o := range w.Operators {
			d := rollFor(c.seed, uint64(midnight.Unix()/86400), uint64(i), 'e')
			if o.Role == "deleted" || d.percent(15) {
				continue
			}
			all = appendShift(all, &d, midnight, o, w.Operators, c.count)
		}
	}
	kept := all[:0]
	for _, e := range all {
		if !e.At.After(now) {
			kept = append(kept, e)
		}
	}
	return kept
}

// appendShift adds one working day of one operator.
func appendShift(all []Event, d *dice, midnight time.Time, o Operator, staff []Operator, dialogs int) []Event {
	at := midnight.Add(8*time.Hour + 30*time.Minute + time.Duration(d.below(3600))*time.Second)
	end := at.Add(8*time.Hour + time.Duration(d.below(3600))*time.Second)
	add := func(at time.Time, who int64, kind string, dialog int64, lasted time.Duration) {
		all = append(all, Event{At: at, OperatorID: who, Kind: kind, DialogID: dialog, Duration: lasted})
	}
	add(at, o.ID, "login", 0, end.Sub(at))
	add(at.Add(2*time.Second), o.ID, "online", 0, 0)
	for at = at.Add(5 * time.Minute); at.Before(end); at = at.Add(time.Duration(d.between(600, 2100)) * time.Second) {
		switch share := d.below(100); {
		case share < 8:
			add(at, o.ID, "busy", 0, time.Duration(d.between(120, 900))*time.Second)
		case share < 13:
			add(at, o.ID, pick(d, []string{"break", "status.tech_break", "tech break"}), 0, 15*time.Minute)
		default:
			dialog := firstDialogID + int64(d.below(dialogs))
			add(at, o.ID, "take_chat", dialog, 0)
			if !d.percent(14) {
				continue
			}
			moved := at.Add(time.Duration(d.between(90, 540)) * time.Second)
			add(moved, o.ID, "transfer_chat", dialog, 0)
			to := pick(d, staff[:min(8, len(staff))])
			if to.ID != o.ID && !d.percent(10) { // some hand-overs nobody has taken up
				add(moved.Add(time.Duration(d.between(20, 400))*time.Second), to.ID, "take_chat", dialog, 0)
			}
		}
	}
	add(end, o.ID, "logout", 0, 0)
	return all
}
