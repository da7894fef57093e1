package phone

import "strings"

// Number is a telephone number that its country's numbering plan allows. Only
// Read makes one.
type Number struct {
	code     string // the country's calling code
	national string // what follows it, with the zeros that belong to the number
	plan     *plan  // of the region where the number is
}

// Bounds of what is taken for a number, as ITU-T E.164 and the widest plans have
// them.
const (
	maxText     = 250 // bytes
	minNational = 2   // digits
	maxNational = 17  // digits; Germany has numbers longer than the standard's 15
	maxCode     = 3   // digits
)

// Read reads a number that is written with its country's code behind a plus sign,
// or as one dials it in a region, which is a country code of two capital letters or
// "". A number that no plan allows is none: ok is false.
func Read(text, region string) (n Number, ok bool) {
	if len(text) > maxText {
		return Number{}, false
	}
	t := plans()
	written, ok := t.cut(text)
	if !ok {
		return Number{}, false
	}
	home := t.regions[region]
	if home == nil && !strings.ContainsAny(written, pluses) {
		return Number{}, false
	}
	written = t.withoutExtension(written)
	code, rest, ok := t.parted(written, home)
	if !ok {
		return Number{}, false
	}
	p := home
	if code != "" {
		p = t.codes[code][0]
	}
	if p == nil || len(rest) < minNational {
		return Number{}, false
	}
	if national := p.withoutPrefix(rest); p.length(national).standsAlone() {
		rest = national
	}
	if len(rest) < minNational || len(rest) > maxNational {
		return Number{}, false
	}
	n = Number{code: p.code, national: rest, plan: t.place(p.code, rest)}
	return n, n.plan != nil && n.plan.kind(rest) != noKind
}

// parted takes the country's code from the front of a number: code is "" for
// one that is written as in home. Where the digits behind a plus sign begin with no
// code, the sign is taken for a slip.
func (t *table) parted(written string, home *plan) (code, national string, ok bool) {
	rest, abroad := international(written, home)
	if abroad {
		if len(rest) <= minNational {
			return "", "", false
		}
		if code, national := t.code(rest); code != "" {
			return code, national, true
		}
		unsigned := strings.TrimLeft(written, pluses)
		if unsigned == written {
			return "", "", false
		}
		code, national, ok = t.parted(unsigned, home)
		return code, national, ok && code != ""
	}
	if home == nil {
		return "", "", false
	}
	if national, ok := strings.CutPrefix(rest, home.code); ok {
		national = home.withoutPrefix(national)
		possible := home.general.pattern
		if !possible.matches(rest) && possible.matches(national) || home.length(rest) == tooLong {
			return home.code, national, true
		}
	}
	return "", rest, true
}

// code finds the calling code at the front. No code begins with another one.
func (t *table) code(digits string) (code, rest string) {
	for n := 1; n <= min(maxCode, len(digits)); n++ {
		if len(t.codes[digits[:n]]) > 0 {
			return digits[:n], digits[n:]
		}
	}
	return "", digits
}

// place is the plan of the region where a number is: several share some codes.
func (t *table) place(code, national string) *plan {
	shared := t.codes[code]
	if len(shared) == 1 {
		return shared[0]
	}
	for _, p := range shared {
		switch {
		case p.leading != nil:
			if p.leading.matches(national) {
				return p
			}
		case p.kind(national) != noKind:
			return p
		}
	}
	return nil
}

// Digits are the country's code and the number, without a plus sign.
func (n Number) Digits() string { return n.code + n.national }

// Country is the country or territory where the number is, as two capital
// letters; "001" is a number of no country.
func (n Number) Country() string { return n.plan.region }

// FixedLine says that the number is bound to a place: where a plan cannot tell
// fixed lines from mobiles, it is not.
func (n Number) FixedLine() bool { return n.plan.kind(n.national) == fixedLine }

// Known says whether there is a region of this name.
func Known(region string) bool { return plans().regions[region] != nil }
