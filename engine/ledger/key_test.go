package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// These hashes are a promise to every ledger in the world: a change here makes
// everybody look like somebody who was never written to.
func TestGoldenIdentities(t *testing.T) {
	tests := map[string]struct {
		key      ledger.Key
		want     string
		external string
	}{
		"plain":         {ledger.Key{"api.chat2desk.com/7", "spring", "default", "send", "12345", ""}, "edfdd5f79decb95a9808a0f25a09c1645ac7f61a4796777771de28de087a23ca", "fr1-5x65l5455s4vvgaiudzfucob"},
		"period":        {ledger.Key{"api.chat2desk.com/7", "spring", "default", "send", "12345", "2026-W09"}, "54b86ef022d4fb9e37589d22c01bd0c4c7dcf09b4427d0ff75c9e191b07745da", "fr1-ks4g54bc2t5z4n2yturmag6q"},
		"cyrillic":      {ledger.Key{"api.chat2desk.com/7", "весна", "8 марта", "отправить", "Анна Ё", "2026-03"}, "d563db59b64256a2add27c744fd8195ab38a7b27d80af0dcb5ddef558945b0aa", "fr1-2vr5wwnwijlkflospr2e7waz"},
		"empty":         {ledger.Key{}, "c57fb470146ddeed5e011ccbbc9bfd2a44fa21bdda58e248cae65feb1f89508d", "fr1-yv73i4aunxpo2xqbdtf3zg75"},
		"shifted left":  {ledger.Key{"a", "bc", "", "", "", ""}, "2768fbd00ff4cb8dc016cc4b0712b8493efb071159e4ef98cc76f993951fe76e", "fr1-e5upxuap6tfy3qawzrfqoevy"},
		"shifted right": {ledger.Key{"ab", "c", "", "", "", ""}, "2db3615f60b2b481edaa30580bd9d6bce1d34e864588c421903daf2773c5e403", "fr1-fwzwcx3awk2id3nkgbmaxwow"},
		"separator":     {ledger.Key{"a\x00b", "c", "", "", "", ""}, "4e9ce618d5bd08b279d50fbcbf7ce09d9571cbd130df4eeb7bbe818635e9c47d", "fr1-j2oomggvxuele6ovb66l67ha"},
		"separated":     {ledger.Key{"a", "b\x00c", "", "", "", ""}, "58f910eaa4ea81a7f74142389375227ec5653ea03e1b179799248a8b0ea6108a", "fr1-ld4rb2ve5ka2p52bii4jg5jc"},
		"not UTF-8":     {ledger.Key{"\xff", "", "", "", "", ""}, "6cf4952f791846e7b35c7992d1aa15d6aab9d719fed698df62a314684d844028", "fr1-nt2jkl3zdbdopm24pgjndkqv"},
	}
	seen := map[ledger.Identity]string{}
	for name, tt := range tests {
		got := tt.key.Identity()
		require.Equal(t, tt.want, got.String(), name)
		require.Equal(t, tt.external, got.ExternalID(), name)
		require.Empty(t, seen[got], name)
		seen[got] = name
	}
}

// Every field counts.
func TestIdentityCoversEveryField(t *testing.T) {
	base := ledger.Key{"a", "b", "c", "d", "e", "f"}
	seen := map[ledger.Identity]bool{base.Identity(): true}
	for _, change := range []func(*ledger.Key){
		func(k *ledger.Key) { k.Account = "x" },
		func(k *ledger.Key) { k.Flow = "x" },
		func(k *ledger.Key) { k.Campaign = "x" },
		func(k *ledger.Key) { k.Step = "x" },
		func(k *ledger.Key) { k.Key = "x" },
		func(k *ledger.Key) { k.Period = "x" },
	} {
		k := base
		change(&k)
		require.False(t, seen[k.Identity()], "%+v", k)
		seen[k.Identity()] = true
	}
}

func TestParseIdentity(t *testing.T) {
	good := ledger.Key{Flow: "spring"}.Identity()
	got, err := ledger.ParseIdentity(good.String())
	require.NoError(t, err)
	require.Equal(t, good, got)
	for _, bad := range []string{"", "12", good.String() + "0", strings.ToUpper(good.String()), strings.Repeat("g", 64), strings.Repeat("ё", 32)} {
		_, err := ledger.ParseIdentity(bad)
		require.Error(t, err, bad)
	}

	data, err := json.Marshal(map[string]ledger.Identity{"id": good})
	require.NoError(t, err)
	require.JSONEq(t, `{"id": "`+good.String()+`"}`, string(data))
	var back struct{ ID ledger.Identity }
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, good, back.ID)
	require.Error(t, json.Unmarshal([]byte(`{"id": "zz"}`), &back))
}

func FuzzParseIdentity(f *testing.F) {
	f.Add(ledger.Key{}.Identity().String())
	f.Add("ff")
	f.Add(strings.Repeat("F", 64))
	f.Fuzz(func(t *testing.T, s string) {
		i, err := ledger.ParseIdentity(s)
		if err == nil {
			require.Equal(t, s, i.String())
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("", "", "", "\x00")
	f.Fuzz(func(t *testing.T, step1, key1, step2, key2 string) {
		one, two := ledger.Key{Step: step1, Key: key1}, ledger.Key{Step: step2, Key: key2}
		require.Equal(t, one == two, one.Identity() == two.Identity())
	})
}
