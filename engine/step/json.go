package step

import (
	"encoding/json"
	"strconv"
)

// FromJSON turns what encoding/json decodes with UseNumber into run-time values,
// in place: a number without a fraction that fits 64 bits is an integer.
func FromJSON(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(x.String()); err == nil {
			return n
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = FromJSON(x[i])
		}
	case map[string]any:
		for name := range x {
			x[name] = FromJSON(x[name])
		}
	}
	return v
}
