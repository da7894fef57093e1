package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

// shapeFaults are the problems that a schema can see: what is written where, not
// what it means.
var shapeFaults = []string{
	"unknown-key", "unknown-parameter", "unknown-kind", "unknown-word", "unknown-value",
	"missing-key", "missing-parameter", "missing-value", "wrong-shape", "no-steps", "no-kind", "uses-and-steps",
}

// goodFlows are the flows of this repository that are right in every respect.
func goodFlows(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"examples/*.yaml", "engine/flow/testdata/ok/*.yaml", "engine/testdata/ok/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			doc, problems := flow.Parse(file, source)
			if problems.HasErrors() {
				continue // a test of a flow
			}
			if _, problems = engine.Compile(doc, steps.Registry(), nil); !problems.HasErrors() {
				all = append(all, file)
			}
		}
	}
	return all
}

func TestSchemaAcceptsEveryGoodFlow(t *testing.T) {
	s := compiledSchema(t)
	files := goodFlows(t)
	require.Greater(t, len(files), 25)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		node, _ := flow.ParseNode(file, source)
		require.NoError(t, s.Validate(plain(node)), "%s", file)
	}
}

// TestSchemaSeesEveryFaultOfShape holds that an editor flags what validate calls
// a fault of shape.
func TestSchemaSeesEveryFaultOfShape(t *testing.T) {
	s := compiledSchema(t)
	seen := map[string]int{}
	for _, pattern := range []string{"engine/flow/testdata/err/*.yaml", "engine/testdata/err/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			node, unreadable := flow.ParseNode(file, source)
			if unreadable.HasErrors() {
				continue // no YAML: an editor says so without a schema
			}
			doc, problems := flow.Parse(file, source)
			_, more := engine.Compile(doc, steps.Registry(), nil)
			found := ""
			for _, p := range append(problems, more...) {
				if slices.Contains(shapeFaults, p.Code) {
					seen[p.Code]++
					found = p.Error()
				}
			}
			if found != "" {
				require.Error(t, s.Validate(plain(node)), "%s", found)
			}
		}
	}
	for _, code := range shapeFaults {
		require.NotZero(t, seen[code], "no flow of testdata has the fault %s", code)
	}
}

// TestSchemaTakesExpressionsAndQuotes holds that an editor flags no way of
// writing a value that validate accepts.
func TestSchemaTakesExpressionsAndQuotes(t *testing.T) {
	s := compiledSchema(t)
	kinds := steps.Registry().Kinds()
	for _, k := range kinds {
		with := map[string]any{}
		for _, p := range k.Params() {
			with[p.Name] = "${{ inputs.x }}"
			if p.Named {
				with[p.Name] = map[string]any{}
			}
		}
		require.NoError(t, s.Validate(map[string]any{"flow": "a", "steps": []any{map[string]any{"id": "x", "uses": k.Name, "with": with}}}), "%s", k.Name)
	}
	for _, text := range []string{
		"guard: { maxSends: '5' }", "inputs: { x: { required: 'true', min: '0.5', max: 2 } }", "inputs: { x: { min: 1e3 } }",
		"connection: { rate: 10/s, apiToken: '${{ secrets.A }}' }", "description: 2026", "campaign: spring-2026.1",
	} {
		node, problems := flow.ParseNode("f", []byte("flow: a\n"+text+"\nsteps: [{ id: x, uses: chat2desk_list_clients, with: { limit: '20', tags: ['17', 18] } }]\n"))
		require.Empty(t, problems)
		require.NoError(t, s.Validate(plain(node)), "%s", text)
	}
	for _, text := range []string{
		"guard: { maxSends: many }", "guard: { maxSends: 0 }", "guard: { maxSends: '${{ inputs.x }}' }", "inputs: { x: { required: yes please } }",
		"flow: with spaces", "connection: { apiToken: 0123456789 }", "oncePer: hour",
	} {
		node, _ := flow.ParseNode("f", []byte(text+"\nsteps: [{ id: x, uses: chat2desk_list_clients }]\n"))
		m := plain(node).(map[string]any)
		if m["flow"] == nil {
			m["flow"] = "a"
		}
		require.Error(t, s.Validate(m), "%s", text)
	}
}
