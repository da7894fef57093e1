package diag

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Page explains one code at length: what it means, why it matters, and a wrong
// and a right example. It is written by hand, in pages/CODE.md:
//
//	# CODE: title
//
//	Text: what it means and why it matters, in paragraphs.
//
//	## Wrong   (or "## Wrong (CONDITION)" when no flow alone can show it)
//
//	```yaml
//	…
//	```
//
//	## Right
//
//	```yaml
//	…
//	```
type Page struct {
	Code  string
	Title string // one line, without a period
	Text  string // paragraphs
	Wrong string // a whole flow that gives the code
	Right string // the same flow without the problem
	// Condition says what must be the case for the code to appear, when Wrong alone
	// cannot show it: Wrong is then a sketch, or the beginning of a file.
	Condition string
	Markdown  string // the whole page as it is written
}

//go:embed pages/*.md
var pageFiles embed.FS

// pageIndex reads every page once. The files are part of the program, and a test
// reads each, so a page that cannot be taken apart is a mistake of ours.
var pageIndex = sync.OnceValue(func() map[string]Page {
	index := map[string]Page{}
	entries, err := pageFiles.ReadDir("pages")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := pageFiles.ReadFile("pages/" + e.Name())
		if err != nil {
			panic(err)
		}
		p, err := readPage(string(text))
		if err != nil {
			panic(fmt.Sprintf("pages/%s: %v", e.Name(), err))
		}
		index[strings.TrimSuffix(e.Name(), ".md")] = p
	}
	return index
})

// Plain is the Text with each paragraph on a line of its own: the pages are
// broken into lines for whoever edits them.
func (p Page) Plain() string {
	paragraphs := strings.Split(p.Text, "\n\n")
	for i, text := range paragraphs {
		paragraphs[i] = strings.ReplaceAll(text, "\n", " ")
	}
	return strings.Join(paragraphs, "\n\n")
}

// PageOf finds the page of a code.
func PageOf(code string) (Page, bool) {
	p, ok := pageIndex()[code]
	return p, ok
}

// Codes lists every code that has a page, sorted.
func Codes() []string {
	codes := make([]string, 0, len(pageIndex()))
	for code := range pageIndex() {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// readPage takes a page apart.
func readPage(text string) (Page, error) {
	p := Page{Markdown: text}
	head, rest, _ := strings.Cut(text, "\n")
	code, title, ok := strings.Cut(strings.TrimPrefix(head, "# "), ": ")
	if !ok || !strings.HasPrefix(head, "# ") {
		return p, fmt.Errorf("the first line is not # CODE: title")
	}
	p.Code, p.Title = code, title
	body, examples, ok := strings.Cut(rest, "\n## Wrong")
	if !ok {
		return p, fmt.Errorf("there is no part ## Wrong")
	}
	p.Text = strings.TrimSpace(body)
	wrong, right, ok := strings.Cut(examples, "\n## Right\n")
	if !ok {
		return p, fmt.Errorf("there is no part ## Right")
	}
	if after, _, _ := strings.Cut(wrong, "\n"); after != "" {
		p.Condition = strings.TrimSuffix(strings.TrimPrefix(after, " ("), ")")
	}
	var err error
	if p.Wrong, err = fenced(wrong); err != nil && p.Condition == "" {
		return p, fmt.Errorf("wrong: %w", err)
	}
	if p.Right, err = fenced(right); err != nil {
		return p, fmt.Errorf("right: %w", err)
	}
	return p, nil
}

// fenced is the one yaml block of a part.
func fenced(text string) (string, error) {
	const open, end = "\n```yaml\n", "\n```\n"
	_, block, ok := strings.Cut("\n"+text, open)
	if !ok {
		return "", fmt.Errorf("there is no yaml block")
	}
	block, _, ok = strings.Cut("\n"+block+"\n", end)
	if !ok {
		return "", fmt.Errorf("the yaml block is not closed")
	}
	return strings.TrimPrefix(block, "\n") + "\n", nil
}
