package ui

import (
	"crypto/sha256"
	_ "embed" // of the report's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"
)

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS string

// reportTemplate is parsed when a report is first wanted.
var reportTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{"number": number, "who": whoOf, "capital": capital, "safe": safeLines}).Parse(reportHTML))
})

// reportPage is what the template is given.
type reportPage struct {
	*Report
	CSS   template.CSS
	Style string // its hash, for the policy
	Share []reportShare
	Bars  []reportBar
	Most  int
}

type reportShare struct {
	Share
	X, Width string // in percent
}

// reportBar is one bar of the timeline: three parts upon each other, in units of
// its box.
type reportBar struct {
	X                                int
	SentY, SentH, BadY, BadH, UY, UH float64
	Title                            string
}

// The timeline's box.
const (
	barStep   = 10
	barHeight = 100.0
)

// WriteHTML writes one page that is whole in itself: it loads nothing, runs
// nothing, and its policy forbids both.
func (r *Report) WriteHTML(w io.Writer) error {
	sum := sha256.Sum256([]byte(reportCSS))
	page := reportPage{
		Report: r,
		CSS:    template.CSS(reportCSS), //nolint:gosec // it is ours, embedded
		Style:  "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
	}
	x := 0.0
	for _, s := range r.Balance {
		if r.Total == 0 || s.Count == 0 {
			continue
		}
		width := 100 * float64(s.Count) / float64(r.Total)
		page.Share = append(page.Share, reportShare{s, fmt.Sprintf("%.3f%%", x), fmt.Sprintf("%.3f%%", width)})
		x += width
	}
	if r.Timeline != nil {
		page.Most = r.Timeline.highest()
		page.Bars = timelineOf(r.Timeline)
	}
	return reportTemplate().Execute(w, page)
}

func timelineOf(t *Timeline) []reportBar {
	most := float64(t.highest())
	stretch := t.To.Sub(t.From) / timelineBars
	var out []reportBar
	for i, b := range t.Bars {
		if b.Sent+b.Failed+b.Unknown == 0 {
			continue
		}
		p := reportBar{X: i * barStep, SentH: barHeight * float64(b.Sent) / most, BadH: barHeight * float64(b.Failed) / most, UH: barHeight * float64(b.Unknown) / most}
		p.SentY = barHeight - p.SentH
		p.BadY = p.SentY - p.BadH
		p.UY = p.BadY - p.UH
		p.Title = fmt.Sprintf("%s: %s sent, %s failed, %s unknown", t.From.Add(stretch*time.Duration(i)).Format("15:04:05"), number(b.Sent), number(b.Failed), number(b.Unknown))
		out = append(out, p)
	}
	return out
}

// safeLines shows what would be obeyed, such as marks that turn the direction of
// writing, and keeps the ends of lines.
func safeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Safe(lines[i])
	}
	return strings.Join(lines, "\n")
}
