package scaffold_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/scaffold"
)

var facts = scaffold.Facts{Ledger: "the-ledger", Schema: []byte("{}\n"), Version: "v1.2.3"}

func TestEveryTemplateMakesAWholeProject(t *testing.T) {
	for _, name := range scaffold.Names() {
		t.Run(name, func(t *testing.T) {
			template, ok := scaffold.Find(name)
			require.True(t, ok)
			summary, err := template.Summary()
			require.NoError(t, err)
			require.NotEmpty(t, summary)
			require.Less(t, len(summary), 70, "it stands on one line of a list")

			files, err := template.Files(facts)
			require.NoError(t, err)
			var paths []string
			byPath := map[string]string{}
			for _, f := range files {
				paths = append(paths, f.Path)
				byPath[f.Path] = string(f.Content)
				require.NotEmpty(t, f.Content, f.Path)
				require.NotEmpty(t, f.About, f.Path)
				require.True(t, strings.HasSuffix(string(f.Content), "\n"), f.Path)
				for _, word := range []string{"<<", ">>\n", "examples", "../"} {
					require.NotContains(t, string(f.Content), word, f.Path)
				}
			}
			require.Equal(t, template.Paths(), paths)
			require.Contains(t, byPath[scaffold.ProjectFile], "\nledger: the-ledger\n")
			require.Contains(t, byPath[template.Flow], "\n# yaml-language-server: $schema=schema.json\n")
			require.Contains(t, byPath[template.Test()], "\nflow: ./"+template.Flow+"\n")

			for _, path := range []string{scaffold.ProjectFile, template.Test(), scaffold.WorkflowFile} {
				node, problems := flow.ParseNode(path, []byte(byPath[path]))
				require.Empty(t, problems)
				require.Equal(t, flow.Map, node.Kind, path)
			}
			workflow := byPath[scaffold.WorkflowFile]
			require.Contains(t, workflow, "cmd/flowrunner@v1.2.3\n")
			require.Contains(t, workflow, "flowrunner validate --strict -o github "+template.Flow+"\n")
			require.Contains(t, workflow, "flowrunner test "+template.Test()+"\n")
			require.Equal(t, template.Sends, strings.Contains(workflow, "--state /var/lib/flowrunner\n"), "only who sends needs a ledger that stays")
			require.Equal(t, template.Sends, strings.Contains(workflow, "A CI cache is not a ledger"))
			require.Equal(t, template.Report != "", strings.Contains(workflow, "upload-artifact"))
			require.Contains(t, workflow, `cron: "`+template.Cron+`"`)
		})
	}
}

func TestFind(t *testing.T) {
	_, ok := scaffold.Find("nothing")
	require.False(t, ok)
	require.Equal(t, "broadcast", scaffold.Names()[0])
}
