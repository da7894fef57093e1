package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/step"
)

// readJSON reads one JSON value as expressions have it.
func readJSON(name string, text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something stands after the value")
		}
	}
	if err != nil {
		return nil, &usageError{fmt.Sprintf("%s is no JSON: %s", name, err), `write it in single quotes: --item '{"name": "Anna"}'`}
	}
	return step.FromJSON(v), nil
}

// readData reads a JSON or YAML file as expressions have it.
func readData(file string) (any, error) {
	if strings.EqualFold(filepath.Ext(file), ".json") {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fileError("read", file, err)
		}
		return readJSON(file, text)
	}
	node, src, err := readNode(file)
	if err != nil {
		return nil, withSource(err, src)
	}
	return node.Data(plainScalar), nil
}

// plainScalar is a scalar where plain numbers and booleans are such.
func plainScalar(n *flow.Node) any {
	switch {
	case n.Style != flow.Plain:
		return n.Text
	case n.Text == "true", n.Text == "false":
		return n.Text == "true"
	}
	dec := json.NewDecoder(strings.NewReader(n.Text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err == nil && dec.InputOffset() == int64(len(n.Text)) {
		if number, ok := v.(json.Number); ok {
			return step.FromJSON(number)
		}
	}
	return n.Text
}

// plainJSON is a value in JSON, times and durations as texts.
func plainJSON(v any) any {
	switch x := v.(type) {
	case time.Duration:
		return x.String()
	case step.Secret:
		return "***"
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = plainJSON(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = plainJSON(e)
		}
		return out
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
	}
	return v
}

const (
	shownRecords = 20 // of a list
	shownWidth   = 100
)

// shownValue is a value in the notation of the language, wide ones over several
// lines.
func shownValue(v any) string { return shownAt(v, "") }

func shownAt(v any, indent string) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return quotedText(x)
	case float64:
		text := strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.ContainsAny(text, ".IN") {
			text += ".0"
		}
		return text
	case time.Time:
		return x.Format("2006-01-02 15:04:05 -07:00")
	case time.Duration:
		return x.String()
	case step.Secret:
		return "***"
	case []any:
		var parts []string
		for i, e := range x {
			if i == shownRecords {
				parts = append(parts, fmt.Sprintf("… %d more", len(x)-i))
				break
			}
			parts = append(parts, shownAt(e, indent+"  "))
		}
		return wrapped("[", parts, "]", indent)
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(x)) {
			key := name
			if !plainKey(name) {
				key = strconv.Quote(name)
			}
			parts = append(parts, key+": "+shownAt(x[name], indent+"  "))
		}
		return wrapped("{", parts, "}", indent)
	}
	return fmt.Sprint(v)
}

// quotedText quotes a text; what can be seen stays as it is.
func quotedText(s string) string {
	q := strconv.Quote(s)
	return strings.NewReplacer(`\u200d`, "\u200d", `\ufe0f`, "\ufe0f").Replace(q)
}

func plainKey(s string) bool {
	for i, r := range s {
		if r != '_' && !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// wrapped joins parts in one line as long as it is short.
func wrapped(open string, parts []string, end, indent string) string {
	one := open + strings.Join(parts, ", ") + end
	if len(one) <= shownWidth && !strings.Contains(one, "\n") {
		return one
	}
	inner := indent + "  "
	return open + "\n" + inner + strings.Join(parts, ",\n"+inner) + "\n" + indent + end
}
