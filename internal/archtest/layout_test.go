package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// top are the entries of the module's directory.
var top = []string{
	".ci", ".git", ".gitignore", ".golangci.yml", "CHANGELOG.md", "LICENSE", "Makefile", "README.md",
	"chat2desk", "cmd", "docs", "engine", "examples", "go.mod", "go.sum", "internal", "schema.json", "steps",
	// Not of the repository, but of a machine that works in it.
	".flowrunner", ".github", ".idea", ".vscode", "cover.out", "dist", "flowrunner", "go.work", "go.work.sum",
}

func TestTopLevelIsTidy(t *testing.T) {
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, e := range entries {
		if !slices.Contains(top, e.Name()) {
			t.Errorf("%s stands in the top directory; put it where it belongs, or name it in this test", e.Name())
		}
	}
}

// TestMainIsShort keeps the program in packages that tests can reach.
func TestMainIsShort(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "cmd", "*", "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.LessOrEqual(t, lines(text), 20, "%s", file)
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for pkg := range allowed {
		if strings.HasPrefix(pkg, "cmd/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(pkg), "doc.go"))
		require.NoError(t, err)
		require.Contains(t, "\n"+string(text), "\n// Package ", "%s/doc.go", pkg)
		require.LessOrEqual(t, lines(text), 20, "%s/doc.go", pkg)
	}
}

// TestGoModInstalls keeps `go install …@version` working: it refuses modules
// that replace or exclude others.
func TestGoModInstalls(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		require.NotContains(t, []string{"replace", "exclude"}, word, "go.mod: %s", line)
	}
	require.Contains(t, string(text), "module "+module+"\n")
}

func lines(text []byte) int { return strings.Count(string(text), "\n") }
