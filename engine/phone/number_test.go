package phone_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/phone"
)

// answer is everything that is asked of a number.
type answer struct {
	Digits, Country string
	Fixed           bool
	Zones           []string
}

func ours(text, region string) answer {
	n, ok := phone.Read(text, region)
	if !ok {
		return answer{}
	}
	a := answer{n.Digits(), n.Country(), n.FixedLine(), n.Zones()}
	return a
}

// theirs is the library's answer.
func theirs(text, region string) answer {
	n, err := phonenumbers.Parse(text, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return answer{}
	}
	zones, err := phonenumbers.GetTimezonesForNumber(n)
	if err != nil || zones[0] == phonenumbers.UNKNOWN_TIMEZONE {
		zones = nil
	}
	return answer{
		strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+"), phonenumbers.GetRegionCodeForNumber(n),
		phonenumbers.GetNumberType(n) == phonenumbers.FIXED_LINE, zones,
	}
}

func agree(t *testing.T, text, region string) {
	t.Helper()
	require.Equal(t, theirs(text, region), ours(text, region), "%q in %q", text, region)
}

func regions() []string {
	return append(slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())), "")
}

func TestWritings(t *testing.T) {
	for _, text := range []string{
		"", "+", "++", "1", "12", "123", "+1", "+7", "8", "00", "+0", "+00", "+999123456", "0079161234567", "8~1079161234567", "810 7 916 1234567",
		"+7 (916) 123-45-67", "８（９１６）１２３－４５－６７", "٨٩١٦١٢٣٤٥٦٧", "+۷۹۱۶۱۲۳۴۵۶۷", "८९१६१२३४५६७", "＋7 916 123 45 67",
		"Phone: 8 916 123 45 67 (Anna)", "8 916 123 45 67 доб. 12", "(530) 583-6985 x302/x2303", "+1 530 583 6985 ext. 12", "+1 530-583-6985#12",
		"1-800-FLOWERS", "1 800 FLOWers", "+1 800 fl 356", "8 916 12a 45b 67", "0800 REPAIR", "+1 (800) SIX-FLAG ext 5",
		"tel:+7-916-123-45-67", "tel:8-916-1234567;phone-context=+7", "tel:9161234567;phone-context=+7;x=1", "tel:9161234567;phone-context=example.com",
		";phone-context=+7", "tel:916;phone-context=", "tel:916;phone-context=a b", "9161234567;phone-context=+7tel:1", "+79161234567;isub=12", ";isub=1",
		"+39 06 698 12345", "+39 0236618300", "0011 54 9 11 8765-4321", "0343 15 555 1212", "011 15 8765 4321", "+54 9 343 555 1212",
		"+52 1 33 1234-5678", "01 800 123 4567", "+380 44 123 45 67", "+1 242 365 1234", "365 1234", "+800 1234 5678", "+979 123 456 789", "+881 612345678",
		"+44 1481 960 194", "+7 701 234 56 78", "+7 840 123 45 67", "+590 590 12 34 56", "000000000", "+7 000 000 00 00", "9,5", "7 916 123 45 67, 7 916 123 45 68",
		"79161234567 / 79161234568", strings.Repeat("7", 17), strings.Repeat("7", 18), strings.Repeat("7 ", 126), "+49 1234567890123456", "\x00\xff8", "+7916123456٧", "K800ſſſ1234567",
	} {
		for _, region := range regions() {
			agree(t, text, region)
		}
	}
}

// TestEveryPlan asks about the examples of every region and kind, written in every
// way, right and with one thing changed.
func TestEveryPlan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := regions()
	formats := []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.NATIONAL, phonenumbers.RFC3966}
	for _, region := range all {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			for _, format := range formats {
				text := phonenumbers.Format(example, format)
				for _, where := range []string{region, "", "RU", "US", all[r.IntN(len(all))]} {
					agree(t, text, where)
					agree(t, damaged(r, text), where)
					agree(t, phonenumbers.FormatOutOfCountryCallingNumber(example, where), where)
				}
			}
		}
	}
}

// damaged changes, drops or doubles one byte.
func damaged(r *rand.Rand, text string) string {
	at := r.IntN(len(text))
	switch r.IntN(3) {
	case 0:
		return text[:at] + string(rune('0'+r.IntN(10))) + text[at+1:]
	case 1:
		return text[:at] + text[at+1:]
	}
	return text[:at] + text[at:at+1] + text[at:]
}

// TestNumbersAtRandom asks about digits behind each calling code.
func TestNumbersAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	all := regions()
	codes := slices.Sorted(maps.Keys(phonenumbers.GetSupportedCallingCodes()))
	for range 40_000 {
		digits := make([]byte, r.IntN(13))
		for i := range digits {
			digits[i] = byte('0' + r.IntN(10))
		}
		sign := []string{"+", "", "00"}[r.IntN(3)]
		agree(t, fmt.Sprintf("%s%d%s", sign, codes[r.IntN(len(codes))], digits), all[r.IntN(len(all))])
	}
}

func TestKnown(t *testing.T) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			region := string(a) + string(b)
			require.Equal(t, phonenumbers.GetCountryCodeForRegion(region) != 0, phone.Known(region), region)
		}
	}
	require.False(t, phone.Known("001"))
	require.False(t, phone.Known(""))
}

// FuzzRead: whatever stands there, the library's answer is ours.
func FuzzRead(f *testing.F) {
	f.Add("8 (916) 123-45-67 доб. 5", "RU")
	f.Add("tel:9161234567;phone-context=+7;isub=1", "")
	f.Add("1-800-FLOWERS x12", "US")
	f.Add("011 15 8765 4321", "AR")
	f.Fuzz(func(t *testing.T, text, region string) { agree(t, text, region) })
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		phone.Read("8 (916) 123-45-67", "RU")
	}
}
