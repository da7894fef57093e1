package flow

// Takes is what may stand as the value of a key, for tools that describe the
// language: the schema, the reference, completion.
type Takes uint8

// What a key takes.
const (
	TakesText       Takes = iota // one scalar
	TakesAnything                // whatever
	TakesNames                   // a list of texts
	TakesTextOrList              // a text, or a list of texts
	TakesList                    // a list
	TakesTable                   // a map of names that the author chooses
	TakesSection                 // a map of the keys in Rule.Keys
	TakesSteps                   // a list of steps
	TakesInputs                  // a map of names to inputs
)

// Rule is what the grammar says of one key.
type Rule struct {
	Key      string
	Takes    Takes
	Template bool     // a single ${{ }} may stand instead
	Required bool     // in the map that it belongs to
	Words    []string // the only texts allowed
	Keys     []Rule   // of a section, in the order of the reference
}

// Reference gives the grammar as data: the keys of a flow, of a step and of an
// input. It is the same table that Parse checks with.
func Reference() (flow, step, input Rule) {
	flow = ruleOf("", flowShape)
	step = ruleOf("", stepShape)
	input = ruleOf("", inputShape)
	return flow, step, input
}

func ruleOf(key string, s shape) Rule {
	r := Rule{Key: key, Takes: takesOf(s), Template: s.template}
	switch {
	case s.is == list && s.example == stepsShape.example:
		r.Takes = TakesSteps
	case s.is == table && key == "inputs":
		r.Takes = TakesInputs
	}
	for _, k := range s.keys {
		inner := ruleOf(k, s.inner[k])
		inner.Required = contains(s.required, k)
		inner.Words = wordsOf(key, k, s)
		r.Keys = append(r.Keys, inner)
	}
	return r
}

func takesOf(s shape) Takes {
	switch s.is {
	case anything:
		return TakesAnything
	case names:
		return TakesNames
	case textsOr:
		return TakesTextOrList
	case list:
		return TakesList
	case table:
		return TakesTable
	case section:
		return TakesSection
	}
	return TakesText
}

// wordsOf gives the words that a key of the section takes.
func wordsOf(section, key string, s shape) []string {
	switch {
	case section == "" && key == "class":
		return classes
	case key == "oncePer":
		return periods
	case key == "onError":
		return errorPolicies
	case section == "guard" && key == "window":
		return windows
	case section == "hours" && key == "otherwise":
		return closedPolicies
	case section == "delivery" && key == "unknown":
		return unknownPolicies
	case (key == "type" || key == "items") && contains(s.keys, "sensitive"):
		return inputTypes
	}
	return nil
}
