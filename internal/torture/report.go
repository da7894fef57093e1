package torture

import (
	"fmt"
	"time"
)

// Verdict is what one broadcast has shown.
type Verdict struct {
	Lives    int // processes
	Kills    int // of them, ended by the trial
	Planned  int // sends
	Accepted int // messages in the sandbox's log

	Sent            int // by the ledger, as all the others here
	NotSent         int // with a reason
	NotTried        int // with a reason: an earlier one of the iteration, or what stopped the run
	Unknown         int
	UnknownAccepted int // of the unknown, those whose message the sandbox has

	Doubled int // sends with more than one message
	Lost    int // sends of which the ledger says something else than what happened
	Endless bool
	Reason  string // why the last run stopped early; empty when it did not

	longest time.Duration // of the lives that were over by themselves

	Examples []string // of what broke the promise, a few
	Folder   string   // where everything was kept, when it was
}

// mostExamples bounds how many findings a report names.
const mostExamples = 10

// find counts a broken promise.
func (v *Verdict) find(count *int, format string, args ...any) {
	*count++
	if len(v.Examples) < mostExamples {
		v.Examples = append(v.Examples, fmt.Sprintf(format, args...))
	}
}

// Broken reports whether the promise was broken.
func (v *Verdict) Broken() bool { return v.Doubled > 0 || v.Lost > 0 || v.Endless }

// Report is what a trial has shown: the sum of its broadcasts.
type Report struct {
	Seed       uint64
	Broadcasts int
	Verdict
	Folders []string // of the broadcasts that were kept: those that broke the promise, or all
}

// OK reports whether the promise held.
func (r *Report) OK() bool { return !r.Broken() }

func (r *Report) add(v Verdict) {
	r.Broadcasts++
	for _, sum := range []struct {
		to *int
		n  int
	}{
		{&r.Lives, v.Lives},
		{&r.Kills, v.Kills},
		{&r.Planned, v.Planned},
		{&r.Accepted, v.Accepted},
		{&r.Sent, v.Sent},
		{&r.NotSent, v.NotSent},
		{&r.NotTried, v.NotTried},
		{&r.Unknown, v.Unknown},
		{&r.UnknownAccepted, v.UnknownAccepted},
		{&r.Doubled, v.Doubled},
		{&r.Lost, v.Lost},
	} {
		*sum.to += sum.n
	}
	r.longest = max(r.longest, v.longest)
	r.Endless = r.Endless || v.Endless
	if v.Reason != "" {
		r.Reason = v.Reason
	}
	r.Examples = append(r.Examples, v.Examples...)
	r.Examples = r.Examples[:min(len(r.Examples), mostExamples)]
	if v.Folder != "" {
		r.Folders = append(r.Folders, v.Folder)
	}
}
