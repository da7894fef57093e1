package steps

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func TestKeys(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	moscow := noon.In(time.FixedZone("", 3*3600))
	equal := [][2]any{
		{1, 1.0},
		{noon, moscow},
		{[]any{1, nil}, []any{1.0, nil}},
		{math.NaN(), math.NaN()},
		{obj{"a": 1, "b": noon, "c": true}, obj{"c": true, "b": moscow, "a": 1.0}},
		{step.NewSecret("x"), step.NewSecret("x")},
		{time.Minute, 60 * time.Second},
		{[]any{step.NewSecret("x"), time.Hour, 0.5}, []any{step.NewSecret("x"), time.Hour, 0.5}},
		{step.StreamList([]any{1}), step.StreamList([]any{1})},
	}
	for _, e := range equal {
		require.Equal(t, keyOf(e[0]), keyOf(e[1]), "%v and %v", e[0], e[1])
	}
	different := []any{
		nil, true, false, 0, 1, 1.5, math.Inf(1), 1e300, "1", "true", noon, noon.Add(1), time.Second, step.NewSecret("x"), step.NewSecret("y"),
		[]any{},
		[]any{1},
		[]any{"1"},
		[]any{nil},
		[]any{[]any{}},
		[]any{1, 2},
		[]any{12},
		[]any{true},
		[]any{time.Duration(1)},
		[]any{0.5},
		[]any{step.NewSecret("1")},
		[]any{noon},
		obj{},
		obj{"a": 1},
		obj{"a": nil},
		obj{"b": 1},
		obj{"a": "b"},
		[]any{obj{}},
		[]any{"a", "b"},
		[]any{`a","b`},
		[]any{fs.ModeDir},
	}
	seen := map[any]any{}
	for _, v := range different {
		key := keyOf(v)
		other, ok := seen[key]
		require.False(t, ok, "%#v and %#v have one key", v, other)
		seen[key] = v
	}
}

func TestDurationsAsText(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"0s": 0, "1s": time.Second, "1m": time.Minute, "10m": 10 * time.Minute, "1h": time.Hour, "20h": 20 * time.Hour, "1h10m": 70 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "1d": 24 * time.Hour, "90d": 90 * 24 * time.Hour, "2d12h": 60 * time.Hour, "1d500ms": 24*time.Hour + 500*time.Millisecond,
		"-36h": -36 * time.Hour,
	} {
		require.Equal(t, text, durationText(d))
		back, err := parseDuration(text)
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
	for _, bad := range []string{"", "d", "xd", "-1d", "1d-1h", "99999999999d", "106751d9999h", "1dx", "soon"} {
		_, err := parseDuration(bad)
		require.Error(t, err, bad)
	}
}

func TestFileErrorsKeepTheirCause(t *testing.T) {
	_, ctx := newHost(t)
	_, err := kind(t, "read_csv").Run(ctx, obj{"path": "nothing.csv"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, fileError("x", nil))
	require.EqualError(t, fileError("x.csv", fs.ErrPermission), "x.csv: this user may not open it; check the file's permissions")
	require.EqualError(t, fileError("x.csv", errBroken), "x.csv: broken source")
}

func TestFilesNeedADirectory(t *testing.T) {
	h, ctx := newHost(t)
	h.dir = ""
	for name, args := range map[string]obj{
		"read_csv": {}, "read_json": {}, "write_csv": {"rows": []any{}}, "write_json": {"value": 1},
	} {
		args["path"] = "data"
		_, err := kind(t, name).Run(ctx, args)
		require.EqualError(t, err, "no directory in this test", name)
	}
	_, err := kind(t, "write_csv").Run(ctx, obj{"path": "data", "rows": []any{}, "mode": "append"})
	require.EqualError(t, err, "no directory in this test")
}

func TestFilesThatVanishBetweenProbeAndRead(t *testing.T) {
	h, ctx := newHost(t)
	h.put(t, "data.csv", "a\n1\n")
	h.put(t, "data.jsonl", "1\n")
	csv, err := kind(t, "read_csv").Run(ctx, obj{"path": "data.csv"})
	require.NoError(t, err)
	lines, err := kind(t, "read_json").Run(ctx, obj{"path": "data.jsonl", "lines": true})
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(h.dir, "data.csv")))
	require.NoError(t, os.Remove(filepath.Join(h.dir, "data.jsonl")))
	_, err = drainErr(t, csv, "rows")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = drainErr(t, lines, "rows")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAppendingSideBySide(t *testing.T) {
	h, ctx := newHost(t)
	k := kind(t, "write_csv")
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = k.Run(ctx, obj{"path": "log.csv", "mode": "append", "unique": "id", "rows": []any{obj{"id": i % 8}}})
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	outs, err := kind(t, "read_csv").Run(ctx, obj{"path": "log.csv"})
	require.NoError(t, err)
	require.Len(t, drain(t, outs, "rows"), 8)
	require.Equal(t, 8, h.left["already in log.csv"])
}
