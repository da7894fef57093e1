package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	stateFlags
	baseURL string
}

func newDoctor(a *app) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor [FILE]",
		Short: "Look whether everything that a run needs is there",
		Long: "doctor looks at the project, the state folder, the ledger, the locks, the token\n" +
			"and the API, and says of each whether it is well and what to do. With the FILE\n" +
			"of a flow it looks for the token and the zone that this flow uses. It makes one\n" +
			"call, which reads the account, and changes nothing. The exit code is that of the\n" +
			"worst finding: 4 for the token, 11 for the ledger, 10 for an API out of reach.",
		Example: "  flowrunner doctor\n  flowrunner doctor winback.yaml -o json",
		Args:    atMost(1, "at most one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkBaseURL(o.baseURL); err != nil {
				return err
			}
			return doctor(a, o, append(args, "")[0])
		},
	}
	f := cmd.Flags()
	o.register(f)
	outputFlag(a, f)
	f.StringVar(&o.baseURL, "base-url", "", "scheme and host of the API, a `url` (default connection.baseUrl or CHAT2DESK_BASE_URL)")
	return cmd
}

// checkup gathers what doctor has found.
type checkup struct {
	a      *app
	checks []ui.CheckDocument
	causes []engine.Cause
}

func (c *checkup) ok(name, format string, args ...any) {
	c.checks = append(c.checks, ui.CheckDocument{Name: name, Status: ui.CheckOK, Found: fmt.Sprintf(format, args...)})
}

func (c *checkup) warn(name, fix, format string, args ...any) {
	c.checks = append(c.checks, ui.CheckDocument{Name: name, Status: ui.CheckWarn, Found: fmt.Sprintf(format, args...), Fix: fix})
}

func (c *checkup) fail(cause engine.Cause, name, fix, format string, args ...any) {
	c.checks = append(c.checks, ui.CheckDocument{Name: name, Status: ui.CheckFail, Found: fmt.Sprintf(format, args...), Fix: fix})
	c.causes = append(c.causes, cause)
}

// failed takes an error with the way on that it names.
func (c *checkup) failed(name string, err error) {
	d := ui.ErrorOf(err)
	fix := d.Hint
	for _, p := range d.Problems {
		fix = cmp.Or(fix, p.Hint)
	}
	for _, cause := range causesOf(err) {
		c.fail(cause, name, fix, "%s", d.Message)
	}
}

func doctor(a *app, o *doctorOptions, file string) error {
	c := &checkup{a: a}
	var p *engine.Program
	st, err := stateHere(o.stateFlags)
	if file != "" {
		if p, err = a.load(file); err != nil {
			return err
		}
		st, err = stateOf(filepath.Dir(file), o.stateFlags)
	}
	if err != nil {
		c.failed("project", err)
	} else {
		c.project(st)
		c.state(st)
	}
	if p != nil {
		c.flow(p)
	}
	if o.sandbox {
		c.ok("API", "the sandbox needs no token and no network")
	} else {
		c.api(p, o.baseURL)
	}
	a.doc.Checks = c.checks
	if !a.json {
		a.outStyle().Doctor(a.stdout, c.checks)
	}
	if len(c.causes) > 0 {
		return &endedError{c.causes}
	}
	return nil
}

func (c *checkup) project(st state) {
	switch p := st.project; {
	case p == nil:
		c.warn("project", "flowrunner init makes one: it pins the ledger, so that a run elsewhere cannot write to everybody again", "no %s from here upward", projectFile)
	case p.ledger == "":
		c.warn("project", "write `ledger: ID` with the id that flowrunner ledger show gives", "%s pins no ledger", shorten(filepath.Join(p.dir, projectFile)))
	default:
		c.ok("project", "%s pins the ledger %s", shorten(filepath.Join(p.dir, projectFile)), p.ledger)
	}
}

// state looks at the folder, its ledger and its locks.
func (c *checkup) state(st state) {
	dir := shorten(st.dir)
	info, err := os.Stat(st.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.warn("state", "the first run makes it; if there were runs, name their folder with --state", "there is no folder %s yet", dir)
		return
	case err != nil:
		c.fail(engine.CauseLedger, "state", "", "%s cannot be looked at: %s", dir, cause(err))
		return
	case info.Mode().Perm()&0o077 != 0:
		c.warn("state", "chmod 700 "+dir, "%s may be read by others (%s); it holds texts and names", dir, info.Mode().Perm())
	default:
		c.ok("state", "%s is for its owner alone", dir)
	}
	if probe, err := os.CreateTemp(st.dir, "doctor-*"); err != nil {
		c.fail(engine.CauseLedger, "state", "give the folder to the user who runs flowrunner", "%s cannot be written to: %s", dir, cause(err))
	} else {
		_ = probe.Close()
		_ = os.Remove(probe.Name())
	}
	c.ledger(st)
	holders, err := ledger.Holders(st.locks())
	if err != nil {
		c.failed("lock", err)
		return
	}
	for _, h := range holders {
		if h.Live {
			c.warn("lock", "wait for it, or: flowrunner stop", "%s is at work: %s", h.Scope, h.Holder)
			return
		}
	}
	c.ok("lock", "nobody is at work")
}

