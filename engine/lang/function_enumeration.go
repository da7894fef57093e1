package lang

import (
	"fmt"
	"strings"

	"github.com/flowrunner/flowrunner/engine/step"
)

// listFunction writes the texts of a list as a sentence does.
func listFunction() Function {
	return Function{
		Name:    "formatList",
		Doc:     "The texts of a list as a sentence enumerates them, with the locale's word for \"and\" before the last; the locale is en, ru or es.",
		Example: `formatList(["чай", "кофе", "какао"], "ru") → "чай, кофе и какао"`,
		Params:  []Param{{Name: "list", Shape: step.ListOf(step.ShapeText)}, localeParam()},
		Result:  step.ShapeText,
		Call: func(_ Context, args []any) (any, error) {
			list, err := listArg(args)
			if err != nil {
				return nil, err
			}
			name, err := optionalText(args, 1, "locale")
			if err != nil {
				return nil, err
			}
			if len(args) < 2 {
				name = "en"
			}
			l, err := localeOf(name)
			if err != nil {
				return nil, err
			}
			texts := make([]string, len(list))
			for i := range list {
				if texts[i], err = textArg(list, i, fmt.Sprintf("element %d", i+1)); err != nil {
					return nil, err
				}
			}
			return enumerate(texts, l), nil
		},
	}
}

func enumerate(texts []string, l locale) string {
	n := len(texts)
	if n < 2 {
		return strings.Join(texts, "")
	}
	and := l.and(texts[n-1])
	if n > 2 && l.commaBeforeAnd {
		and = "," + and
	}
	return strings.Join(texts[:n-1], ", ") + and + texts[n-1]
}

// and is the locale's conjunction with the spaces around it. In Spanish it is
// "e" before a word that begins with the sound of "i".
func (l locale) and(next string) string {
	next = strings.ToLower(next)
	sound := strings.TrimPrefix(next, "h")
	i := strings.HasPrefix(sound, "i") || strings.HasPrefix(sound, "í")
	diphthong := strings.HasPrefix(next, "hia") || strings.HasPrefix(next, "hie") || strings.HasPrefix(next, "hio")
	if l.conjunction == " y " && i && !diphthong {
		return " e "
	}
	return l.conjunction
}
