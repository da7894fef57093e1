package lang

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// MaxText is how many characters a rendered text may have.
const MaxText = 4096

// part is a stretch of a template's text: what stands between ${{ and }}, or
// text as it is. A part of an escape is the ${{ of $${{.
type part struct {
	from, to int // in bytes of node.Text
	hole     bool
}

// splitTemplate finds the holes of a text. The end of a hole is found with the
// lexer of the expression language, so that texts with braces and object
// literals work.
func splitTemplate(n *flow.Node) (parts []part, problems diag.List) {
	const open = "${{"
	text, pos := n.Text, 0
	plain := func(from, to int) {
		if to > from {
			parts = append(parts, part{from: from, to: to})
		}
	}
	for {
		i := strings.Index(text[pos:], open)
		if i < 0 {
			plain(pos, len(text))
			return parts, problems
		}
		i += pos
		if i > pos && text[i-1] == '$' { // $${{ is the text ${{
			plain(pos, i-1)
			plain(i, i+len(open))
			pos = i + len(open)
			continue
		}
		plain(pos, i)
		begin := i + len(open)
		length, problem := holeLength(n, i, begin)
		if problem != nil {
			return parts, append(problems, *problem)
		}
		parts = append(parts, part{from: begin, to: begin + length, hole: true})
		pos = begin + length + len("}}")
	}
}

// holeLength is the number of bytes between ${{ and its }}.
func holeLength(n *flow.Node, open, begin int) (int, *diag.Diagnostic) {
	text := n.Text[begin:]
	scan := newScanner(text)
	var brackets []lexer.Token
	var previous lexer.Token // a `}` outside of all brackets
	for {
		t, err := scan.next()
		if err != nil {
			return 0, unterminated(n, open, begin, err, brackets)
		}
		if previous.Value == "}" {
			if t.Is(lexer.Bracket, "}") && t.From == previous.To {
				return scan.pos - len("}}"), nil
			}
			return 0, unterminated(n, open, begin, nil, nil)
		}
		if t.Kind != lexer.Bracket {
			continue
		}
		switch last := len(brackets) - 1; {
		case isOpening(t):
			brackets = append(brackets, t)
		case last >= 0 && closes(brackets[last], t):
			brackets = brackets[:last]
		case last >= 0:
			return 0, unterminated(n, open, begin, nil, brackets)
		case t.Value == "}":
			previous = t
		}
	}
}

// unterminated says why a hole has no end. A lexical error inside it is the
// reason where there is one and the braces do close further on; so is a bracket
// that is left open.
func unterminated(n *flow.Node, open, begin int, err error, brackets []lexer.Token) *diag.Diagnostic {
	src := &source{node: n, from: begin, text: n.Text[begin:]}
	closed := strings.Contains(src.text, "}}")
	if end := strings.Index(src.text, "}}"); end >= 0 {
		src.text = src.text[:end]
	}
	for i := range src.text {
		src.byRune = append(src.byRune, i)
	}
	src.byRune = append(src.byRune, len(src.text))
	if err != nil && !errors.Is(err, io.EOF) {
		if d := src.lexical(err); within(d.Span, src.at(file.Location{To: len(src.byRune) - 1})) {
			return &d
		}
	}
	if closed && len(brackets) > 0 {
		t := brackets[len(brackets)-1]
		d := unclosed(t, src.at(t.Location))
		return &d
	}
	var list diag.List
	return list.Add("unterminated-expression", n.At(open, begin), "${{ is not closed").
		WithDetail("Its expression has no }} behind it, or a bracket or quote inside is left open.").
		WithHint("close it with }}; for the characters themselves write $${{")
}

// within reports whether a span begins inside another.
func within(s, outer diag.Span) bool {
	return s.Start.Offset >= outer.Start.Offset && s.Start.Offset <= outer.End.Offset
}

// template is a text with holes.
type template struct {
	node  *flow.Node
	parts []templatePart
	trim  bool // a text for people: no newlines at its end, at most MaxText long
}

type templatePart struct {
	text string // when hole is nil
	hole *Expr
}

func (t *template) render(env map[string]any) (string, error) {
	b := make([]byte, 0, 512) // enough for an ordinary message, and on the stack
	for _, p := range t.parts {
		if p.hole == nil {
			b = append(b, p.text...)
			continue
		}
		v, err := p.hole.Eval(env)
		if err != nil {
			return "", err
		}
		text, err := plainText(v)
		if err != nil {
			return "", &EvalError{Span: p.hole.Span(), Reason: err.Error()}
		}
		if len(b)+len(text) > maxResult {
			return "", &EvalError{Span: p.hole.Span(), Reason: errTooLong.Error()}
		}
		b = append(b, text...)
	}
	return t.finish(string(b))
}

// finish takes the newlines from the end of a text and holds it to its cap.
func (t *template) finish(text string) (string, error) {
	if !t.trim {
		return text, nil
	}
	text = strings.TrimRight(text, "\r\n")
	if n := utf8.RuneCountInString(text); n > MaxText {
		return "", &EvalError{Span: t.node.Span, Reason: tooLong(n)}
	}
	return text, nil
}

func tooLong(n int) string {
	return "the text has " + strconv.Itoa(n) + " characters; at most " + strconv.Itoa(MaxText) + " are allowed"
}

// plainText is a value as a text shows it: texts and integers as they are,
// numbers in plain decimal.
func plainText(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case int:
		return strconv.Itoa(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "", errNotFinite
		}
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	}
	if err := notText(shapeOfValue(v)); err != nil {
		return "", err
	}
	return "", errNotFinite
}

// checkHole refuses what a text cannot show.
func checkHole(e *Expr, secrets bool) diag.List {
	c := &checker{src: e.src}
	s := e.shape
	switch {
	case s.Form == step.FormSecret && secrets:
		return nil
	case s.Form == step.FormNil:
		c.fail(e.parsed, "not-text", "nil cannot stand in a text").WithHint("take it out, or write the text that is meant")
	case notText(s) != nil:
		c.fail(e.parsed, "not-text", "%s cannot stand in a text", article(s.NotNil())).WithHint("%s", howToText(s, c.text(e.parsed)))
	case s.Nullable:
		c.mayBeNil(e.parsed, s, "this part of a text").
			WithHint(`write ${{ %s ?? "…" }} with what stands there instead, or leave those out with `+"`if`", c.inParens(e.parsed))
	}
	return c.problems
}
