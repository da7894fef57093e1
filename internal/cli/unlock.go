package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newUnlock(a *app) *cobra.Command {
	var o struct {
		stateFlags
		nonce string
	}
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Show who is at work, and clear what a dead process left behind",
		Long: "unlock shows who holds a lock and who has left something behind. A dead\n" +
			"process keeps nobody out: the next run takes its lock. --nonce clears what\n" +
			"it left. A lock that a living process holds is never taken away, since two\n" +
			"runners would write to the same people.",
		Args: atMost(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return unlock(a, o.stateFlags, o.nonce, cmd.Flags().Changed("nonce"))
		},
	}
	o.register(cmd.Flags())
	outputFlag(a, cmd.Flags())
	cmd.Flags().StringVar(&o.nonce, "nonce", "", "the `nonce` of the dead holder that is meant")
	return cmd
}

func unlock(a *app, o stateFlags, nonce string, clears bool) error {
	st, err := stateHere(o)
	if err != nil {
		return err
	}
	all, err := ledger.Holders(st.locks())
	if err != nil {
		return err
	}
	if clears {
		return a.unlock(st, all, nonce)
	}
	a.doc.Locks = []ui.LockDocument{}
	dead := ""
	for _, h := range all {
		a.doc.Locks = append(a.doc.Locks, ui.LockOf(h))
		if !h.Live && h.Nonce != "" {
			dead = h.Nonce
		}
	}
	if a.json {
		return nil
	}
	var tail []string
	if dead != "" {
		tail = append(tail, "Clear what a dead one left: flowrunner runs unlock --nonce "+ui.Safe(dead)+st.flags())
	}
	a.outStyle().Locks(a.stdout, all, tail...)
	return nil
}

// unlock clears what the holder with a nonce has left behind.
func (a *app) unlock(st state, all []ledger.Holding, nonce string) error {
	wrong := &usageError{fmt.Sprintf("nobody in %s has the nonce %q", shorten(st.locks()), nonce), "flowrunner runs unlock" + st.flags() + " shows who has which"}
	for _, h := range all {
		if h.Nonce != nonce || nonce == "" {
			continue
		}
		err := ledger.Unlock(st.locks(), h.Scope, nonce)
		var none *ledger.NotLockedError
		var other *ledger.NonceError
		switch {
		case errors.As(err, &none), errors.As(err, &other):
			return wrong // it changed under our eyes
		case err != nil:
			return err
		}
		a.doc.Locks = []ui.LockDocument{ui.LockOf(h)}
		if !a.json {
			fmt.Fprintf(a.stdout, "Cleared what %s left of %s.\n", h.Holder, ui.Safe(h.Scope))
		}
		return nil
	}
	return wrong
}
