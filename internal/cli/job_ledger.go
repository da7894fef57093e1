package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
)

// openLedger takes the locks and opens the ledger.
func (j *job) openLedger(spec jobSpec) error {
	ctx := context.Background()
	mustExist := spec.known || j.strict() && !spec.anew
	missing := !j.state.hasLedger()
	if mustExist {
		if missing {
			_, err := j.state.open(ctx, sqlite.Options{MustExist: true})
			return cmp.Or(j.noToken(), noLedger(err, spec.known))
		}
	} else if err := j.state.prepare(); err != nil {
		return err
	}
	if spec.sends {
		if err := j.locks.take(j.a, j.state, scopeOf(j.p.Name, j.campaign)); err != nil {
			return err
		}
		if j.o.sandbox && j.o.served == "" {
			// Its log of messages has one writer.
			if err := j.locks.take(j.a, j.state, "the sandbox"); err != nil {
				return err
			}
		}
	}
	if spec.fresh {
		if err := forgetSandbox(j.state); err != nil {
			return err
		}
	}
	var err error
	// A new ledger is begun where none is; an older one is never taken for a new one.
	o := sqlite.Options{MustExist: mustExist, AcceptOlder: spec.anew && missing && !mustExist}
	if j.store, err = j.state.open(ctx, o); err != nil {
		return noLedger(err, spec.known)
	}
	j.opts.Store = j.store
	if err := j.pinned(ctx); err != nil || spec.known {
		return err
	}
	return j.ownName(ctx)
}

// pinned checks that the ledger is the one that the project names, or holds what
// that one knew.
func (j *job) pinned(ctx context.Context) error {
	p := j.state.project
	if p == nil || p.ledger == "" || p.ledger == j.store.Lineage() || j.o.sandbox || !j.p.HasSends() || j.local() {
		return nil
	}
	if ours, err := holds(ctx, j.store, p.ledger); err != nil || ours {
		return err
	}
	return &ledgerError{
		fmt.Sprintf("%s pins the ledger %s, but the one at %s is %s; nothing was sent", projectFile, p.ledger, shorten(j.state.ledger()), j.store.Lineage()),
		fmt.Sprintf("put the right ledger back, name its folder with --state,\nadd what an export of it knows with flowrunner ledger import FILE,\n"+
			"or write `ledger: %s` into %s if this one is meant:\nwhoever it does not know is written to again", j.store.Lineage(), projectFile),
	}
}

// strict reports whether a missing ledger must stop the command: real people
// would be written to, and nobody is there to be asked.
func (j *job) strict() bool {
	return j.p.HasSends() && !j.o.sandbox && !j.local() && !j.o.mayAsk(j.a)
}

// noToken is the problem of a token that is not there, which goes before that of
// a ledger.
func (j *job) noToken() error {
	if j.o.sandbox {
		return nil
	}
	names := j.p.Secrets
	if j.p.Connection.Token == nil {
		names = append([]string{"CHAT2DESK_API_TOKEN"}, names...)
	}
	for _, name := range names {
		if j.a.env.get(name) == "" && j.a.env.get(name+"_FILE") == "" {
			return &engine.SecretError{Name: name, Reason: "is not set"}
		}
	}
	return nil
}

// noLedger says how to go on without a ledger; any other error stays as it is. A
// plan that is known fits no other ledger than the one that it was made with.
func noLedger(err error, known bool) error {
	var none *ledger.NotFoundError
	if !errors.As(err, &none) {
		return err
	}
	if known {
		return &ledgerError{
			missingLedger(none) + "; nothing was sent, since the plan was made with it",
			"bring the state of earlier runs there, or name its folder with --state;\nflowrunner ledger recover finds out from the chats who was written to",
		}
	}
	return &ledgerError{
		missingLedger(none) + "; nothing was sent, since without one everybody counts as not written to",
		"bring the state of earlier runs there, name its folder with --state,\nor begin a new ledger knowingly with --new-ledger",
	}
}

// missingLedger says that a ledger is not there, and what is known of it.
func missingLedger(e *ledger.NotFoundError) string {
	text := "there is no ledger at " + shorten(e.Path)
	switch {
	case e.Lineage != "":
		text += fmt.Sprintf(", but one was here: %s says that it is %s and held %d changes", shorten(e.Mark), e.Lineage, e.Serial)
	case e.Mark != "":
		text += fmt.Sprintf(", but one was here: it has left the mark %s", shorten(e.Mark))
	}
	return text
}
