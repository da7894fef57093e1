package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden and generated files anew")

// Update reports whether the files are to be written anew, for tests whose files
// are of another kind than those that Equal compares.
func Update() bool { return *update }

// Equal compares got with a file, or makes it the file's content.
func Equal(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update writes it")
	require.Equal(t, string(want), got, "%s differs; go test -update writes it anew", path)
}
