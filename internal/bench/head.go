package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// headOf says what was measured, and where: the command, the machine, and what else
// it had to do.
func headOf(args []string) string {
	if at := slices.Index(args, "-into"); at >= 0 && at+1 < len(args) {
		args = slices.Delete(slices.Clone(args), at, at+2) // which says nothing about the figures
	}
	return fmt.Sprintf("`go run ./internal/bench%s` on %s/%s, %s, %d cores, %s, %s%s",
		strings.TrimRight(" "+strings.Join(args, " "), " "), runtime.GOOS, runtime.GOARCH, processor(), runtime.NumCPU(), runtime.Version(),
		time.Now().UTC().Format(time.DateOnly), load())
}

// processor is the name that Linux gives, "a processor" elsewhere.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "a processor"
}

// load is how many programs wanted a core in the minute before, where Linux tells.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	minute, _, ok := strings.Cut(string(text), " ")
	if err != nil || !ok {
		return ""
	}
	return ", a load of " + minute + " before"
}
