package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
	"github.com/flowrunner/flowrunner/steps"
)

// job is one flow with everything around it that planning and sending need.
type job struct {
	a        *app
	o        *worldFlags
	p        *engine.Program
	state    state
	campaign string
	opts     engine.Options
	store    *sqlite.Store
	locks    []*ledger.Lock
	fake     *fakeAPI
}

// jobSpec says what a job is for.
type jobSpec struct {
	program *engine.Program
	folder  string // the flow's; every file of its steps is below
	state   state
	inputs  map[string]any
	named   string     // --campaign
	slot    *time.Time // --slot
	orphans bool       // --accept-orphans
	only    []int      // --only
	sends   bool       // takes the lock and remembers what the sandbox accepts
	known   bool       // an earlier command has made the ledger; without it nothing fits
}

// openJob prepares everything that a run needs, in the order in which a mistake
// costs least: no call is made before ledger and lock are there.
func openJob(a *app, o *worldFlags, spec jobSpec) (*job, error) {
	j := &job{a: a, o: o, p: spec.program, state: spec.state}
	j.opts = engine.Options{
		Inputs: spec.inputs, Campaign: spec.named, Slot: spec.slot, Orphans: spec.orphans, BaseURL: o.baseURL, Rate: o.rate.perSecond,
		Only: spec.only, StateDir: spec.state.dir, FlowDir: spec.folder,
		LookupEnv: a.env.lookup, OnSecret: a.secrets.Add, Account: steps.CompanyID, CallsThisMonth: steps.CallsThisMonth, MessageStatus: steps.MessageStatus, People: steps.People{}, Gate: steps.WaitTurn, Now: time.Now,
	}
	j.opts.Settle = o.settle.time
	if p := spec.state.project; p != nil {
		j.opts.ProjectDir = p.dir
	}
	j.campaign = j.p.CampaignOf(j.opts)
	err := j.settleFits()
	if err == nil {
		err = j.openLedger(spec)
	}
	if err == nil && o.sandbox {
		if j.fake, err = startSandbox(a, j.state, o, spec.sends); err == nil {
			j.opts.Sandbox = &j.fake.Sandbox
		}
	}
	if err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

// openLedger takes the locks and opens the ledger.
func (j *job) openLedger(spec jobSpec) error {
	ctx := context.Background()
	mustExist := spec.known || j.strict() && !j.o.newLedger
	missing := !j.state.hasLedger()
	if mustExist {
		if missing {
			_, err := j.state.open(ctx, sqlite.Options{MustExist: true})
			return cmp.Or(j.noToken(), j.noLedger(err))
		}
	} else if err := j.state.prepare(); err != nil {
		return err
	}
	if spec.sends {
		if err := j.lock(scopeOf(j.p.Name, j.campaign)); err != nil {
			return err
		}
		if j.o.sandbox && j.o.served == "" {
			// Its log of messages has one writer.
			if err := j.lock("the sandbox"); err != nil {
				return err
			}
		}
	}
	if j.o.fresh {
		if err := forgetSandbox(j.state); err != nil {
			return err
		}
	}
	var err error
	// A new ledger is begun where none is; an older one is never taken for a new one.
	o := sqlite.Options{MustExist: mustExist, AcceptOlder: j.o.newLedger && missing && !mustExist}
	if j.store, err = j.state.open(ctx, o); err != nil {
		return j.noLedger(err)
	}
	j.opts.Store = j.store
	if err := j.pinned(ctx); err != nil || spec.known {
		return err
	}
	return j.ownName(ctx)
}

// pinned checks that the ledger is the one that the project names, or holds what
// that one knew.
func (j *job) pinned(ctx context.Context) error {
	p := j.state.project
	if p == nil || p.ledger == "" || p.ledger == j.store.Lineage() || j.o.sandbox || !j.p.HasSends() || j.local() {
		return nil
	}
	if ours, err := holds(ctx, j.store, p.ledger); err != nil || ours {
		return err
	}
	return &ledgerError{
		fmt.Sprintf("%s pins the ledger %s, but the one at %s is %s; nothing was sent", projectFile, p.ledger, shorten(j.state.ledger()), j.store.Lineage()),
		fmt.Sprintf("put the right ledger back, name its folder with --state,\nadd what an export of it knows with flowrunner ledger import FILE,\n"+
			"or write `ledger: %s` into %s if this one is meant:\nwhoever it does not know is written to again", j.store.Lineage(), projectFile),
	}
}

// settleFits refuses a settle time of nothing for real people, and warns of one
// that is too short for them.
func (j *job) settleFits() error {
	d := j.opts.Settle
	if d == nil || j.o.sandbox || j.local() || !j.p.HasSends() || *d >= engine.ShortSettle {
		return nil
	}
	if *d == 0 {
		return &usageError{"--settle 0 sends again whatever is accepted a moment late", "write --settle 120s, or leave it out; 0 is for --sandbox and for an API on this machine"}
	}
	fmt.Fprintln(j.a.stderr, j.a.errStyle().Warn("warning:"), fmt.Sprintf(
		"--settle %s is short: a message that the API accepts later than that is not found in the chat, and is sent twice", *d))
	return nil
}

func (j *job) lock(scope string) error {
	l, err := j.state.lock(scope, j.a.env.job())
	if err != nil {
		return err
	}
	j.locks = append(j.locks, l)
	return nil
}

// strict reports whether a missing ledger must stop the command: real people
// would be written to, and nobody is there to be asked.
func (j *job) strict() bool {
	return j.p.HasSends() && !j.o.sandbox && !j.local() && !j.o.mayAsk(j.a)
}

// noToken is the problem of a token that is not there, which goes before that of
// a ledger.
func (j *job) noToken() error {
	if j.o.sandbox {
		return nil
	}
	names := j.p.Secrets
	if j.p.Connection.Token == nil {
		names = append([]string{"CHAT2DESK_API_TOKEN"}, names...)
	}
	for _, name := range names {
		if j.a.env.get(name) == "" && j.a.env.get(name+"_FILE") == "" {
			return &engine.SecretError{Name: name, Reason: "is not set"}
		}
	}
	return nil
}

// noLedger says how to go on without a ledger; any other error stays as it is.
func (j *job) noLedger(err error) error {
	var none *ledger.NotFoundError
	if !errors.As(err, &none) {
		return err
	}
	return &ledgerError{
		missingLedger(none) + "; nothing was sent, since without one everybody counts as not written to",
		"bring the state of earlier runs there, name its folder with --state,\nor begin a new ledger knowingly with --new-ledger",
	}
}

// missingLedger says that a ledger is not there, and what is known of it.
func missingLedger(e *ledger.NotFoundError) string {
	text := "there is no ledger at " + shorten(e.Path)
	switch {
	case e.Lineage != "":
		text += fmt.Sprintf(", but one was here: %s says that it is %s and held %d changes", shorten(e.Mark), e.Lineage, e.Serial)
	case e.Mark != "":
		text += fmt.Sprintf(", but one was here: it has left the mark %s", shorten(e.Mark))
	}
	return text
}

// local reports whether the API is on this machine.
func (j *job) local() bool {
	base := j.o.baseURL
	if v := j.p.Connection.BaseURL; base == "" && v != nil {
		x, _ := v.Literal()
		base, _ = x.(string)
	} else if base == "" {
		base = j.a.env.get("CHAT2DESK_BASE_URL")
	}
	if !strings.Contains(base, "://") {
		base = "https://" + base // as the client takes it
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	return loopback(u.Host) || loopback(u.Host+":80")
}

func (j *job) close() {
	if j.fake != nil {
		j.fake.close()
	}
	if j.store != nil {
		if err := j.store.Close(); err != nil {
			fmt.Fprintln(j.a.stderr, j.a.errStyle().Warn("warning:"), ui.Safe(err.Error()))
		}
	}
	for _, l := range j.locks {
		if err := l.Release(); err != nil {
			fmt.Fprintln(j.a.stderr, j.a.errStyle().Warn("warning:"), ui.Safe(err.Error()))
		}
	}
}

// fail points an error at the flow's text.
func (j *job) fail(err error) error { return withSource(err, j.p.Doc.Source) }

// folderFile stands beside a run's plan and names the flow's folder, so that
// resume finds the flow's files wherever it is typed.
const folderFile = "folder"

func rememberFolder(plan, folder string) error {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return fileError("find", folder, err)
	}
	path := filepath.Join(filepath.Dir(plan), folderFile)
	if err := os.WriteFile(path, []byte(abs), 0o600); err != nil {
		return fileError("write", path, err)
	}
	return nil
}

// folderOf is the folder that was remembered beside a plan, as long as it is
// there; else that of the flow's name.
func folderOf(plan, file string) string {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(plan), folderFile))
	if err == nil {
		if info, err := os.Stat(string(b)); err == nil && info.IsDir() {
			return string(b)
		}
	}
	return filepath.Dir(file)
}

