package lang

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// The limits of one expression. Neither the parser's own node limit nor the
// machine's memory budget stops deep nesting.
const (
	maxExpression  = 4 << 10 // bytes
	maxParentheses = 100
)

// source is the text of one expression and where each character of it stands in
// the file. expr counts in runes, flow in bytes of the scalar's decoded text.
type source struct {
	node *flow.Node
	from int // where the expression begins in node.Text, in bytes
	text string

	tokens  []lexer.Token
	partner []int // of a bracket token the index of the other one, else -1
	byRune  []int // the byte offset of each rune in text, and its length at the end
}

// newSource lexes the expression at node.Text[from:to].
func newSource(n *flow.Node, from, to int) (*source, diag.List) {
	s := &source{node: n, from: from, text: n.Text[from:to]}
	for i := range s.text {
		s.byRune = append(s.byRune, i)
	}
	s.byRune = append(s.byRune, len(s.text))

	var problems diag.List
	if len(s.text) > maxExpression {
		problems.Add("expression-too-long", n.At(from, to), "the expression is too long").
			WithDetail("It has %d bytes; at most %d are allowed.", len(s.text), maxExpression).
			WithHint("compute parts of it in steps of their own, with `uses: map` or `uses: set`")
		return s, problems
	}
	if !utf8.ValidString(s.text) {
		problems.Add("expression-syntax", n.At(from, to), "the expression is no valid UTF-8").WithHint("save the file as UTF-8")
		return s, problems
	}
	scan := newScanner(s.text)
	for {
		t, err := scan.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				problems = append(problems, s.lexical(err))
			}
			break
		}
		s.tokens = append(s.tokens, t)
	}
	if len(problems) == 0 {
		problems = s.pair()
	}
	return s, problems
}

// pair matches the brackets and counts them.
func (s *source) pair() (problems diag.List) {
	s.partner = make([]int, len(s.tokens))
	var open []int
	count := 0
	for i, t := range s.tokens {
		s.partner[i] = -1
		if t.Kind != lexer.Bracket {
			continue
		}
		if isOpening(t) {
			open = append(open, i)
			if count++; count == maxParentheses+1 {
				problems.Add("expression-too-deep", s.at(t.Location), "the expression has too many parentheses").
					WithDetail("At most %d parentheses, brackets and braces may be opened in one expression.", maxParentheses).
					WithHint("compute parts of it in steps of their own, with `uses: map` or `uses: set`")
			}
			continue
		}
		if len(open) == 0 {
			break // the parser says it better
		}
		j := open[len(open)-1]
		if !closes(s.tokens[j], t) {
			break
		}
		open = open[:len(open)-1]
		s.partner[i], s.partner[j] = j, i
	}
	if len(open) > 0 && len(problems) == 0 {
		t := s.tokens[open[len(open)-1]]
		problems = append(problems, unclosed(t, s.at(t.Location)))
	}
	return problems
}

func isOpening(t lexer.Token) bool { return strings.Contains("([{", t.Value) }

func closes(open, t lexer.Token) bool {
	return map[string]string{"(": ")", "[": "]", "{": "}"}[open.Value] == t.Value
}

func unclosed(t lexer.Token, at diag.Span) diag.Diagnostic {
	return diag.Diagnostic{
		Code: "expression-syntax", Span: at, Summary: fmt.Sprintf("%q is not closed", t.Value),
		Hint: "add the bracket that closes it, in the order in which they were opened",
	}
}

// at is the place of a stretch of the expression, given in runes.
func (s *source) at(loc file.Location) diag.Span {
	last := len(s.byRune) - 1
	from := max(0, min(loc.From, last))
	to := max(from, min(loc.To, last))
	return s.node.At(s.from+s.byRune[from], s.from+s.byRune[to])
}

// whole is the place of the expression without the spaces around it.
func (s *source) whole() diag.Span {
	trimmed := strings.TrimSpace(s.text)
	lead := strings.Index(s.text, trimmed)
	return s.node.At(s.from+lead, s.from+lead+len(trimmed))
}

// span is the place of everything that a syntax node covers.
func (s *source) span(n ast.Node) diag.Span { return s.at(s.extent(n)) }

