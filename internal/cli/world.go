package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// stateFlags say which state a command works on.
type stateFlags struct {
	state   string
	sandbox bool
}

func (o *stateFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.state, "state", "", "`folder` of the state (default .flowrunner beside flowrunner.yaml or the flow)")
	f.BoolVar(&o.sandbox, "sandbox", false, "use the fake API inside this process; nothing leaves the machine")
}

// worldFlags are common to every command that plans or sends.
type worldFlags struct {
	stateFlags
	sandboxFlags
	baseURL  string
	rate     rateFlag
	served   string // --sandbox-url: of a sandbox that another process serves
	progress string
	noInput  bool
	yes      bool
	bounds   bounds // of the commands that plan or send
	settle   settleFlag
}

func (o *worldFlags) register(f *pflag.FlagSet) {
	o.stateFlags.register(f)
	f.StringVar(&o.baseURL, "base-url", "", "scheme and host of the API, a `url` (default connection.baseUrl or CHAT2DESK_BASE_URL)")
	f.Var(&o.rate, "rate", "calls to the API: 10/s, 90/min or unlimited")
	f.Var(&o.settle, "settle", "how long a message may be accepted late, such as 120s; one whose outcome is unknown is looked for after it (default delivery.settle)")
	o.sandboxFlags.register(f, "sandbox-", sandbox.DefaultContacts)
	o.registerFaults(f)
	f.StringVar(&o.served, "sandbox-url", "", "the `url` of a sandbox that flowrunner sandbox serve serves, instead of one inside this process")
	f.Var(choiceOf(&o.progress, "auto", "auto", "bar", "plain", "none"), "progress", "how progress is shown on stderr")
	f.BoolVar(&o.noInput, "no-input", false, "never ask")
}

// registerYes is for the commands that ask before they send or record something.
func (o *worldFlags) registerYes(f *pflag.FlagSet) {
	f.BoolVar(&o.yes, "yes", false, "send without asking")
}

// check refuses flags that mean nothing together.
func (o *worldFlags) check(f *pflag.FlagSet) error {
	if err := checkBaseURL(o.baseURL); err != nil {
		return err
	}
	if !o.sandbox {
		for _, name := range []string{"sandbox-clients", "sandbox-seed", "sandbox-world", "sandbox-url", "faults", "sandbox-fresh"} {
			if f.Changed(name) {
				return &usageError{fmt.Sprintf("--%s means nothing without --sandbox", name), "add --sandbox, or leave it out"}
			}
		}
		return nil
	}
	if err := o.checkServed(f); err != nil {
		return err
	}
	if f.Changed("base-url") {
		return &usageError{"--sandbox has an address of its own, so --base-url means nothing", "leave one of the two out"}
	}
	return o.sandboxFlags.check(f)
}

// baseURL is where a program's calls go, "" for the vendor's own host: what the flag
// says, else the flow, else the environment. An address that the flow computes is
// not known before the run.
func (a *app) baseURL(flag string, p *engine.Program) (base string, known bool) {
	switch {
	case flag != "":
		return flag, true
	case p != nil && p.Connection.BaseURL != nil:
		x, literal := p.Connection.BaseURL.Literal()
		base, _ = x.(string)
		return base, literal
	}
	return a.env.get("CHAT2DESK_BASE_URL"), true
}

// checkBaseURL refuses a --base-url that no call can be made to.
func checkBaseURL(text string) error {
	var wrong *chat2desk.BaseURLError
	if _, err := chat2desk.Host(text); errors.As(err, &wrong) {
		return &usageError{"--base-url: " + wrong.Error(), wrong.Fix()}
	}
	return nil
}

// checkServed refuses flags that shape a world which is another process's.
func (o *worldFlags) checkServed(f *pflag.FlagSet) error {
	if o.served == "" {
		return nil
	}
	for _, name := range []string{"sandbox-clients", "sandbox-seed", "sandbox-world", "faults", "sandbox-fresh"} {
		if f.Changed(name) {
			return &usageError{fmt.Sprintf("--sandbox-url names a sandbox with a world of its own, so --%s means nothing", name), "give it to flowrunner sandbox serve, or leave --sandbox-url out"}
		}
	}
	u, err := url.Parse(o.served)
	if err != nil || u.Scheme != "http" || u.Host == "" || !loopback(u.Host) {
		return &usageError{fmt.Sprintf("--sandbox-url %s is no address of a sandbox on this machine", o.served), "write --sandbox-url http://127.0.0.1:8044"}
	}
	return nil
}

// again are the flags that lead another command to the same world.
func (o *worldFlags) again() string {
	var b strings.Builder
	add := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, " --%s %s", name, value)
		}
	}
	add("base-url", o.baseURL)
	add("sandbox-world", o.world)
	add("sandbox-url", o.served)
	if !o.sandbox || o.world != "" {
		return b.String()
	}
	if o.clients != sandbox.DefaultContacts {
		add("sandbox-clients", strconv.Itoa(o.clients))
	}
	if o.seed != 1 {
		add("sandbox-seed", strconv.FormatUint(o.seed, 10))
	}
	return b.String()
}

func (o *worldFlags) progressOf(a *app) ui.Progress {
	return ui.NewProgress(ui.Mode(o.progress), a.stderr, a.errTTY, a.secrets, a.errStyle())
}

// mayAsk reports whether somebody can be asked.
func (o *worldFlags) mayAsk(a *app) bool { return a.terminal && !o.noInput }

// settleFlag is a settle time; nil when it is not given.
type settleFlag struct{ time *time.Duration }

func (s *settleFlag) Type() string { return "duration" }

func (s *settleFlag) String() string {
	if s.time == nil {
		return ""
	}
	return s.time.String()
}

// Set reads what delivery.settle takes, and 0.
func (s *settleFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if text == "0" {
		err = nil
	}
	if err != nil || d < 0 || d > maxSettle {
		return fmt.Errorf("%q is no settle time; write 120s or 5m, at most %s", text, maxSettle)
	}
	s.time = &d
	return nil
}

// maxSettle bounds what a run can be made to wait for by a slip of the finger.
const maxSettle = 24 * time.Hour

// rateFlag is calls a second; nil when it is not given.
type rateFlag struct{ perSecond *float64 }

func (r *rateFlag) Type() string { return "n/s" }

func (r *rateFlag) String() string {
	if r.perSecond == nil {
		return ""
	}
	return strconv.FormatFloat(*r.perSecond, 'f', -1, 64) + "/s"
}

// Set reads what connection.rate takes.
func (r *rateFlag) Set(text string) error {
	n, err := engine.ParseRate(text)
	if err != nil {
		return fmt.Errorf("%w; write 10/s, 90/min or unlimited", err)
	}
	r.perSecond = &n
	return nil
}
