package cli

import (
	"path/filepath"

	"github.com/spf13/pflag"
)

// flowFlags are common to the commands that plan a flow: what it is told, whom it
// is for, and in which world.
type flowFlags struct {
	worldFlags
	inputFlags
	onlyFlag
}

func (o *flowFlags) register(f *pflag.FlagSet) {
	o.worldFlags.register(f)
	o.inputFlags.register(f)
	o.onlyFlag.register(f)
	o.bounds.register(f)
}

// open prepares the job of a flow's file; sends says whether it may go on to send.
func (o *flowFlags) open(a *app, file string, sends bool) (*job, error) {
	p, err := a.load(file)
	if err != nil {
		return nil, err
	}
	inputs, err := o.bind(a, p)
	if err != nil {
		return nil, err
	}
	slot, err := o.servedSlot(p)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(file)
	st, err := stateOf(folder, o.stateFlags)
	if err != nil {
		return nil, err
	}
	return openJob(a, &o.worldFlags, jobSpec{
		program: p, folder: folder, state: st, inputs: inputs, named: o.campaign, slot: slot, orphans: o.orphans, only: o.only, sends: sends,
	})
}