// extent finds what a node covers: expr's own locations name one token only.
func (s *source) extent(n ast.Node) file.Location {
	loc := s.closing(n.Location())
	widen := func(children ...ast.Node) {
		for _, c := range children {
			if c == nil {
				continue
			}
			e := s.extent(c)
			if loc.To == 0 || e.From < loc.From {
				loc.From = e.From
			}
			loc.To = max(loc.To, e.To)
		}
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		widen(n.Node)
	case *ast.BinaryNode:
		widen(n.Left, n.Right)
	case *ast.ChainNode:
		widen(n.Node)
	case *ast.MemberNode:
		widen(n.Node)
	case *ast.SliceNode:
		widen(n.Node)
	case *ast.CallNode:
		widen(n.Callee)
	case *ast.PointerNode:
		if n.Name != "" {
			loc.To += len(n.Name)
		}
	case *ast.ConditionalNode:
		loc = file.Location{}
		widen(n.Cond, n.Exp1, n.Exp2)
	case *ast.VariableDeclaratorNode:
		widen(n.Value, n.Expr)
	case *ast.SequenceNode:
		widen(n.Nodes...)
	case *ast.PredicateNode:
		widen(n.Node)
	}
	return loc
}

// closing extends the location of a token over the brackets that belong to it:
// those that it opens, and those of a call that it names.
func (s *source) closing(loc file.Location) file.Location {
	for i, t := range s.tokens {
		if t.Location != loc {
			continue
		}
		if t.Kind == lexer.Identifier && i+1 < len(s.tokens) && s.tokens[i+1].Is(lexer.Bracket, "(") {
			i++
		}
		if j := s.partner[i]; j > i {
			loc.To = s.tokens[j].To
		}
		break
	}
	return loc
}

// lexical turns an error of the scanner into a problem.
func (s *source) lexical(err error) diag.Diagnostic {
	var c *commentError
	if errors.As(err, &c) {
		return comment(s.at(c.loc))
	}
	return s.syntax(err)
}

func comment(at diag.Span) diag.Diagnostic {
	return diag.Diagnostic{
		Code: "comment-in-expression", Span: at, Summary: "there are no comments in expressions",
		Detail: "A comment would swallow everything behind it, the closing braces too.",
		Hint:   "write the comment in YAML, with #, on a line of its own above; text with // or /* goes in quotes",
	}
}

// syntax turns an error of expr's lexer or parser into a problem in our words.
func (s *source) syntax(err error) diag.Diagnostic {
	d := diag.Diagnostic{Code: "expression-syntax", Span: s.whole()}
	var e *file.Error
	if !errors.As(err, &e) {
		d.Summary = "the expression cannot be read: " + err.Error()
		return d
	}
	loc := e.Location
	if loc.From >= len(s.byRune)-1 { // the end: point at the last character
		end := len([]rune(strings.TrimRight(s.text, " \t\r\n")))
		loc = file.Location{From: max(0, end-1), To: end}
	}
	d.Span = s.at(loc)
	d.Summary, d.Hint = explainSyntax(e.Message, s, e.Location)
	if t, near := s.misspeltPredicate(loc); near != "" && d.Summary == noRecord {
		d.Code, d.Span = "unknown-function", s.at(t.Location)
		d.Summary, d.Hint = fmt.Sprintf("unknown function %q", t.Value), "did you mean \""+near+"\"?"
	}
	return d
}

// misspeltPredicate finds the call around a place where the parser met a record,
// # or .field, when its name is nearly that of a function which has records. The
// parser knows those only by their right names.
func (s *source) misspeltPredicate(loc file.Location) (call lexer.Token, near string) {
	for i := len(s.tokens) - 1; i > 0; i-- {
		t, name := s.tokens[i], s.tokens[i-1]
		if s.partner == nil || t.From > loc.From || !t.Is(lexer.Bracket, "(") || s.partner[i] < 0 || s.tokens[s.partner[i]].From < loc.From {
			continue
		}
		if name.Kind != lexer.Identifier || isPredicate(name.Value) || functionNamed(name.Value) != nil {
			return call, ""
		}
		return name, diag.Closest(name.Value, predicateNames)
	}
	return call, ""
}

const noRecord = "there is no record here"

