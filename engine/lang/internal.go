package lang

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// internals are the functions that the checker puts into the tree that runs, in
// the place of operators with which expr would fail on nil or empty data, wrap
// around silently, or count bytes. No user can write their names.
var internals = map[string]func(args ...any) (any, error){
	"·is boolean":   ensureForm[bool]("a boolean"),
	"·is text":      ensureForm[string]("a text"),
	"·is list":      ensureForm[[]any]("a list"),
	"·<":            ordered(func(n int) bool { return n < 0 }),
	"·>":            ordered(func(n int) bool { return n > 0 }),
	"·<=":           ordered(func(n int) bool { return n <= 0 }),
	"·>=":           ordered(func(n int) bool { return n >= 0 }),
	"·at":           indexOf,
	"·member":       memberOf,
	"·slice":        sliceOf,
	"·in":           isIn,
	"·==":           func(args ...any) (any, error) { return equal(args[0], args[1]), nil },
	"·range":        rangeOf,
	"·number":       toNumber,
	"·negate":       negate,
	"·+":            add,
	"·-":            subtract,
	"·*":            times,
	"·/":            divide,
	"·%":            remainder,
	"·**":           power,
	"·pair":         pair,
	"·sortBy":       sortByPairs,
	"·groupBy":      groupPairs,
	"·sumIntegers":  sumIntegers,
	"·sumNumbers":   sumNumbers,
	"·sumDurations": sumDurations,
	"·Unix":         unix,
	"·Hours":        durationPart(time.Duration.Hours),
	"·Minutes":      durationPart(time.Duration.Minutes),
	"·Seconds":      durationPart(time.Duration.Seconds),
}

// ensureForm passes on what has the form that an operator needs.
func ensureForm[T any](form string) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		if _, ok := args[0].(T); !ok {
			return nil, fmt.Errorf("%s is wanted here, but it is %s", form, describeValue(args[0]))
		}
		return args[0], nil
	}
}

func ordered(holds func(int) bool) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		n, err := compareValues(args[0], args[1])
		return holds(n), err
	}
}

// indexOf is list[i], from the end for a negative i, and groups[key]; nil when
// there is nothing.
func indexOf(args ...any) (any, error) {
	switch base := args[0].(type) {
	case nil:
		return nil, nil
	case []any:
		i, ok := args[1].(int)
		if !ok {
			return nil, fmt.Errorf("the index of a list must be an integer, but it is %s", describeValue(args[1]))
		}
		if i < 0 {
			i += len(base)
		}
		if i < 0 || i >= len(base) {
			return nil, nil
		}
		return base[i], nil
	case map[string]any:
		key, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("the key must be a text, but it is %s", describeValue(args[1]))
		}
		return base[key], nil
	}
	return nil, fmt.Errorf("%s has no elements", describeValue(args[0]))
}

// memberOf is x.name of an x of which nothing was known.
func memberOf(args ...any) (any, error) {
	switch x := args[0].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return x[args[1].(string)], nil
	}
	return nil, fmt.Errorf("%s has no fields", describeValue(args[0]))
}

// sliceOf is x[from:to]; bounds outside are moved to the ends.
func sliceOf(args ...any) (any, error) {
	length := 0
	switch x := args[0].(type) {
	case []any:
		length = len(x)
	case string:
		length = utf8.RuneCountInString(x)
	default:
		return nil, fmt.Errorf("only lists and texts can be cut, not %s", describeValue(args[0]))
	}
	bound := func(v any, otherwise int) (int, error) {
		if v == nil {
			return otherwise, nil
		}
		i, ok := v.(int)
		if !ok {
			return 0, fmt.Errorf("a place must be an integer, but it is %s", describeValue(v))
		}
		if i < 0 {
			i += length
		}
		return min(max(i, 0), length), nil
	}
	from, err := bound(args[1], 0)
	if err != nil {
		return nil, err
	}
	to, err := bound(args[2], length)
	if err != nil {
		return nil, err
	}
	from = min(from, to)
	if list, ok := args[0].([]any); ok {
		return list[from:to:to], nil
	}
	return string([]rune(args[0].(string))[from:to]), nil
}

// isIn compares as == does.
func isIn(args ...any) (any, error) {
	switch x := args[1].(type) {
	case []any:
		return slices.ContainsFunc(x, func(v any) bool { return equal(args[0], v) }), nil
	case map[string]any:
		key, ok := args[0].(string)
		if !ok {
			return false, nil
		}
		_, found := x[key]
		return found, nil
	}
	return nil, fmt.Errorf("in looks into lists, not %s", describeValue(args[1]))
}

// maxRange is how many integers a..b may give.
const maxRange = 100_000