// samples is how many complete texts of each step are shown.
const samples = 3

// plan plans the first stage and reads what the plan says. A *engine.GuardError
// comes with both: the plan may be looked at.
func (j *job) plan() (string, *engine.Summary, error) {
	progress := j.o.progressOf(j.a)
	opts := j.opts
	opts.Events = progress.Event
	path, err := j.p.Plan(j.o.bounds.within(j.a.signals.drain), opts)
	progress.Close()
	if j.a.signals.drain.Err() != nil {
		return "", nil, &interruptedError{"interrupted while planning; nothing was sent"}
	}
	if path != "" {
		if err := rememberFolder(path, j.opts.FlowDir); err != nil {
			return "", nil, err
		}
	}
	var guard *engine.GuardError
	if err != nil && (path == "" || !errors.As(err, &guard)) {
		return "", nil, j.fail(err)
	}
	s, serr := j.p.Summarize(path, samples)
	if serr != nil {
		return "", nil, serr
	}
	if err == nil {
		err = j.o.bounds.check(s.End.Counts.Planned, false)
	}
	return path, s, j.fail(err)
}

// apply performs a plan and shows what came of it.
func (j *job) apply(path string, resume bool, divert *engine.Divert) error {
	a := j.a
	progress := j.o.progressOf(a)
	run := ""
	if head, end, err := planfile.Check(path); err == nil {
		progress.Expect(end.Counts.Planned)
		run = head.Run
		if err := j.o.bounds.check(end.Counts.Planned, resume); err != nil && divert == nil {
			return err
		}
	}
	drain, done := j.drainFor(run, progress)
	defer done()
	o := engine.ApplyOptions{Options: j.opts, Drain: drain, Resume: resume, Divert: divert, Canary: j.canary(progress)}
	o.Events = progress.Event
	switch {
	case a.json:
		o.Stdout = progress // stdout holds the document alone
	case a.outTTY && a.errTTY != nil:
		o.Stdout = progress // the bars are in the way
	default:
		o.Stdout = &lenient{w: a.stdout, warn: progress}
	}
	a.signals.onSignal(func(second bool) {
		text := "\nInterrupted: no new message is begun, those under way are waited for.\nCtrl-C again stops at once.\n"
		if second {
			text = "\nStopping at once.\n"
		}
		_, _ = io.WriteString(progress, text)
	})
	res, err := j.p.Apply(j.o.bounds.within(a.signals.hard), path, o)
	a.signals.onSignal(nil)
	progress.Close()
	if res == nil {
		return j.fail(j.refused(err))
	}
	causes := res.Causes
	if err != nil {
		causes = append(causes, engine.CauseOf(err))
		res.Warnings = append(res.Warnings, err.Error())
	}
	next := j.next(res)
	a.doc.Result = ui.ResultOf(res, next[len(next)-1].command)
	if !a.json {
		a.outStyle().Result(a.stdout, res, lines(next)...)
	}
	if exitCode(causes, nil) == exitDone {
		return nil
	}
	return &endedError{causes}
}

