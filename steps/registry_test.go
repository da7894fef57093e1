package steps

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	camelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)
	version   = regexp.MustCompile(`^\d+\.\d+$`)
)

func TestRegistryHasEveryKindOfTheLanguage(t *testing.T) {
	require.Equal(t, []string{
		"assert",
		"chat2desk_find_client", "chat2desk_list_clients", "chat2desk_list_messages", "chat2desk_list_transfers", "chat2desk_send_message",
		"distinct", "filter", "group", "http_get", "join", "limit", "map", "print", "read_csv", "read_json", "set", "sort", "write_csv", "write_json",
	}, Registry().Names())
}

// What validate says of a list is what the kind refuses.
func TestHeldIsTheLimit(t *testing.T) {
	limits := map[string]int{
		"join.right": maxCollected, "group.items": maxCollected, "print.message": maxCollected, "write_json.value": maxCollected, "write_csv.unique": maxUnique,
	}
	for _, k := range Registry().Kinds() {
		for _, f := range k.Params() {
			if f.Held == "" {
				continue
			}
			name := k.Name + "." + f.Name
			number, _, _ := strings.Cut(f.Held, " ")
			require.Equal(t, strconv.Itoa(limits[name]), strings.ReplaceAll(number, ",", ""), name)
			delete(limits, name)
		}
	}
	require.Empty(t, limits)
}

func TestEveryKindIsWellDeclared(t *testing.T) {
	for _, k := range Registry().Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			require.Regexp(t, snakeCase, k.Name)
			require.Regexp(t, `^[A-Z].*\.$`, k.Summary)
			require.NotContains(t, k.Summary, "\n")
			require.Regexp(t, version, k.Since)
			if !k.OpenParams {
				require.NotEmpty(t, k.Params())
			}
			for _, f := range k.Params() {
				require.Regexp(t, camelCase, f.Name, "parameter")
				checkDoc(t, "parameter "+f.Name, f)
				if f.Item != "" {
					list, ok := k.Param(f.Item)
					require.True(t, ok, "%s reads records of %s, which is no parameter", f.Name, f.Item)
					require.True(t, list.Shape.Stream)
				}
				require.False(t, f.Optional && f.Bare && f.Bool, "an optional condition would be ambiguous")
				if f.Held != "" {
					require.Contains(t, k.Detail, "held in memory")
					require.Contains(t, k.Detail, "up to "+f.Held)
				}
			}
			for _, f := range k.Outputs() {
				checkDoc(t, "output "+f.Name, f)
				if f.Count != "" {
					list, ok := step.ObjectOf(k.Outputs()...).Field(f.Count)
					require.True(t, ok && list.Shape.Stream, "%s counts %s, which is no stream output", f.Name, f.Count)
				}
			}
			for _, f := range k.Params() {
				if f.Shape.Form == step.FormSecret && f.Name != "apiToken" {
					require.Equal(t, step.EffectRead, k.Effect, "only reads are given secrets: what is done in apply goes through the plan file")
				}
			}
			_, hasToken := k.Param("apiToken")
			require.Equal(t, k.Connected, hasToken, "a connected kind, and no other, takes apiToken")
		})
	}
}

// checkDoc demands a sentence of a field and of all fields below it.
func checkDoc(t *testing.T, where string, f step.Field) {
	t.Helper()
	require.GreaterOrEqual(t, len(f.Doc), 10, "%s has no doc", where)
	require.Regexp(t, `^[A-Z].*\.$`, f.Doc, where)
	for s := &f.Shape; s != nil; s = s.Elem {
		for _, below := range s.Fields {
			checkDoc(t, where+"."+below.Name, below)
		}
	}
}

func TestEveryExampleIsAWholeFlow(t *testing.T) {
	for _, k := range Registry().Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			require.Regexp(t, "^flow: example-"+strings.ReplaceAll(k.Name, "_", "-")+"\n", k.Example)
			require.Contains(t, k.Example, "\nsteps:\n  - id: ")
			require.Contains(t, k.Example, "uses: "+k.Name+"\n")
			require.True(t, strings.HasSuffix(k.Example, "\n"))
			require.NotContains(t, k.Example, "\t")
			for path := range k.Files {
				require.Contains(t, k.Example, "path: "+path)
			}
		})
	}
}
