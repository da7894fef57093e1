// Package docs_test keeps what is written honest: flows in the pages compile,
// links lead somewhere, and the reference pages are what the program says today.
package docs_test

import (
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

// page is one Markdown file.
type page struct {
	path string
	text string
}

// pages are README.md, CHANGELOG.md and everything below docs.
func pages(t *testing.T) []page {
	t.Helper()
	files := []string{"../README.md", "../CHANGELOG.md"}
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	}))
	var all []page
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all = append(all, page{path, string(text)})
	}
	return all
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// blocks are the fenced blocks of one language.
func (p page) blocks(language string) []string {
	var all []string
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		if m[1] == language {
			all = append(all, m[2])
		}
	}
	return all
}

var wholeFlow = regexp.MustCompile(`(?m)^flow: (?s:.*)^steps:`)

// beside is what the flows in the pages find beside them, and those of the
// engine's tests too.
var beside = engine.FilesIn("../engine/testdata/beside", "../engine/testdata/beside")

func TestFlowsCompile(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, text := range p.blocks("yaml") {
			if !wholeFlow.MatchString(text) || p.path == "diagnostics.md" { // its wrong flows are meant to be wrong
				continue
			}
			seen++
			doc, problems := flow.Parse(p.path, []byte(text))
			if !problems.HasErrors() {
				var program *engine.Program
				if program, problems = engine.Compile(doc, steps.Registry(), beside); program != nil {
					problems = append(problems, program.Lint()...)
				}
			}
			require.Empty(t, problems, "%s", diag.FormatAll(problems, []byte(text)))
		}
	}
	require.Greater(t, seen, 20)
}

// Parts of a flow or of a project file are those of a flow whose steps stand
// elsewhere; what belongs to other programs is YAML at least.
func TestPartsOfFlowsParse(t *testing.T) {
	const steps = "steps:\n  - { id: clients, uses: chat2desk_list_clients }\n"
	seen := 0
	for _, p := range pages(t) {
		for _, text := range p.blocks("yaml") {
			if wholeFlow.MatchString(text) || p.path == "diagnostics.md" {
				continue
			}
			node, problems := flow.ParseNode(p.path, []byte(text))
			if node != nil {
				require.Empty(t, problems, "%s", diag.FormatAll(problems, []byte(text)))
			}
			switch {
			case strings.Contains(text, "\ncases:"), strings.Contains(text, "script:"), strings.Contains(text, "runs-on:"):
				continue // run by the tests of flowtest; of a CI system
			case strings.HasPrefix(text, "# flowrunner.yaml"):
				_, problems = flow.ParseProject(p.path, []byte(text))
			case strings.HasPrefix(text, " ") && strings.Contains(text, "- id:"): // a step
				text = "flow: part\nsteps:\n" + text
				_, problems = flow.Parse(p.path, []byte(text))
			case strings.HasPrefix(text, " "): // keys or parameters of a step
				text = "      " + strings.TrimLeft(text, " ")
				if !strings.Contains(text, "uses:") {
					text = "      uses: print\n      with:\n  " + text
				}
				text = "flow: part\nsteps:\n  - id: block\n    steps:\n    - id: step\n" + text
				_, problems = flow.Parse(p.path, []byte(text))
			default:
				if !strings.Contains(text, "flow:") {
					text = "flow: part\n" + text
				}
				text += steps
				_, problems = flow.Parse(p.path, []byte(text))
			}
			seen++
			require.Empty(t, problems, "%s", diag.FormatAll(problems, []byte(text)))
		}
	}
	require.Greater(t, seen, 8)
}

// TestGoIsFormatted also finds what does not parse.
func TestGoIsFormatted(t *testing.T) {
	for _, p := range pages(t) {
		for _, text := range p.blocks("go") {
			want, err := format.Source([]byte(text))
			require.NoError(t, err, "%s", p.path)
			require.Equal(t, string(want), text, "%s", p.path)
		}
	}
}

var (
	link        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// anchors are the places of a page that a link can lead to, as GitHub names them.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

func TestLinksLead(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file, text := p.path, p.text
			if target != "" {
				file = filepath.Join(filepath.Dir(p.path), filepath.FromSlash(target))
				info, err := os.Stat(file)
				require.NoError(t, err, "%s", p.path)
				if anchor == "" || info.IsDir() {
					continue
				}
				content, err := os.ReadFile(file)
				require.NoError(t, err, "%s", p.path)
				text = string(content)
			}
			require.Contains(t, anchors(text), anchor, "%s: %s has no heading for #%s", p.path, file, anchor)
		}
	}
}
