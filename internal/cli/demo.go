package cli

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/internal/ui"
)

// demoFiles are the flow of the demo and the people whom it writes to.
//
//go:embed demo/spring.yaml demo/world.yaml
var demoFiles embed.FS

const (
	demoFlow  = "spring.yaml"
	demoWorld = "world.yaml"
)

func newDemo(a *app) *cobra.Command {
	keep := ""
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show in a minute what flowrunner does, without a token or a file",
		Long: "demo takes a small flow from its text to the proof of what it did: it checks\n" +
			"it, plans it, sends it, gives the same command again, and asks what became of\n" +
			"one person and of the run. The commands are real; they work on a folder that is\n" +
			"gone afterwards, unless --keep names one, and on a fake Chat2Desk inside this\n" +
			"process. Nothing leaves the machine.",
		Example: "  flowrunner demo\n  flowrunner demo --keep tour",
		Args:    atMost(0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return demo(a, keep) },
	}
	cmd.Flags().StringVar(&keep, "keep", "", "make the flow and its state in this `folder`, a new one, and leave it there")
	return cmd
}

// demo gives the tour in a folder of its own.
func demo(a *app, keep string) (err error) {
	dir, leave, err := demoFolder(keep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	for _, name := range []string{demoFlow, demoWorld} {
		text, err := demoFiles.ReadFile("demo/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return fileError("write", filepath.Join(dir, name), err)
		}
	}
	t := &tour{a: a, keep: keep}
	if err := t.give(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	t.say("That was all of it. Everybody has the message once, and the ledger can say why of each.")
	if keep == "" {
		t.say("Nothing is left of it on the disk; flowrunner demo --keep tour leaves the files to go on with.")
	} else {
		t.say("The flow, its people and what it remembers are in " + keep + ": change them, and type the commands above there.")
	}
	fmt.Fprintln(a.stdout, "A project of your own begins with: flowrunner init --list")
	return nil
}

// demoFolder makes the folder of the demo and goes there, so that the commands are
// those that somebody would type; leave goes back, and removes a folder that nobody
// wants to keep.
func demoFolder(keep string) (dir string, leave func() error, err error) {
	if keep == "" {
		dir, err = os.MkdirTemp("", "flowrunner-demo-")
	} else {
		dir, err = newFolder(keep)
	}
	if err != nil {
		return "", nil, err
	}
	back, err := os.Getwd()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		return "", nil, fileError("go to", dir, err)
	}
	return dir, func() error {
		err := os.Chdir(back)
		if keep == "" {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		return err
	}, nil
}

// newFolder makes the folder that somebody wants to keep. Within a project the
// demo's people would be in the memory of that one's sandbox.
func newFolder(keep string) (string, error) {
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", fileError("find", keep, err)
	}
	outer, err := findProject(filepath.Dir(dir))
	switch {
	case err != nil:
		return "", err
	case outer != nil:
		return "", &usageError{fmt.Sprintf("%s lies within the project %s", keep, shorten(outer.dir)), "name a new folder outside of it"}
	}
	err = os.Mkdir(dir, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		return "", &usageError{keep + " is there already; the demo overwrites nothing", "name a new folder"}
	case errors.Is(err, fs.ErrNotExist):
		return "", &usageError{fmt.Sprintf("there is no folder %s to make %s in", filepath.Dir(keep), filepath.Base(keep)), "name a folder beside one that is there"}
	case err != nil:
		return "", fileError("make", keep, err)
	}
	return dir, nil
}

// tour is a row of commands with a word about each.
type tour struct {
	a    *app
	keep string // the folder that stays, "" for none
	stop int    // from 1
}

// give goes through the stops.
func (t *tour) give() error {
	t.say("One flow, from its text to the proof of what it did. Each command below is a real one, and --sandbox keeps all of it on this machine: it starts a fake Chat2Desk with five people.")

	t.head("The flow", "A file in git says who gets which message: those who wrote in the last 90 days and did not ask for peace.")
	text, err := os.ReadFile(demoFlow)
	if err != nil {
		return fileError("read", demoFlow, err)
	}
	t.command("cat " + demoFlow)
	_, _ = t.a.stdout.Write(text)

	const sandboxed = " --sandbox --sandbox-world " + demoWorld
	t.head("Is it right?", "validate needs no network: names, types, and what may be missing in a text.")
	if _, err := t.run("validate " + demoFlow); err != nil {
		return err
	}
	t.head("Who would get what?", "plan reads the account, chooses the people and writes each message down. It sends nothing.")
	if _, err := t.run("plan " + demoFlow + sandboxed); err != nil {
		return err
	}
	t.head("Send", "run plans, asks where people are real, and sends. The ledger knows of each message before it leaves, so that a crash in the middle loses nobody and doubles nobody.")
	first, err := t.run("run " + demoFlow + sandboxed)
	if err != nil {
		return err
	}
	t.head("The same command again", "Whoever has the message gets none: not today, not tomorrow, not from cron.")
	if _, err := t.run("run " + demoFlow + sandboxed); err != nil {
		return err
	}
	t.head("Why did one person get nothing?", "why tells of one contact, by its id, all that was sent and what kept the rest away.")
	if _, err := t.run("why 105 --sandbox"); err != nil {
		return err
	}
	t.head("What did the run do?", "runs show has the balance, and everybody who is not in it, with the reason.")
	_, err = t.run("runs show " + first.Result.Run + " --sandbox")
	return err
}

// interrupted ends the tour before its end. The command that was under way may have
// advised to go on with its run, so this says whether there is anything to go on with.
func (t *tour) interrupted() error {
	kept := "nothing of it is kept"
	if t.keep != "" {
		kept = t.keep + " has all that was done until then"
	}
	return &interruptedError{"interrupted; nothing has left this machine, and " + kept}
}

// head begins a stop with what is to be looked at.
func (t *tour) head(title, text string) {
	if t.stop++; t.stop > 1 {
		fmt.Fprintln(t.a.stdout) // below what a command has said
	}
	fmt.Fprintf(t.a.stdout, "%s\n", t.a.outStyle().Bold(fmt.Sprintf("%d. %s", t.stop, title)))
	t.say(text)
}

// say puts a paragraph between commands.
func (t *tour) say(text string) {
	for _, line := range ui.Wrap(text, helpWidth) {
		fmt.Fprintln(t.a.stdout, ui.Safe(line))
	}
	fmt.Fprintln(t.a.stdout)
}

func (t *tour) command(line string) {
	fmt.Fprintf(t.a.stdout, "%s\n", t.a.outStyle().Good("$ "+line))
}

// run gives a command of this program as somebody would type it. Both of its
// streams are the tour's one, so that they keep their order on any paper.
func (t *tour) run(line string) (ui.Document, error) {
	t.command("flowrunner " + line)
	b := newApp(t.a.stdin, t.a.stdout, t.a.stdout, nil)
	b.stderr = b.stdout
	b.env, b.signals = t.a.env, t.a.signals
	b.outTTY, b.errTTY = t.a.outTTY, t.a.outTTY
	root := newRoot(b)
	root.SetArgs(strings.Fields(line))
	b.color = t.a.color
	code := b.finish(root.ExecuteContext(context.Background()))
	_ = t.a.stdout.Flush() // what has been said is seen before the next command works
	switch {
	case t.a.signals.drain.Err() != nil:
		return b.doc, t.interrupted()
	case code != exitDone:
		return b.doc, fmt.Errorf("demo: flowrunner %s ended with %d, and should not: please report it", line, code)
	}
	return b.doc, nil
}
