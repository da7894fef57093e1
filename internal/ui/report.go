package ui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Report is what people are given to read about a plan or a run, as one HTML
// file or as Markdown. It holds no more than fits on a few pages, however long
// the run is.
//
// Unless it is unmasked it shows texts as the flow writes them, before anybody's
// data is in them, and hides the middle of whatever looks like a phone.
type Report struct {
	Title    string // Plan or Run
	ID       string
	Flow     string
	Verdict  string
	Mood     string // good, warn or bad: how the verdict looks
	Facts    []Fact
	Balance  []Share
	Total    int
	Steps    []ReportStep
	Reasons  []ReasonDocument
	Groups   []ReportGroup // who did not get it, by reason
	More     int           // rows of further groups
	Texts    []ReportText
	Timeline *Timeline // nil: nothing was tried
	Decided  []DecisionDocument
	Notes    []string
	Unmasked bool

	groups map[groupKey]int
}

// Fact is one line of a report's head.
type Fact struct{ Name, Value string }

// Share is one part of the balance.
type Share struct {
	Name  string
	Count int
	Mood  string // good, bad, warn or plain
}

// ReportStep is the balance of one sending step, in the order of the report's
// columns.
type ReportStep struct {
	Step   string
	Shares []Share
}

// ReportGroup is all rows of a step that share a status and a reason.
type ReportGroup struct {
	Step, Status, Reason string
	Count                int
	Who                  []string // the first ones
}

// ReportText is a text that a step sends.
type ReportText struct {
	Step    string
	To      string // whose it is; "" of a text as the flow writes it
	Text    string
	Details map[string]string
}

type groupKey struct{ step, status, reason string }

// How much a report shows.
const (
	reportGroups = 100 // reasons
	reportWho    = 20  // contacts of each
)

// phoneLike finds what could be a phone, also inside longer texts; moments and
// the ids of runs look alike and are none.
var (
	phoneLike = regexp.MustCompile(`\+?\d[\d ()-]{8,}\d`)
	momentish = regexp.MustCompile(`^\d{4}-\d\d-\d\d|^\d{8}-\d{6}`)
)

// hide masks what looks like a phone, unless the report is unmasked.
func (r *Report) hide(text string) string {
	if r.Unmasked {
		return text
	}
	return phoneLike.ReplaceAllStringFunc(text, func(s string) string {
		if momentish.MatchString(s) {
			return s
		}
		return s[:2] + "***" + s[len(s)-2:]
	})
}

// PlanReport is a report about a plan.
func PlanReport(p *engine.Summary, unmask bool) *Report {
	h, c := p.Head, p.End.Counts
	r := &Report{Title: "Plan", ID: h.Run, Flow: h.Flow, Unmasked: unmask, Mood: "good", Verdict: "Nothing was sent."}
	where := ""
	if h.Sandbox {
		where = ", sandbox"
	}
	r.Facts = []Fact{
		{"File", h.File},
		{"Campaign", h.Campaign + where},
		{"Planned", h.Now.Format(moment)},
		{"Expires", h.Expires.Format(moment)},
		{"Accounts", accounts(h.Accounts)},
		{"Fingerprint", p.End.Fingerprint()},
		{"At most", Plural(h.MaxSends, "message", "messages")},
	}
	for _, why := range p.Unfit {
		r.Mood, r.Verdict = "warn", "It cannot be applied."
		r.Notes = append(r.Notes, "It cannot be applied: "+r.hide(why))
	}
	r.Balance = planShares(c)
	for _, s := range p.Steps {
		r.Steps = append(r.Steps, ReportStep{s.Step, planShares(s.Counts)})
	}
	for _, l := range p.LeftOut {
		r.Reasons = append(r.Reasons, ReasonDocument{l.Step, r.hide(l.Reason), l.Count})
	}
	for _, s := range p.Samples {
		r.AddText(s)
	}
	if len(p.Locals) > 0 {
		r.Notes = append(r.Notes, "After the sends: "+strings.Join(p.Locals, ", ")+".")
	}
	if len(p.End.Later) > 0 {
		r.Notes = append(r.Notes, "Planned when these sends have settled: "+laterSteps(p.End.Later)+".")
	}
	if c.Changed > 0 {
		r.Notes = append(r.Notes, Plural(c.Changed, "message", "messages")+" already sent had another text; a changed text is not sent again.")
	}
	r.Warn(p.End.Warnings)
	r.Notes = append(r.Notes, Style{}.estimate(p))
	r.total()
	return r
}

