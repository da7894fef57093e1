package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/engine"
)

// flowFlags are common to the commands that plan a flow: in which world, what it is
// told, and for which occasion.
type flowFlags struct {
	worldFlags
	inputFlags
	occasionFlags
	newLedger bool
	fresh     bool
}

func (o *flowFlags) register(f *pflag.FlagSet) {
	o.worldFlags.register(f)
	o.inputFlags.register(f)
	o.occasionFlags.register(f)
	f.BoolVar(&o.newLedger, "new-ledger", false, "begin an empty ledger where there is none, also where one was: everybody counts as not written to")
	f.BoolVar(&o.fresh, "sandbox-fresh", false, "forget the sandbox's ledger and messages first")
}

// open prepares the job of a flow's file. What the command alone knows of it is in
// spec.
func (o *flowFlags) open(a *app, file string, spec jobSpec) (*job, error) {
	var err error
	if spec.program, err = a.load(file); err != nil {
		return nil, err
	}
	if spec.inputs, err = o.bind(a, spec.program); err != nil {
		return nil, err
	}
	if spec.slot, err = o.servedSlot(spec.program); err != nil {
		return nil, err
	}
	spec.folder = filepath.Dir(file)
	if spec.state, err = stateOf(spec.folder, o.stateFlags); err != nil {
		return nil, err
	}
	spec.named, spec.orphans, spec.anew, spec.fresh = o.campaign, o.orphans, o.newLedger, o.fresh
	return openJob(a, &o.worldFlags, spec)
}

// occasionFlags say what sends are remembered under, beside the flow.
type occasionFlags struct {
	campaign string
	slot     string
	orphans  bool
}

func (o *occasionFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.campaign, "campaign", "", "the occasion, a `name`, that sends are remembered under (default: the flow's, else default)")
	f.StringVar(&o.slot, "slot", "", "the slot of the flow's schedule to serve, a `time` as 2026-03-02T10:00 (default: the latest)")
	f.BoolVar(&o.orphans, "accept-orphans", false, "plan although sends are remembered under steps that the flow no longer has")
}

// given reports whether the command says anything of the occasion.
func (o *occasionFlags) given() bool { return o.campaign != "" || o.slot != "" || o.orphans }

// servedSlot reads --slot in the zone of the flow; nil when it is not given. Whether
// it is a slot of the schedule is for the plan to say.
func (o *occasionFlags) servedSlot(p *engine.Program) (*time.Time, error) {
	if o.slot == "" {
		return nil, nil //nolint:nilnil // no flag, no slot
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(form, o.slot, p.Zone); err == nil {
			return &t, nil
		}
	}
	return nil, &usageError{fmt.Sprintf("--slot %s is no moment", o.slot), "write it in the flow's time zone: --slot 2026-03-02T10:00"}
}

// arguments are the flags as arguments of another process.
func (o *occasionFlags) arguments() []string {
	var args []string
	if o.campaign != "" {
		args = append(args, "--campaign", o.campaign)
	}
	if o.slot != "" {
		args = append(args, "--slot", o.slot)
	}
	if o.orphans {
		args = append(args, "--accept-orphans")
	}
	return args
}
