package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/internal/torture"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// tortureOptions are the flags of torture.
type tortureOptions struct {
	inputFlags
	occasionFlags
	sandboxFlags
	kills    int
	each     int
	within   time.Duration
	latency  time.Duration
	with     string
	parallel int
	seed     uint64
	settle   settleFlag
}

// tortureClients are few: a broadcast is over in seconds, and many of them are
// worth more than a long one.
const tortureClients = 200

// The faults that torture has by default: nearly a fifth of the replies.
const tortureFaults = "429:1%,500-before:3%,500-after:3%,reset-before:2.5%,reset-after:2.5%,hang:1%,hang-after:1%,html:1%,html-after:1%,truncate:1%,late:1%"

func newTorture(a *app) *cobra.Command {
	o := &tortureOptions{}
	cmd := &cobra.Command{
		Use:   "torture FILE",
		Short: "Prove on your own flow that nobody is written to twice or lost",
		Long: "torture runs a flow against a sandbox whose replies are lost, broken or\n" +
			"late, ends the process at random moments, gives the same command again\n" +
			"until it is done, and holds what the sandbox has accepted against what the\n" +
			"ledger says. Nothing leaves the machine, and the flow's own state is not\n" +
			"touched: each broadcast has a copy of the flow's folder.\n\n" +
			"The seed fixes the faults and the moments; what the operating system does\n" +
			"in between is its own. It exits with 1 when a message was doubled or lost,\n" +
			"and names the folder where everything of that broadcast is kept.",
		Example: "  flowrunner torture examples/minimal.yaml\n" +
			"  flowrunner torture sale.yaml --var promo=SPRING15 --kills 100 --seed 7",
		Args: exactly(1, "the FILE of one flow"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.kills < 0 || o.each < 1 || o.parallel < 1 || o.within <= 0 || o.latency < 0 {
				return &usageError{"--kills is a number from 0 on; --each and --parallel from 1 on; --within a time such as 500ms, and --latency one from 0 on", "see flowrunner torture --help"}
			}
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			return tortureFlow(a, o, args[0])
		},
	}
	f := cmd.Flags()
	o.inputFlags.register(f)
	o.occasionFlags.register(f)
	o.sandboxFlags.register(f, "sandbox-", tortureClients)
	outputFlag(a, f)
	f.IntVar(&o.kills, "kills", 20, "how many processes are ended, over all broadcasts")
	f.IntVar(&o.each, "each", 10, "how many of them in one broadcast at most; then it is left in peace")
	f.DurationVar(&o.within, "within", 500*time.Millisecond, "how long a process that is to be ended lives at most")
	f.Var(choiceOf(&o.with, "kill", "kill", "interrupt"), "with", "what ends a process: kill (SIGKILL), or interrupt (SIGINT and SIGTERM in turns)")
	f.IntVar(&o.parallel, "parallel", 4, "how many broadcasts go on side by side")
	f.Uint64Var(&o.seed, "seed", 1, "what the faults and the moments are drawn from")
	f.DurationVar(&o.latency, "latency", 0, "how long each call takes, such as 20ms; who is ended meanwhile may have been heard or not")
	f.StringVar(&o.faults, "faults", tortureFaults, "faults of the sandbox, a `list`; an empty text is none")
	o.settle.time = new(tortureSettle)
	f.Var(&o.settle, "settle", "the settle time of the runs; the sandbox accepts late messages after 150ms, so 0 breaks the promise")
	return cmd
}

func tortureFlow(a *app, o *tortureOptions, file string) error {
	p, err := a.load(file)
	if err != nil {
		return err
	}
	if !p.HasSends() {
		return &usageError{fmt.Sprintf("the flow %s sends nothing, so there is nothing to prove", p.Name), "name a flow that sends"}
	}
	if _, err := o.bind(a, p); err != nil {
		return err
	}
	t, err := o.trial(a, file)
	if err != nil {
		return err
	}
	if t.Dir, err = os.MkdirTemp("", "flowrunner-torture-"); err != nil {
		return fmt.Errorf("torture: %w", err)
	}
	if !a.json && a.errTTY != nil {
		t.Progress = func(r torture.Report) {
			fmt.Fprintf(a.stderr, "\r%d of %d ended, %s", r.Kills, o.kills, ui.Plural(r.Broadcasts, "broadcast", "broadcasts"))
			_ = a.stderr.Flush()
		}
	}
	report, err := t.Run(a.signals.drain)
	if t.Progress != nil {
		fmt.Fprintln(a.stderr)
	}
	switch {
	case a.signals.drain.Err() != nil:
		_ = os.RemoveAll(t.Dir)
		return &interruptedError{"interrupted; nothing was proved"}
	case err != nil:
		return err
	}
	if report.OK() {
		if err := os.RemoveAll(t.Dir); err != nil {
			return fmt.Errorf("torture: %w", err)
		}
	}
	a.doc.Torture = tortureDocument(report)
	if !a.json {
		a.outStyle().Torture(a.stdout, a.doc.Torture)
	}
	if !report.OK() {
		return &endedError{[]engine.Cause{engine.CauseStep}}
	}
	return nil
}

// The sandbox of a trial takes late messages soon and lets nobody hang for long,
// so that a trial is over in seconds.
const (
	tortureSettle = time.Second

	tortureLate = 150 * time.Millisecond
	tortureHang = 300 * time.Millisecond
)

// trial is what the flags ask for.
func (o *tortureOptions) trial(a *app, file string) (*torture.Trial, error) {
	so, err := o.options()
	if err != nil {
		return nil, err
	}
	so.Faults.LateBy, so.Faults.Bound = tortureLate, tortureHang
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("torture: find this program: %w", err)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fileError("find", file, err)
	}
	folder := filepath.Dir(path)
	if project, err := findProject(folder); err != nil {
		return nil, err
	} else if project != nil {
		folder = project.dir
	}
	inside, err := filepath.Rel(folder, path)
	if err != nil {
		return nil, fileError("find", file, err)
	}
	t := &torture.Trial{
		Folder: folder, Flow: inside, World: so.World, Faults: so.Faults, Latency: o.latency,
		Kills: o.kills, Each: o.each, Within: o.within, Side: o.parallel, Seed: o.seed,
	}
	if o.with == "interrupt" {
		t.Signal = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	inputs, err := o.inputFlags.arguments()
	if err != nil {
		return nil, err
	}
	t.Args = slices.Concat(inputs, o.occasionFlags.arguments(), []string{"--settle", o.settle.String()})
	t.Program = func(args ...string) *exec.Cmd {
		c := exec.Command(program, args...)
		c.Args[0] = "flowrunner"
		c.Env = append(os.Environ(), "CHAT2DESK_API_TOKEN=sandbox", "CI=true")
		return c
	}
	return t, nil
}

func tortureDocument(r *torture.Report) *ui.TortureDocument {
	return &ui.TortureDocument{
		Kept: r.OK(), Seed: r.Seed, Broadcasts: r.Broadcasts, Lives: r.Lives, Ended: r.Kills, Planned: r.Planned, Accepted: r.Accepted,
		Sent: r.Sent, NotSent: r.NotSent, NotTried: r.NotTried, Unknown: r.Unknown, Arrived: r.UnknownAccepted,
		Doubled: r.Doubled, Lost: r.Lost, Endless: r.Endless, Stopped: r.Reason, Findings: r.Examples, Folders: r.Folders,
	}
}
