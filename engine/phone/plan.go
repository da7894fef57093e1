package phone

import (
	_ "embed" // for the table of plans
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed plans.txt
var plansText string

// table are the plans of all regions, and what a number looks like in writing.
type table struct {
	regions map[string]*plan
	codes   map[string][]*plan // by calling code; the first is the code's main region

	viable, extension, start, end, second, context, domain pattern
}

// plan is one region's numbering plan.
type plan struct {
	region  string
	code    string
	abroad  pattern // what one dials before another country's code
	prefix  pattern // what one dials before a number of the country
	rule    string  // what takes the prefix's place
	leading pattern // how the region's numbers begin, where regions share a code
	alike   bool    // fixed lines and mobiles cannot be told apart
	general desc
	fixed   desc
	mobile  desc
	others  []desc // premium, toll-free and the like
}

// desc describes one kind of numbers.
type desc struct {
	pattern pattern
	lengths []int
	local   []int // lengths that only a neighbour can dial
}

// pattern is a regular expression that is compiled when it is first needed. A nil
// pattern matches nothing.
type pattern func() *regexp.Regexp

func compiled(text string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// whole matches all of a number, head its beginning.
func whole(text string) pattern { return compiled("^(?:" + text + ")$") }
func head(text string) pattern  { return compiled("^(?:" + text + ")") }

func (p pattern) matches(text string) bool { return p != nil && p().MatchString(text) }

// place is where the pattern matches first, from and to; nil where it does not.
func (p pattern) place(text string) []int {
	if p == nil {
		return nil
	}
	return p().FindStringIndex(text)
}

// plans reads the table, once. Its expressions are not compiled yet.
var plans = sync.OnceValue(func() *table {
	t := &table{regions: map[string]*plan{}, codes: map[string][]*plan{}}
	for line := range strings.Lines(plansText) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		switch name := fields[0]; {
		case strings.HasPrefix(name, "#"):
		case name == "writing":
			t.read(fields[1:])
		default:
			p := readPlan(fields)
			t.codes[p.code] = append(t.codes[p.code], p)
			if p.region != nowhere {
				t.regions[p.region] = p
			}
		}
	}
	return t
})

// nowhere is the region of a calling code that belongs to no country.
const nowhere = "001"

// read reads the row of what numbers look like.
func (t *table) read(fields []string) {
	to := map[string]*pattern{
		"viable": &t.viable, "extension": &t.extension, "start": &t.start, "end": &t.end, "second": &t.second,
		"context": &t.context, "domain": &t.domain,
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		*to[name] = compiled(value)
	}
}

func readPlan(fields []string) *plan {
	p := &plan{region: fields[0]}
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "code":
			p.code = value
		case "abroad":
			p.abroad = head(value)
		case "prefix":
			p.prefix = head(value)
		case "rule":
			p.rule = value
		case "leading":
			p.leading = head(value)
		case "alike":
			p.alike = true
		case "general":
			p.general = readDesc(value)
		case "fixed":
			p.fixed = readDesc(value)
		case "mobile":
			p.mobile = readDesc(value)
		case "other":
			p.others = append(p.others, readDesc(value))
		}
	}
	return p
}

// readDesc reads "lengths/local:pattern".
func readDesc(text string) desc {
	lengths, expression, _ := strings.Cut(text, ":")
	lengths, local, _ := strings.Cut(lengths, "/")
	return desc{whole(expression), numbers(lengths), numbers(local)}
}

func numbers(text string) []int {
	var all []int
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		n, _ := strconv.Atoi(word)
		all = append(all, n)
	}
	return all
}

// allows says whether a number is of this kind. Without lengths of its own a kind
// has those of all numbers.
func (d desc) allows(national string) bool {
	return (len(d.lengths) == 0 || slices.Contains(d.lengths, len(national))) && d.pattern.matches(national)
}

// kind is what a number is.
type kind int

const (
	noKind kind = iota // no number of this plan
	otherKind
	fixedLine
)

func (p *plan) kind(national string) kind {
	if !p.general.allows(national) {
		return noKind
	}
	allows := func(d desc) bool { return d.allows(national) }
	fixed := p.fixed.allows(national)
	switch {
	case slices.ContainsFunc(p.others, allows):
		return otherKind
	case fixed && !p.alike && !p.mobile.allows(national):
		return fixedLine
	case fixed, !p.alike && p.mobile.allows(national):
		return otherKind
	}
	return noKind
}

// length is how a number's length fits the plan.
type length int

const (
	fits length = iota
	tooShort
	tooLong
	between // longer than some, shorter than others
	local   // one that only a neighbour can dial
)

// standsAlone says that a number of this length needs no prefix to be one.
func (l length) standsAlone() bool { return l == fits || l == tooLong }

func (p *plan) length(national string) length {
	n, of := len(national), p.general.lengths
	switch {
	case slices.Contains(p.general.local, n):
		return local
	case slices.Contains(of, n):
		return fits
	case n < of[0]:
		return tooShort
	case n > of[len(of)-1]:
		return tooLong
	}
	return between
}

// withoutPrefix takes away what one dials before a number within the country, as
// the 8 in Russia. A number that is whole before and would be none after keeps it.
func (p *plan) withoutPrefix(national string) string {
	if p.prefix == nil || national == "" {
		return national
	}
	at := p.prefix().FindStringSubmatchIndex(national)
	if at == nil {
		return national
	}
	rest := national[at[1]:]
	if p.rule != "" && at[len(at)-2] >= 0 {
		rest = p.prefix().ReplaceAllString(national, p.rule)
	}
	if p.general.pattern.matches(national) && !p.general.pattern.matches(rest) {
		return national
	}
	return rest
}
