package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/cli"
	"github.com/flowrunner/flowrunner/internal/golden"
)

var console = regexp.MustCompile("(?ms)^```console\n\\$ flowrunner ([^\n]*)\n(.*?)^```$")

// TestShownOutputIsReal runs each command that a page shows, in the order of the
// page and in one folder, and compares what it prints. What differs from run to
// run does not count.
func TestShownOutputIsReal(t *testing.T) {
	for _, p := range pages(t) {
		if console.MatchString(p.text) {
			t.Run(p.path, p.showsWhatIsReal) // a test of its own, so that the folder is left after it
		}
	}
}

func (p page) showsWhatIsReal(t *testing.T) {
	file, err := filepath.Abs(p.path)
	require.NoError(t, err)
	inFolder(t)
	fresh := console.ReplaceAllStringFunc(p.text, func(block string) string {
		m := console.FindStringSubmatch(block)
		got := printed(m[1])
		if steady(got) == steady(m[2]) {
			return block
		}
		if !golden.Update() {
			require.Equal(t, steady(m[2]), steady(got), "%s: $ flowrunner %s\nwrite it anew with: go test ./docs -update", p.path, m[1])
		}
		return "```console\n$ flowrunner " + m[1] + "\n" + got + "```"
	})
	if golden.Update() {
		require.NoError(t, os.WriteFile(file, []byte(fresh), 0o644))
	}
}

// inFolder works in a folder with the examples and with what lies in testdata.
func inFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "examples"), 0o755))
	for pattern, to := range map[string]string{"../examples/*.yaml": "examples", "../examples/*.csv": "examples", "testdata/*.yaml": ""} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, to, filepath.Base(file)), text, 0o644))
		}
	}
	t.Chdir(dir)
}

// printed is what a command prints where nobody watches, both streams in order.
func printed(line string) string {
	args := strings.Fields(line)
	if args[0] == "run" || args[0] == "plan" {
		args = append(args, "--progress", "none") // a slow machine would show more of it
	}
	var out bytes.Buffer
	cli.Main(args, strings.NewReader(""), &out, &out, []string{"CI=true"})
	return out.String()
}

var (
	runID  = regexp.MustCompile(`\d{8}-\d{6}-[a-z2-7]{8}`)
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?`)
)

// steady leaves out what is another in each run.
func steady(s string) string {
	return moment.ReplaceAllString(runID.ReplaceAllString(s, "RUN"), "MOMENT")
}
