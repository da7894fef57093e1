package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newValidate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check flows completely, without a network",
		Long: "validate finds every problem of every file at once, each with its place and\n" +
			"what to write instead. It needs neither a token nor the inputs.",
		Args: atLeast(1, "the FILE of a flow, or several"),
		RunE: func(_ *cobra.Command, args []string) error { return validate(a, args) },
	}
	outputFlag(a, cmd.Flags())
	return cmd
}

func validate(a *app, files []string) error {
	style, bad, first := a.outStyle(), 0, true
	a.doc.Files = []ui.FileDocument{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return fileError("read", file, err)
		}
		p, list := check(file, src)
		doc := ui.FileDocument{File: file, OK: p != nil, Problems: ui.Diagnostics(list)}
		if p != nil {
			doc.Flow = p.Name
		} else {
			bad++
		}
		a.doc.Files = append(a.doc.Files, doc)
		if a.json {
			continue
		}
		if len(list) > 0 {
			if !first {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprint(a.stdout, style.Diagnostics(list, src))
		}
		if p != nil {
			fmt.Fprintf(a.stdout, "%s: %s (flow %s)\n", file, style.Good("ok"), p.Name)
		}
		first = false
	}
	if bad == 0 {
		return nil
	}
	if !a.json {
		fmt.Fprintf(a.stderr, "%s in %s\n", problems(a.doc.Files), count(bad, "file", "files"))
	}
	return &endedError{[]engine.Cause{engine.CauseFlow}}
}

func problems(files []ui.FileDocument) string {
	n := 0
	for _, f := range files {
		for _, p := range f.Problems {
			if p.Severity == diag.Error.String() {
				n++
			}
		}
	}
	return count(n, "problem", "problems")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
