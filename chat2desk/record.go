package chat2desk

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	leastRate = 0.1 // calls a second: level 0
	ratio     = 1.1 // from one level to the next
	levels    = 121 // the last is above 9,000 calls a second, which is no limit

	halfLife   = 40 * time.Second // until half is forgotten,
	halfCalls  = 300              // and at least so many calls,
	heldLife   = 4                // and at least so many pauses: what is tried out costs one
	forgotten  = 0.5              // less than half a refusal is as good as none
	slowCalls  = 30               // calls at next to no rate are taken for passed before any was made
	perRefusal = 0.5              // the evidence needed: that alone while no slower call was refused,
	mostNeeded = 2.5              // then as much for each refusal, up to this: e^2.5 is 12 to 1
	noEvidence = 0.3              // so little is none
)

// record is how many calls passed and how many were refused lately, at each level of
// rate. It tells a wall from refusals at random: at a wall fast calls are
// refused and slow ones are not, at random both are, each as often.
type record struct {
	at     [levels]tally
	time   float64 // seconds in which that was, forgotten likewise
	memory time.Duration
	since  float64 // calls counted since it last forgot
}

// tally is counted in calls, of which parts are forgotten.
type tally struct{ passed, refused float64 }

func (t tally) plus(u tally) tally { return tally{t.passed + u.passed, t.refused + u.refused} }

func levelOf(r rate.Limit) int {
	return int(max(0, min(levels-1, math.Log(float64(r/leastRate))/math.Log(ratio)+1e-9)))
}

func rateOf(level int) rate.Limit {
	if level == levels-1 {
		return rate.Inf
	}
	return rate.Limit(leastRate * math.Pow(ratio, float64(level)))
}

// pass counts a call that passed at a rate.
func (r *record) pass(at rate.Limit) {
	r.at[levelOf(at)].passed++
	r.since++
}

// refuse counts what was refused at a rate before a pause, while passed calls passed.
// Calls that were under way together are refused together, so n of them
// weigh no more than the root of n, and the passed ones less in the same proportion.
func (r *record) refuse(at rate.Limit, passed, refused int, held time.Duration) {
	t, n := &r.at[levelOf(at)], float64(refused)
	t.refused += math.Sqrt(n)
	t.passed = max(0, t.passed-float64(passed)*(1-1/math.Sqrt(n)))
	r.memory = max(halfLife, heldLife*held)
}

// forget lets everything fade that has been counted.
func (r *record) forget(after time.Duration) {
	keep := math.Exp2(-min(after.Seconds()/max(halfLife, r.memory).Seconds(), r.since/halfCalls))
	r.since = 0
	for i := range r.at {
		r.at[i].passed *= keep
		r.at[i].refused *= keep
	}
	r.time = r.time*keep + after.Seconds()
}

// through is how many calls a second got through lately, the pauses included. A second
// is added: a server may give at once what it gives for a second.
func (r *record) through() rate.Limit {
	var all tally
	for _, t := range r.at {
		all = all.plus(t)
	}
	return rate.Limit(all.passed / (r.time + 1))
}

// fastest is the highest rate at which a call passed lately.
func (r *record) fastest() rate.Limit {
	for i := levels - 1; i > 0; i-- {
		if r.at[i].passed >= forgotten {
			return rateOf(i)
		}
	}
	return leastRate
}

// wall is the lowest rate from which on calls are refused clearly more often than
// below it. Evidence is the logarithm of how many times likelier it is that the two
// are refused differently often than that they are not (the ratio of likelihoods); where
// less speaks for each wall than is needed, evidence is the most that does. A rate that
// gets through, or is up to a fifth above that, is none, and calls without a limit
// say nothing about one below.
func (r *record) wall() (wall rate.Limit, evidence float64, found bool) {
	var all tally
	for _, t := range r.at {
		all = all.plus(t)
	}
	if all.refused < forgotten {
		return 0, 0, false
	}
	below, above := tally{passed: slowCalls}, all
	above.passed -= r.at[levels-1].passed
	above.refused -= r.at[levels-1].refused
	sure := levelOf(r.through()) + 1
	for i, t := range r.at {
		if i == levels-1 {
			above = t
		}
		if t.refused > 0 {
			needed := perRefusal
			if below.refused >= forgotten {
				needed = min(perRefusal*all.refused, mostNeeded)
			}
			e := differ(above, below)
			if e >= needed && i > sure {
				return rateOf(i), e, true
			}
			evidence = max(evidence, e)
		}
		below = below.plus(t)
		above.passed -= t.passed
		above.refused -= t.refused
	}
	return 0, evidence, false
}

// differ is the evidence that calls above are refused more often than those below.
func differ(above, below tally) float64 {
	if above.refused*(below.passed+below.refused) <= below.refused*(above.passed+above.refused) {
		return 0
	}
	return above.likelihood() + below.likelihood() - above.plus(below).likelihood()
}

// likelihood is the logarithm of how likely the tally is, at the share that it has.
func (t tally) likelihood() float64 {
	n := t.passed + t.refused
	return part(t.passed, n) + part(t.refused, n)
}

func part(x, n float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * math.Log(x/n)
}
