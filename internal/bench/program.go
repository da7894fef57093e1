package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed flows/start.yaml
var startFlow string

//go:embed flows/broadcast.yaml
var broadcastFlow string

//go:embed flows/export.yaml
var exportFlow string

//go:embed flows/churn.yaml
var churnFlow string

// program is one of those that are compared.
type program struct {
	name string
	// args are its arguments for a job, in a folder of its own.
	args func(b *bench, job, folder string) []string
	path string
}

const module = "github.com/flowrunner/flowrunner"

// build makes the programs. A profiled flowrunner keeps its symbols.
func (b *bench) build(ctx context.Context) error {
	b.flowrunner = filepath.Join(b.work, "flowrunner")
	if err := compile(ctx, b.flowrunner, module+"/cmd/flowrunner", b.flags...); err != nil {
		return err
	}
	loop := filepath.Join(b.work, "loop")
	if err := compile(ctx, loop, module+"/internal/bench/loop", b.flags...); err != nil {
		return err
	}
	measured := b.flowrunner
	if b.profile != "" {
		measured = filepath.Join(b.work, "profiled")
		if err := compile(ctx, measured, module+"/internal/bench/profiled"); err != nil {
			return err
		}
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return err
		}
	}
	b.programs = []program{
		{"loop", (*bench).loopArgs, loop},
		{"fsync loop", (*bench).journalArgs, loop},
		{"flowrunner", (*bench).flowArgs, measured},
	}
	if b.binary != "" {
		b.programs = append(b.programs, program{"other", (*bench).flowArgs, b.binary})
	}
	return nil
}

func compile(ctx context.Context, to, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", to}, flags...)
	build := exec.CommandContext(ctx, "go", append(args, pkg)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("build %s: %w", pkg, err), errors.New(string(said)))
	}
	return nil
}

func (b *bench) loopArgs(job, folder string) []string {
	return []string{"-job", job, "-inflight", strconv.Itoa(b.inflight), "-csv", filepath.Join(folder, "out.csv")}
}

func (b *bench) journalArgs(job, folder string) []string {
	return append(b.loopArgs(job, folder), "-journal", filepath.Join(folder, "journal.jsonl"))
}

func (b *bench) flowArgs(job, folder string) []string {
	args := []string{"run", filepath.Join(folder, "flow.yaml"), "--yes", "--new-ledger", "--progress", "none"}
	return append(args, "--state", filepath.Join(folder, "state"))
}

// writeFlow puts the flow of a job into a folder.
func (b *bench) writeFlow(job, folder string) error {
	text := map[string]string{"start": startFlow, "broadcast": broadcastFlow, "export": exportFlow, "churn": churnFlow}[job]
	text = strings.Replace(text, "concurrency: 64", "concurrency: "+strconv.Itoa(b.inflight), 1)
	return os.WriteFile(filepath.Join(folder, "flow.yaml"), []byte(text), 0o600)
}
