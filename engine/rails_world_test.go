package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
)

// someone is one client of the random world.
type someone struct {
	id       int
	phone    string
	zones    []string // as somebody would say them who knows these prefixes
	who      string   // the person behind it, by a phone
	tagged   bool
	asks     bool // for peace, in what they wrote
	channels []int
	wrote    *time.Time
}

// open reports whether WhatsApp takes a free text.
func (p someone) open(at time.Time) bool { return p.wrote != nil && at.Sub(*p.wrote) < 24*time.Hour }

// prefixes are phones of fixed lines and one of mobiles, with what they leave open.
var prefixes = []struct {
	phone string
	zones []string
}{
	{"7495123", []string{"Europe/Moscow"}},
	{"7727312", []string{"Asia/Almaty"}},
	{"7423212", []string{"Asia/Vladivostok"}},
	{"4989123", []string{"Europe/Berlin"}},
	{"7916123", []string{"Europe/Kaliningrad", "Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok", "Asia/Kamchatka"}},
}

// said are what people write, and whether it asks for peace with one of the words
// стоп and stop.
var said = []struct {
	text string
	asks bool
}{{"стоп", true}, {"Please, STOP!", true}, {"nonstop", false}, {"где стопка книг?", false}}

// entry is one of a list of people who are never written to: by id or by phone.
type entry struct {
	id    int
	phone string
}

// optOut is somebody who was found to have asked for peace; known, where the run
// knew who the contact was.
type optOut struct {
	id    int64
	known bool
}

type railed struct {
	t       *testing.T
	dice    *rand.Rand
	b       *bench
	mu      sync.Mutex
	at      time.Time
	people  []someone
	missing int
	runs    int
	lists   map[string][]entry // by their folder
	optOuts []optOut
	log     []sentTo
	acted   map[string]int

	base, others int // calls of the month before, and by others since
	calls        atomic.Int64
	atLastSend   atomic.Int64 // what calls was when a message was last posted
}

const usedBefore = 1000

func newRailed(t *testing.T, seed uint64) *railed {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 7))
	r := &railed{t: t, dice: dice, acted: map[string]int{}, lists: map[string][]entry{}, missing: dice.IntN(4), base: usedBefore}
	r.at = time.Date(2026, time.Month(1+dice.IntN(12)), 1+dice.IntN(28), dice.IntN(24), dice.IntN(60), dice.IntN(60), 0, time.UTC)
	if dice.IntN(4) == 0 { // about a change of the clocks
		r.at = time.Date(2026, 10, 24, 18+dice.IntN(12), dice.IntN(60), 0, 0, time.UTC)
	}
	var clients []any
	for i := range 2 + dice.IntN(8) {
		clients = append(clients, r.somebody(i))
	}
	w, err := sandbox.FromSeed(map[string]any{
		"now": stamp(r.at), "company": map[string]any{"requests_this_month": usedBefore},
		"channels": []any{
			map[string]any{"id": 21, "name": "WhatsApp", "transports": []any{"wa_dialog"}},
			map[string]any{"id": 22, "name": "Telegram", "transports": []any{"telegram"}},
		},
		"clients": clients,
	})
	require.NoError(t, err)
	r.serve(sandbox.Options{World: w, Clock: r.now, Token: "0123456789abcdef0123456789abcd"})
	require.NoError(t, os.Mkdir(filepath.Join(r.b.dir, "project"), 0o700))
	var rows []string
	for _, p := range r.people {
		rows = append(rows, fmt.Sprintf("%d,%s", p.id, p.phone))
	}
	for i := range r.missing {
		rows = append(rows, fmt.Sprintf("%d,%s", 9001+i, prefixes[0].phone+pad(2000+i)))
	}
	dice.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	r.b.write("rows.csv", "id,phone\n"+strings.Join(rows, "\n")+"\n")
	return r
}

func stamp(at time.Time) string { return at.Format("2006-01-02T15:04:05") + " UTC" }

