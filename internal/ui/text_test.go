package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain",
		"Привет, 世界 👨‍👩‍👧 🇷🇺": "Привет, 世界 👨‍👩‍👧 🇷🇺",
		"\x1b[31mred\x1b[0m":        `\u001b[31mred\u001b[0m`,
		"\x1b]0;title\x07":          `\u001b]0;title\u0007`,
		"\u009b31m":                 `\u009b31m`, // C1: CSI in one character
		"a\rb\nc\td\be":             `a\rb\nc\td\u0008e`,
		"abc\u202egnp.exe":          `abc\u202egnp.exe`,
		"\u2066x\u2069\u200e\u061c": `\u2066x\u2069\u200e\u061c`,
		"zero\u200bwidth\ufeff":     `zero\u200bwidth\ufeff`,
		"line\u2028para\u2029":      `line\u2028para\u2029`,
		"bad\xff\xfebytes":          "bad\uFFFDbytes",
		"\u007f":                    `\u007f`,
	} {
		require.Equal(t, want, Safe(in), "%q", in)
		require.Equal(t, want, Safe(Safe(in)), "what is safe stays as it is")
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("\x1b[2J\u202e\xffпривет")
	f.Fuzz(func(t *testing.T, s string) {
		out := Safe(s)
		for _, r := range out {
			require.True(t, harmless(r), "%q lets %U through", s, r)
		}
		for _, line := range Wrap(out, 20) {
			require.LessOrEqual(t, Width(line), 20)
		}
	})
}

func TestWidths(t *testing.T) {
	for in, want := range map[string]int{"": 0, "abc": 3, "Привет": 6, "世界": 4, "🌸": 2, "é": 1, "e\u0301": 1} {
		require.Equal(t, want, Width(in), in)
		require.Equal(t, 8, Width(Pad(in, 8)), in)
		require.LessOrEqual(t, Width(Cut(in, 3)), 3, in)
	}
	require.Equal(t, "При…", Cut("Привет", 4))
	require.Equal(t, "long enough", Pad("long enough", 4))
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"short", 10, []string{"short"}},
		{"two words", 5, []string{"two", "words"}},
		{"a bb ccc dddd", 6, []string{"a bb", "ccc", "dddd"}},
		{"unbreakable", 4, []string{"unbr", "eaka", "ble"}},
		{"см длинноеслово", 6, []string{"см", "длинно", "еслово"}},
		{"世界世界", 5, []string{"世界", "世界"}},
		{"  indented", 20, []string{"  indented"}},
	} {
		require.Equal(t, tt.want, Wrap(tt.in, tt.width), tt.in)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1234: "1234", 12345: "12,345", 1234567: "1,234,567"} {
		require.Equal(t, want, number(n))
	}
	require.Equal(t, "1 call", Plural(1, "call", "calls"))
	require.Equal(t, "0 calls", Plural(0, "call", "calls"))
	for d, want := range map[time.Duration]string{
		200 * time.Millisecond: "under a second", 42 * time.Second: "42s", 125 * time.Second: "2m05s", 3*time.Hour + 4*time.Minute: "3h04m",
	} {
		require.Equal(t, want, spell(d))
	}
}

func TestStyle(t *testing.T) {
	plain, bright := Style{}, Style{Color: true}
	for _, paint := range []func(Style) func(string) string{
		func(s Style) func(string) string { return s.Bold }, func(s Style) func(string) string { return s.Dim },
		func(s Style) func(string) string { return s.Good }, func(s Style) func(string) string { return s.Warn },
		func(s Style) func(string) string { return s.Bad },
	} {
		require.Equal(t, "x", paint(plain)("x"))
		got := paint(bright)("x")
		require.True(t, strings.HasPrefix(got, "\x1b[") && strings.HasSuffix(got, "mx\x1b[0m"), "%q", got)
		require.Empty(t, paint(bright)(""))
	}
}
