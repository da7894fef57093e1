package lang

import "slices"

// reservedWords are the words of the expression language and the roots that the
// engine defines.
var reservedWords = []string{
	"true", "false", "nil", "null", "not", "and", "or", "in", "matches", "contains", "startsWith", "endsWith", "let", "if", "else",
	"inputs", "secrets", "env", "run", "steps", "index",
}

// foreignFunctions are names that expr parses as functions of its own and that
// the language refuses or replaces.
var foreignFunctions = []string{
	"get", "reduce", "fromJSON", "toBase64", "fromBase64", "type", "timezone", "now", "date", "duration",
	"bitand", "bitor", "bitxor", "bitnand", "bitnot", "bitshl", "bitshr", "bitushr",
}

// Names lists every function and reserved word, sorted: what no step, input,
// `as` or let may be called.
// `item` is not among them: it is what a loop calls its record by default.
func Names() []string {
	names := slices.Concat(reservedWords, foreignFunctions, callable())
	slices.Sort(names)
	return slices.Compact(names)
}

// Reserved reports whether a name is among Names.
func Reserved(name string) bool {
	return slices.Contains(reservedWords, name) || slices.Contains(foreignFunctions, name) ||
		isPredicate(name) || functionNamed(name) != nil
}

// isReserved reports whether a let may not be called so, and not hide a record
// either.
func isReserved(name string) bool { return name == "item" || Reserved(name) }
