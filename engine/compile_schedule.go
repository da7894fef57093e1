package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// cronField is one of the five fields of a cron line.
type cronField struct {
	name      string
	low, high int
	words     []string // from low on; nil where only numbers are allowed
}

var cronFields = []cronField{
	{name: "minute", high: 59},
	{name: "hour", high: 23},
	{name: "day of the month", low: 1, high: 31},
	{name: "month", low: 1, high: 12, words: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "weekday", high: 7, words: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

var (
	cronWord = regexp.MustCompile(`\S+`)
	cronPart = regexp.MustCompile(`^(?:\*|([0-9]+|[a-z]+)(?:-([0-9]+|[a-z]+))?)(?:/([0-9]+))?$`)
)

// schedule compiles `schedule:`. Its zone and the sends of the flow are known.
func (c *compiler) schedule() {
	n := c.doc.Schedule.Get("cron")
	if n == nil {
		return // flow.Parse has said so where a schedule lacks it
	}
	c.needZone(n, "When a slot of the schedule comes")
	v, ok := c.literal(n, "cron", step.Field{Shape: step.ShapeText})
	if !ok || !c.cron(n, v.(string)) {
		return
	}
	s := &Schedule{Cron: v.(string), zone: c.p.Zone}
	if _, ok := s.Next(someDay); !ok {
		c.diags.Add("wrong-cron", n.Span, "no day fits the schedule").
			WithDetail("The day of the month and the month never come together, as in 30 February.").
			WithHint("choose a day that the month has")
		return
	}
	c.p.Schedule = s
	c.scheduledSends(n)
}

// someDay is where the search for any slot begins.
var someDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// cron checks the five fields of a cron line, each at its place.
func (c *compiler) cron(n *flow.Node, line string) bool {
	at := func(from, to int) (ok bool) {
		shown := line[from:to]
		field := cronFields[len(cronWord.FindAllString(line[:from], -1))]
		why := field.fault(strings.ToLower(shown))
		if why == "" {
			return true
		}
		c.diags.Add("wrong-cron", n.At(from, to), "%q is no %s of a schedule", shown, field.name).
			WithDetail("%s", why).
			WithHint("write %s", field.example())
		return false
	}
	words := cronWord.FindAllStringIndex(line, -1)
	if len(words) != len(cronFields) {
		d := c.diags.Add("wrong-cron", n.Span, "a schedule has five fields, this one has %d", len(words)).
			WithDetail("They are minute, hour, day of the month, month and weekday, with a space between them. Seconds, years and names such as @weekly are not understood everywhere.")
		d.WithHint(`write "0 10 * * 1" for Mondays at 10:00, "0 9 1 * *" for the first of a month at 09:00`)
		return false
	}
	good := true
	for _, w := range words {
		good = at(w[0], w[1]) && good
	}
	return good
}

// fault says what is wrong with a field, "" when nothing is.
func (f cronField) fault(text string) string {
	for _, part := range strings.Split(text, ",") {
		m := cronPart.FindStringSubmatch(part)
		if m == nil {
			return "A field is * for every one, a number, a range such as 1-5, a list such as 1,15, or a step such as */10."
		}
		low, lowOK := f.value(m[1], f.low)
		high, highOK := f.value(m[2], low)
		every, err := strconv.Atoi(m[3])
		switch {
		case !lowOK || !highOK:
			return f.allowed()
		case high < low:
			return "The range ends before it begins: " + part + "."
		case m[3] != "" && (err != nil || every < 1 || every > f.high):
			return "A step is a number from 1 to " + strconv.Itoa(f.high) + "."
		case m[3] != "" && m[1] != "" && m[2] == "":
			return "A step needs a range to go through: " + m[1] + "-" + strconv.Itoa(f.high) + "/" + m[3] + "."
		}
	}
	return ""
}

// value reads a number or a word of a field; preset stands for an absent one.
func (f cronField) value(text string, preset int) (int, bool) {
	if text == "" {
		return preset, true
	}
	if i := slices.Index(f.words, text); i >= 0 {
		return f.low + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.low && n <= f.high
}

func (f cronField) allowed() string {
	text := "The " + f.name + " is a number from " + strconv.Itoa(f.low) + " to " + strconv.Itoa(f.high)
	if f.words != nil {
		text += ", or a name such as " + f.words[1]
	}
	return text + "."
}

func (f cronField) example() string {
	if f.low == 0 && f.words == nil {
		return `* for every ` + f.name + `, or a number from 0 to ` + strconv.Itoa(f.high)
	}
	return `* for every ` + f.name + `, or a number from ` + strconv.Itoa(f.low) + ` to ` + strconv.Itoa(f.high)
}

// scheduledSends demands of a flow that runs again and again that it says how
// often one person may be written to.
func (c *compiler) scheduledSends(n *flow.Node) {
	if c.p.OncePer != "" {
		return
	}
	var without []string
	for _, st := range c.p.Steps {
		for _, send := range st.Sends {
			if send.OncePer == "" {
				without = append(without, send.ID)
			}
		}
	}
	if len(without) == 0 {
		return
	}
	c.diags.Add("schedule-without-once-per", n.Span, "a flow with a schedule must say how often one person may be written to").
		WithDetail("No oncePer holds for %s, so everybody would be written to in the first slot and never again.", strings.Join(without, ", ")).
		WithHint("add at the top of the flow: oncePer: %s", c.rhythm(n.Text))
}

// rhythm is the period that a schedule goes by: the weekdays of a week, the days
// of a month, or each day.
func (c *compiler) rhythm(line string) string {
	fields := strings.Fields(line)
	switch {
	case fields[2] != "*":
		return "month"
	case fields[4] != "*" && !strings.ContainsAny(fields[4], ",-/"):
		return "week"
	}
	return "day"
}
