package docs_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/cli"
)

var (
	commandLine = regexp.MustCompile(`(?m)^ *(?:go run \./cmd/)?(flowrunner .*)$`)
	jobLine     = regexp.MustCompile(`(?m)^ *(?:- )?(?:- run: |run: )?(flowrunner .*)$`)
	inlineCode  = regexp.MustCompile("`(flowrunner [^`]+)`")
	flagName    = regexp.MustCompile(`(^| )(--?[a-z][a-z-]*)`)
)

// TestCommandsExist asks the help of each command that a page names for each flag
// that the page gives it.
func TestCommandsExist(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		var lines []string
		for _, block := range p.blocks("sh") {
			for _, m := range commandLine.FindAllStringSubmatch(block, -1) {
				lines = append(lines, m[1])
			}
		}
		for _, block := range p.blocks("yaml") { // jobs of CI systems
			for _, m := range jobLine.FindAllStringSubmatch(block, -1) {
				lines = append(lines, m[1])
			}
		}
		for _, m := range inlineCode.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
			lines = append(lines, strings.ReplaceAll(m[1], "\n", " "))
		}
		for _, line := range lines {
			seen++
			help := helpOf(t, p.path, line)
			for _, m := range flagName.FindAllStringSubmatch(line, -1) {
				require.Regexp(t, `(?m)(^|[ ,])`+m[2]+`([ ,\[]|$)`, help, "%s: %s", p.path, line)
			}
		}
	}
	require.Greater(t, seen, 30)
}

// helpOf gives the help of the command that a line begins with.
func helpOf(t *testing.T, path, line string) string {
	t.Helper()
	args := []string{"help"}
	for _, word := range strings.Fields(line)[1:] {
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) || len(args) == 3 {
			break
		}
		args = append(args, word)
	}
	for ; len(args) > 1; args = args[:len(args)-1] {
		var out bytes.Buffer
		if cli.Main(args, strings.NewReader(""), &out, &out, []string{"CI=true"}) == 0 {
			return out.String()
		}
	}
	t.Errorf("%s: there is no command %q", path, line)
	return ""
}
