package flow_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// writer writes flows as untidily as YAML allows, with a comment wherever one
// can stand.
type writer struct {
	r        *rand.Rand
	out      strings.Builder
	comments int
}

func (w *writer) one(of ...string) string { return of[w.r.IntN(len(of))] }
func (w *writer) maybe(n int) bool        { return w.r.IntN(n) == 0 }

func (w *writer) comment() string {
	w.comments++
	return fmt.Sprintf("#%s%d;", w.one(" note ", "note", " - note: "), w.comments)
}

// between writes what may stand between two lines.
func (w *writer) between(indent int) {
	for w.maybe(4) {
		w.out.WriteString(w.one("", "", strings.Repeat(" ", w.r.IntN(indent+3))+w.comment()) + "\n")
	}
}

// end ends a line.
func (w *writer) end() {
	if w.maybe(4) {
		w.out.WriteString(w.one(" ", "   ", "\t") + w.comment())
	}
	w.out.WriteString("\n")
}

func (w *writer) scalar() string {
	return w.one("17", "+7999", "yes", "~", "plain", "two words", "it's", `"17"`, `'quoted'`, `"a: b"`, `'x # y'`, `"${{ a ?? 1 }}"`, `'${{ a ?? "b" }}'`,
		`"\u200b\t"`, `'it''s "it"'`, `"it's \"it\""`, "2026-01-01", "a#b", "http://x.y/z?a=b", `""`, `"yes"`, `"- a"`, "-1", ".5", `".a"`, "привет мир", `"👋 мир"`)
}

// brackets writes a value in flow style, perhaps over several lines.
func (w *writer) brackets(depth int) {
	gap := func() {
		switch w.r.IntN(8) {
		case 0:
			w.out.WriteString("\n" + strings.Repeat(" ", 20+w.r.IntN(3)))
		case 1:
			w.out.WriteString(" " + w.comment() + "\n" + strings.Repeat(" ", 20))
		case 2:
			w.out.WriteString(" ")
		}
	}
	value := func() {
		if depth < 3 && w.maybe(3) {
			w.brackets(depth + 1)
			return
		}
		w.out.WriteString(w.one("1", "x", `"${{ y }}"`, `'z'`, `"long text that takes its room on a line"`, "~"))
	}
	n := w.r.IntN(4)
	if w.maybe(2) {
		w.out.WriteString("[")
		for i := range n {
			gap()
			value()
			gap()
			if i < n-1 || w.maybe(3) {
				w.out.WriteString(",")
			}
		}
		gap()
		w.out.WriteString("]")
		return
	}
	w.out.WriteString("{")
	for i := range n {
		gap()
		fmt.Fprintf(&w.out, w.one("k%d: ", `"k%d": `, `'k%d':   `), i)
		value()
		gap()
		if i < n-1 {
			w.out.WriteString(",")
		}
	}
	gap()
	w.out.WriteString("}")
}

