package flowtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/flowrunner/flowrunner/engine/step"
)

// escaped is a text in which nothing is invisible: control characters and the
// like are written as escapes, spaces at an end as dots.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\', r == ' ', unicode.IsPrint(r), r == '\u200d', r == '\ufe0f':
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	out := b.String()
	body := strings.TrimRight(out, " ")
	return body + strings.Repeat("·", len(out)-len(body))
}

// pair shows two texts one below the other.
func pair(want, got string) []string {
	if strings.Contains(want+got, "\n") {
		return slices.Concat([]string{"expected"}, quotedLines("  ", want), []string{"got"}, quotedLines("  ", got))
	}
	return pairOf(escaped(want), escaped(got))
}

func pairOf(want, got string) []string { return []string{"expected  " + want, "got       " + got} }

func quotedLines(lead, text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, lead+escaped(line))
	}
	return out
}

// maxCells bounds the table of a comparison line by line.
const maxCells = 4 << 20

// difference compares two texts line by line: "-" is expected and missing, "+"
// is there and not expected.
func difference(want, got string) []string {
	if !strings.Contains(want+got, "\n") {
		return pairOf(escaped(want), escaped(got))
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	out := []string{"expected -, got +"}
	if len(a)*len(b) > maxCells {
		return slices.Concat(out, quotedLines("- ", want), quotedLines("+ ", got))
	}
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in order.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, strings.TrimRight("  "+escaped(a[i]), " "))
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out = append(out, "- "+escaped(a[i]))
			i++
		default:
			out = append(out, "+ "+escaped(b[j]))
			j++
		}
	}
	return out
}

// shown is a run-time value in one line.
func shown(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(x)
	case time.Time:
		return x.Format(time.RFC3339)
	case step.Stream[any]:
		return "a list"
	}
	return string(canonical(v))
}

// inUTC gives equal moments equal forms.
func inUTC(v any) any {
	switch x := v.(type) {
	case time.Time:
		return x.UTC()
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = inUTC(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = inUTC(e)
		}
		return out
	case step.Stream[any]:
		return "a list that was never read"
	}
	return v
}
