package engine_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// advise is check, with the lints of a flow that compiles.
func advise(name string, source []byte) diag.List {
	p, problems := check(name, source)
	if p != nil {
		problems = append(problems, p.Lint()...)
	}
	return problems
}

// Every code that the source can give has a page, and no page is left over.
func TestEveryCodeHasAPage(t *testing.T) {
	used := map[string]string{}
	for _, root := range []string{".", "../internal", "../steps"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				codesOf(t, path, used)
			}
			return err
		}))
	}
	for code, path := range used {
		if _, ok := diag.PageOf(code); !ok {
			t.Errorf("%s gives %q, and engine/diag/pages/%s.md does not exist", path, code, code)
		}
	}
	for _, code := range diag.Codes() {
		if _, ok := used[code]; !ok {
			t.Errorf("the page %s is of no code", code)
		}
	}
	require.Greater(t, len(used), 90)
}

var codeForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// reporting are the functions that take a code.
var reporting = []string{"Add", "fail", "limit", "warn", "Forbid"}

// codesOf finds the codes in a file: the first code among the arguments of a call
// that reports, and what a field code or Code is set to.
func codesOf(t *testing.T, path string, used map[string]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	note := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return false
		}
		text, err := strconv.Unquote(lit.Value)
		require.NoError(t, err)
		if !codeForm.MatchString(text) {
			return false
		}
		used[text] = path
		return true
	}
	isCode := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name == "code" || e.Name == "Code"
		case *ast.SelectorExpr:
			return e.Sel.Name == "code" || e.Sel.Name == "Code"
		}
		return false
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(reporting, f.Sel.Name) {
				_ = slices.ContainsFunc(n.Args, note)
			}
		case *ast.KeyValueExpr:
			if isCode(n.Key) {
				note(n.Value)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if isCode(left) && i < len(n.Rhs) {
					note(n.Rhs[i])
				}
			}
		}
		return true
	})
}

// The wrong example of every page gives its code and nothing else, the right one
// gives no problem at all, not even a warning.
func TestPagesHold(t *testing.T) {
	for _, code := range diag.Codes() {
		t.Run(code, func(t *testing.T) {
			page, _ := diag.PageOf(code)
			require.Equal(t, code, page.Code)
			require.NotRegexp(t, `\.$`, page.Title)
			require.LessOrEqual(t, len([]rune(page.Title)), 80)
			sentences := len(regexp.MustCompile(`[.?!](\s|$)`).FindAllString(page.Text, -1))
			require.True(t, sentences >= 2 && sentences <= 6, "%d sentences", sentences)
			for line := range strings.Lines(page.Text) {
				require.LessOrEqual(t, len([]rune(line)), 100)
			}

			if code != "wrong-value" { // of a test file, which is no flow
				require.Empty(t, diag.FormatAll(advise("right.yaml", []byte(page.Right)), []byte(page.Right)))
			}
			problems, source := wrong(t, page)
			if source == nil {
				require.NotEmpty(t, page.Condition)
				return
			}
			require.NotEmpty(t, problems)
			for _, d := range problems {
				require.Equal(t, code, d.Code, diag.FormatAll(problems, source))
			}
			require.LessOrEqual(t, len(problems), 3)
		})
	}
}

// wrong gives what the page promises; no source for what no check of a flow gives.
func wrong(t *testing.T, page diag.Page) (diag.List, []byte) {
	t.Helper()
	const head = "flow: f\nsteps:\n  - id: facts\n    uses: set\n    with:\n      x: "
	source := page.Wrong
	switch page.Code {
	case "wrong-value", "looser-than-project", "service-not-listed", "step-failed", "evaluation-failed", "not-formattable", "flow-name-taken":
		return nil, nil // no check of a flow gives them
	case "bad-character":
		source = "flow: f\nsteps: [\x07]\n"
	case "expression-too-deep":
		source = head + "${{ " + strings.Repeat("(", 120) + "1" + strings.Repeat(")", 120) + " }}\n"
	case "expression-too-long":
		source = head + "${{ 1" + strings.Repeat(" + 1", 1100) + " }}\n"
	case "file-too-large":
		source = head + "1\n" + strings.Repeat("# nothing\n", 110_000)
	case "not-utf8":
		source = "flow: \xcf\xf0\xe8\xe2\xe5\xf2\n"
	case "text-too-long":
		source = page.Right[:strings.Index(page.Right, "message:")] + "message: " + strings.Repeat("a", 4097) + "\n"
	case "too-deep":
		source = head + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "\n"
	case "too-many-aliases":
		source = aliases()
	case "too-many-problems":
		problems := parse("flow: f\nsteps: []\n" + strings.Repeat("x: 1\n", 1200))
		require.Len(t, problems, 1001)
		return problems[1000:], []byte{}
	case "too-many-steps":
		source = manySteps(1001)
	default:
		require.Empty(t, page.Condition, "say in this test how the page's condition comes about")
	}
	return advise("wrong.yaml", []byte(source)), []byte(source)
}

func parse(source string) diag.List {
	_, problems := flow.Parse("wrong.yaml", []byte(source))
	return problems
}

// aliases is a flow of a few lines that stands for a billion values.
func aliases() string {
	var b strings.Builder
	b.WriteString("flow: f\nsteps:\n  - id: facts\n    uses: set\n    with:\n      a0: &a0 [1]\n")
	for i := 1; i < 10; i++ {
		ten := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", ")
		fmt.Fprintf(&b, "      a%d: &a%d [%s]\n", i, i, ten)
	}
	b.WriteString("      a10: *a9\n")
	return b.String()
}

func manySteps(n int) string {
	var b strings.Builder
	b.WriteString("flow: f\nsteps:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - { id: s%d, uses: set, with: { x: 1 } }\n", i)
	}
	return b.String()
}

// readFile reads a file that must be there.
func readFile(t *testing.T, path string) []byte {
	t.Helper()
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	return source
}