// refused says how to go on when a plan may not be applied.
func (j *job) refused(err error) error {
	var applied *ledger.AppliedError
	if !errors.As(err, &applied) {
		return err
	}
	hint := "make a new plan"
	if applied.Run.State.Open() {
		hint = "go on with it: " + j.resume(applied.Run.ID)
	}
	return &engine.StaleError{Reason: applied.Error(), Hint: hint}
}

// advice is a command worth typing next.
type advice struct{ why, command string }

func lines(list []advice) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.why + ": " + x.command
	}
	return out
}

// resume is the command that goes on with a run in the same world.
func (j *job) resume(run string) string {
	return "flowrunner resume " + run + j.state.flags() + j.o.again()
}

// lenient goes on when nobody reads standard output any more: what is sent to
// people does not depend on who watches.
type lenient struct {
	w    io.Writer
	warn io.Writer
	gone bool
}

func (l *lenient) Write(p []byte) (int, error) {
	if !l.gone {
		if _, err := l.w.Write(p); err != nil {
			l.gone = true
			fmt.Fprintf(l.warn, "warning: standard output cannot be written (%s); what the flow prints is lost\n", cause(err))
		}
	}
	return len(p), nil
}

// next says what to type after a run; the last one is the most useful.
func (j *job) next(r *engine.Result) []advice {
	show := "flowrunner runs show " + r.Run.ID + j.state.flags()
	out := []advice{{"Details", show}}
	if r.Counts.Failed+r.Counts.Unknown+r.Counts.Skipped+r.Counts.LeftOut+r.StillUnknown > 0 {
		out = []advice{{"Who did not get it, and why", show}}
	}
	if r.Counts.Unknown+r.StillUnknown > 0 && j.p.HasSends() {
		resolve := "flowrunner runs resolve " + r.Run.ID + j.state.flags() + " --contact N --as sent|not-sent --reason TEXT"
		out = append([]advice{
			{"To read the chats once more", "the same command again"},
			{"Once you have looked at a chat", resolve},
		}, out...)
	}
	if r.Run.State.Open() {
		out = append(out, advice{"Go on where it stopped", j.resume(r.Run.ID)})
	}
	return out
}
