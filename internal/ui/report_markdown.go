package ui

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteMarkdown writes the report in lines of at most 80 columns, but for single
// words that are longer. What came from elsewhere stands in code, where it means
// nothing to a reader of Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := &markdown{}
	m.line("## %s %s of %s", r.Title, code(r.ID), code(r.Flow))
	m.line("")
	m.line("**%s**", capital(r.Verdict))
	m.line("")
	for _, f := range r.Facts {
		m.item("", "%s: %s", f.Name, code(f.Value))
	}
	m.line("")
	if len(r.Steps) == 0 {
		m.line("Nothing to send.")
	} else {
		m.steps(r)
	}
	m.section("Left out", len(r.Reasons))
	for _, x := range r.Reasons {
		m.item("", "%s by %s: %s", number(x.Count), code(x.Step), code(x.Reason))
	}
	m.section("Not sent, or not known", len(r.Groups))
	for _, g := range r.Groups {
		m.item("", "%s %s by %s: %s", number(g.Count), g.Status, code(g.Step), code(g.Reason))
		m.item("  ", "%s", code(whoOf(g)))
	}
	if r.More > 0 {
		m.item("", "%s more, for other reasons", number(r.More))
	}
	m.section("Decided by a person", len(r.Decided))
	for _, d := range r.Decided {
		m.item("", "contact %d, by %s: %s, since: %s", d.Contact, code(d.By), d.State, code(d.Reason))
	}
	m.section("Texts", len(r.Texts))
	for i, t := range r.Texts {
		if i > 0 {
			m.line("")
		}
		m.text(t)
	}
	m.section("Notes", len(r.Notes))
	for _, n := range r.Notes {
		m.item("", "%s", n)
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

// whoOf lists contacts of a group, and counts the rest.
func whoOf(g ReportGroup) string {
	text := strings.Join(g.Who, ", ")
	if more := g.Count - len(g.Who); more > 0 {
		text += fmt.Sprintf(" and %s more", number(more))
	}
	return text
}

// markdown is a text of Markdown in the making.
type markdown struct{ b strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *markdown) section(title string, n int) {
	if n > 0 {
		m.line("\n### %s\n", title)
	}
}

// item is an item of a list.
func (m *markdown) item(indent, format string, args ...any) {
	lead := indent + "- "
	for _, part := range Wrap(fmt.Sprintf(format, args...), pageWidth-len(lead)) {
		m.line("%s%s", lead, part)
		lead = indent + "  "
	}
}

// steps is the table of balances.
func (m *markdown) steps(r *Report) {
	for _, s := range r.Balance {
		m.item("", "**%s** %s", number(s.Count), s.Name)
	}
	if len(r.Steps) < 2 {
		return
	}
	m.line("")
	for _, s := range r.Steps {
		var parts []string
		for _, x := range s.Shares {
			parts = append(parts, number(x.Count)+" "+x.Name)
		}
		m.item("", "%s: %s", code(s.Step), strings.Join(parts, ", "))
	}
}

// text is a text in a fence that nothing in it can close.
func (m *markdown) text(t ReportText) {
	head := code(t.Step)
	if t.To != "" {
		head += " to " + code(t.To)
	}
	m.line("%s:\n", head)
	fence := strings.Repeat("`", max(3, longestTicks(t.Text)+1))
	m.line("%stext", fence)
	for line := range strings.SplitSeq(t.Text, "\n") {
		for _, part := range Wrap(Safe(line), pageWidth) {
			m.line("%s", part)
		}
	}
	m.line("%s", fence)
	if len(t.Details) > 0 {
		m.line("")
	}
	for _, k := range slices.Sorted(maps.Keys(t.Details)) {
		m.item("", "%s: %s", k, code(t.Details[k]))
	}
}

// code puts a text of somebody else into a code span, whatever stands in it.
func code(text string) string {
	text = Safe(text)
	if text == "" {
		return "–"
	}
	ticks := strings.Repeat("`", longestTicks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

func longestTicks(text string) int {
	most, n := 0, 0
	for _, c := range text {
		if c != '`' {
			n = 0
			continue
		}
		n++
		most = max(most, n)
	}
	return most
}

// capital makes a sentence of a few words.
func capital(text string) string {
	text = strings.TrimSuffix(text, ".")
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
