package ledger_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// A person is looked for in ledgers of years: the encoding never changes.
func TestGoldenPersons(t *testing.T) {
	for want, got := range map[string]ledger.Person{
		"be55a47f497e6c7692840ed28b07447f": ledger.PersonOfNumber("79161234567"),
		"97424f20f54c2e8d5b5f4cc3f5f74ad4": ledger.PersonNamed("79161234567"),
		"2bca8bec18fcf557b0326e4a10e5270b": ledger.PersonOfContact("api.chat2desk.com/7", 101),
	} {
		require.Equal(t, want, got.String())
	}
}

func TestPersons(t *testing.T) {
	require.NotEqual(t, ledger.PersonOfContact("a", 11), ledger.PersonOfContact("b", 11), "an id means something in its account alone")
	require.NotEqual(t, ledger.PersonOfNumber("1"), ledger.PersonNamed("1"))
	require.True(t, ledger.Person{}.IsZero())
	require.False(t, ledger.PersonNamed("x").IsZero())

	p := ledger.PersonNamed("x")
	text, err := json.Marshal(p)
	require.NoError(t, err)
	var back ledger.Person
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, p, back)
	for _, bad := range []string{"", "00", p.String() + "00", "FF" + p.String()[2:], "zz" + p.String()[2:]} {
		_, err := ledger.ParsePerson(bad)
		require.ErrorContains(t, err, "32 lower-case hex digits", bad)
	}
}

func TestClasses(t *testing.T) {
	for _, c := range []ledger.Class{ledger.Marketing, ledger.Service, ledger.Internal} {
		back, err := ledger.ParseClass(c.String())
		require.NoError(t, err)
		require.Equal(t, c, back)
		require.True(t, c.Valid())
	}
	c, err := ledger.ParseClass("")
	require.NoError(t, err)
	require.Equal(t, ledger.Marketing, c)
	_, err = ledger.ParseClass("spam")
	require.EqualError(t, err, `class: "spam" is not one of ["marketing" "service" "internal"]`)
	require.Equal(t, "class 9", ledger.Class(9).String())
}
