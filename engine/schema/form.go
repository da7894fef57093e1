package schema

import (
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// The forms of names, as the grammar has them.
const (
	plainName  = "^[A-Za-z_][A-Za-z0-9_]*$"
	dottedName = "^[A-Za-z_][A-Za-z0-9_.-]*$"
)

// The texts that are read as a value of a type, which may then stand in quotes.
const (
	boolText   = `^(true|false)$`
	intText    = `^[-+]?[0-9]+$`
	numberText = `^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`
)

// expressionText finds an expression anywhere in a text.
const expressionText = `\$\{\{`

// scalar is a value of a type, or a text that is read as one: in quotes it is
// the same to the program. With expression, a text with ${{ }} may give it.
func scalar(typ, written string, expression bool) *object {
	hint := "write " + map[string]string{"boolean": "true or false", "integer": "a whole number", "number": "a number with a point: 0.5"}[typ]
	if expression {
		written = expressionText + "|" + written
		hint += ", or ${{ … }}"
	}
	return new(object).set("type", []string{typ, "string"}).set("pattern", written).set("patternErrorMessage", hint)
}

// keyForm is what may be written as the text of a grammar key, as far as more is
// known than that it is one. These keys are settled before any step runs and
// take no expressions, but for the connection's.
func keyForm(path string) *object {
	switch path {
	case "flow", "campaign":
		return new(object).set("type", "string").set("pattern", dottedName)
	case "steps.id", "steps.as":
		return new(object).set("type", "string").set("pattern", plainName)
	case "guard.maxSends", "guard.monthlyCalls":
		return scalar("integer", intText, false).set("minimum", 1)
	case "steps.concurrency":
		return scalar("integer", intText, false).set("minimum", 1).set("maximum", 256)
	case "steps.retry.attempts":
		return scalar("integer", intText, false).set("minimum", 1).set("maximum", 10)
	case "inputs.required", "inputs.sensitive":
		return scalar("boolean", boolText, false)
	case "inputs.min", "inputs.max":
		return scalar("number", numberText, false)
	case "connection.apiToken":
		return ref("expression")
	}
	if shown := keyExamples[path]; shown != nil {
		return text().set("examples", shown)
	}
	return text()
}

// keyExamples are what an editor offers where many values are possible.
var keyExamples = map[string][]string{
	"connection.rate":       {"10/s", "300/min", "unlimited"},
	"connection.timezone":   {"Europe/Moscow", "America/Mexico_City", "UTC"},
	"connection.authScheme": {"raw", "bearer"},
	"connection.baseUrl":    {"https://api.chat2desk.com.mx"},
	"guard.perContact":      {"1 per 7d"},
	"guard.stopIf":          {"failed >= 20 and failureRate > 0.05"},
	"guard.hours.allow":     {"09:00-21:00"},
	"guard.hours.days":      {"mon-sat"},
	"guard.hours.zone":      {"company", "Asia/Almaty", "KZ", "${{ client.phone }}"},
	"guard.hours.maxWait":   {"30m"},
	"delivery.settle":       {"120s"},
	"schedule.cron":         {"0 10 * * 1"},
	"steps.timeout":         {"30s"},
	"steps.retry.backoff":   {"2s"},
}

// paramDefault is the default of a parameter as a value, where it is one that
// could be written, and nil where it is a sentence.
func paramDefault(p step.Field) any {
	word, problems := flow.ParseNode("", []byte(p.Default))
	if p.Default == "" || problems.HasErrors() || word.Kind != flow.Scalar {
		return nil
	}
	for _, w := range p.Enum {
		if w == p.Default {
			return w
		}
	}
	if p.Shape.Form == step.FormBool && (p.Default == "true" || p.Default == "false") {
		return p.Default == "true"
	}
	return nil
}
