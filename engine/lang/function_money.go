package lang

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/step"
)

// moneyFunction writes an amount as people of a language write prices.
func moneyFunction() Function {
	return Function{
		Name: "money",
		Doc: "An amount of money as text: its digits grouped and its sign placed as the locale en, ru or es does; " +
			"cents are left out where there are none. The currency is three letters, such as RUB, KZT, USD or EUR.",
		Example: `money(1234.5, "RUB", "ru") → "1\u00a0234,50\u00a0₽"`,
		Params: []Param{
			{Name: "amount", Shape: step.ShapeNumber},
			{Name: "currency", Shape: step.ShapeText, Literal: readBy(currencyOf)},
			localeParam(),
		},
		Result: step.ShapeText,
		Call:   writesNumber("currency", currencyOf),
	}
}

// currency is how an amount of it is written.
type currency struct {
	sign   string
	places int // digits of the smallest coin, by ISO 4217
}

// currencyOf finds a currency by its three letters.
func currencyOf(code string) (currency, error) {
	all := currencies()
	if c, ok := all[strings.ToUpper(code)]; ok {
		return c, nil
	}
	problem := quote(code) + " is no currency here"
	if now := formerCurrencies()[strings.ToUpper(code)]; now != "" {
		return currency{}, fmt.Errorf("%s: its code is %q now", problem, now)
	}
	if near := diag.Closest(strings.ToUpper(code), slices.Sorted(maps.Keys(all))); near != "" {
		return currency{}, fmt.Errorf("%s: did you mean %q?", problem, near)
	}
	return currency{}, errors.New(problem + ": write its three letters, such as RUB, KZT, USD or EUR; another sign is written with formatNumber")
}

// currencies are those of the countries that the three languages are spoken in,
// and those that are paid in beside them. Where several have one sign, as the
// dollars do, the reader of a message knows which one is meant.
func currencies() map[string]currency {
	return map[string]currency{
		"AED": {"AED", 2}, "AMD": {"֏", 2}, "ARS": {"$", 2}, "AUD": {"$", 2}, "AZN": {"₼", 2}, "BGN": {"BGN", 2}, "BOB": {"Bs", 2},
		"BRL": {"R$", 2}, "BYN": {"Br", 2}, "CAD": {"$", 2}, "CHF": {"CHF", 2}, "CLP": {"$", 0}, "CNY": {"¥", 2}, "COP": {"$", 2},
		"CRC": {"₡", 2}, "CUP": {"$", 2}, "CZK": {"Kč", 2}, "DKK": {"kr", 2}, "DOP": {"RD$", 2}, "EUR": {"€", 2}, "GBP": {"£", 2},
		"GEL": {"₾", 2}, "GTQ": {"Q", 2}, "HNL": {"L", 2}, "HUF": {"Ft", 2}, "IDR": {"Rp", 2}, "ILS": {"₪", 2}, "INR": {"₹", 2},
		"JPY": {"¥", 0}, "KGS": {"⃀", 2}, "KRW": {"₩", 0}, "KZT": {"₸", 2}, "MDL": {"MDL", 2}, "MNT": {"₮", 2}, "MXN": {"$", 2},
		"NIO": {"C$", 2}, "NOK": {"kr", 2}, "PAB": {"B/.", 2}, "PEN": {"S/", 2}, "PHP": {"₱", 2}, "PLN": {"zł", 2}, "PYG": {"₲", 0},
		"RON": {"RON", 2}, "RSD": {"RSD", 2}, "RUB": {"₽", 2}, "SEK": {"kr", 2}, "SGD": {"$", 2}, "THB": {"฿", 2}, "TJS": {"TJS", 2},
		"TMT": {"TMT", 2}, "TRY": {"₺", 2}, "UAH": {"₴", 2}, "USD": {"$", 2}, "UYU": {"$", 2}, "UZS": {"UZS", 2}, "VES": {"Bs", 2},
		"VND": {"₫", 0},
	}
}

// formerCurrencies are codes that are still written, and what replaced them.
func formerCurrencies() map[string]string {
	return map[string]string{"RUR": "RUB", "BYR": "BYN", "UAK": "UAH", "VEF": "VES", "TRL": "TRY"}
}

// write renders a plain decimal. English sets the sign before the amount,
// Russian and Spanish behind it, apart.
func (c currency) write(decimal string, l locale) string {
	p := numberPattern{whole: 1, most: c.places, group: ","}
	if _, fraction := roundDecimal(strings.TrimPrefix(decimal, "-"), c.places); strings.Trim(fraction, "0") != "" {
		p.least = c.places
	}
	if !l.signFirst {
		p.after = "\u00a0" + c.sign
		return p.write(decimal, l)
	}
	p.before = c.sign
	if last, _ := utf8.DecodeLastRuneInString(c.sign); unicode.IsLetter(last) {
		p.before += "\u00a0"
	}
	return p.write(decimal, l)
}
