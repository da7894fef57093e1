package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seedReader reads a generic value, as a YAML reader gives it, and collects
// what is wrong with it: every problem names the path of its value.
type seedReader struct {
	now      time.Time
	loc      *time.Location
	problems []error
}

func (r *seedReader) refuse(path, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s: "+format, append([]any{path}, args...)...))
}

func (r *seedReader) err() error { return errors.Join(r.problems...) }

// seedMap is a map of the seed that knows where it stands.
type seedMap struct {
	r    *seedReader
	path string
	v    map[string]any
}

// object takes v as a map that has no keys but the allowed ones.
func (r *seedReader) object(path string, v any, allowed ...string) (seedMap, bool) {
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		r.refuse(orTop(path), "must be a map with any of %s, but it is %s", strings.Join(allowed, ", "), shapeOf(v))
		return seedMap{}, false
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(allowed, k) {
			r.refuse(join(path, k), "there is no such key; allowed are %s", strings.Join(allowed, ", "))
		}
	}
	return seedMap{r, path, m}, true
}

// list takes v as a list; nothing is an empty one.
func (r *seedReader) list(path string, v any) []any {
	l, ok := v.([]any)
	if v != nil && !ok {
		r.refuse(path, "must be a list, but it is %s", shapeOf(v))
	}
	return l
}

func (m seedMap) at(key string) string { return join(m.path, key) }

func (m seedMap) has(key string) bool {
	_, ok := m.v[key]
	return ok
}

// text reads a text; a number is taken as it is written, so that a phone needs
// no quotes.
func (m seedMap) text(key string) string {
	switch v := m.v[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case int, int64, uint64:
		return fmt.Sprint(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	default:
		m.r.refuse(m.at(key), "must be a text, but it is %s", shapeOf(v))
		return ""
	}
}

// oneOf reads a text from a choice; absent is the default.
func (m seedMap) oneOf(key, absent string, choice ...string) string {
	if !m.has(key) {
		return absent
	}
	text := m.text(key)
	if !slices.Contains(choice, text) {
		m.r.refuse(m.at(key), "%q is none of %s", text, strings.Join(slices.DeleteFunc(slices.Clone(choice), func(s string) bool { return s == "" }), ", "))
	}
	return text
}

// number reads a whole number; absent or null is 0.
func (m seedMap) number(key string) int64 { return m.r.number(m.at(key), m.v[key]) }

func (r *seedReader) number(path string, v any) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case int:
		return int64(v)
	case int64:
		return v
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	r.refuse(path, "must be a whole number, but it is %s", shapeOf(v))
	return 0
}

func (m seedMap) bool(key string, absent bool) bool {
	switch v := m.v[key].(type) {
	case nil:
		return absent
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	case int:
		if v == 0 || v == 1 {
			return v == 1
		}
	}
	m.r.refuse(m.at(key), "must be true or false, but it is %s", shapeOf(m.v[key]))
	return absent
}

// numbers reads a list of whole numbers.
func (m seedMap) numbers(key string) []int64 {
	var out []int64
	for i, v := range m.r.list(m.at(key), m.v[key]) {
		out = append(out, m.r.number(item(m.at(key), i), v))
	}
	return out
}

// texts reads a list of texts.
func (m seedMap) texts(key string) []string {
	var out []string
	for i, v := range m.r.list(m.at(key), m.v[key]) {
		one := seedMap{m.r, m.path, map[string]any{item(key, i): v}}
		out = append(out, one.text(item(key, i)))
	}
	return out
}

// moment reads a time: "3d ago", or a date, or a date and time, in the
// company's zone unless it says otherwise. Absent or null is no time.
func (m seedMap) moment(key string) time.Time {
	if t, ok := m.v[key].(time.Time); ok {
		return t.UTC()
	}
	text := strings.TrimSpace(m.text(key))
	if text == "" {
		return time.Time{}
	}
	if text == "now" {
		return m.r.now
	}
	if back, ok := strings.CutSuffix(text, " ago"); ok {
		if d, ok := parseSpell(back); ok {
			return m.r.now.Add(-d)
		}
	} else if t, ok := parseMoment(text, m.r.loc); ok {
		return t.UTC()
	}
	m.r.refuse(m.at(key), "%q is no time; write \"3d ago\", \"2h30m ago\", 2026-07-17 or 2026-07-17T10:00:00Z", text)
	return time.Time{}
}

// spell reads a duration such as 90s, 15m, 2h or 3d; a bare number is seconds.
func (m seedMap) spell(key string) time.Duration {
	text := m.text(key)
	if text == "" {
		return 0
	}
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(n) * time.Second
	}
	d, ok := parseSpell(text)
	if !ok {
		m.r.refuse(m.at(key), "%q is no duration; write 90s, 15m, 2h or 3d", text)
	}
	return d
}

// parseSpell reads Go durations with weeks and days before them: "1w", "2d12h".
func parseSpell(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	var sum time.Duration
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		digits, rest, ok := strings.Cut(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 16)
		if err != nil {
			return 0, false
		}
		sum += time.Duration(n) * unit.is
		if text = strings.TrimSpace(rest); text == "" {
			return sum, true
		}
	}
	d, err := time.ParseDuration(text)
	return sum + d, err == nil && d >= 0
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func orTop(path string) string {
	if path == "" {
		return "seed"
	}
	return path
}

// shapeOf says what a value is, for problems.
func shapeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("the text %q", v)
	case bool:
		return "a boolean"
	default:
		return fmt.Sprintf("%v", v)
	}
}
