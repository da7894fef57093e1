package engine

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/guard"
)

// refused looks at the rails about people once more, right before the intent. It
// gives the reason why the send is not made now; the next run asks again. perContact
// is checked with the intent itself.
func (t *try) refused(ctx context.Context) string {
	a := t.a
	if a.o.Divert != nil || t.r.Internal || t.r.Contact == 0 {
		return ""
	}
	if a.p.Guard.Window != "" && t.r.LastWrote != nil && !guard.Free(t.r.LastWrote, a.o.clock()) {
		return guard.ClosedReason
	}
	if a.suppressed == nil {
		return ""
	}
	known := knownBy(t.r)
	why := a.suppressed.listed(t.r.Contact, known)
	if why != "" || a.suppressed.words.Len() == 0 {
		return why
	}
	why, err := a.optedOut(ctx, t.r.Account, t.r.Contact, known)
	if err != nil {
		a.stop(CauseOf(err), err.Error(), Hint(err))
		return "the ledger could not be read"
	}
	return why
}
