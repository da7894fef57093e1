package flowtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/folder"
)

// Options is what running needs of the program around it.
type Options struct {
	Account  func(context.Context) (string, error) // as engine.Options.Account
	People   engine.People                         // as engine.Options.People
	ExitCode func([]engine.Cause) int
	Project  *engine.Project // of the flow; nil is none
	Match    *regexp.Regexp  // of the cases to run; nil is all
	Update   bool            // write golden files anew
}

// Result is what became of a suite.
type Result struct {
	Suite    *Suite
	Cases    []CaseResult
	Coverage *Coverage
}

// CaseResult is what became of one case. Without failures it passed.
type CaseResult struct {
	Name     string
	Line     int // where the case stands
	Failures []Failure
	Updated  string // the golden file that was written
}

// Failed counts the cases that failed.
func (r *Result) Failed() int {
	n := 0
	for _, c := range r.Cases {
		if len(c.Failures) > 0 {
			n++
		}
	}
	return n
}

// Run runs the cases of a suite one after another. The error is one of the
// machine, such as a full disk, never of a flow.
func (s *Suite) Run(ctx context.Context, o Options) (*Result, error) {
	s = s.under(o.Project)
	res := &Result{Suite: s, Coverage: newCoverage(s.FlowFile, s.program)}
	for _, c := range s.Cases {
		if o.Match != nil && !o.Match.MatchString(c.Name) {
			continue
		}
		done := CaseResult{Name: c.Name, Line: c.node.Span.Start.Line}
		j := &judge{suite: s, c: c, update: o.Update}
		j.diagnostics(s.problems)
		if s.program != nil && !c.expect.onlyDiagnostics() {
			got, err := c.run(ctx, s, o)
			if err != nil {
				return nil, fmt.Errorf("run case %q: %w", c.Name, err)
			}
			res.Coverage.add(got)
			if err := j.judge(got); err != nil {
				return nil, err
			}
		}
		done.Failures, done.Updated = j.failures, j.updated
		res.Cases = append(res.Cases, done)
	}
	return res, nil
}

// under is the suite of the flow under the rails of its project.
func (s *Suite) under(project *engine.Project) *Suite {
	if s.program == nil {
		return s
	}
	ruled := *s
	p, looser := s.program.Under(project)
	ruled.program, ruled.problems = p, slices.Concat(s.problems, looser, p.Lint())
	if looser.HasErrors() {
		ruled.program = nil
	}
	return &ruled
}

// onlyDiagnostics reports whether nothing but validate is asked for.
func (x *expectation) onlyDiagnostics() bool { return x.given["diagnostics"] && len(x.given) == 1 }