func planShares(c planfile.Counts) []Share {
	return filledShares([]Share{
		{"to send", c.Planned, "good"},
		{"already sent", c.AlreadySent, "plain"},
		{"left out", c.LeftOut, "plain"},
		{"duplicate", c.Duplicate, "plain"},
		{"unknown", c.Unknown, "warn"},
		{"refused", c.Refused, "bad"},
	})
}

// filledShares keeps the first share and those that are not 0.
func filledShares(list []Share) []Share {
	return slices.DeleteFunc(list, func(s Share) bool { return s.Count == 0 && s.Name != list[0].Name })
}

func accounts(by map[string]string) string {
	var list []string
	for _, name := range by {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// RunReport begins a report about a run; Add gives it the rows, Close ends it.
func RunReport(run ledger.Run, unmask bool) *Report {
	r := &Report{Title: "Run", ID: run.ID, Flow: run.Flow, Unmasked: unmask, groups: map[groupKey]int{}}
	r.Facts = []Fact{
		{"File", run.File}, {"Campaign", run.Campaign}, {"Account", run.Account}, {"Started", run.Started.Format(moment)},
	}
	if !run.Finished.IsZero() {
		r.Facts = append(r.Facts, Fact{"Ended", run.Finished.Format(moment)})
	}
	if run.Reason != "" {
		r.Facts = append(r.Facts, Fact{"Stopped", r.hide(run.Reason)})
	}
	r.Timeline = newTimeline(run)
	return r
}

// Add counts a row.
func (r *Report) Add(row history.Row, run string) {
	mood := map[string]string{planfile.StatusSent: "good", planfile.StatusFailed: "bad", planfile.StatusUnknown: "warn", planfile.StatusSkipped: "warn"}[row.Status]
	if mood == "" {
		mood = "plain"
	}
	i := slices.IndexFunc(r.Steps, func(s ReportStep) bool { return s.Step == row.Step })
	if i < 0 {
		i = len(r.Steps)
		r.Steps = append(r.Steps, ReportStep{Step: row.Step})
	}
	r.Steps[i].Shares = count(r.Steps[i].Shares, words(row.Status), mood)
	r.Balance = count(r.Balance, words(row.Status), mood)
	if row.By == run {
		r.Timeline.add(row)
	}
	switch row.Status {
	case planfile.StatusFailed, planfile.StatusUnknown, planfile.StatusSkipped:
		r.group(row)
	}
}

func count(list []Share, name, mood string) []Share {
	i := slices.IndexFunc(list, func(s Share) bool { return s.Name == name })
	if i < 0 {
		return append(list, Share{name, 1, mood})
	}
	list[i].Count++
	return list
}

func (r *Report) group(row history.Row) {
	key := groupKey{row.Step, row.Status, r.hide(row.Reason)}
	i, ok := r.groups[key]
	if !ok && len(r.Groups) == reportGroups {
		r.More++
		return
	}
	if !ok {
		i = len(r.Groups)
		r.groups[key] = i
		r.Groups = append(r.Groups, ReportGroup{Step: row.Step, Status: words(row.Status), Reason: key.reason})
	}
	g := &r.Groups[i]
	g.Count++
	if len(g.Who) < reportWho {
		who := r.hide(row.Key)
		if row.Contact != 0 {
			who = fmt.Sprint(row.Contact)
		}
		g.Who = append(g.Who, who)
	}
}

// AddText adds a text: the one that the flow writes, once for each step, or,
// unmasked, the very text of one recipient.
func (r *Report) AddText(s engine.Sample) {
	t := ReportText{Step: s.Step, Text: s.Written, Details: s.Preview.Details}
	if r.Unmasked {
		t.Text, t.To = s.Preview.Text, fmt.Sprintf("contact %d", s.Contact)
		if s.Contact == 0 {
			t.To = s.Key
		}
	} else if slices.ContainsFunc(r.Texts, func(o ReportText) bool { return o.Step == s.Step }) || t.Text == "" {
		return
	}
	r.Texts = append(r.Texts, t)
}

// AddPlan adds what a plan of the run knew: what it warned of, and its texts.
func (r *Report) AddPlan(p *engine.Summary) {
	r.Warn(p.End.Warnings)
	for _, s := range p.Samples {
		r.AddText(s)
	}
}

// Warn notes what a plan has warned of. Plans of later stages may say the same.
func (r *Report) Warn(texts []string) {
	for _, text := range texts {
		if note := hasWarned + r.hide(text) + "."; !slices.Contains(r.Notes, note) {
			r.Notes = append(r.Notes, note)
		}
	}
}

// Close says how the run ended.
func (r *Report) Close(run ledger.Run, next ...string) {
	slices.SortStableFunc(r.Balance, byStatus)
	for _, s := range r.Steps {
		slices.SortStableFunc(s.Shares, byStatus)
	}
	unknown := 0
	for _, s := range r.Balance {
		if s.Name == planfile.StatusUnknown {
			unknown = s.Count
		}
	}
	r.Verdict = Style{}.state(run.State, unknown)
	switch {
	case run.State == ledger.Failed:
		r.Mood = "bad"
	case run.State == ledger.Finished && unknown == 0:
		r.Mood = "good"
	default:
		r.Mood = "warn"
	}
	for i := range r.Reasons {
		r.Reasons[i].Reason = r.hide(r.Reasons[i].Reason)
	}
	r.Notes = append(r.Notes, next...)
	if r.Timeline.empty() {
		r.Timeline = nil
	}
	r.total()
}

func byStatus(a, b Share) int {
	at := func(s Share) int {
		return slices.IndexFunc(rowStatuses, func(x string) bool { return words(x) == s.Name })
	}
	return at(a) - at(b)
}

func (r *Report) total() {
	r.Total = 0
	for _, s := range r.Balance {
		r.Total += s.Count
	}
	r.Facts = slices.DeleteFunc(r.Facts, func(f Fact) bool { return f.Value == "" })
}

// Timeline is how many outcomes there were over the time of a run.
type Timeline struct {
	From, To time.Time
	Bars     [timelineBars]Bar
}

// Bar is one stretch of a timeline.
type Bar struct{ Sent, Failed, Unknown int }

const timelineBars = 60

func newTimeline(run ledger.Run) *Timeline {
	t := &Timeline{From: run.Started, To: run.Finished}
	if !t.To.After(t.From) {
		t.To = t.From.Add(time.Minute)
	}
	return t
}

func (t *Timeline) add(row history.Row) {
	i := int(float64(row.At.Sub(t.From)) / float64(t.To.Sub(t.From)) * timelineBars)
	bar := &t.Bars[max(0, min(i, timelineBars-1))]
	switch row.Status {
	case planfile.StatusSent:
		bar.Sent++
	case planfile.StatusFailed:
		bar.Failed++
	case planfile.StatusUnknown:
		bar.Unknown++
	}
}

func (t *Timeline) highest() int {
	most := 0
	for _, b := range t.Bars {
		most = max(most, b.Sent+b.Failed+b.Unknown)
	}
	return most
}

func (t *Timeline) empty() bool { return t.highest() == 0 }
