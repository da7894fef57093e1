package steps

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

var (
	errSecret = errors.New("is a secret; secrets are never shown or written")
	errNumber = errors.New("is no finite number")
)

// plainValue turns a value into what encoding/json writes the way the language
// shows it: times in RFC 3339 and the given zone, durations as text.
func plainValue(v any, zone *time.Location) (any, error) {
	switch x := v.(type) {
	case time.Time:
		return x.In(zone).Format(time.RFC3339), nil
	case time.Duration:
		return durationText(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errNumber
		}
		return json.Number(numberText(x)), nil
	case step.Secret:
		return nil, errSecret
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			p, err := plainValue(e, zone)
			if err != nil {
				return nil, err
			}
			out[i] = p
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(x))
		for _, name := range sortedNames(x) {
			p, err := plainValue(x[name], zone)
			if err != nil {
				return nil, err
			}
			out[name] = p
		}
		return out, nil
	case step.Stream[any]:
		var out []any
		for e, err := range x.All() {
			if err == nil {
				e, err = plainValue(e, zone)
			}
			if err != nil {
				return nil, err
			}
			if len(out) == maxCollected {
				return nil, tooMany("a list in the value", maxCollected, "pass the list as rows")
			}
			out = append(out, e)
		}
		return out, nil
	}
	return v, nil
}

// numberText is a number in plain decimal, never with an exponent.
func numberText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// durationText is a duration with its days first and without empty parts:
// 2d12h, 90d, 1h30m.
func durationText(d time.Duration) string {
	if d < 24*time.Hour {
		return trimZeros(d.String())
	}
	text := strconv.Itoa(int(d/(24*time.Hour))) + "d"
	if rest := d % (24 * time.Hour); rest != 0 {
		text += trimZeros(rest.String())
	}
	return text
}

// trimZeros turns 1h0m0s into 1h.
func trimZeros(s string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if n := len(s) - len(zero) + 1; n > 0 && s[n-1:] == zero {
			s = s[:n]
		}
	}
	return s
}

// textOf is a value as one text: what a CSV cell holds and what print shows.
func textOf(v any, zone *time.Location) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	}
	p, err := plainValue(v, zone)
	if err != nil {
		return "", err
	}
	switch x := p.(type) {
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	}
	return marshal(p)
}

// marshal writes JSON in one line, with <, > and & as they are.
func marshal(v any) (string, error) {
	var b jsonText
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(b[:len(b)-1]), nil
}

// jsonText collects what an encoder writes.
type jsonText []byte

// Write appends.
func (t *jsonText) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	return len(p), nil
}
