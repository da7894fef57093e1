package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newStop(a *app) *cobra.Command {
	o := &stateFlags{}
	cmd := &cobra.Command{
		Use:   "stop [RUN]",
		Short: "Ask a run that is at work in another process to stop",
		Long: "stop asks a run to end as at the first Ctrl-C: it begins no new message,\n" +
			"waits for those under way, and can be gone on with later. The run notices\n" +
			"within a few seconds. Without RUN it is the only run at work.",
		Args: atMost(1, "at most one RUN"),
		RunE: func(_ *cobra.Command, args []string) error { return stopRun(a, *o, args) },
	}
	o.register(cmd.Flags())
	outputFlag(a, cmd.Flags())
	return cmd
}

func stopRun(a *app, o stateFlags, args []string) error {
	st, err := stateHere(o)
	if err != nil {
		return err
	}
	holder, err := atWork(st, args)
	if err != nil {
		return err
	}
	if err := ledger.RequestStop(st.locks(), holder.Run); err != nil {
		return err
	}
	a.doc.Stopping = holder.Run
	if !a.json {
		fmt.Fprintf(a.stdout, "Asked run %s to stop: %s.\n", ui.Safe(holder.Run), holder)
		fmt.Fprintf(a.stdout, "It begins no new message and ends when those under way are answered.\n")
	}
	return nil
}

// atWork finds the live run that is meant.
func atWork(st state, args []string) (ledger.Holder, error) {
	all, err := ledger.Holders(st.locks())
	if err != nil {
		return ledger.Holder{}, err
	}
	var runs []ledger.Holder
	planning := ""
	for _, h := range all {
		same := func(o ledger.Holder) bool { return o.Run == h.Run }
		switch {
		case !h.Live || slices.ContainsFunc(runs, same):
		case h.Run == "":
			planning = fmt.Sprintf("; %s has begun no run yet: stop it where it runs", h.Holder)
		case len(args) == 0 || strings.HasPrefix(h.Run, args[0]):
			runs = append(runs, h.Holder)
		}
	}
	what := "no run is"
	if len(args) > 0 {
		what = fmt.Sprintf("run %s is not", args[0])
	}
	switch len(runs) {
	case 1:
		return runs[0], nil
	case 0:
		return ledger.Holder{}, &engine.StaleError{
			Reason: fmt.Sprintf("%s at work in %s%s", what, shorten(st.dir), planning),
			Hint:   "flowrunner runs unlock" + st.flags() + " shows who is at work; --state names another folder",
		}
	}
	var ids []string
	for _, h := range runs {
		ids = append(ids, h.Run)
	}
	return ledger.Holder{}, &usageError{fmt.Sprintf("%d runs are at work: %s", len(ids), strings.Join(ids, ", ")), "say which one: flowrunner stop RUN" + st.flags()}
}

// errAskedToStop is why a run ended that another process has asked to.
var errAskedToStop = errors.New("asked to stop by flowrunner stop")

// lookEvery is how often a run looks whether it was asked to stop.
const lookEvery = time.Second

// drainFor is the context in which a run begins new messages: it ends with the
// first signal and when another process asks for that, which is told. done ends
// the looking and forgets the request.
func (j *job) drainFor(run string, tell io.Writer) (drain context.Context, done func()) {
	dir := j.state.locks()
	forget := func() {
		if err := ledger.WithdrawStop(dir, run); err != nil {
			_, _ = fmt.Fprintf(tell, "warning: %s\n", ui.Safe(err.Error()))
		}
	}
	forget() // a request to an earlier life of this run
	for _, l := range j.locks {
		if err := l.Running(run); err != nil {
			_, _ = fmt.Fprintf(tell, "warning: %s\n", ui.Safe(err.Error()))
		}
	}
	drain, cancel := context.WithCancelCause(j.a.signals.drain)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-drain.Done():
				return
			case <-tick.C:
			}
			if ledger.StopRequested(dir, run) {
				_, _ = io.WriteString(tell, "\nAsked to stop by flowrunner stop: no new message is begun, those under way\nare waited for.\n")
				cancel(errAskedToStop)
				return
			}
		}
	}()
	return drain, func() {
		cancel(nil)
		<-ended
		forget()
	}
}
