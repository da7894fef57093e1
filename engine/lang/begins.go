package lang

import "strings"

// Begins is what a text surely begins with: all of one that is written out, else
// what stands before its first expression. It is "" for every other value.
func (v *Value) Begins() string {
	switch f := v.form.(type) {
	case literalForm:
		text, _ := f.value.(string)
		return text
	case textForm:
		var b strings.Builder
		for _, p := range f.parts {
			if p.hole != nil {
				break
			}
			b.WriteString(p.text)
		}
		return b.String()
	}
	return ""
}
