package archtest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/schema"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/steps"
)

// TestSchemaIsFresh compares schema.json with what the grammar and the kinds
// give today.
func TestSchemaIsFresh(t *testing.T) {
	want, err := schema.JSON(steps.Registry())
	require.NoError(t, err)
	golden.Equal(t, filepath.Join(root, "schema.json"), string(want))
}

// TestSchemaAcceptsGoodFlows guards editors against false alarms.
func TestSchemaAcceptsGoodFlows(t *testing.T) {
	s := compiledSchema(t)
	known := steps.Registry()
	seen := 0
	check := func(name string, text []byte) {
		doc, problems := flow.Parse(name, text)
		require.False(t, problems.HasErrors(), "%s: %v", name, problems)
		if _, problems = engine.Compile(doc, known, nil); problems.HasErrors() {
			return // good in form alone, as some of engine/flow/testdata
		}
		seen++
		node, _ := flow.ParseNode(name, text)
		require.NoError(t, s.Validate(plain(node)), "%s", name)
	}
	for _, pattern := range []string{"examples/*.yaml", "engine/flow/testdata/ok/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.yaml") {
				continue // tests of flows
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			check(file, text)
		}
	}
	for _, k := range known.Kinds() {
		check("the example of "+k.Name, []byte(k.Example))
	}
	require.GreaterOrEqual(t, seen, 20)
}

func TestSchemaRefusesMistakes(t *testing.T) {
	s := compiledSchema(t)
	const good = "flow: a\nsteps:\n  - id: clients\n    uses: chat2desk_list_clients\n    with: { limit: 5 }\n"
	tests := map[string]struct{ from, to string }{
		"nothing wrong":         {"", ""},
		"no name":               {"flow: a\n", ""},
		"unknown key":           {"flow: a\n", "flow: a\nstpes: []\n"},
		"no id":                 {"id: clients", "name: clients"},
		"unknown kind":          {"chat2desk_list_clients", "chat2desk_list_client"},
		"unknown parameter":     {"limit", "limits"},
		"wrong type":            {"limit: 5", "limit: [5]"},
		"below the bound":       {"limit: 5", "limit: 0"},
		"no word of the list":   {"limit: 5", "order: up"},
		"required is missing":   {"uses: chat2desk_list_clients\n    with: { limit: 5 }", "uses: filter"},
		"a kind and a block":    {"    with", "    steps: []\n    with"},
		"token as plain text":   {"limit: 5", "apiToken: 0123456789abcdef"},
		"word of a grammar key": {"    with", "    onError: ignore\n    with"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, test.from, test.to, 1)
			node, problems := flow.ParseNode(name, []byte(text))
			require.False(t, problems.HasErrors(), "%v", problems)
			err := s.Validate(plain(node))
			if name == "nothing wrong" {
				require.NoError(t, err)
				return
			}
			require.NotEqual(t, good, text)
			require.Error(t, err)
		})
	}
}

// TestSchemaDescribesEveryKey keeps a sentence for each key of the grammar.
func TestSchemaDescribesEveryKey(t *testing.T) {
	text, err := schema.JSON(steps.Registry())
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, json.Unmarshal(text, &tree))
	var walk func(where string, v any)
	walk = func(where string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for name, inner := range m {
			if properties, ok := inner.(map[string]any); ok && name == "properties" && m["additionalProperties"] == false {
				for key, p := range properties {
					require.NotEmpty(t, p.(map[string]any)["description"], "%s.%s has no description", where, key)
				}
			}
			walk(where+"."+name, inner)
		}
	}
	walk("schema", tree)
}

// TestSchemaPromisesWhatParses holds that each key of the grammar is taken, and
// that its sentence says nothing else.
func TestSchemaPromisesWhatParses(t *testing.T) {
	text, err := schema.JSON(steps.Registry())
	require.NoError(t, err)
	var tree struct {
		Properties map[string]struct {
			Description string
			Properties  map[string]struct{ Description string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &tree))
	for key, lines := range map[string]string{
		"campaign":           "campaign: spring",
		"oncePer":            "oncePer: run",
		"delivery":           "delivery: { unknown: verify }",
		"schedule":           "schedule: { cron: 0 10 * * 1 }",
		"moved":              "moved: [{ from: a, to: clients }]",
		"guard.maxSends":     "guard: { maxSends: 5 }",
		"guard.stopIf":       "guard: { stopIf: failed > 3 }",
		"guard.monthlyCalls": "guard: { monthlyCalls: 100000 }",
		"guard.perContact":   "guard: { perContact: 1 per 7d }",
		"guard.suppress":     "guard: { suppress: { words: [stop] } }",
		"guard.hours":        "guard: { hours: { allow: 09:00-21:00, zone: UTC } }",
		"guard.window":       "guard: { window: whatsapp }",
	} {
		t.Run(key, func(t *testing.T) {
			top, inner, nested := strings.Cut(key, ".")
			said := tree.Properties[top].Description
			if nested {
				said = tree.Properties[top].Properties[inner].Description
			}
			doc, problems := flow.Parse(key, []byte("flow: a\n"+lines+"\nsteps:\n  - id: clients\n    uses: chat2desk_list_clients\n"))
			require.False(t, problems.HasErrors(), "%v", problems)
			require.NotNil(t, doc)
			require.NotContains(t, said, "Not honoured", "all of the grammar is")
		})
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.JSON(steps.Registry())
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", doc))
	s, err := c.Compile("schema.json")
	require.NoError(t, err)
	return s
}

// plain turns a node into what an editor's YAML reader makes of it.
func plain(n *flow.Node) any {
	switch {
	case n.Kind == flow.Map:
		m := map[string]any{}
		for _, e := range n.Entries {
			m[e.Key.Text] = plain(e.Value)
		}
		return m
	case n.Kind == flow.List:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, plain(item))
		}
		return list
	case n.Null:
		return nil
	}
	if n.Style == flow.Plain {
		var v any
		d := json.NewDecoder(strings.NewReader(n.Text))
		d.UseNumber()
		if d.Decode(&v) == nil && !d.More() && d.InputOffset() == int64(len(n.Text)) {
			switch v.(type) {
			case bool, json.Number:
				return v
			}
		}
	}
	return n.Text
}
