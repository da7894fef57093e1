package flow

import (
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// bareKeys hold an expression without ${{ }}.
var bareKeys = []string{"if", "where", "key", "by", "leftKey", "rightKey", "that", "stopIf"}

// proseKeys hold a text for people.
var proseKeys = []string{"name", "description", "else"}

// checkComments reports unquoted values that a comment has probably cut short.
// YAML begins a comment at " #", so that "You are #1" becomes "You are". What a
// comment may follow is a matter of judgment:
//
//   - never a `message`, which people would receive cut;
//   - an expression or a ${{ }} only when what is left of it is whole: a cut
//     always leaves an open quote, bracket or operator behind;
//   - a text with ${{ }} in it never;
//   - name, description and else, unless "#" touches the next word ("#1");
//   - anything else freely: limit: 20  # newest.
func checkComments(n *Node, out *diag.List) {
	checkCommentsIn(n, "", false, map[*Node]bool{}, out)
}

func checkCommentsIn(n *Node, key string, inWith bool, seen map[*Node]bool, out *diag.List) {
	switch n.Kind {
	case Map:
		if seen[n] { // an alias
			return
		}
		seen[n] = true
		for _, e := range n.Entries {
			checkCommentsIn(e.Value, e.Key.Text, inWith || key == "with", seen, out)
		}
	case List:
		if seen[n] {
			return
		}
		seen[n] = true
		for _, item := range n.Items {
			checkCommentsIn(item, "", inWith, seen, out)
		}
	case Scalar:
		if n.Style != Plain || n.Broken || n.src == nil {
			return
		}
		at := n.Span.End.Offset
		comment := n.src.skipBlanks(at)
		text := n.src.text
		if comment == at && n.Text != "" || comment >= len(text) || text[comment] != '#' || !cuts(n, key, inWith, text, comment) {
			return
		}
		end := n.src.lineEnd(comment)
		whole := strings.TrimSpace(n.Text + string(text[at:end]))
		d := out.Add("comment-cuts-text", n.src.span(comment, end), "a comment cuts this value short").
			WithDetail("In unquoted YAML a space and # begin a comment, so the value ends before it.").
			WithHint("%s\nif it is a comment, give it a line of its own", quoteHint(key, whole))
		if n.Text == "" {
			d.WithDetail("In unquoted YAML a space and # begin a comment, so nothing is left of the value.")
		}
	}
}

func cuts(n *Node, key string, inWith bool, text []byte, comment int) bool {
	touches := comment+1 < len(text) && !isSpaceAt(text, comment+1) && text[comment+1] != '#'
	switch {
	case key == "message" && inWith:
		return true
	case contains(bareKeys, key):
		return !isWhole(n.Text)
	case strings.Contains(n.Text, "${{"):
		inside, exact := strings.CutPrefix(n.Text, "${{")
		inside, closed := strings.CutSuffix(inside, "}}")
		return !exact || !closed || strings.Contains(inside, "${{") || !isWhole(inside)
	case contains(proseKeys, key):
		return touches && n.Text != ""
	}
	return false
}

// isWhole reports whether an expression closes all that it opens and does not
// end in the middle.
func isWhole(expr string) bool {
	expr = strings.TrimSpace(expr)
	if expr == "" {
		return false
	}
	var open []byte
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; c {
		case '"', '\'', '`':
			for i++; i < len(expr) && expr[i] != c; i++ {
				if expr[i] == '\\' && c != '`' {
					i++
				}
			}
			if i >= len(expr) {
				return false
			}
		case '(', '[', '{':
			open = append(open, c)
		case ')', ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	return len(open) == 0 && !strings.ContainsAny(expr[len(expr)-1:], "+-*/%<>=&|!?:,.^(")
}