func rangeOf(args ...any) (any, error) {
	from, err := intArg(args, 0, "the beginning of a range")
	if err != nil {
		return nil, err
	}
	to, err := intArg(args, 1, "the end of a range")
	if err != nil {
		return nil, err
	}
	if to < from {
		return []any{}, nil
	}
	if n := uint64(to) - uint64(from); n >= maxRange {
		return nil, fmt.Errorf("the range has more than %d integers", maxRange)
	}
	out := make([]any, 0, to-from+1)
	for i := from; ; i++ {
		out = append(out, i)
		if i == to {
			return out, nil
		}
	}
}

// toNumber makes numbers of integers, in lists too.
func toNumber(args ...any) (any, error) {
	switch x := args[0].(type) {
	case int:
		return float64(x), nil
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i], _ = toNumber(v)
		}
		return out, nil
	}
	return args[0], nil
}

func negate(args ...any) (any, error) {
	switch x := args[0].(type) {
	case int:
		if x == math.MinInt {
			return nil, errOverflow
		}
		return -x, nil
	case float64:
		return -x, nil
	case time.Duration:
		return -x, nil
	}
	return nil, fmt.Errorf("- does not work on %s", describeValue(args[0]))
}

// pair and the two that take it apart let groupBy and sortBy see the record and
// what was computed of it.
func pair(args ...any) (any, error) { return [2]any{args[0], args[1]}, nil }

func sortByPairs(args ...any) (any, error) {
	pairs := args[0].([]any)
	records, keys := make([]any, len(pairs)), make([]any, len(pairs))
	for i, p := range pairs {
		both := p.([2]any)
		records[i], keys[i] = both[0], both[1]
	}
	order, err := textArg(args, 1, "order")
	if err != nil {
		return nil, err
	}
	return sorted(records, keys, order)
}

func groupPairs(args ...any) (any, error) {
	groups := map[string]any{}
	for _, p := range args[0].([]any) {
		both := p.([2]any)
		key, ok := both[1].(string)
		if !ok {
			return nil, fmt.Errorf("the key of groupBy must be a text, but it is %s", describeValue(both[1]))
		}
		list, _ := groups[key].([]any)
		groups[key] = append(list, both[0])
	}
	return groups, nil
}

func sumIntegers(args ...any) (any, error) {
	sum := 0
	for _, v := range args[0].([]any) {
		n, ok := v.(int)
		if !ok {
			return nil, fmt.Errorf("sum adds integers here, but found %s", describeValue(v))
		}
		if n > 0 && sum > math.MaxInt-n || n < 0 && sum < math.MinInt-n {
			return nil, errOverflow
		}
		sum += n
	}
	return sum, nil
}

func sumNumbers(args ...any) (any, error) {
	sum := 0.0
	for _, v := range args[0].([]any) {
		n, err := numberArg(v)
		if err != nil {
			return nil, err
		}
		sum += n
	}
	return finite(sum)
}

func sumDurations(args ...any) (any, error) {
	var sum time.Duration
	for _, v := range args[0].([]any) {
		d, ok := v.(time.Duration)
		if !ok {
			return nil, fmt.Errorf("sum adds durations here, but found %s", describeValue(v))
		}
		sum += d
	}
	return sum, nil
}

// momentOf is run.now, as the environment has it.
func momentOf(run any) time.Time {
	m, _ := run.(map[string]any)
	t, _ := m["now"].(time.Time)
	return t
}

// timeMethods and durationMethods are what can be called with a dot. The parts
// of a time are those of the company's wall clock.
var (
	timeMethods     = []string{"Year", "Month", "Day", "YearDay", "Hour", "Minute", "Second", "Unix"}
	durationMethods = []string{"Hours", "Minutes", "Seconds"}
)

func timePart(name string, v any, zone *time.Location) (any, error) {
	t, ok := v.(time.Time)
	if !ok {
		return nil, fmt.Errorf(".%s() works on a time, not on %s", name, describeValue(v))
	}
	t = t.In(zone)
	switch name {
	case "Year":
		return t.Year(), nil
	case "Month":
		return int(t.Month()), nil
	case "Day":
		return t.Day(), nil
	case "YearDay":
		return t.YearDay(), nil
	case "Hour":
		return t.Hour(), nil
	case "Minute":
		return t.Minute(), nil
	}
	return t.Second(), nil
}

func unix(args ...any) (any, error) {
	t, err := timeArg(args, 0, "the time")
	return int(t.Unix()), err
}

func durationPart(part func(time.Duration) float64) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		d, ok := args[0].(time.Duration)
		if !ok {
			return nil, fmt.Errorf("a duration is wanted, but it is %s", describeValue(args[0]))
		}
		return part(d), nil
	}
}
