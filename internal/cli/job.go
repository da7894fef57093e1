package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/heap"
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
	locks    heldLocks
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
	anew    bool       // --new-ledger
	fresh   bool       // --sandbox-fresh
	sends   bool       // takes the lock and remembers what the sandbox accepts
	known   bool       // an earlier command has made the ledger; without it nothing fits
}

// openJob prepares everything that a run needs, in the order in which a mistake
// costs least: no call is made before ledger and lock are there.
func openJob(a *app, o *worldFlags, spec jobSpec) (*job, error) {
	j := &job{a: a, o: o, p: spec.program, state: spec.state, locks: heldLocks{}}
	j.opts = engine.Options{
		Inputs: spec.inputs, Campaign: spec.named, Slot: spec.slot, Orphans: spec.orphans, BaseURL: o.baseURL, Rate: o.rate.perSecond,
		Only: spec.only, StateDir: spec.state.dir, FlowDir: spec.folder,
		LookupEnv: a.env.lookup, OnSecret: a.secrets.Add, Account: steps.CompanyID, CallsThisMonth: steps.CallsThisMonth, MessageStatus: steps.MessageStatus, People: steps.People{}, Gate: steps.WaitTurn, Now: time.Now,
		Links: engine.NewLinks(),
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
	j.a.warn(fmt.Sprintf(
		"--settle %s is short: a message that the API accepts later than that is not found in the chat, and is sent twice", *d))
	return nil
}

// local reports whether the API is on this machine.
func (j *job) local() bool {
	base, known := j.a.baseURL(j.o.baseURL, j.p)
	host, err := chat2desk.Host(base)
	return known && err == nil && (loopback(host) || loopback(host+":80"))
}

func (j *job) close() {
	j.forgetLinks()
	if j.fake != nil {
		j.fake.close()
	}
	if j.store != nil {
		if err := j.store.Close(); err != nil {
			j.a.warn(err.Error())
		}
	}
	j.locks.release(j.a)
}

// forgetLinks lets what comes next ask the accounts anew.
func (j *job) forgetLinks() {
	if j.opts.Links == nil {
		return
	}
	if err := j.opts.Links.Close(); err != nil {
		j.a.warn(err.Error())
	}
	j.opts.Links = nil
}

// fail points an error at the flow's text.
func (j *job) fail(err error) error { return withSource(err, j.p.Doc.Source) }

// samples is how many complete texts of each step are shown.
const samples = 3

// plan plans the first stage. A *engine.GuardError comes with the plan: it may be
// looked at.
func (j *job) plan() (*engine.Summary, error) {
	progress := j.o.progressOf(j.a)
	opts := j.opts
	opts.Events, opts.Samples = aheadOf(progress.Event), samples
	s, err := j.p.Plan(j.o.bounds.within(j.a.signals.drain), opts)
	progress.Close()
	if j.a.signals.drain.Err() != nil {
		return nil, &interruptedError{"interrupted while planning; nothing was sent"}
	}
	if s == nil {
		return nil, j.fail(err)
	}
	if err := rememberFolder(s.Path, j.opts.FlowDir); err != nil {
		return nil, err
	}
	if err == nil {
		err = j.o.bounds.check(s.End.Counts.Planned, false)
	}
	return s, j.fail(err)
}

// manyIterations that are planned are the first of more, and by then all pages of their
// list that are fetched ahead have been asked for.
const manyIterations = 64

// aheadOf tells of events, and gets memory as soon as many iterations are planned.
func aheadOf(tell func(engine.Event)) func(engine.Event) {
	asked := false
	return func(e engine.Event) {
		if e.Kind == engine.EventProgress && e.Done >= manyIterations && !asked {
			asked = true
			go heap.Ahead()
		}
		tell(e)
	}
}

// applyFile performs a plan that another command has made, or that somebody has had
// the time to change.
func (j *job) applyFile(path string, resume bool) error {
	plan, err := planfile.Check(path)
	if err != nil {
		return err
	}
	return j.apply(plan, resume, nil)
}

// apply performs a plan and shows what came of it.
func (j *job) apply(plan planfile.Plan, resume bool, divert *engine.Divert) error {
	a := j.a
	if err := j.o.bounds.check(plan.End.Counts.Planned, resume); err != nil && divert == nil {
		return err
	}
	progress := j.o.progressOf(a)
	progress.Expect(plan.End.Counts.Planned)
	drain, done := j.drainFor(plan.Head.Run, progress)
	defer done()
	o := engine.ApplyOptions{Options: j.opts, Drain: drain, Resume: resume, Divert: divert, Canary: j.canary(progress)}
	o.Events = progress.Event
	switch {
	case a.json:
		o.Stdout = progress // stdout holds the document alone
	case a.outTTY != nil && a.errTTY != nil:
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
	res, err := j.p.Apply(j.o.bounds.within(a.signals.hard), plan, o)
	a.signals.onSignal(nil)
	progress.Close()
	switch {
	case res == nil && drain.Err() != nil:
		return &interruptedError{"interrupted before anything was sent"}
	case res == nil:
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