func (c *checkup) ledger(st state) {
	ctx := c.a.signals.drain
	store, err := sqlite.Open(ctx, st.ledger(), sqlite.Options{ReadOnly: true})
	var none *ledger.NotFoundError
	if errors.As(err, &none) && none.Mark == "" && (st.project == nil || st.project.ledger == "") {
		c.warn("ledger", "the first run makes it", "there is none at %s yet", shorten(st.ledger()))
		return
	}
	if none != nil {
		c.fail(engine.CauseLedger, "ledger", "bring it there, name its folder with --state, or import an export of it; without it everybody counts as not written to", "%s", missingLedger(none))
		return
	}
	if err != nil {
		c.failed("ledger", err)
		return
	}
	defer store.Close()
	if err := store.Check(ctx); err != nil {
		c.fail(engine.CauseLedger, "ledger", "put a backup in its place, or import an export of it", "%s is damaged: %s", shorten(st.ledger()), err)
		return
	}
	if p := st.project; p != nil && p.ledger != "" && !st.sandbox {
		if ours, err := holds(ctx, store, p.ledger); err != nil || !ours {
			c.fail(engine.CauseLedger, "ledger", "put the right ledger back, name its folder with --state, or import an export of it", "%s pins %s, but this one is %s", projectFile, p.ledger, store.Lineage())
			return
		}
	}
	c.ok("ledger", "%s is whole", store.Lineage())
	for run, err := range store.Runs(ctx) {
		if err != nil {
			c.failed("ledger", err)
			return
		}
		if run.Open() {
			c.warn("runs", "flowrunner resume "+run.ID+st.flags(), "run %s of %s is not finished (%s)", run.ID, run.Flow, run.State)
			return
		}
	}
}

func (c *checkup) flow(p *engine.Program) {
	c.ok("flow", "%s is valid; its times are in %s, where it is %s", p.Doc.File, p.Zone, time.Now().In(p.Zone).Format("15:04"))
}

// apiTime is how long doctor waits for the API.
const apiTime = 20 * time.Second

// api asks the account whose token it is.
func (c *checkup) api(p *engine.Program, flag string) {
	name := "CHAT2DESK_API_TOKEN"
	if p != nil && p.Connection.Token != nil && len(p.Secrets) > 0 {
		name = p.Secrets[0]
	}
	base, known := c.a.baseURL(flag, p)
	if !known {
		c.warn("API", "give --base-url, and it is asked", "connection.baseUrl is computed, so nobody knows yet whom to ask")
		return
	}
	var wrong *chat2desk.BaseURLError
	if _, err := chat2desk.Host(base); errors.As(err, &wrong) {
		c.fail(engine.CauseUnreachable, "API", wrong.Fix()+"; it comes from connection.baseUrl or CHAT2DESK_BASE_URL", "%s", wrong)
		return
	}
	token, err := engine.ReadSecret(c.a.env.lookup, name)
	if err != nil {
		c.failed("token", err)
		return
	}
	c.a.secrets.Add(token)
	clock := &dated{RoundTripper: http.DefaultTransport}
	client, err := chat2desk.New(token, chat2desk.WithBaseURL(base), chat2desk.WithTransport(clock), chat2desk.WithRetry(1, 0))
	if err != nil {
		c.fail(engine.CauseToken, "token", "copy it again from Settings > API in Chat2Desk", "%s", err)
		return
	}
	ctx, cancel := context.WithTimeout(c.a.signals.drain, apiTime)
	defer cancel()
	company, err := client.Company(ctx)
	var refused *chat2desk.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == chat2desk.KindToken:
		c.fail(engine.CauseToken, "token", "set "+name+" to the token shown under Settings > API, of this installation", "%s refuses it: %s", client.Host(), refused)
		return
	case err != nil:
		c.fail(engine.CauseUnreachable, "API", "check the network, and the host of the installation: --base-url, connection.baseUrl or CHAT2DESK_BASE_URL", "%s does not answer as Chat2Desk does: %s", client.Host(), err)
		return
	}
	who := "the account"
	if company.Name != nil {
		who = *company.Name
	}
	if company.ID != "" {
		who += " (company " + company.ID + ")"
	}
	c.ok("token", "%s takes it: %s", client.Host(), who)
	c.clock(clock)
	if n := company.RequestsThisMonth; n != nil {
		c.ok("quota", "%d calls this month", *n)
	}
	for _, left := range sortedPairs(company.APICalls) {
		c.ok("quota", "%s", left)
	}
}

// skew is how far a clock may be off before times become wrong: hours, periods
// and the reading back of messages go by it.
const skew = 30 * time.Second

func (c *checkup) clock(d *dated) {
	off := d.off.Load()
	switch {
	case off == nil:
		c.warn("clock", "", "the API's answer has no date to compare with")
	case off.Abs() > skew:
		c.warn("clock", "let the machine set its clock by itself (NTP)", "it is %s off the API's", off.Round(time.Second))
	default:
		c.ok("clock", "as the API's, within %s", skew)
	}
}

// dated notices what the clock of the other side shows.
type dated struct {
	http.RoundTripper
	off atomic.Pointer[time.Duration]
}

// RoundTrip passes a call on.
func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		if at, perr := http.ParseTime(resp.Header.Get("Date")); perr == nil {
			off := time.Since(at)
			d.off.Store(&off)
		}
	}
	return resp, err
}

// sortedPairs are the entries of a map, in order.
func sortedPairs(m map[string]string) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, k+": "+m[k])
	}
	return all
}
