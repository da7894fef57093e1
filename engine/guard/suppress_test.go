package guard_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/guard"
)

func TestReadSuppressed(t *testing.T) {
	one := func(contact int, numbers ...string) guard.Suppressed {
		return guard.Suppressed{Contact: contact, Numbers: numbers}
	}
	for name, c := range map[string]struct {
		file string
		want []guard.Suppressed
	}{
		"phones":            {"phone\n+7 916 123-45-67\n8 (916) 123-45-68\n", []guard.Suppressed{one(0, "79161234567"), one(0, "79161234568")}},
		"contacts":          {"contactId\n11\n12", []guard.Suppressed{one(11), one(12)}},
		"both of many":      {"\xef\xbb\xbfName;Phone;ContactID\r\nAnna;79161234567;\r\nBoris;;12\r\nVera;[tg] 807892;13\r\n", []guard.Suppressed{one(0, "79161234567"), one(12), one(13, "[tg] 807892")}},
		"tabs":              {"phone\tnote\n79161234567\tx\n", []guard.Suppressed{one(0, "79161234567")}},
		"quoted":            {"name,phone\n\"Petrova, Anna\",79161234567\n", []guard.Suppressed{one(0, "79161234567")}},
		"one a line":        {"79161234567\n\n 70001 \n+4915112345678\n[tg] 5\n", []guard.Suppressed{one(79161234567, "79161234567"), one(70001), one(4915112345678, "4915112345678"), one(0, "[tg] 5")}},
		"eight is ambigous": {"phone\n84951234567\n", []guard.Suppressed{one(0, "74951234567", "84951234567")}},
		"another encoding":  {"name,phone\n\xc0\xed\xed\xe0,79161234567\n", []guard.Suppressed{one(0, "79161234567")}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []guard.Suppressed
			for s, err := range guard.ReadSuppressed("o.csv", strings.NewReader(c.file)) {
				require.NoError(t, err)
				got = append(got, s)
			}
			require.Equal(t, c.want, got)
			for range guard.ReadSuppressed("o.csv", strings.NewReader(c.file)) {
				break
			}
		})
	}
}

func TestBrokenListsAreNeverEmptyOnes(t *testing.T) {
	for file, want := range map[string]string{
		"":                                "o.csv: names nobody",
		"\n\n":                            "o.csv: names nobody",
		"phone\n":                         "o.csv: names nobody",
		"name,mail\nAnna,a@b.c\n":         "o.csv:1: the header has neither phone nor contactId",
		"phone\n79161234567\nunknown\n":   "o.csv:3: its phone is no phone",
		"phone,name\n79161234567,A\n,B\n": "o.csv:3: names nobody",

		"phone\n79161234567.0\n":      "o.csv:2: its phone is a number with a fraction",
		"7000123.0\n":                 "o.csv:1: is neither a phone nor a contact's id",
		"phone\n8 916 123-45-67/68\n": "o.csv:2: its phone may be two phones",

		"phone,name\n79161234567,\"A\n79161234568,B\"\n79161234569,C\n": "o.csv:2: has a cell of several lines",
		"phone,name\n79161234567,\"A\n79161234568,B\n79161234569,C\n":   "o.csv:2: is no row of a CSV",
		"contactId\n11\n-4\n":               "o.csv:3: its contactId is no whole number",
		"Anna\n":                            "o.csv:1: is neither a phone nor a contact's id",
		"11\n12,13\n":                       "o.csv:2: has more than one value",
		"11\n\xc0\xed\xed\xe0\n":            "o.csv:2: is not UTF-8",
		"phone\n\"79161234567\n":            "o.csv:2: is no row of a CSV",
		"\xff\xfep\x00h\x00o\x00n\x00e\x00": "o.csv:1: is not UTF-8",
	} {
		var got error
		for _, err := range guard.ReadSuppressed("o.csv", strings.NewReader(file)) {
			got = err
		}
		var bad *guard.ListError
		require.ErrorAs(t, got, &bad, "%q", file)
		require.ErrorContains(t, got, want, "%q", file)
		require.NotContains(t, got.Error(), "7916")
	}
	for _, err := range guard.ReadSuppressed("o.csv", iotest.ErrReader(errors.New("the disk is gone"))) {
		require.ErrorContains(t, err, "o.csv: cannot be read: the disk is gone")
	}
}

func TestWords(t *testing.T) {
	w := guard.NewWords([]string{"стоп", "Отписаться", "stop", "не пишите", " ", "й"})
	require.Equal(t, 5, w.Len())
	for text, want := range map[string]string{
		"СТОП":       "стоп",
		"ну стоп!":   "стоп",
		"стопка":     "",
		"нестоп":     "",
		"стоп_слово": "",
		"нон-стоп":   "стоп",
		"Прошу отписаться, спасибо": "Отписаться",
		"отписаться2":               "",
		"please\nStop":              "stop",
		"stopped":                   "",
		"don't stop, stopped":       "stop",
		"больше НЕ   пишите мне":    "не пишите",
		"и\u0306":                   "й",
		"":                          "",
		"\xff\xfestop\xff":          "stop",
	} {
		require.Equal(t, want, w.Find(text), "%q", text)
	}
}

func FuzzReadSuppressed(f *testing.F) {
	for _, seed := range []string{"phone\n79161234567\n", "11\n12\n", "a;contactId\n\"x\";1\n", "\xef\xbb\xbf"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, failed := 0, false
		for s, err := range guard.ReadSuppressed("o.csv", strings.NewReader(string(data))) {
			if err != nil {
				failed = true
				continue
			}
			rows++
			require.False(t, failed, "nothing follows an error")
			require.True(t, s.Contact > 0 || len(s.Numbers) > 0)
		}
		require.True(t, failed || rows > 0)
	})
}