// value writes what follows a colon or a dash at column indent.
func (w *writer) value(indent, depth int) {
	in := indent + 1 + w.r.IntN(4)
	pad := strings.Repeat(" ", in)
	choice := w.r.IntN(9)
	if depth > 3 {
		choice %= 5
	}
	switch choice {
	case 0: // a block of text
		head := w.one("|", ">", "|-", ">-", "|+", ">+")
		w.out.WriteString(" " + head)
		w.end()
		for range 1 + w.r.IntN(3) {
			w.out.WriteString(pad + w.one("line", "line # no comment", "- x: y") + "\n" + w.one("", "", "\n", pad+"  deeper\n"))
		}
		if w.maybe(3) {
			w.out.WriteString("\n\n")
		}
	case 1: // several lines
		if w.maybe(2) {
			w.out.WriteString(" plain\n" + pad + " that goes on\n\n" + pad + "and on")
		} else {
			w.out.WriteString(w.one(" ", "\n"+pad) + `"quoted` + "\n\n" + pad + `   text\` + "\n" + pad + `end"`)
		}
		w.end()
	case 2:
		w.out.WriteString(" ")
		w.brackets(0)
		w.end()
	case 3:
		w.out.WriteString(w.one(" ", "    ", "\n"+pad) + w.scalar())
		w.end()
	case 4:
		w.end() // nothing
	default:
		w.end()
		w.block(in, depth+1)
	}
}

// block writes a list or map whose entries stand at column indent.
func (w *writer) block(indent, depth int) {
	pad := strings.Repeat(" ", indent)
	list := w.maybe(2)
	for i := range 1 + w.r.IntN(3) {
		w.between(indent)
		if !list {
			fmt.Fprintf(&w.out, pad+w.one("k%d:", `"k%d":`, "? k%d\n"+pad+":"), i)
			w.value(indent, depth)
			continue
		}
		w.out.WriteString(pad + "-")
		if depth < 4 && w.maybe(3) { // a map that begins behind the dash
			w.out.WriteString("   a:")
			w.value(indent+4, depth+1)
			w.between(indent + 4)
			w.out.WriteString(pad + "    b:")
			w.value(indent+4, depth+1)
			continue
		}
		w.value(indent, depth)
	}
}

func (w *writer) flow() string {
	w.between(0)
	for _, key := range []string{"description", "outputs", "guard", "flow", "steps"} {
		switch key {
		case "flow", "description":
			w.out.WriteString(key + ": " + w.one("a", `"b"`))
			w.end()
		case "outputs":
			w.out.WriteString("outputs:")
			w.end()
			w.out.WriteString("   x: ${{ y }}")
			w.end()
			w.between(3)
		case "guard":
			w.out.WriteString("guard: " + w.one("{maxSends: 3}", "{\n  stopIf: 'x', # a guard;\n  maxSends: 3}"))
			if strings.HasSuffix(w.out.String(), "# a guard;\n  maxSends: 3}") {
				w.comments++
			}
			w.out.WriteString("\n")
		default:
			w.out.WriteString("steps:")
			w.end()
			for i := range 1 + w.r.IntN(3) {
				w.between(1)
				fmt.Fprintf(&w.out, " -  uses: set")
				w.end()
				w.between(4)
				w.out.WriteString("    with:")
				w.end()
				w.block(5, 1)
				w.between(4)
				fmt.Fprintf(&w.out, "    id: s%d", i)
				w.end()
			}
		}
	}
	w.between(4)
	return w.out.String()
}

// marks lists the comments that a writer wrote, sorted.
func marks(text []byte) []string {
	all := regexp.MustCompile(`#[^#;\n]*;`).FindAllString(string(text), -1)
	slices.Sort(all)
	return all
}

// TestFormatOfUntidyFlows formats flows that no two people would write alike:
// they mean the same afterwards, and each comment is there once.
func TestFormatOfUntidyFlows(t *testing.T) {
	good := 0
	for seed := range uint64(1000) {
		w := writer{r: rand.New(rand.NewPCG(seed, 1))}
		source := []byte(w.flow())
		if _, problems := flow.Parse("f", source); problems.HasErrors() {
			continue // a comment that cuts a text, say
		}
		good++
		requireFormats(t, source)
		once, _ := flow.Format("f", source)
		require.Equal(t, marks(source), marks(once), "seed %d\n%s\n%s", seed, source, once)
		require.False(t, strings.HasSuffix(string(once), "\n\n") && !strings.Contains(string(source), "+"), "seed %d", seed)
	}
	require.Greater(t, good, 200)
}

func TestFormatRefusesWhatIsBroken(t *testing.T) {
	source := []byte("flow: a\nstpes: []\n")
	out, problems := flow.Format("f.yaml", source)
	require.Nil(t, out)
	require.Contains(t, diag.FormatAll(problems, source), `did you mean "steps"?`)
}
