package flow

import (
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// shape is what may stand as the value of a key.
type shape struct {
	is       want
	template bool     // also a single ${{ }}
	keys     []string // of a section: the keys that it has
	required []string // and those of them that it must have
	inner    map[string]shape
	example  string // what a hint shows
}

type want uint8

const (
	text     want = iota // any scalar
	anything             // whatever
	names                // a list of texts
	textsOr              // a text or a list of texts
	list                 // a list
	table                // a map of any keys
	section              // a map of fixed keys
)

// String is the shape as a message names it.
func (w want) String() string {
	return [...]string{"a text", "a value", "a list of names", "a text or a list", "a list", "a map", "a map"}[w]
}

// The grammar of language.md, key by key. The order is that of the reference.
var (
	suppressShape = shape{is: section, keys: []string{"files", "tags", "words"}, inner: map[string]shape{
		"files": {is: list, template: true}, "tags": {is: list, template: true}, "words": {is: list, template: true},
	}}
	hoursShape = shape{is: section, keys: []string{"allow", "days", "zone", "otherwise", "maxWait"}, inner: map[string]shape{
		"days": {is: textsOr},
	}}
	connectionShape = shape{is: section, keys: []string{"apiToken", "baseUrl", "authScheme", "rate", "timezone", "account"}}
	guardShape      = shape{is: section, keys: []string{"maxSends", "perContact", "suppress", "hours", "monthlyCalls", "stopIf", "window"}, inner: map[string]shape{
		"suppress": suppressShape, "hours": hoursShape,
	}}
	deliveryShape = shape{is: section, keys: []string{"unknown", "settle"}}
	scheduleShape = shape{is: section, keys: []string{"cron"}, required: []string{"cron"}}
	retryShape    = shape{is: section, keys: []string{"attempts", "backoff"}}
	stepsShape    = shape{is: list, example: "a list of steps:\n- id: clients\n  uses: chat2desk_list_clients"}
	movedShape    = shape{is: section, keys: []string{"from", "to"}, required: []string{"from", "to"}}
	inputShape    = shape{is: section, keys: []string{"type", "items", "required", "default", "pattern", "enum", "min", "max", "description", "sensitive"}, example: "the input as a map: { type: string }", inner: map[string]shape{
		"default": {is: anything}, "enum": {is: list},
	}}
	flowShape = shape{is: section, keys: []string{"flow", "description", "inputs", "env", "connection", "guard", "delivery", "schedule", "campaign", "class", "oncePer", "moved", "steps", "finally", "outputs"}, required: []string{"flow", "steps"}, inner: map[string]shape{
		"inputs": {is: table}, "env": {is: names}, "connection": connectionShape, "guard": guardShape,
		"delivery": deliveryShape, "schedule": scheduleShape, "moved": {is: list, example: "a list: [{ from: old_id, to: new_id }]"},
		"steps": stepsShape, "finally": stepsShape, "outputs": {is: table},
	}}
	stepShape = shape{is: section, keys: []string{"id", "name", "uses", "with", "if", "else", "forEach", "as", "key", "concurrency", "steps", "outputs", "retry", "timeout", "onError", "oncePer"}, required: []string{"id"}, example: "- id: and uses: lines", inner: map[string]shape{
		"with": {is: table}, "forEach": {is: textsOr}, "steps": stepsShape, "outputs": {is: table}, "retry": retryShape,
	}}
)

// grammarKeys are the keys of flows and steps, which a line is most likely to
// mean that lacks a colon.
var grammarKeys = append(append([]string{}, flowShape.keys...), stepShape.keys...)

// checker compares Nodes with shapes.
type checker struct {
	out *diag.List
}

// fits reports n unless it has the shape s. subject names the value, such as
// `guard` or `"with" of a step`.
func (c checker) fits(n *Node, s shape, subject string) bool {
	if n == nil || n.Broken {
		return false
	}
	if n.Kind == Scalar && n.Null && s.is != anything {
		d := c.out.Add("missing-value", n.Span, "%s has no value", subject).
			WithDetail("%s takes %s; here stands nothing.", upper(subject), s.is)
		switch s.is {
		case text, textsOr:
			d.WithHint("write the value after the colon, or remove the key")
		default:
			d.WithHint("write its lines below, indented by two more spaces, or remove the key")
		}
		return false
	}
	if s.template && n.Kind == Scalar && strings.HasPrefix(n.Text, "${{") {
		return true
	}
	ok := true
	switch s.is {
	case text:
		ok = n.Kind == Scalar
	case names, list:
		ok = n.Kind == List
	case textsOr:
		ok = n.Kind != Map
	case table, section:
		ok = n.Kind == Map
	}
	if !ok {
		c.out.Add("wrong-shape", n.Span, "%s has the wrong shape", subject).
			WithDetail("%s takes %s; here stands %s.", upper(subject), s.is, n).
			WithHint("%s", shapeHint(s, n))
		return false
	}
	if s.is == names {
		for _, item := range n.Items {
			ok = c.fits(item, shape{}, "an item of "+subject) && ok
		}
	}
	if s.is == section {
		c.section(n, s, subject)
	}
	return ok
}

// section checks the keys of a map that has fixed ones, and their values.
func (c checker) section(n *Node, s shape, subject string) {
	for i, e := range n.Entries {
		key := e.Key.Text
		if !contains(s.keys, key) {
			c.out.Add("unknown-key", e.Key.Span, "unknown key %q", short(key)).
				WithDetail("%s takes %s.", upper(subject), keyList(s.keys)).
				WithHint("%s", keyHint(key, s.keys, subject))
			near := meant(key, s.keys, subject)
			if near == "" || n.Get(near) != nil {
				continue
			}
			// Go on as if it were spelt right: what depends on it is then no problem too.
			right := *e.Key
			right.Text, n.Entries[i].Key, key = near, &right, near
		}
		c.fits(e.Value, s.inner[key], keySubject(key, subject))
	}
}

func keyList(keys []string) string {
	if len(keys) == 1 {
		return "one key, " + keys[0]
	}
	return "the keys " + strings.Join(keys, ", ")
}

// keySubject names a key of a section: flow, connection.rate, "with" of a step.
func keySubject(key, of string) string {
	if of == topLevel || of == projectLevel {
		return key
	}
	if !strings.HasPrefix(of, "a ") && !strings.HasPrefix(of, "an ") {
		return of + "." + key
	}
	return "\"" + key + "\" of " + of
}

const topLevel = "a flow"

func keyHint(key string, keys []string, subject string) string {
	if c := meant(key, keys, subject); c != "" {
		return "did you mean \"" + c + "\"?"
	}
	if home := homes[key]; home != "" && home != subject {
		return "\"" + key + "\" belongs to " + home
	}
	if subject == stepSubject {
		return "parameters of a kind go below with:"
	}
	return "use one of the keys above, or remove this one"
}

const stepSubject = "a step"

// synonyms are names that other languages give to a key of ours.
var synonyms = map[string]map[string]string{
	topLevel:     {"name": "flow", "id": "flow", "vars": "inputs", "variables": "inputs", "params": "inputs", "parameters": "inputs", "cron": "schedule", "jobs": "steps"},
	stepSubject:  {"when": "if", "condition": "if", "params": "with", "parameters": "with", "args": "with", "kind": "uses", "type": "uses", "action": "uses", "loop": "forEach", "for": "forEach", "do": "steps"},
	"connection": {"token": "apiToken", "url": "baseUrl", "tz": "timezone"},
	"guard":      {"max": "maxSends", "limit": "maxSends"},
}

// meant is the key of a section that an unknown one probably means, or "".
func meant(key string, keys []string, subject string) string {
	if c := synonyms[subject][key]; c != "" {
		return c
	}
	return diag.Closest(key, keys)
}

// homes says where the keys belong that stand in one place only.
var homes = func() map[string]string {
	m := map[string]string{}
	for _, h := range []struct {
		name string
		keys []string
	}{
		{"suppress in guard", suppressShape.keys},
		{"hours in guard", hoursShape.keys},
		{"connection", connectionShape.keys},
		{"guard", guardShape.keys},
		{"delivery", deliveryShape.keys},
		{"schedule", scheduleShape.keys},
		{"retry of a step", retryShape.keys},
		{stepSubject, stepShape.keys},
		{"the top level of a flow", flowShape.keys},
	} {
		for _, k := range h.keys {
			if m[k] != "" {
				m[k] = "" // in two places: no advice
				continue
			}
			m[k] = h.name
		}
	}
	return m
}()

func shapeHint(s shape, n *Node) string {
	if m := gluedKey.FindStringSubmatch(n.Text); m != nil && n.Kind == Scalar && (s.is == section || s.is == table) && len(n.Text) <= maxShown {
		return "put a space after the colon: " + m[1] + ": " + m[2]
	}
	switch {
	case s.example != "":
		return "write " + s.example
	case n.Kind == Scalar && (s.is == list || s.is == names) && n.Style == Plain && len(n.Text) <= maxShown:
		return "write a list: [" + n.Text + "]"
	case n.Kind == Scalar && (s.is == list || s.is == names) && len(n.Text) <= maxShown:
		return "write a list: [" + quote(n.Text) + "]"
	case s.is == list || s.is == names:
		return "write one item a line, each after a dash and a space"
	case n.Kind == List && s.is == text && len(n.Items) > 0 && n.Items[0].Kind == Scalar:
		return "write one value without brackets or dashes; a text that begins with [ goes in quotes"
	case n.Kind == List && (s.is == section || s.is == table):
		return "write key: value lines, without dashes"
	case s.is == section:
		return "write key: value lines below it: " + strings.Join(s.keys, ", ")
	case s.is == table:
		return "write key: value lines below it"
	}
	return "write one value; a text that begins with { goes in quotes"
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// upper begins a sentence with s, unless s begins with a quotation.
func upper(s string) string {
	if c := s[0]; c >= 'a' && c <= 'z' && strings.HasPrefix(s, "a ") || strings.HasPrefix(s, "an ") || strings.HasPrefix(s, "the ") {
		return strings.ToUpper(s[:1]) + s[1:]
	}
	if s[0] == '"' {
		return "The key " + s
	}
	return "The key \"" + s + "\""
}
