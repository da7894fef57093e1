package examples_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrunner/flowrunner/internal/cli"
)

// The figures that docs/architecture.md promises come from here:
//
//	go test -run - -bench . ./examples

func BenchmarkVersion(b *testing.B) {
	for b.Loop() {
		command(b, "version")
	}
}

func BenchmarkValidate(b *testing.B) {
	for b.Loop() {
		command(b, "validate", "broadcast.yaml")
	}
}

// BenchmarkValidateManySteps checks a flow of 1,000 steps, as many as one may have:
// filters one behind another, and a loop with a message behind each.
func BenchmarkValidateManySteps(b *testing.B) {
	var text strings.Builder
	text.WriteString("flow: many\nguard: { maxSends: 5 }\nsteps:\n  - { id: clients, uses: chat2desk_list_clients }\n")
	list := "steps.clients.outputs.clients"
	for i := range 333 {
		fmt.Fprintf(&text, `  - id: few%[1]d
    uses: filter
    with: { items: "${{ %[2]s }}", where: 'within(item.last_client_message, "90d") and item.id %% 7 != %[1]d' }
  - id: loop%[1]d
    forEach: ${{ steps.few%[1]d.outputs.items }}
    as: client
    steps:
      - id: send%[1]d
        uses: chat2desk_send_message
        with: { contactId: "${{ client.id }}", message: "Hello ${{ client.name ?? \"friend\" }}!" }
`, i, list)
		list = fmt.Sprintf("steps.few%d.outputs.items", i)
	}
	file := filepath.Join(b.TempDir(), "many.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		command(b, "validate", file)
	}
}

// BenchmarkBroadcast plans and sends the broadcast to the whole sandbox.
func BenchmarkBroadcast(b *testing.B) {
	for b.Loop() {
		command(b, "run", filepath.Join(copied(b), "broadcast.yaml"), "--sandbox", "--progress", "none")
	}
}

func command(b *testing.B, args ...string) {
	b.Helper()
	if code := cli.Main(args, strings.NewReader(""), io.Discard, io.Discard, []string{"CI=true"}); code != 0 {
		b.Fatalf("%v: exit code %d", args, code)
	}
}
