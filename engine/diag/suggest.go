package diag

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxName is the longest name, in bytes, that is compared; a longer one is no
// slip of the finger, and comparing costs its length times that of a candidate.
const maxName = 128

// Closest returns the candidate that name most likely meant, or "" when none is
// near. Letters may be swapped, missing, doubled or wrong: up to a third of the
// name's length, at least one and at most three; case and the choice between
// camelCase, snake_case and kebab-case cost nothing. At least one letter is shared.
func Closest(name string, candidates []string) string {
	if len(name) > maxName {
		return ""
	}
	best, bestCost := "", min(3, max(1, len([]rune(name))/3))+1
	folded := fold(name)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		other := fold(c)
		if cost := distance(folded, other); cost < bestCost && cost < max(utf8.RuneCountInString(folded), utf8.RuneCountInString(other)) {
			best, bestCost = c, cost
		}
	}
	return best
}

// DidYouMean is the hint for an unknown name: the closest candidate, else the
// whole choice when it is short.
func DidYouMean(name string, candidates []string) string {
	if c := Closest(name, candidates); c != "" {
		return "did you mean \"" + c + "\"?"
	}
	if len(candidates) > 0 && len(candidates) <= 24 {
		return "use one of: " + strings.Join(slices.Sorted(slices.Values(candidates)), ", ")
	}
	return ""
}

// alike takes out how words are joined, and the keyboard's alphabet: small or
// capital, these Cyrillic letters look like the Latin ones.
var alike = strings.NewReplacer("_", "", "-", "", "а", "a", "в", "b", "е", "e", "і", "i", "к", "k", "м", "m", "н", "h",
	"о", "o", "р", "p", "с", "c", "ѕ", "s", "т", "t", "у", "y", "х", "x")

func fold(s string) string { return alike.Replace(strings.ToLower(s)) }

// distance is the optimal string alignment distance: edits plus swaps of
// neighbours, each costing one.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
