package steps

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// instant is a time as a map key: zones do not matter.
type instant struct {
	sec  int64
	nsec int
}

// composite is a list or an object as a map key.
type composite string

// keyOf makes a value comparable, so that values which the language calls equal
// are equal keys: 2 and 2.0, one instant in two zones, objects by content.
func keyOf(v any) any {
	switch x := v.(type) {
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int(x)
		}
		if math.IsNaN(x) {
			return composite("NaN")
		}
		return x
	case time.Time:
		return instant{x.Unix(), x.Nanosecond()}
	case []any, map[string]any:
		return composite(appendKey(nil, x))
	case step.Stream[any]:
		return composite("stream") // never equal by content: it is read once
	}
	return v
}

// fingerprint is a value's key in few bytes, however long the value is: half of a SHA-256.
// Values that the language calls equal have the same.
func fingerprint(v any) (f [16]byte) {
	sum := sha256.Sum256(appendKey(nil, v))
	copy(f[:], sum[:])
	return f
}

// appendKey writes a value in one canonical form: a letter for the family, then
// the value, with the names of an object in order.
func appendKey(b []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return strconv.AppendBool(append(b, 'b'), x)
	case int:
		return strconv.AppendInt(append(b, 'i'), int64(x), 10)
	case float64:
		if i, ok := keyOf(x).(int); ok {
			return appendKey(b, i)
		}
		return strconv.AppendFloat(append(b, 'f'), x, 'g', -1, 64)
	case string:
		return strconv.AppendQuote(append(b, 's'), x)
	case time.Time:
		return x.UTC().AppendFormat(append(b, 't'), time.RFC3339Nano)
	case time.Duration:
		return strconv.AppendInt(append(b, 'd'), int64(x), 10)
	case step.Secret:
		return strconv.AppendQuote(append(b, 'x'), x.Reveal())
	case []any:
		b = append(b, '[')
		for _, e := range x {
			b = append(appendKey(b, e), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range sortedNames(x) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendKey(b, x[name]), ',')
		}
		return append(b, '}')
	}
	j, _ := json.Marshal(v) //nolint:errchkjson // every form of a value is listed above
	return append(b, j...)
}

// sortedNames lists the names of an object in order.
func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