// run plans a case, and applies it when it says so, in a folder of its own.
func (c *Case) run(ctx context.Context, s *Suite, o Options) (*outcome, error) {
	dir, err := os.MkdirTemp("", "flowrunner-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	clock := func() time.Time { return c.setup.now }
	store, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.db"), sqlite.Options{Now: clock})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if err := c.remember(ctx, s.program, store); err != nil {
		return nil, err
	}
	got := &outcome{dir: dir, p: s.program}
	flowDir, err := c.folder(s, dir)
	if err != nil {
		return nil, err
	}
	var printed bytes.Buffer
	opts := engine.Options{
		Inputs: c.setup.inputs, Campaign: c.setup.campaign, StateDir: dir, FlowDir: flowDir, Store: store,
		LookupEnv: func(name string) (string, bool) { v, ok := c.setup.env[name]; return v, ok },
		Account:   o.Account, People: o.People, Stdout: &printed, Now: clock, Run: runID,
		Mock: c.mock, Visit: got.visit, Events: got.event,
		Sleep: func(context.Context, time.Duration) error { return errNoWait },
	}
	fake, err := serve(c.setup.world, clock)
	if err != nil {
		return nil, err
	}
	defer fake.Close()
	opts.Sandbox = &engine.Sandbox{BaseURL: fake.BaseURL, Token: token}
	planned, err := s.program.Plan(ctx, opts)
	got.failed(err, o.ExitCode)
	if err == nil && c.apply {
		if c.world == nil {
			peopled, err := serve(withPeople(c.setup.world, planned.Path), clock)
			if err != nil {
				return nil, err
			}
			defer peopled.Close()
			opts.Sandbox = &engine.Sandbox{BaseURL: peopled.BaseURL, Token: token}
		}
		res, err := s.program.Apply(ctx, planned.Plan, engine.ApplyOptions{Options: opts})
		if res != nil {
			got.result = res
			got.ended(res, o.ExitCode)
		}
		got.failed(err, o.ExitCode)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := got.keep(flowDir, c.expect.files); err != nil {
		return nil, err
	}
	return got, got.read(ctx, store)
}

// errNoWait keeps a test from waiting for a settle time: a send that is unknown
// and not in the world's chats stays so.
var errNoWait = errors.New("a test does not wait")

// mock answers a read of the engine.
func (c *Case) mock(q engine.Reading) (map[string]any, bool, error) {
	m, ok := c.setup.mocks[q.Step]
	if !ok {
		return nil, false, nil
	}
	outs, err := m.answer(q)
	return outs, true, err
}

// remember writes into the ledger what earlier runs have sent.
func (c *Case) remember(ctx context.Context, p *engine.Program, store ledger.Store) error {
	for i, b := range c.setup.sent {
		campaign := p.CampaignOf(engine.Options{Campaign: cmp.Or(b.other, c.setup.campaign)})
		run := ledger.Run{
			ID: fmt.Sprintf("earlier-%d", i+1), Flow: p.Name, Campaign: campaign, File: p.Doc.File,
			PlanHash: fmt.Sprintf("earlier-%d", i+1), State: ledger.Running, Started: b.at,
		}
		company := strconv.FormatInt(c.setup.world.Company.ID, 10)
		key := p.SandboxKey(b.step, company, campaign, b.key, run.ID, b.at)
		id := key.Identity()
		err := store.Begin(ctx, run)
		if err == nil {
			err = store.Intend(ctx, ledger.Intention{
				Identity: id, Run: run.ID, Seq: 1, Step: b.step.ID, Period: key.Period, Contact: b.contact, At: b.at,
			})
		}
		if err == nil {
			out := ledger.Outcome{Identity: id, Run: run.ID, State: b.state, At: b.at}
			if b.state == ledger.Sent {
				out.MessageID = i + 1
			} else {
				out.Reason = "the test says so"
			}
			err = store.Settle(ctx, out)
		}
		if err == nil {
			run.State, run.Finished = ledger.Finished, b.at
			err = store.Finish(ctx, run)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// token is that of every case's account, which nobody else can reach for long.
const token = "token-of-a-test-case"

// withPeople is a world in which everybody is whom a plan writes to: who mocks
// what is read need not write those people down a second time.
func withPeople(w sandbox.World, plan string) sandbox.World {
	w.Contacts = slices.Clone(w.Contacts)
	seen := map[int]bool{}
	for rec, err := range planfile.Records(plan) {
		if r, ok := rec.(planfile.Send); err == nil && ok && r.Contact > 0 && !seen[r.Contact] {
			seen[r.Contact] = true
			ch := w.Channels[0]
			w.Contacts = append(w.Contacts, sandbox.Contact{
				ID: int64(r.Contact), Channels: []sandbox.ContactChannel{{ID: ch.ID, Transports: ch.Transports}},
			})
		}
	}
	return w
}

// serve starts a case's account.
func serve(world sandbox.World, clock func() time.Time) (*sandbox.Listener, error) {
	return sandbox.New(sandbox.Options{World: world, Token: token, Clock: clock}).Listen()
}

// folder is where the flow's files are: its own folder as long as nothing is
// written there, else a copy with the case's files in it.
func (c *Case) folder(s *Suite, dir string) (string, error) {
	writes := false
	s.program.Walk(func(st *engine.Step) { writes = writes || st.Kind != nil && st.Kind.Effect == step.EffectLocal })
	own := filepath.Dir(s.FlowFile)
	if len(c.setup.files) == 0 && (!writes || !c.apply) {
		return own, nil
	}
	to := filepath.Join(dir, "flow")
	if err := folder.Copy(own, to, maxCopied); err != nil {
		return "", err
	}
	for _, f := range c.setup.files {
		path := filepath.Join(to, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(f.text), 0o600); err != nil {
			return "", err
		}
	}
	return to, nil
}

// maxCopied bounds what is copied for a case, in bytes.
const maxCopied = 256 << 20
