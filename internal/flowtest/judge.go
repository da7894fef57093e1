package flowtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// Failure is one thing that came out otherwise.
type Failure struct {
	Summary string   // one line
	Detail  []string // lines below it, such as a difference
	Line    int      // of the test file; 0 is the case's
}

// judge compares an outcome with what a case expects.
type judge struct {
	suite    *Suite
	c        *Case
	update   bool
	failures []Failure
	updated  string
}

func (j *judge) fail(line int, detail []string, format string, args ...any) {
	j.failures = append(j.failures, Failure{Summary: fmt.Sprintf(format, args...), Detail: detail, Line: line})
}

// diagnostics compares the problems of validate. Errors must be listed
// completely; advice that nobody asks for is no failure.
func (j *judge) diagnostics(got diag.List) {
	if !j.c.expect.given["diagnostics"] {
		return
	}
	rest := slices.Clone(got)
	for _, w := range j.c.expect.diagnostics {
		i := slices.IndexFunc(rest, func(d diag.Diagnostic) bool {
			return d.Code == w.code && (w.line == 0 || d.Span.Start.Line == w.line)
		})
		if i < 0 {
			at := ""
			if w.line > 0 {
				at = fmt.Sprintf(" in line %d", w.line)
			}
			j.fail(j.c.expect.node.Span.Start.Line, listed(rest), "diagnostics: validate does not report %s%s", w.code, at)
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	rest = slices.DeleteFunc(rest, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	if len(rest) > 0 && len(j.failures) == 0 {
		j.fail(j.c.expect.node.Span.Start.Line, listed(rest), "diagnostics: validate reports more than is expected")
	}
}

func listed(l diag.List) []string {
	if len(l) == 0 {
		return []string{"validate reports nothing more"}
	}
	var out []string
	for _, d := range l {
		out = append(out, fmt.Sprintf("%s: %s [%s]", d.Span, d.Summary, d.Code))
	}
	return out
}

// judge compares what a case has done.
func (j *judge) judge(got *outcome) error {
	x := &j.c.expect
	j.stops(got)
	if x.given["sends"] {
		j.sends(got)
	}
	if x.given["leftOut"] {
		j.leftOut(got)
	}
	for _, key := range slices.Sorted(maps.Keys(x.counts)) {
		if got.counts[key] != x.counts[key] {
			j.fail(x.node.Get("counts").Get(key).Span.Start.Line, nil, "counts: expected %d %s, got %d", x.counts[key], key, got.counts[key])
		}
	}
	j.outputs(got)
	j.files(got)
	if x.golden {
		return j.texts(got)
	}
	return nil
}

func (j *judge) stops(got *outcome) {
	x := &j.c.expect
	if !x.given["stops"] {
		if got.exit != 0 {
			j.fail(0, nil, "the run stopped with exit code %d: %s", got.exit, escaped(got.reason))
		}
		return
	}
	line := x.node.Get("stops").Span.Start.Line
	switch {
	case got.exit == 0:
		j.fail(line, nil, "stops: the run was expected to stop, but it went through")
		return
	case x.stops.exit != 0 && got.exit != x.stops.exit:
		j.fail(line, nil, "stops: expected exit code %d, got %d: %s", x.stops.exit, got.exit, escaped(got.reason))
	}
	for _, want := range x.stops.message {
		if !strings.Contains(got.reason, want) {
			j.fail(line, pair(want, got.reason), "stops: the reason does not contain what is expected")
		}
	}
}

func (j *judge) sends(got *outcome) {
	x := &j.c.expect
	rest := got.out()
	for _, w := range x.sends {
		best := -1
		for i, m := range rest {
			if !w.addressed(m) {
				continue
			}
			if best < 0 {
				best = i
			}
			if len(w.wrong(m)) == 0 {
				best = i
				break
			}
		}
		line := w.node.Span.Start.Line
		if best < 0 {
			var detail []string
			if why := got.whyNot(w.contact); why != "" {
				detail = []string{escaped(why)}
			}
			j.fail(line, detail, "sends: %s gets no message%s", w.whom(), stepNamed(w.step))
			continue
		}
		m := rest[best]
		rest = slices.Delete(rest, best, best+1)
		j.failures = append(j.failures, w.wrong(m)...)
	}
	if x.some {
		return
	}
	for _, m := range rest {
		j.fail(x.node.Get("sends").Span.Start.Line, quotedLines("  ", m.text), "sends: contact %d gets a message from %s that is not expected", m.contact, m.step)
	}
}

func stepNamed(id string) string {
	if id == "" {
		return ""
	}
	return " from " + id
}

func (w wantSend) whom() string {
	if w.contact == 0 {
		return "key " + strconv.Quote(w.key)
	}
	return fmt.Sprintf("contact %d", w.contact)
}

// addressed reports whether a message is the one that is meant, whatever it
// says.
func (w wantSend) addressed(m message) bool {
	return (w.step == "" || w.step == m.step) && (w.contact == 0 || w.contact == m.contact) && (w.key == "" || w.key == m.key)
}

// wrong says how a message differs from what is expected.
func (w wantSend) wrong(m message) []Failure {
	var out []Failure
	add := func(detail []string, format string, args ...any) {
		out = append(out, Failure{fmt.Sprintf(format, args...), detail, w.node.Span.Start.Line})
	}
	who := w.whom()
	if w.text != nil && strings.TrimRight(*w.text, "\n") != strings.TrimRight(m.text, "\n") {
		add(difference(strings.TrimRight(*w.text, "\n"), m.text), "sends: %s gets another text", who)
	}
	for _, name := range slices.Sorted(maps.Keys(w.with)) {
		if want, got := w.with[name], m.args[name]; !equal(want, got) {
			add(pairOf(shown(want), shown(got)), "sends: the %s for %s is another", name, who)
		}
	}
	for _, part := range w.contains {
		if !strings.Contains(m.text, part) {
			add(pair(part, m.text), "sends: the text for %s does not contain what is expected", who)
		}
	}
	for _, re := range w.matches {
		if !re.MatchString(m.text) {
			add(pair(re.String(), m.text), "sends: the text for %s does not match", who)
		}
	}
	return out
}

func (j *judge) leftOut(got *outcome) {
	x := &j.c.expect
	rest := make([]left, len(got.leftOut))
	for i, l := range got.leftOut {
		rest[i] = left{l.step, l.reason, l.count, slices.Clone(l.contacts)}
	}
	for _, w := range x.leftOut {
		j.oneLeftOut(w, rest)
	}
	if x.some {
		return
	}
	for _, l := range rest {
		if l.count > 0 {
			var detail []string
			if len(l.contacts) > 0 {
				detail = []string{"contacts " + strings.Trim(fmt.Sprint(l.contacts), "[]")}
			}
			j.fail(x.node.Get("leftOut").Span.Start.Line, detail, "leftOut: %s leaves out %d that are not expected: %s", l.step, l.count, escaped(l.reason))
		}
	}
}

// oneLeftOut takes one expectation out of the rest.
func (j *judge) oneLeftOut(w wantLeftOut, rest []left) {
	line, found := w.node.Span.Start.Line, 0
	var reasons []string
	for i, l := range rest {
		if l.step != w.step || l.count == 0 {
			continue
		}
		if w.reason != "" && w.reason != l.reason {
			reasons = append(reasons, l.reason)
			continue
		}
		if w.contact != 0 {
			at := slices.Index(l.contacts, w.contact)
			if at < 0 {
				continue
			}
			rest[i].contacts = slices.Delete(l.contacts, at, at+1)
			rest[i].count--
			return
		}
		found += l.count
		rest[i].count = 0
	}
	switch {
	case w.contact != 0:
		j.fail(line, reasonsSeen(reasons), "leftOut: %s does not leave out contact %d%s", w.step, w.contact, because(w.reason))
	case w.count >= 0 && w.count != found:
		j.fail(line, reasonsSeen(reasons), "leftOut: expected %s to leave out %d%s, got %d", w.step, w.count, because(w.reason), found)
	case w.count < 0 && found == 0:
		j.fail(line, reasonsSeen(reasons), "leftOut: %s leaves out nobody%s", w.step, because(w.reason))
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " because " + strconv.Quote(reason)
}

func reasonsSeen(reasons []string) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, "its reason is "+strconv.Quote(r))
	}
	return out
}

func (j *judge) outputs(got *outcome) {
	x := &j.c.expect
	if x.outputs == nil {
		return
	}
	have := map[string]any{}
	if got.result != nil {
		for _, o := range got.result.Outputs {
			have[o.Name] = o.Value
		}
	}
	for _, e := range x.outputs.Entries {
		want, v := x.outputValues[e.Key.Text], have[e.Key.Text]
		if !equal(want, v) {
			j.fail(e.Key.Span.Start.Line, pairOf(shown(want), shown(v)), "outputs: %s is another", e.Key.Text)
		}
	}
}

func (j *judge) files(got *outcome) {
	for _, w := range j.c.expect.files {
		line := j.c.expect.node.Get("files").Get(w.path).Span.Start.Line
		text, written := got.files[w.path]
		switch {
		case !written:
			j.fail(line, nil, "files: %s was not written", w.path)
		case unifiedEnd(text) != unifiedEnd(w.text):
			j.fail(line, difference(unifiedEnd(w.text), unifiedEnd(text)), "files: %s holds something else", w.path)
		}
	}
}

// unifiedEnd is a text with its lines ended as YAML has them.
func unifiedEnd(s string) string { return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n") }
