package sqlite

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

var anna = ledger.PersonOfNumber("79161234567")

// to is an intention to write to a contact of a person.
func to(n, contact int, person ledger.Person, run string, at time.Time) ledger.Intention {
	in := intention(n, run)
	in.Contact, in.Person, in.Account, in.At = contact, person, "test", at
	return in
}

func settled(t testing.TB, s *Store, in ledger.Intention, state ledger.State) {
	t.Helper()
	require.NoError(t, s.Intend(t.Context(), in))
	if state != ledger.Intent {
		require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: in.Identity, Run: in.Run, State: state, At: in.At}))
	}
}

func TestOccasions(t *testing.T) {
	s := openNew(t)
	for i, flow := range []string{"spring", "autumn"} {
		require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: fmt.Sprint("r", i+1), Flow: flow, Campaign: "default", PlanHash: flow, Account: "test", Started: noon}))
	}
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "elsewhere", Flow: "spring", Campaign: "x", Account: "other", Started: noon}))
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	settled(t, s, to(1, 11, anna, "r1", hour(1)), ledger.Sent)
	settled(t, s, to(2, 11, anna, "r1", hour(1)), ledger.Sent) // the same run and contact: the same occasion
	settled(t, s, to(3, 12, anna, "r1", hour(2)), ledger.Unknown)
	settled(t, s, to(4, 13, anna, "r2", hour(3)), ledger.Intent)
	settled(t, s, to(5, 14, anna, "r2", hour(4)), ledger.NotSent)
	settled(t, s, to(6, 14, anna, "r2", hour(4)), ledger.Refused)
	settled(t, s, to(7, 11, ledger.Person{}, "r2", hour(5)), ledger.Sent) // nobody known yet: by the contact
	service := to(8, 15, anna, "r2", hour(6))
	service.Class = ledger.Service
	settled(t, s, service, ledger.Sent)
	settled(t, s, to(9, 11, ledger.Person{}, "elsewhere", hour(6)), ledger.Sent) // contact 11 of another account
	settled(t, s, to(10, 77, anna, "elsewhere", hour(7)), ledger.Sent)

	for name, c := range map[string]struct {
		past ledger.Past
		want int
	}{
		"all":                     {ledger.Past{Person: anna, Account: "test", Contact: 11}, 5},
		"of another contact":      {ledger.Past{Person: anna, Account: "test", Contact: 12}, 4},
		"of the person alone":     {ledger.Past{Person: anna}, 4},
		"of the contact alone":    {ledger.Past{Account: "test", Contact: 11}, 2},
		"in the other account":    {ledger.Past{Account: "other", Contact: 11}, 1},
		"but this run's":          {ledger.Past{Person: anna, Account: "test", Contact: 11, But: "r1"}, 4},
		"this run's to another":   {ledger.Past{Person: anna, Account: "test", Contact: 99, But: "r1"}, 4},
		"later":                   {ledger.Past{Person: anna, Account: "test", Contact: 11, Since: hour(2)}, 3},
		"at the moment is over":   {ledger.Past{Person: anna, Account: "test", Contact: 11, Since: hour(7)}, 0},
		"just before":             {ledger.Past{Person: anna, Account: "test", Contact: 11, Since: hour(7).Add(-1)}, 1},
		"of somebody else":        {ledger.Past{Person: ledger.PersonNamed("x"), Account: "test", Contact: 99}, 0},
		"service did not count":   {ledger.Past{Account: "test", Contact: 15}, 0},
		"what surely did not go":  {ledger.Past{Account: "test", Contact: 14}, 0},
		"nobody is not everybody": {ledger.Past{Account: "test"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := s.Occasions(t.Context(), c.past)
			require.NoError(t, err)
			require.Equal(t, c.want, n)
		})
	}
}