// explainSyntax rewords what expr says. Its message is the fallback: it is
// short and names the token.
func explainSyntax(message string, s *source, loc file.Location) (summary, hint string) {
	token := ""
	for _, t := range s.tokens {
		if t.From == loc.From {
			token = t.Value
		}
	}
	switch {
	case strings.Contains(message, "literal not terminated"):
		return "a text in quotes is not closed", `close it with the quote that opened it; a quote inside is written \"`
	case strings.Contains(message, "coalesce expressions (??) cannot be mixed"):
		return "?? needs parentheses here", `write (x ?? "…") around it, so that it is clear what belongs together`
	case strings.HasPrefix(message, "invalid ") && strings.Contains(message, " literal: ") && strings.HasSuffix(message, "out of range"):
		return "a number is too large", "numbers go up to 9223372036854775807; an id that is never computed with goes in quotes"
	case strings.HasPrefix(message, "invalid ") && strings.Contains(message, " literal: "):
		return "this is no number", `write a number such as 15 or 0.5; text goes in quotes: "…"`
	case strings.Contains(message, "expected at least"):
		return "an argument is missing", "functions such as filter take a list and a condition: filter(list, .field == …)"
	case strings.Contains(message, "unexpected token EOF"), strings.Contains(message, "unexpected end"):
		return "the expression ends too early", "something is missing at the end: a value, or a closing bracket"
	case token == "=":
		return `"=" does not compare`, "write == to compare"
	case token == "AND" || token == "OR" || token == "NOT" || token == "IN":
		return fmt.Sprintf("%q is no operator", token), "operators are written small: " + strings.ToLower(token)
	case token == "&":
		return `"&" is no operator`, "write and (or &&)"
	case token == ";":
		return `";" does not belong here`, "an expression is one value; `let x = …; …` is the only place for a semicolon"
	case token == "#", token == ".":
		return noRecord, "# and .field stand only inside the second argument of filter, map, any, all and their like"
	case strings.HasPrefix(message, "unrecognized character") && strings.ContainsAny(message, "“”„«»‘’"):
		return "these quotes are not understood", `write straight quotes: "…"`
	case strings.HasPrefix(message, "unrecognized character"):
		return message, `text goes in quotes: "…"`
	case token == ":" && strings.HasPrefix(message, "unexpected token"):
		return `":" does not fit here`, `inside filter(…), map(…) and their like an object has two braces: {{"name": .name}}`
	case token == ")" || token == "]" || token == "}":
		return fmt.Sprintf("%q is too much here, or something is missing before it", token), "take it out, or write what belongs before it"
	case strings.HasPrefix(message, "unexpected token") && token != "":
		return fmt.Sprintf("%q does not fit here", token), `an operator may be missing, or the text needs quotes: "…"`
	}
	return message, "look at the operators and brackets around this place"
}

// scanner reads expr's tokens one by one and refuses comments.
type scanner struct {
	text string
	lex  *lexer.Lexer
	pos  int // in bytes, behind the last token
	rune int // the same in runes
}

func newScanner(text string) *scanner {
	s := &scanner{text: text, lex: lexer.New()}
	s.lex.Reset(file.NewSource(text))
	return s
}

// commentError is a comment; loc is in runes.
type commentError struct{ loc file.Location }

func (e *commentError) Error() string { return "comment" }

// next returns the next token, io.EOF behind the last one. The token that marks
// the end is not given out.
func (s *scanner) next() (lexer.Token, error) {
	t, err := s.lex.Next()
	if gap, ok := s.commentAhead(); ok && (err != nil || t.Kind == lexer.EOF || t.From > gap.From) {
		return t, &commentError{gap}
	}
	if err != nil {
		return t, err
	}
	if t.Kind == lexer.EOF {
		return t, io.EOF
	}
	s.skip(t.To)
	return t, nil
}

// commentAhead reports whether only spaces stand before the next comment.
func (s *scanner) commentAhead() (file.Location, bool) {
	rest := strings.TrimLeft(s.text[s.pos:], " \t\r\n")
	if !strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "/*") {
		return file.Location{}, false
	}
	from := s.rune + utf8.RuneCountInString(s.text[s.pos:len(s.text)-len(rest)])
	return file.Location{From: from, To: from + 2}, true
}

func (s *scanner) skip(to int) {
	for s.rune < to && s.pos < len(s.text) {
		_, size := utf8.DecodeRuneInString(s.text[s.pos:])
		s.pos += size
		s.rune++
	}
}
