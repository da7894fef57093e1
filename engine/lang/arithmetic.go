package lang

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"time"
)

// The arithmetic of the language. expr's own wraps around silently, gives
// infinities, and doubles texts without end.

var errOverflow = errors.New("the result is too large for an integer")

func noArithmetic(op string, a, b any) error {
	return fmt.Errorf("%s does not work on %s and %s", op, describeValue(a), describeValue(b))
}

func add(args ...any) (any, error) {
	switch a := args[0].(type) {
	case int:
		if b, ok := args[1].(int); ok {
			if b > 0 && a > math.MaxInt-b || b < 0 && a < math.MinInt-b {
				return nil, errOverflow
			}
			return a + b, nil
		}
	case string:
		if b, ok := args[1].(string); ok {
			if len(a)+len(b) > maxResult {
				return nil, errTooLong
			}
			return a + b, nil
		}
	case time.Time:
		if b, ok := args[1].(time.Duration); ok {
			return a.Add(b), nil
		}
	case time.Duration:
		switch b := args[1].(type) {
		case time.Duration:
			return a + b, nil
		case time.Time:
			return b.Add(a), nil
		}
	}
	return onNumbers("+", args, func(a, b float64) float64 { return a + b })
}

func subtract(args ...any) (any, error) {
	switch a := args[0].(type) {
	case int:
		if b, ok := args[1].(int); ok {
			if b < 0 && a > math.MaxInt+b || b > 0 && a < math.MinInt+b {
				return nil, errOverflow
			}
			return a - b, nil
		}
	case time.Time:
		switch b := args[1].(type) {
		case time.Time:
			return a.Sub(b), nil
		case time.Duration:
			return a.Add(-b), nil
		}
	case time.Duration:
		if b, ok := args[1].(time.Duration); ok {
			return a - b, nil
		}
	}
	return onNumbers("-", args, func(a, b float64) float64 { return a - b })
}

func times(args ...any) (any, error) {
	a, b := args[0], args[1]
	if d, ok := b.(time.Duration); ok {
		a, b = d, a
	}
	switch x := a.(type) {
	case int:
		if y, ok := b.(int); ok {
			return timesInt(x, y)
		}
	case time.Duration:
		switch y := b.(type) {
		case int:
			n, err := timesInt(int(x), y)
			if err != nil {
				return nil, errors.New("the duration would be longer than 292 years")
			}
			return time.Duration(n.(int)), nil
		case float64:
			return durationOf(float64(x) * y)
		}
	}
	return onNumbers("*", args, func(a, b float64) float64 { return a * b })
}

func timesInt(a, b int) (any, error) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	if hi != 0 || !negative && lo > math.MaxInt64 || negative && lo > 1<<63 {
		return nil, errOverflow
	}
	return a * b, nil
}

func magnitude(n int) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func durationOf(f float64) (any, error) {
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return nil, errors.New("the duration would be longer than 292 years")
	}
	return time.Duration(f), nil
}

// divide gives nil for a divisor of 0.
func divide(args ...any) (any, error) {
	if d, ok := args[0].(time.Duration); ok {
		if by, ok := args[1].(time.Duration); ok {
			if by == 0 {
				return nil, nil
			}
			return float64(d) / float64(by), nil
		}
		by, err := numberArg(args[1])
		if err != nil {
			return nil, noArithmetic("/", args[0], args[1])
		}
		if by == 0 {
			return nil, nil
		}
		return durationOf(float64(d) / by)
	}
	if by, err := numberArg(args[1]); err == nil && by == 0 {
		return nil, nil
	}
	return onNumbers("/", args, func(a, b float64) float64 { return a / b })
}

// remainder gives nil for a divisor of 0.
func remainder(args ...any) (any, error) {
	a, okA := args[0].(int)
	b, okB := args[1].(int)
	switch {
	case !okA || !okB:
		return nil, noArithmetic("%", args[0], args[1])
	case b == 0:
		return nil, nil
	}
	return a % b, nil
}

// power gives nil for 0 to a negative power.
func power(args ...any) (any, error) {
	a, errA := numberArg(args[0])
	b, errB := numberArg(args[1])
	switch {
	case errA != nil || errB != nil:
		return nil, noArithmetic("**", args[0], args[1])
	case a == 0 && b < 0:
		return nil, nil
	case a < 0 && b != math.Trunc(b):
		return nil, errors.New("a negative number has no such power")
	}
	return finite(math.Pow(a, b))
}

func onNumbers(op string, args []any, f func(a, b float64) float64) (any, error) {
	a, errA := numberArg(args[0])
	b, errB := numberArg(args[1])
	if errA != nil || errB != nil {
		return nil, noArithmetic(op, args[0], args[1])
	}
	return finite(f(a, b))
}

// equal is == of the language: integers and numbers by value, times by moment.
func equal(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case int:
		switch y := b.(type) {
		case int:
			return x == y
		case float64:
			return float64(x) == y
		}
		return false
	case float64:
		switch y := b.(type) {
		case int:
			return x == float64(y)
		case float64:
			return x == y
		}
		return false
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, found := y[k]
			if !found || !equal(v, w) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}
