package docs_test

import (
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// diagnostics is the page of every code that a problem can have.
func diagnostics() string {
	var b strings.Builder
	b.WriteString("# Diagnostics\n\n" +
		"<!-- Written by `make generate`; edit engine/diag/pages, not this page. -->\n\n" +
		"Every problem that flowrunner reports has a code, in brackets behind the message.\n" +
		"`flowrunner explain CODE` shows the same in a terminal. A test runs the examples: the\n" +
		"wrong one gives its code, the right one gives no problem at all.\n\n")
	for _, code := range diag.Codes() {
		p, _ := diag.PageOf(code)
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", code, code, p.Title)
	}
	for _, code := range diag.Codes() {
		p, _ := diag.PageOf(code)
		wrong := "Wrong"
		if p.Condition != "" {
			wrong += ": " + p.Condition
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n%s\n", code, upper(p.Title), p.Text)
		if p.Wrong != "" {
			fmt.Fprintf(&b, "\n%s:\n\n```yaml\n%s```\n", wrong, p.Wrong)
		} else {
			fmt.Fprintf(&b, "\n%s.\n", wrong)
		}
		fmt.Fprintf(&b, "\nRight:\n\n```yaml\n%s```\n", p.Right)
	}
	return b.String()
}

func upper(s string) string {
	if s == "" || strings.HasPrefix(s, "${{") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
