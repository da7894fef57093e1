package scaffold

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/flowrunner/flowrunner/examples"
)

// Template is one kind of project to start from.
type Template struct {
	Name     string
	Flow     string   // the file of its flow
	Data     []string // the files that the flow reads
	Report   string   // the file that a run is for, or that tells of it, to be kept by CI
	Sends    bool     // writes to people, so a ledger must outlive each run
	Sandbox  string   // inputs with which the flow shows what it does in the sandbox
	Daily    string   // inputs of a scheduled run
	Cron     string   // when the schedule begins it, in UTC
	MaxSends int      // the project's cap, not below the flow's own
}

// Templates lists what a project can start from, the default first.
func Templates() []Template {
	return []Template{
		{Name: "broadcast", Flow: "broadcast.yaml", Report: "out/*.csv", Sends: true, Cron: "0 8 * * 1", MaxSends: 5000},
		{Name: "winback", Flow: "winback.yaml", Sends: true, Cron: "0 8 * * *", MaxSends: 2000},
		{Name: "sla", Flow: "sla_watch.yaml", Sandbox: "--var allowed=500", Daily: "--var patience=2h", Cron: "*/30 * * * *", MaxSends: 100},
		{Name: "audit", Flow: "transfer_audit.yaml", Report: "out/*.csv", Cron: "0 5 * * 1", MaxSends: 100},
		{
			Name: "reminders", Flow: "reminders.yaml", Data: []string{"appointments.csv"}, Sends: true,
			Daily: `--var day="$(TZ=Europe/Moscow date -d tomorrow +%F)"`, Cron: "0 15 * * *", MaxSends: 200,
		},
		{
			Name: "birthday", Flow: "birthday.yaml", Data: []string{"birthdays.csv"}, Sends: true,
			Sandbox: "--var day=2031-03-14", Cron: "0 7 * * *", MaxSends: 200,
		},
		{Name: "pickup", Flow: "pickup.yaml", Data: []string{"pickup.csv"}, Sends: true, Cron: "0 7 * * 1", MaxSends: 200},
		{Name: "segment", Flow: "segment_csv.yaml", Data: []string{"segment.csv"}, Sends: true, Cron: "0 8 * * 1", MaxSends: 200},
	}
}

// Names are the templates' names, in their order.
func Names() []string {
	var names []string
	for _, t := range Templates() {
		names = append(names, t.Name)
	}
	return names
}

// Find gives the template with a name.
func Find(name string) (Template, bool) {
	all := Templates()
	i := slices.IndexFunc(all, func(t Template) bool { return t.Name == name })
	if i < 0 {
		return Template{}, false
	}
	return all[i], true
}

// Summary is one line that says what the flow does: the sentence that it begins
// with.
func (t Template) Summary() (string, error) {
	text, err := examples.Files.ReadFile(t.Flow)
	if err != nil {
		return "", fmt.Errorf("read template %s: %w", t.Name, err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	_, summary, ok := strings.Cut(first, ": ")
	if !ok {
		return "", fmt.Errorf("read template %s: %s does not begin with # name: what it does", t.Name, t.Flow)
	}
	return strings.TrimSuffix(summary, "."), nil
}

// stem is the name of the flow's file without its ending.
func (t Template) stem() string { return strings.TrimSuffix(t.Flow, ".yaml") }

// Test is the file of the flow's test.
func (t Template) Test() string { return t.stem() + "_test.yaml" }

// Try is the command that runs the flow in the sandbox.
func (t Template) Try() string {
	return strings.TrimSpace("flowrunner run " + t.Flow + " --sandbox " + t.Sandbox)
}

// golden are the files with the texts that the test expects.
func (t Template) golden() []string {
	found, err := fs.Glob(examples.Files, t.stem()+"_test.golden/*")
	if err != nil {
		return nil // the pattern is ours, and a good one
	}
	return found
}

// Paths are the files that Files makes, in its order.
func (t Template) Paths() []string {
	return slices.Concat([]string{ProjectFile, t.Flow, t.Test()}, t.golden(), t.Data, []string{SchemaFile, IgnoreFile, WorkflowFile})
}
