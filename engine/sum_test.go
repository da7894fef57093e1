package engine

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

// FuzzSum holds the sum of a value against the form that ledgers have held it in
// from the beginning, that of encoding/json.
func FuzzSum(f *testing.F) {
	f.Add("Hello <b>Ann</b> & all\u2028\u2029\n\"\\", "name", 7, 1.5)
	f.Add("Привет 🙂\x00\x7f\xff", "$time", -1, 1e300)
	f.Add("", "<", 0, math.Copysign(0, -1))
	f.Fuzz(func(t *testing.T, text, name string, n int, x float64) {
		if x != x || x-x != 0 {
			return // no number has a form
		}
		v := map[string]any{name: text, "n": n, "x": x, "list": []any{nil, true, text}, "at": time.Unix(int64(n%1e9), 5).UTC(), "d": time.Duration(n)}
		form, err := json.Marshal(planfile.Value{V: v})
		require.NoError(t, err)
		got, _, err := sumOf(nil, v)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(form), got, "%s", form)
	})
}

// TestSumOfArguments pins the form: another sum would make each send of an earlier
// version look changed.
func TestSumOfArguments(t *testing.T) {
	got, err := hashOf(map[string]any{"contactId": 70013, "message": "Hello <Алма> & 15%\n"})
	require.NoError(t, err)
	require.Equal(t, "78e5db6f0f42c29ce39544a143a26bf443e40208b7b11463f8b95afd343fa160", got)
}
