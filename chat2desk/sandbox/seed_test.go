package sandbox

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	object = map[string]any
	items  = []any
)

// smallSeed is the world of the golden answers: three people and what the API
// makes of them.
func smallSeed() object {
	return object{
		"now":       "2026-07-17T09:30:00Z",
		"company":   object{"name": "Test Ltd", "timezone": "Asia/Almaty", "requests_this_month": 100, "monthly_quota": "100000"},
		"operators": items{object{"id": 301, "first_name": "Ann", "last_name": "Lee", "role": "admin"}, object{"id": 302, "first_name": "Bo", "online": false, "offline_type": "break"}},
		"clients": items{
			object{
				"id": 11, "name": "Anna \"Ann\" 🌸", "phone": 79161234567, "tags": items{17, "5"}, "external_id": "CRM-1", "custom_fields": object{"12": "gold"},
				"messages": items{
					object{"text": "Hello", "created": "3d ago"},
					object{"text": "Hi!\nHow can I help?", "type": "to_client", "operator_id": 301, "created": "2d23h ago"},
					object{"text": nil, "type": nil, "created": "2d22h ago"},
					object{"text": "Are you there?", "created": "2h ago", "read": false},
				},
			},
			object{"id": 12, "name": "unknown", "phone": "[tg] 807892", "assigned_phone": "77011234567", "channels": items{22}, "last_client_message": "45d ago"},
			object{"phone": "5215512345678", "tags": items{17}, "channels": items{object{"id": 24, "transports": items{"wa_gupshup"}}, 25}},
		},
		"messages": items{object{"client_id": 12, "text": "не интересно", "created": "2026-06-02 10:00:00", "photo": "companies/company_1/a.jpg"}},
		"events": items{
			object{"operator_id": 301, "event": "login", "created_at": "5h ago", "status_duration": "3h"},
			object{"operator_id": 301, "event": "transfer_chat", "dialog_id": 30001, "created_at": "3h ago"},
			object{"operator_id": 302, "event": "take_chat", "dialog_id": 30001, "created_at": "2h50m ago"},
			object{"operator_id": 302, "event": "busy", "created_at": "26h ago", "status_duration": 90},
		},
	}
}

func smallWorld(t *testing.T) World {
	t.Helper()
	w, err := FromSeed(smallSeed())
	require.NoError(t, err)
	return w
}

func TestFromSeedFillsIn(t *testing.T) {
	w := smallWorld(t)
	require.Equal(t, noon, w.Now)
	require.Equal(t, "Test Ltd", w.Company.Name)
	require.EqualValues(t, 100000, w.Company.MonthlyQuota)
	require.Len(t, w.Contacts, 3)
	anna := w.Contact(0)
	require.Equal(t, "79161234567", anna.Phone)
	require.Equal(t, []int64{17, 5}, anna.Tags)
	require.Equal(t, noon.Add(-72*time.Hour), anna.FirstMessage)
	require.Equal(t, noon.Add(-2*time.Hour), anna.LastMessage)
	require.EqualValues(t, 1001, w.Contact(2).ID, "the one without an id")
	history := w.History(0)
	require.Len(t, history, 4)
	require.Equal(t, history[0].RequestID, history[2].RequestID, "one request while no day passes")
	require.NotEqual(t, history[0].RequestID, history[3].RequestID, "a question after days begins another")
	require.Equal(t, "wa_dialog", history[0].Transport)
	require.Len(t, w.Dialogs, 3)
	require.Equal(t, noon.AddDate(0, 0, -45), w.Contact(1).LastMessage.UTC(), "what the seed says is later than its message")
}

func TestFromSeedOfNothing(t *testing.T) {
	w, err := FromSeed(nil)
	require.NoError(t, err)
	require.Zero(t, w.Count())
	require.WithinDuration(t, time.Now(), w.Now, time.Hour)
	require.NotEmpty(t, w.Channels)
}

func TestFromSeedMakesPhonesUp(t *testing.T) {
	w, err := FromSeed(object{"clients": items{object{"id": 7}, object{"phone": nil}, object{}}})
	require.NoError(t, err)
	require.Equal(t, "79000000007", w.Contacts[0].Phone)
	require.Empty(t, w.Contacts[1].Phone)
	require.Equal(t, "79000001002", w.Contacts[2].Phone)
}

func TestFromSeedGenerates(t *testing.T) {
	w, err := FromSeed(object{"now": "2026-07-17", "generate": object{"seed": 3, "clients": 40}, "clients": items{object{"phone": "79160000000"}}})
	require.NoError(t, err)
	require.Equal(t, 41, w.Count())
	require.Equal(t, "79160000000", w.Contact(0).Phone)
	require.GreaterOrEqual(t, w.Contact(1).ID, int64(firstContactID))
	require.NotEmpty(t, w.Events)
}

func TestFromSeedProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		seed any
		want []string
	}{
		"not a map":         {items{}, []string{"seed: must be a map with any of now, company"}},
		"unknown key":       {object{"client": items{}}, []string{"client: there is no such key; allowed are now, company, generate"}},
		"unknown inner key": {object{"clients": items{object{"phon": 1}}}, []string{"clients[0].phon: there is no such key; allowed are id, name"}},
		"list wanted":       {object{"clients": object{}}, []string{"clients: must be a list, but it is a map"}},
		"map wanted":        {object{"clients": items{"Anna"}}, []string{`clients[0]: must be a map with any of id, name`, `but it is the text "Anna"`}},
		"phone":             {object{"clients": items{object{}, object{"phone": "12-34"}}}, []string{`clients[1].phone: "12-34" is no phone; write 10 to 14 digits`}},
		"several at once":   {object{"now": "soon", "clients": items{object{"phone": "1", "tags": items{99}}}}, []string{`now: "soon" is no time`, "clients[0].phone", "clients[0].tags[0]: there is no tag 99; there are 5, 9, 17"}},
		"tags":              {object{"clients": items{object{"tags": items{"vip"}}}}, []string{`clients[0].tags[0]: must be a whole number, but it is the text "vip"`}},
		"text":              {object{"clients": items{object{"name": items{}}}}, []string{"clients[0].name: must be a text, but it is a list"}},
		"number":            {object{"clients": items{object{"id": 1.5}}}, []string{"clients[0].id: must be a whole number, but it is 1.5"}},
		"boolean":           {object{"operators": items{object{"id": 1, "online": "perhaps"}}}, []string{`operators[0].online: must be true or false, but it is the text "perhaps"`}},
		"choice":            {object{"clients": items{object{"messages": items{object{"type": "inbound"}}}}}, []string{`clients[0].messages[0].type: "inbound" is none of from_client, to_client`}},
		"time":              {object{"clients": items{object{"created": "a week ago"}}}, []string{`clients[0].created: "a week ago" is no time; write "3d ago"`}},
		"twice":             {object{"clients": items{object{"id": 5}, object{"id": 5}}}, []string{"clients[1].id: 5 is taken by clients[0]"}},
		"tags twice":        {object{"tags": items{object{"id": 5}, object{"id": 5}}}, []string{"tags[1].id: 5 is taken by tags[0]"}},
		"messages twice":    {object{"clients": items{object{"messages": items{object{"id": 5}, object{"id": 5}}}}}, []string{"messages[1].id: 5 is taken by messages[0]"}},
		"owner":             {object{"messages": items{object{"client_id": 4}}}, []string{"messages[0].client_id: there is no client 4 under clients"}},
		"channel":           {object{"clients": items{object{"channels": items{99}}}}, []string{"clients[0].channels[0]: there is no channel 99; there are 21, 22"}},
		"no transports":     {object{"channels": items{object{"id": 1}}}, []string{"channels[0].transports: at least one is needed"}},
		"no id":             {object{"tags": items{object{"label": "x"}}}, []string{"tags[0].id: a number above zero is needed"}},
		"zone":              {object{"company": object{"timezone": "Mars/Base"}}, []string{`company.timezone: "Mars/Base" is no time zone`}},
		"custom fields":     {object{"clients": items{object{"custom_fields": 5}}}, []string{"clients[0].custom_fields: must be a map, but it is 5"}},
		"event":             {object{"events": items{object{"operator_id": 7, "status_duration": "long"}}}, []string{"events[0].event: is needed", "events[0].created_at: is needed", "events[0].operator_id: there is no operator 7", `events[0].status_duration: "long" is no duration`}},
		"dialog":            {object{"clients": items{object{"id": 1}}, "dialogs": items{object{"client_id": 1}}}, []string{"dialogs[0].id: a number above zero is needed"}},
		"dialog of nobody":  {object{"dialogs": items{object{"id": 1, "client_id": 9}}}, []string{"dialogs[0].client_id: there is no client 9"}},
		"crowd and tags":    {object{"generate": object{}, "tags": items{object{"id": 1}}}, []string{"tags: cannot stand beside generate"}},
		"crowd too big":     {object{"generate": object{"clients": -1}}, []string{"generate.clients: must be from 0 to 10000000"}},
		"crowd and ids":     {object{"generate": object{"clients": 5}, "clients": items{object{"id": 70001}}}, []string{"clients[0].id: must be a number above zero, and below 70001 beside generate"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromSeed(tc.seed)
			require.Error(t, err)
			for _, want := range tc.want {
				require.Contains(t, err.Error(), want)
			}
			require.NotContains(t, err.Error(), "<nil>")
		})
	}
}

func TestParseSpell(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3d": 72 * time.Hour, "1w2d": 9 * 24 * time.Hour, "2h30m": 150 * time.Minute, "1d12h": 36 * time.Hour, "90s": 90 * time.Second,
	} {
		got, ok := parseSpell(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "3", "d", "-3d", "3 days", "-5m", "3d5"} {
		_, ok := parseSpell(text)
		require.False(t, ok, text)
	}
}

func FuzzFromSeed(f *testing.F) {
	f.Add("clients", "phone", "79161234567", int64(5), 1.5, true)
	f.Add("messages", "created", "3d ago", int64(-1), 1e300, false)
	f.Add("generate", "clients", "", int64(50), 0.0, false)
	f.Fuzz(func(t *testing.T, list, key, text string, n int64, x float64, b bool) {
		for _, v := range []any{text, n, int(n), x, b, nil, items{text, n}, object{key: text}} {
			one := object{key: v, "id": n, "messages": items{object{key: v, "created": text}}}
			for _, seed := range []any{object{list: items{one}, "now": text}, object{list: one}, object{list: v}} {
				if _, crowd := seed.(object)["generate"]; crowd {
					continue // a big crowd is slow only because of its events' ids, and has tests of its own
				}
				w, err := FromSeed(seed)
				if err != nil {
					if strings.Contains(err.Error(), "<nil>") {
						t.Fatal(err)
					}
					continue
				}
				s := New(Options{World: w})
				for _, path := range []string{"/v1/clients", "/v1/messages", "/v1/dialogs"} {
					if code, body := ask(t, s, "GET", path, ""); code != 200 {
						t.Fatal(path, body)
					}
				}
			}
		}
	})
}
