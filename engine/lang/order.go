package lang

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func descending(order string) (bool, error) {
	switch order {
	case "asc":
		return false, nil
	case "desc":
		return true, nil
	}
	return false, fmt.Errorf(`%s is no order; write "asc" or "desc"`, quote(order))
}

// sorted gives list in the order of keys, equal ones as they stood.
func sorted(list, keys []any, order string) (any, error) {
	desc, err := descending(order)
	if err != nil {
		return nil, err
	}
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(i, j int) int {
		n, e := compareValues(keys[i], keys[j])
		if e != nil {
			err = e
		}
		if desc {
			return -n
		}
		return n
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, p := range places {
		out[i] = list[p]
	}
	return out, nil
}

// compareValues orders two values of one form.
func compareValues(a, b any) (int, error) {
	switch x := a.(type) {
	case int:
		switch y := b.(type) {
		case int:
			return cmp.Compare(x, y), nil
		case float64:
			return cmp.Compare(float64(x), y), nil
		}
	case float64:
		switch y := b.(type) {
		case int:
			return cmp.Compare(x, float64(y)), nil
		case float64:
			return cmp.Compare(x, y), nil
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), nil
		}
	case time.Duration:
		if y, ok := b.(time.Duration); ok {
			return cmp.Compare(x, y), nil
		}
	}
	return 0, fmt.Errorf("%s and %s have no order", describeValue(a), describeValue(b))
}
