package flow

import (
	"regexp"
	"strings"
)

// The forms that names have.
var (
	plainName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	stepPath   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*$`) // of a step of a called flow: greet/hello
	dottedName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// The names that expressions already use. The engine adds the functions.
var (
	reservedLoop = []string{"inputs", "secrets", "env", "run", "steps", "index", "true", "false", "nil"}
	reserved     = append([]string{"item"}, reservedLoop...)
)

// IsName reports whether text can be the name of a step, an input or a loop's
// record.
func IsName(text string) bool { return plainName.MatchString(text) && !contains(reserved, text) }

// name reports n when it is written but no name of the given form.
func (g *grammar) name(n *Node, form *regexp.Regexp, what string, reserved []string) bool {
	if !isText(n) {
		return false
	}
	if !form.MatchString(n.Text) {
		d := g.out.Add("bad-name", n.Span, "%q is no %s", short(n.Text), what)
		marks := "letters, digits and _"
		if form == dottedName {
			marks = "letters, digits, _, - and ."
		}
		d.WithDetail("%s has %s of the English alphabet, and begins with a letter or _.", upper(article(what)), marks)
		if better := nameLike(n.Text, form, what); better != "" {
			d.WithHint("write: %s", better)
		} else {
			d.WithHint("choose a name such as %s", map[bool]string{true: "spring-sale", false: "send_offer"}[form == dottedName])
		}
		return false
	}
	if contains(reserved, n.Text) {
		g.out.Add("reserved-name", n.Span, "%q cannot be %s", n.Text, article(what)).
			WithDetail("Expressions use this name already. Reserved are %s.", strings.Join(reserved, ", ")).
			WithHint("write: %s_1, or a name that says more", n.Text)
		return false
	}
	return true
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// nameLike is the nearest good name, "" when little would be left of it.
func nameLike(text string, form *regexp.Regexp, what string) string {
	name := notInName.ReplaceAllString(text, "_")
	if form != dottedName {
		name = strings.NewReplacer("-", "_", ".", "_").Replace(name)
	}
	if name = strings.Trim(name, "_-."); name == "" || len(text) > maxShown || 2*len(name) < len(text) {
		return ""
	}
	if !form.MatchString(name) {
		kind, _, _ := strings.Cut(what, " ")
		name = kind + "_" + name
	}
	return name
}

func article(noun string) string {
	if strings.IndexByte("aeiou", noun[0]) >= 0 {
		return "an " + noun
	}
	return "a " + noun
}
