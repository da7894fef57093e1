package guard_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/guard"
	"github.com/flowrunner/flowrunner/engine/step"
)

// outcomes repeats outcomes: (20, guard.Failed, 5, guard.Sent).
func outcomes(counts ...any) []guard.Outcome {
	var out []guard.Outcome
	for i := 0; i < len(counts); i += 2 {
		out = append(out, slices.Repeat([]guard.Outcome{counts[i+1].(guard.Outcome)}, counts[i].(int))...)
	}
	return out
}

// predicate is a stopIf of tests.
type predicate struct {
	source string
	eval   func(env map[string]any) (any, error)
}

func (p predicate) Eval(env map[string]any) (any, error) { return p.eval(env) }
func (p predicate) Source() string                       { return p.source }

// rules is one rule, or none for the default.
func rules(p guard.Predicate) []guard.Predicate {
	if p == nil {
		return nil
	}
	return []guard.Predicate{p}
}

func TestCount(t *testing.T) {
	unknownRate := predicate{"unknownRate > 0.5", func(env map[string]any) (any, error) { return env["unknownRate"].(float64) > 0.5, nil }}
	never := predicate{"false", func(map[string]any) (any, error) { return false, nil }}
	maybe := predicate{"maybe", func(map[string]any) (any, error) { return nil, nil }}
	broken := predicate{"broken", func(map[string]any) (any, error) { return nil, errors.New("no such thing") }}
	for _, c := range []struct {
		name     string
		stopIf   guard.Predicate
		outcomes []guard.Outcome
		after    int // how many outcomes it takes; 0 never stops
		reason   string
	}{
		{"all sent", nil, outcomes(1000, guard.Sent), 0, ""},
		{"nineteen refused", nil, outcomes(19, guard.Failed), 0, ""},
		{"twenty refused", nil, outcomes(30, guard.Failed), 20, "stopIf: 20 of 20 sends were refused (failed >= 20 and failureRate > 0.2)"},
		{"twenty of a hundred is a fifth and no more", nil, outcomes(80, guard.Sent, 20, guard.Failed), 0, ""},
		{"one more than a fifth", nil, outcomes(80, guard.Sent, 30, guard.Failed), 101, "stopIf: 21 of 101 sends were refused (failed >= 20 and failureRate > 0.2)"},
		{"unknown ones count as attempted", nil, outcomes(9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Sent, 20, guard.Failed), 0, ""},
		{"nine unknown in a row", nil, outcomes(9, guard.Unknown, 1, guard.Sent, 9, guard.Unknown, 1, guard.Failed, 9, guard.Unknown), 0, ""},
		{"ten unknown in a row", nil, outcomes(1, guard.Sent, 12, guard.Unknown), 11, "the outcome of 10 sends in a row is unknown"},
		{"ten unknown in a row whatever the flow says", never, outcomes(12, guard.Unknown), 10, "the outcome of 10 sends in a row is unknown"},
		{"a rule of its own", unknownRate, outcomes(2, guard.Sent, 3, guard.Unknown), 5, "stopIf: unknownRate > 0.5 (0 failed, 3 unknown of 5)"},
		{"a rule of its own replaces the default", never, outcomes(100, guard.Failed), 0, ""},
		{"a rule that gives nil does not hold", maybe, outcomes(100, guard.Failed), 0, ""},
		{"a rule that fails stops", broken, outcomes(1, guard.Sent), 1, "stopIf could not be evaluated: no such thing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := guard.NewRails(len(c.outcomes), rules(c.stopIf))
			for i, o := range c.outcomes {
				reason := r.Count(o)
				if c.after > 0 && i+1 >= c.after {
					require.Equal(t, c.reason, reason, "outcome %d", i+1)
				} else {
					require.Empty(t, reason, "outcome %d", i+1)
				}
			}
		})
	}
}

func TestTheFirstReasonStays(t *testing.T) {
	calls := 0
	r := guard.NewRails(3, []guard.Predicate{predicate{"failed > 0", func(env map[string]any) (any, error) {
		calls++
		return env["failed"].(int) > 0, nil
	}}})
	require.Empty(t, r.Count(guard.Sent))
	first := r.Count(guard.Failed)
	require.Equal(t, "stopIf: failed > 0 (1 failed, 0 unknown of 2)", first)
	for range 20 {
		require.Equal(t, first, r.Count(guard.Unknown))
	}
	require.Equal(t, 2, calls, "nothing is evaluated any more once the run must stop")
}

// What a predicate sees is exactly what Fields declare, in the declared types.
func TestFieldsAreWhatPredicatesSee(t *testing.T) {
	var seen map[string]any
	r := guard.NewRails(7, rules(predicate{"x", func(env map[string]any) (any, error) { seen = env; return false, nil }}))
	for _, o := range outcomes(1, guard.Sent, 2, guard.Failed, 1, guard.Unknown) {
		r.Count(o)
	}
	require.Equal(t, map[string]any{
		"planned": 7, "attempted": 4, "sent": 1, "failed": 2, "unknown": 1, "failureRate": 0.5, "unknownRate": 0.25,
	}, seen)
	require.Len(t, guard.Fields, len(seen))
	for _, f := range guard.Fields {
		v, ok := seen[f.Name]
		require.True(t, ok, f.Name)
		require.NotEmpty(t, f.Doc)
		switch f.Shape.Form {
		case step.FormInt:
			require.IsType(t, 0, v)
		default:
			require.Equal(t, step.FormNumber, f.Shape.Form)
			require.IsType(t, 0.0, v)
		}
	}
}

func TestManyCountAtOnce(t *testing.T) {
	r := guard.NewRails(1000, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	reasons := map[string]int{}
	for range 1000 {
		wg.Go(func() {
			reason := r.Count(guard.Failed)
			mu.Lock()
			defer mu.Unlock()
			reasons[reason]++
		})
	}
	wg.Wait()
	require.Equal(t, map[string]int{
		"": 19, "stopIf: 20 of 20 sends were refused (failed >= 20 and failureRate > 0.2)": 981,
	}, reasons)
}