// somebody is one more client, and its seed.
func (r *railed) somebody(i int) map[string]any {
	d := r.dice
	p := prefixes[d.IntN(len(prefixes))]
	one := someone{id: 101 + i, phone: p.phone + pad(1000+i), zones: p.zones, tagged: d.IntN(5) == 0}
	one.who = one.phone
	one.channels = [][]int{{21}, {22}, {21, 22}}[d.IntN(3)]
	seed := map[string]any{"id": one.id, "name": "Client", "phone": one.phone}
	if i > 0 && d.IntN(4) == 0 {
		one.who = r.people[d.IntN(i)].who
		seed["assigned_phone"] = one.who
	}
	if one.tagged {
		seed["tags"] = []any{17}
	}
	var channels []any
	for _, ch := range one.channels {
		channels = append(channels, ch)
	}
	seed["channels"] = channels
	if d.IntN(5) > 0 {
		at := r.at.Add(-time.Duration(d.IntN(30*60)) * time.Minute)
		one.wrote = &at
		seed["last_client_message"] = stamp(at)
		if n := d.IntN(3 * len(said)); n < len(said) {
			one.asks = said[n].asks
			seed["messages"] = []any{map[string]any{"type": "from_client", "text": said[n].text, "created": stamp(at)}}
		}
	}
	r.people = append(r.people, one)
	return seed
}

// serve starts the sandbox with a counter of calls before it, and one ledger that
// has the clock of the world.
func (r *railed) serve(o sandbox.Options) {
	t := r.t
	r.b = &bench{t: t, api: sandbox.New(o), dir: t.TempDir(), settle: 200 * time.Millisecond}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n := r.calls.Add(1)
		if q.Method == http.MethodPost {
			r.atLastSend.Store(n)
		}
		r.b.api.ServeHTTP(w, q)
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); r.b.api.Close() })
	r.b.env = map[string]string{"CHAT2DESK_API_TOKEN": o.Token, "CHAT2DESK_BASE_URL": srv.URL}
	store, err := sqlite.Open(t.Context(), filepath.Join(r.b.dir, "ledger.db"), sqlite.Options{Now: r.now})
	require.NoError(t, err)
	r.b.store = store
	t.Cleanup(func() { _ = store.Close() })
}

func (r *railed) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *railed) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
}

// used is how many calls of the month are made.
func (r *railed) used() int { return r.base + r.others + int(r.calls.Load()) }

// optedOut reports whether somebody is remembered to have asked for peace, under
// this contact, or as a person where both runs knew who that is.
func (r *railed) optedOut(p someone, known bool) bool {
	return slices.ContainsFunc(r.optOuts, func(o optOut) bool {
		return o.id == int64(p.id) || known && o.known && r.people[o.id-101].who == p.who
	})
}

// rewriteLists makes the files of those who are never written to anew, in one of
// the forms that such a file may have.
func (r *railed) rewriteLists(x *plot) {
	d := r.dice
	for _, g := range x.rules {
		if !g.files {
			continue
		}
		form := d.IntN(3)
		text := []string{"contactId\n", "name;phone\n", ""}[form]
		var list []entry
		for range 1 + d.IntN(2) {
			p := r.people[d.IntN(len(r.people))]
			e := entry{id: p.id}
			if form == 1 || form == 2 && d.IntN(2) == 0 {
				e = entry{phone: []string{p.phone, p.who}[d.IntN(2)]}
			}
			list = append(list, e)
			switch {
			case e.id != 0:
				text += fmt.Sprintln(e.id)
			case form == 1:
				text += "Somebody;" + written(e.phone, d) + "\n"
			default:
				text += written(e.phone, d) + "\n"
			}
		}
		r.lists[g.folder] = list
		r.b.write(filepath.Join(g.folder, "out.csv"), text)
	}
}

func hasPhones(list []entry) bool {
	return slices.ContainsFunc(list, func(e entry) bool { return e.phone != "" })
}

// written is a phone in one of the ways in which people write it.
func written(phone string, d *rand.Rand) string {
	switch d.IntN(4) {
	case 0:
		return "+" + phone[:4] + " " + phone[4:7] + "-" + phone[7:]
	case 1:
		return "00" + phone
	case 2:
		if phone[0] == '7' {
			return "8 (" + phone[1:4] + ") " + phone[4:]
		}
	}
	return phone
}

// entries is what the files of the rails hold now.
func (r *railed) entries(x *plot) (all []entry) {
	for _, g := range x.rules {
		if g.files {
			all = append(all, r.lists[g.folder]...)
		}
	}
	return all
}
