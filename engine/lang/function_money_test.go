package lang

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMoney(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		amount           any
		currency, locale string
		want             string
	}{
		{1234.5, "RUB", "ru", "1\u00a0234,50\u00a0₽"},
		{1234, "RUB", "ru", "1\u00a0234\u00a0₽"},
		{1234.0, "rub", "ru", "1\u00a0234\u00a0₽"},
		{1500000, "KZT", "ru", "1\u00a0500\u00a0000\u00a0₸"},
		{1234.5, "USD", "en", "$1,234.50"},
		{0.05, "USD", "en", "$0.05"},
		{-1234.5, "USD", "en", "-$1,234.50"},
		{-12, "EUR", "es", "-12\u00a0€"},
		{1234.5, "EUR", "es", "1234,50\u00a0€"},
		{12345.5, "EUR", "es", "12.345,50\u00a0€"},
		{12, "CHF", "en", "CHF\u00a012"},
		{12.5, "PEN", "es", "12,50\u00a0S/"},
		{99.5, "JPY", "en", "¥100"},
		{2.005, "RUB", "ru", "2,01\u00a0₽"},
		{0.999, "RUB", "ru", "1\u00a0₽"},
		{-0.001, "RUB", "ru", "0\u00a0₽"},
		{math.MaxInt, "RUB", "ru", "9\u00a0223\u00a0372\u00a0036\u00a0854\u00a0775\u00a0807\u00a0₽"},
	} {
		require.Equal(t, tt.want, callOne(t, c, "money", tt.amount, tt.currency, tt.locale), "%v %s", tt.amount, tt.currency)
	}
	require.Equal(t, "$1", callOne(t, c, "money", 1, "USD"), "English without a locale, as in format")

	f := mustFunction(t, "money")
	for text, want := range map[string]string{
		"RUR":  `"RUR" is no currency here: its code is "RUB" now`,
		"USDD": `"USDD" is no currency here: did you mean "USD"?`,
		"₽":    `"₽" is no currency here: write its three letters, such as RUB, KZT, USD or EUR; another sign is written with formatNumber`,
	} {
		require.EqualError(t, f.literal(1, text), want)
	}
	require.NoError(t, f.literal(0, "anything"))
	require.Error(t, f.literal(2, "de"))
	require.Equal(t, "number must be finite; was something divided by zero?", callFails(t, c, "money", math.Inf(1), "RUB", "ru"))
}

func TestEveryCurrencyHasASign(t *testing.T) {
	for code, unit := range currencies() {
		require.Len(t, code, 3)
		require.NotEmpty(t, unit.sign, code)
		require.Contains(t, []int{0, 2}, unit.places, code)
	}
}

func TestFormatList(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		list   []any
		locale string
		want   string
	}{
		{[]any{}, "ru", ""},
		{[]any{"чай"}, "ru", "чай"},
		{[]any{"чай", "кофе"}, "ru", "чай и кофе"},
		{[]any{"чай", "кофе", "какао"}, "ru", "чай, кофе и какао"},
		{[]any{"tea", "coffee"}, "en", "tea and coffee"},
		{[]any{"tea", "coffee", "cocoa"}, "en", "tea, coffee, and cocoa"},
		{[]any{"té", "café", "cacao"}, "es", "té, café y cacao"},
		{[]any{"padre", "Hijo"}, "es", "padre e Hijo"},
		{[]any{"Ana", "Íñigo"}, "es", "Ana e Íñigo"},
		{[]any{"agua", "hielo"}, "es", "agua y hielo"},
		{[]any{"agua", "iones"}, "es", "agua e iones"},
	} {
		require.Equal(t, tt.want, callOne(t, c, "formatList", tt.list, tt.locale))
	}
	require.Equal(t, "a and b", callOne(t, c, "formatList", []any{"a", "b"}))
	require.Contains(t, callFails(t, c, "formatList", []any{"a", 7}), "element 2 must be a text")
}

func TestInZone(t *testing.T) {
	c := exampleContext(t) // 10:30 in Moscow
	almaty := callOne(t, c, "inZone", c.Now, "Asia/Almaty")
	require.Equal(t, 12, callOne(t, c, "hour", almaty))
	require.Equal(t, "2 марта, 12:30", callOne(t, c, "format", almaty, "d MMMM, HH:mm", "ru"))
	late := callOne(t, c, "date", "2026-03-01 23:30")
	require.Equal(t, 7, callOne(t, c, "weekday", late))
	tokyo := callOne(t, c, "inZone", late, "Asia/Tokyo")
	require.Equal(t, 1, callOne(t, c, "weekday", tokyo))
	require.Equal(t, callOne(t, c, "date", "2026-03-01 18:00"), callOne(t, c, "startOfDay", tokyo), "midnight in Tokyo is 18:00 in Moscow")
	require.Equal(t, 10, callOne(t, c, "hour", c.Now), "the company's zone is what it was")

	require.Error(t, mustFunction(t, "inZone").literal(1, "Local"))
	require.NotContains(t, callFails(t, c, "inZone", c.Now, "Anna's phone"), "Anna")
}
