package cli

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// sandboxFlags say what world a sandbox serves, and how its replies go wrong.
type sandboxFlags struct {
	prefix  string // of the flags' names: "sandbox-" where a command has other flags too
	clients int
	seed    uint64
	world   string
	faults  string
}

// register adds the flags that shape the world; clients is how many people there
// are unless a flag says otherwise.
func (o *sandboxFlags) register(f *pflag.FlagSet, prefix string, clients int) {
	o.prefix = prefix
	f.IntVar(&o.clients, prefix+"clients", clients, "how many clients the sandbox has")
	f.Uint64Var(&o.seed, prefix+"seed", 1, "the seed that the sandbox's world is made from")
	f.StringVar(&o.world, prefix+"world", "", "a YAML `file` with the sandbox's world")
}

func (o *sandboxFlags) registerFaults(f *pflag.FlagSet) {
	f.StringVar(&o.faults, "faults", "", "faults of the sandbox, a `list` such as 429:3%,500-after:1%")
}

// check refuses flags that mean nothing together.
func (o *sandboxFlags) check(f *pflag.FlagSet) error {
	clients, seed := o.prefix+"clients", o.prefix+"seed"
	switch {
	case o.world != "" && (f.Changed(clients) || f.Changed(seed)):
		return &usageError{
			fmt.Sprintf("--%sworld gives the whole world, so --%s and --%s mean nothing", o.prefix, clients, seed),
			"leave them out; generate: {seed, clients} in the world file adds a crowd",
		}
	case o.clients < 1:
		return &usageError{fmt.Sprintf("--%s is %d", clients, o.clients), "give a number from 1 on"}
	}
	return nil
}

// options make the world. What else a server needs is for the caller to add.
func (o *sandboxFlags) options() (sandbox.Options, error) {
	var so sandbox.Options
	var err error
	if so.World, err = o.makeWorld(); err != nil {
		return so, err
	}
	if so.Faults, err = sandbox.ParseFaults(o.faults); err != nil {
		return so, &usageError{err.Error(), ""}
	}
	so.Faults.Seed = o.seed
	return so, nil
}

func (o *sandboxFlags) makeWorld() (sandbox.World, error) {
	if o.world == "" {
		return sandbox.Generate(o.seed, o.clients, time.Now().UTC()), nil
	}
	v, err := readYAML(o.world)
	if err != nil {
		return sandbox.World{}, err
	}
	w, err := sandbox.FromSeed(v)
	if err != nil {
		return w, &usageError{fmt.Sprintf("the world of %s cannot be made:\n%s", o.world, err), ""}
	}
	return w, nil
}
