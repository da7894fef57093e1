package docs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// recipe says what a recipe does in the sandbox; the zero value only reads.
type recipe struct {
	sends bool
	args  []string // of every run
}

// recipes are by the names of their flows. A world of its own, where one is
// needed, is testdata/cookbook/NAME.yaml.
var recipes = map[string]recipe{
	"birthday-field":          {sends: true, args: []string{"--var", "day=2031-03-14"}},
	"reminder-day-before":     {sends: true, args: []string{"--var", "today=2031-03-13"}},
	"winback-segments":        {sends: true},
	"waiting-clients":         {args: []string{"--var", "allowed=500"}},
	"transfers-by-operator":   {},
	"offer-without-optouts":   {sends: true},
	"weekend-offer":           {sends: true},
	"two-texts":               {sends: true},
	"monthly-survey":          {sends: true},
	"invitation-in-two-parts": {sends: true},
	"unknown-phones":          {},
	"order-ready":             {sends: true},
	"export-tag":              {},
	"opening":                 {sends: true},
}

var (
	nameOfFlow = regexp.MustCompile(`(?m)^flow: (\S+)$`)
	dataFile   = regexp.MustCompile("(?ms)^`([a-z]+\\.(?:csv|yaml))`:\n\n```(?:csv|yml)\n(.*?)^```$")
)

// TestRecipesRunTwice runs each recipe as a reader would who copies it, in a
// folder with the files that its section shows.
func TestRecipesRunTwice(t *testing.T) {
	text, err := os.ReadFile("cookbook.md")
	require.NoError(t, err)
	worlds, err := filepath.Abs(filepath.Join("testdata", "cookbook"))
	require.NoError(t, err)
	seen := 0
	for section := range strings.SplitSeq(string(text), "\n## ") {
		flows := page{"cookbook.md", section}.blocks("yaml")
		if len(flows) == 0 {
			continue
		}
		require.Len(t, flows, 1, "one flow a section")
		name := nameOfFlow.FindStringSubmatch(flows[0])[1]
		want, ok := recipes[name]
		require.True(t, ok, "the test has no entry for %s", name)
		seen++
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("recipe.yaml", []byte(flows[0]), 0o600))
			for _, m := range dataFile.FindAllStringSubmatch(section, -1) {
				require.NoError(t, os.WriteFile(m[1], []byte(m[2]), 0o600))
			}
			clean(t, "recipe.yaml")
			args := append([]string{"run", "recipe.yaml", "--sandbox", "-o", "json"}, want.args...)
			if world := filepath.Join(worlds, name+".yaml"); exists(world) {
				args = append(args, "--sandbox-world", world)
			} else {
				args = append(args, "--sandbox-clients", "600")
			}
			first := result(t, args)
			require.Equal(t, want.sends, first.Counts.Sent > 0)
			require.Equal(t, first.Counts.Planned, first.Counts.Sent)
			second := result(t, args)
			require.Zero(t, second.Counts.Planned)
			require.Equal(t, first.Counts.Sent, second.Counts.AlreadySent)
		})
	}
	require.Equal(t, len(recipes), seen, "each entry has a section")
}

// clean demands that nothing is to be said about a flow, neither advice nor form.
func clean(t *testing.T, file string) {
	t.Helper()
	for _, args := range [][]string{{"validate", "--strict", file}, {"fmt", "--diff", "--check", file}} {
		var out bytes.Buffer
		code := cli.Main(args, strings.NewReader(""), &out, &out, []string{"CI=true"})
		require.Zero(t, code, "%s", &out)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func result(t *testing.T, args []string) *ui.ResultDocument {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(args, strings.NewReader(""), &out, &errs, []string{"CI=true"})
	require.Zero(t, code, "%s%s", &out, &errs)
	var doc ui.Document
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
	require.NotNil(t, doc.Result)
	return doc.Result
}