// A cap is checked with the write: of many who would write to one person at once,
// as many get through as it allows.
func TestCapHoldsWhoeverIsFirst(t *testing.T) {
	s := openNew(t)
	const runners, most = 12, 3
	for n := range runners {
		require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: fmt.Sprint("r", n), Flow: fmt.Sprint("flow", n), Campaign: "default", Account: "test", Started: noon}))
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	through := 0
	for n := range runners {
		wg.Go(func() {
			in := to(n, 100+n, anna, fmt.Sprint("r", n), noon)
			in.Caps = []ledger.Cap{{Most: most, Since: noon.Add(-time.Hour)}}
			err := s.Intend(t.Context(), in)
			mu.Lock()
			defer mu.Unlock()
			var capped *ledger.CapError
			if err == nil {
				through++
			} else if !errors.As(err, &capped) {
				t.Errorf("intend: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, most, through)

	in := to(99, 500, anna, "r0", noon)
	in.Caps = []ledger.Cap{{Most: most, Since: noon.Add(-time.Hour)}}
	err := s.Intend(t.Context(), in)
	require.ErrorContains(t, err, "3 occasions since 2026-")
	_, found, err := s.Find(t.Context(), in.Identity)
	require.NoError(t, err)
	require.False(t, found, "a refusal is no outcome")
	in.Class = ledger.Service
	require.NoError(t, s.Intend(t.Context(), in))
	got, _, err := s.Find(t.Context(), in.Identity)
	require.NoError(t, err)
	require.Equal(t, anna, got.Person)
	require.Equal(t, ledger.Service, got.Class)
}

func optOuts(t testing.TB, s *Store, whom *ledger.Whom) (all []ledger.OptOut) {
	t.Helper()
	for o, err := range s.OptOuts(t.Context(), whom) {
		require.NoError(t, err)
		all = append(all, o)
	}
	return all
}

func TestOptOuts(t *testing.T) {
	s := openNew(t)
	first := ledger.OptOut{Account: "test", Contact: 11, Person: anna, Word: "стоп", MessageID: 5, At: noon}
	second := ledger.OptOut{Account: "test", Contact: 12, Word: "stop", MessageID: 6, At: noon.Add(time.Hour)}
	for range 2 {
		require.NoError(t, s.OptOut(t.Context(), second))
		require.NoError(t, s.OptOut(t.Context(), first))
	}
	require.Equal(t, []ledger.OptOut{first, second}, optOuts(t, s, nil))
	require.Equal(t, []ledger.OptOut{first}, optOuts(t, s, &ledger.Whom{Contact: 11}))
	require.Equal(t, []ledger.OptOut{second}, optOuts(t, s, &ledger.Whom{Account: "test", Contact: 12, Persons: []ledger.Person{ledger.PersonNamed("x")}}))
	require.Equal(t, []ledger.OptOut{first, second}, optOuts(t, s, &ledger.Whom{Account: "test", Contact: 12, Persons: []ledger.Person{anna}}))
	require.Empty(t, optOuts(t, s, &ledger.Whom{Account: "other", Contact: 12}))
	require.Empty(t, optOuts(t, s, &ledger.Whom{Contact: 13, Persons: []ledger.Person{{}}}))

	other := openNew(t)
	r := imported(t, other, exported(t, s))
	require.Equal(t, ledger.ImportCount{Read: 2, Added: 2}, r.OptOuts)
	require.True(t, r.Changed())
	require.False(t, imported(t, other, exported(t, s)).Changed())
	require.Equal(t, []ledger.OptOut{first, second}, optOuts(t, other, nil))
}

func TestDamagedPersons(t *testing.T) {
	for name, c := range map[string]struct{ damage, want string }{
		"no person":     {`UPDATE sends SET person = x''`, "the send"},
		"half a person": {`UPDATE sends SET person = x'00'`, "the send"},
		"class":         {`UPDATE sends SET class = 1`, "the send"},
		"no class":      {`UPDATE sends SET class = 300`, "the send"},
		"opt-out":       {`UPDATE optouts SET contact = 12`, "the opt-out"},
		"its person":    {`UPDATE optouts SET person = x'00'`, "the opt-out"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			begin(t, s, "r1")
			settled(t, s, to(1, 11, anna, "r1", noon), ledger.Sent)
			require.NoError(t, s.OptOut(t.Context(), ledger.OptOut{Account: "test", Contact: 11, Person: anna, Word: "stop", MessageID: 5, At: noon}))
			_, err := s.writer.conn.ExecContext(t.Context(), c.damage)
			require.NoError(t, err)
			_, err = Open(t.Context(), s.path, Options{})
			var bad *ledger.UnreadableError
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// Files that the program of format 2 wrote: a ledger, and its export.
func TestSecondFormatGoesOn(t *testing.T) {
	packed, err := os.Open("testdata/format2.db.gz")
	require.NoError(t, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	require.NoError(t, err)
	image, err := io.ReadAll(z)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(path, image, 0o600))

	s := reopen(t, path)
	require.FileExists(t, path+".format2")
	data, err := os.ReadFile("testdata/export1.jsonl")
	require.NoError(t, err)
	r := imported(t, s, data)
	require.False(t, r.Changed(), "both say the same")
	require.Equal(t, ledger.ImportCount{Read: 10}, r.Sends)
	fresh := openNew(t)
	imported(t, fresh, data)
	require.Equal(t, content(t, s), content(t, fresh))

	n, err := s.Occasions(t.Context(), ledger.Past{Person: anna, Account: "api.chat2desk.com/4711", Contact: 70001})
	require.NoError(t, err)
	require.Equal(t, 2, n, "who a send was for is not known, but to which contact it went")
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "r9", Flow: "spring-sale", Campaign: "default", Account: "api.chat2desk.com/4711", Started: noon}))
	settled(t, s, to(9, 70001, anna, "r9", noon), ledger.Sent)
	require.NoError(t, s.check(t.Context(), true))
	_, err = Open(t.Context(), path+".format2", Options{ReadOnly: true})
	var old *ledger.VersionError
	require.ErrorAs(t, err, &old)
	require.False(t, bytes.Equal(image, exported(t, s)))
}

func TestDraftKnowsPersons(t *testing.T) {
	s := openNew(t)
	d, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	who := func(n int) ledger.Person { return ledger.PersonOfContact("test", n) }
	others := func(person ledger.Person, contact int) (int, int64) {
		t.Helper()
		n, first, err := d.Others(t.Context(), person, who(contact))
		require.NoError(t, err)
		return n, first
	}
	n, _ := others(anna, 11)
	require.Zero(t, n)
	for range 2 { // two messages of one iteration
		require.NoError(t, d.Writes(t.Context(), anna, who(11), 3))
	}
	n, _ = others(anna, 11)
	require.Zero(t, n, "the contact is no other one")
	n, first := others(anna, 12)
	require.Equal(t, 1, n)
	require.Equal(t, int64(3), first)
	require.NoError(t, d.Writes(t.Context(), anna, who(12), 7))
	n, first = others(anna, 12)
	require.Equal(t, 1, n)
	require.Equal(t, int64(3), first)
	n, _ = others(anna, 13)
	require.Equal(t, 2, n)
	n, first = others(anna, 11)
	require.Equal(t, 1, n)
	require.Equal(t, int64(7), first)
	require.NoError(t, d.Writes(t.Context(), anna, who(11), 9), "nothing new")
	n, _ = others(anna, 13)
	require.Equal(t, 2, n)

	for i := range 50_000 { // more than memory holds: blocks go to the file
		require.NoError(t, d.Writes(t.Context(), ledger.PersonNamed(fmt.Sprint(i)), who(i), int64(i)))
	}
	n, first = others(ledger.PersonNamed("77"), 78)
	require.Equal(t, 1, n)
	require.Equal(t, int64(77), first)
	require.NoError(t, d.Close())
	require.ErrorIs(t, d.Writes(t.Context(), anna, who(1), 1), ledger.ErrClosed)
}

// A ledger gets the index of persons with the first question that needs it, and keeps
// it; one that may only be read is asked all the same.
func TestPeopleAreIndexedWhenAskedFor(t *testing.T) {
	indexed := func(s *Store) (n int) {
		require.NoError(t, s.reader.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_master WHERE name = 'sends_by_person'`).Scan(&n))
		return n
	}
	past := ledger.Past{Person: anna, Account: "test", Contact: 1, Since: noon.Add(-time.Hour)}
	for name, ask := range map[string]func(*Store){
		"a plan": func(s *Store) {
			n, err := s.Occasions(t.Context(), past)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		},
		"intents": func(s *Store) {
			var asked sync.WaitGroup
			for n := range 20 {
				asked.Go(func() {
					in := to(100+n, 500+n, ledger.PersonOfNumber(fmt.Sprint(n)), "r1", noon)
					in.Caps = []ledger.Cap{{Most: 1, Since: noon.Add(-time.Hour)}}
					require.NoError(t, s.Intend(t.Context(), in))
				})
			}
			asked.Wait()
			in := to(200, 11, anna, "r1", noon)
			in.Caps = []ledger.Cap{{Most: 1, Since: noon.Add(-time.Hour)}}
			var capped *ledger.CapError
			in.Run, in.Contact = "r1", 12
			require.ErrorAs(t, s.Intend(t.Context(), in), &capped)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			begin(t, s, "r1")
			settled(t, s, to(1, 11, anna, "r1", noon), ledger.Sent)
			require.Zero(t, indexed(s), "nobody has asked")
			look, err := Open(t.Context(), s.path, Options{ReadOnly: true})
			require.NoError(t, err)
			n, err := look.Occasions(t.Context(), past)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Zero(t, indexed(s))
			ask(s)
			require.Equal(t, 1, indexed(s))
			require.NoError(t, look.Close())
			require.NoError(t, s.Check(t.Context()))
			require.Equal(t, 1, indexed(reopen(t, s.path)))
		})
	}
}
