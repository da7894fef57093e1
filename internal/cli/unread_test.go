package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unread runs a command whose standard output nobody reads any more.
func unread(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	defer write.Close()
	var errs bytes.Buffer
	code = Main(args, strings.NewReader(""), write, &errs, []string{"CI=true"})
	return code, errs.String()
}

// A command that only reads ends quietly when whoever reads it has seen enough, as
// with | head; one that sends goes on to its end.
func TestOutputThatNobodyReads(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	flow := "flow: hello\nguard: { maxSends: 50 }\nsteps:\n  - id: clients\n    uses: chat2desk_list_clients\n" +
		"  - id: send\n    forEach: ${{ steps.clients.outputs.clients }}\n    uses: chat2desk_send_message\n" +
		"    with: { contactId: \"${{ item.id }}\", message: Hi }\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hello.yaml"), []byte(flow), 0o600))
	code, said := unread(t, "run", "hello.yaml", "--sandbox", "--sandbox-clients", "20", "--new-ledger", "--progress", "none")
	require.Equal(t, exitDone, code, said)
	var out, errs bytes.Buffer
	require.Equal(t, exitDone, Main([]string{"runs", "show", "--sandbox", "-o", "json"}, strings.NewReader(""), &out, &errs, nil), errs.String())
	require.Contains(t, out.String(), `"sent": 20`)

	for _, command := range []string{
		"runs list --sandbox", "runs list --sandbox -o csv", "runs list --sandbox -o json",
		"runs show --sandbox", "runs show --sandbox --all", "runs show --sandbox -o json",
		"runs recipients --sandbox", "runs recipients --sandbox -o csv", "runs recipients --sandbox -o json",
		"runs report --sandbox", "runs report --sandbox -o markdown", "runs export --sandbox",
		"why 70001 --sandbox", "why 70001 --sandbox -o json", "ledger show --sandbox", "ledger export --sandbox -",
		"plan hello.yaml --sandbox --sandbox-clients 20", "plan hello.yaml --sandbox --sandbox-clients 20 -o json",
		"validate hello.yaml", "validate hello.yaml -o json", "graph hello.yaml", "schema", "tools", "tools limit", "explain unknown-key",
		"version", "help exit-codes", "fmt --diff hello.yaml", "runs --help",
	} {
		code, said := unread(t, strings.Fields(command)...)
		require.Equal(t, exitDone, code, "%s: %s", command, said)
		require.NotContains(t, said, "pipe", command)
		require.NotContains(t, said, "error", command)
	}
}
