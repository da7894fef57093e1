package cli

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// onlyFlag names the contacts beside whom nobody is written to.
type onlyFlag struct{ only contactList }

func (o *onlyFlag) register(f *pflag.FlagSet) {
	f.Var(&o.only, "only", "write to nobody but this contact, by its id; may be repeated")
}

// contactList is a flag that may be repeated.
type contactList []int

// Type is how help calls a value.
func (l *contactList) Type() string { return "ID" }

func (l *contactList) String() string {
	if len(*l) == 0 {
		return ""
	}
	return fmt.Sprint([]int(*l))
}

// Set takes one more contact.
func (l *contactList) Set(text string) error {
	id, err := strconv.Atoi(text)
	if err != nil || id < 1 {
		return fmt.Errorf("%q is no contact's id; write --only 70012", text)
	}
	if !slices.Contains(*l, id) {
		*l = append(*l, id)
		slices.Sort(*l)
	}
	return nil
}

// sameOnly reports whether a run was planned for whom --only names now. To go on
// with it otherwise would write to people whom nobody has named.
func (j *job) sameOnly(run ledger.Run) bool {
	plan, err := planfile.Check(j.state.plan(run.ID))
	return err != nil || slices.Equal(plan.Head.Only, j.opts.Only) // without its plan, going on says what is wrong
}
