package examples_test

import (
	"io"
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
