package planfile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/golden"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// allRecords has every record type with every field.
func allRecords() []any {
	at := now.Add(-time.Hour)
	counts := planfile.Counts{Iterations: 9, Planned: 1, AlreadySent: 2, LeftOut: 3, Duplicate: 4, Unknown: 5, Refused: 6, Changed: 7}
	values := func(v any) planfile.Members { return planfile.Members{"x": v} }
	return []any{
		planfile.Header{
			Type: "header", Version: planfile.Version, Run: "r1", Stage: 1, Stages: 2, Now: now, Expires: now.Add(24 * time.Hour),
			Flow: "f", File: "f.yaml", FlowHash: "h", FlowText: "flow: f\n", Inputs: values(1.0), Env: map[string]string{"STAGE": "x"},
			InputsHash: "i", Campaign: "default", Accounts: map[string]string{"api": "17"}, Lineage: "l", Serial: 3, MaxSends: 5, Sandbox: true,
		},
		planfile.Send{
			Type: "send", Seq: 1, Step: "send", Unit: 2, Item: []int{0, 3}, Status: planfile.StatusAlreadySent, Reason: "why", Since: &at,
			Message: 99, Changed: true, Identity: "id", Account: "a", Key: "k", Period: "2026-W12", Contact: 101, Content: "c", Args: values("привет <&>"),
		},
		planfile.Local{Type: "local", Seq: 2, Step: "file", Unit: 3, Item: []int{1}, Args: values(nil)},
		planfile.Item{
			Type: "item", Loop: "each", Unit: 2, Item: []int{0, 3}, Status: "left_out", Reason: "if", Sends: []int64{1, 2},
			Outputs: values([]any{1}), Scope: values(now),
		},
		planfile.Step{Type: "step", Step: "each", Status: "planned", Reason: "r", Outputs: values(planfile.StreamMark("a.b")), Sends: counts},
		planfile.Row{Type: "row", Stream: "a.b", Value: planfile.Value{V: map[string]any{"$x": time.Second}}},
		planfile.LeftOut{Type: "leftOut", Step: "recent", Reason: "old", Count: 8},
	}
}

var theEnd = planfile.End{
	Counts: planfile.Counts{Iterations: 1, Planned: 1}, Calls: 12, Later: []planfile.Later{{Step: "thanks"}},
}

// write writes a plan and gives its path and hash.
func write(t testing.TB, records ...any) (path, hash string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "plan.jsonl")
	w, err := planfile.Create(path)
	require.NoError(t, err)
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	plan, err := w.Close(theEnd)
	require.NoError(t, err)
	read, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, read, plan)
	return path, plan.End.Hash
}

func TestRecordsComeBack(t *testing.T) {
	path, hash := write(t, allRecords()...)
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, allRecords()[0], plan.Head)
	want := theEnd
	want.Type, want.Hash = "end", hash
	require.Equal(t, want, plan.End)
	require.Len(t, hash, 64)

	var got []any
	for r, err := range planfile.Records(path) {
		require.NoError(t, err)
		got = append(got, r)
	}
	require.Equal(t, append(allRecords(), want), got)

	n := 0
	for range planfile.Records(path) {
		if n++; n == 2 {
			break
		}
	}
	require.Equal(t, 2, n)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "a plan holds names and phones")
	_, err = os.Stat(path + ".part")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The names in the file are a promise: other programs read plans.
func TestTheFormOfAPlan(t *testing.T) {
	path, _ := write(t, allRecords()...)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	golden.Equal(t, filepath.Join("testdata", "all.jsonl"), string(b))
}

func TestTheHashCoversEverything(t *testing.T) {
	path, first := write(t, allRecords()...)
	_, second := write(t, allRecords()...)
	require.Equal(t, first, second, "equal plans have equal hashes")
	_, shorter := write(t, allRecords()[:6]...)
	require.NotEqual(t, first, shorter)

	w, err := planfile.Create(path)
	require.NoError(t, err)
	for _, r := range allRecords() {
		require.NoError(t, w.Write(r))
	}
	other := theEnd
	other.Calls++
	third, err := w.Close(other)
	require.NoError(t, err)
	require.NotEqual(t, first, third.End.Hash, "the counts of the end are part of it")
}

// small is a plan short enough to be broken at every byte.
func small(t testing.TB) (path string, good []byte) {
	path, _ = write(t,
		planfile.Header{Type: "header", Version: planfile.Version, Run: "r", Stages: 1, Now: now, Expires: now, Flow: "f", Inputs: planfile.Members{}},
		planfile.Send{Type: "send", Seq: 1, Step: "s", Status: planfile.StatusPlanned, Contact: 101, Args: planfile.Members{"message": "hi"}},
	)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	return path, good
}

func refuse(t *testing.T, path string, content []byte, format string, args ...any) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, content, 0o600))
	_, err := planfile.Check(path)
	var broken *planfile.Error
	if !errors.As(err, &broken) {
		t.Fatalf("accepted: "+format, args...)
	}
	if broken.Path != path || broken.Reason == "" || !strings.HasPrefix(err.Error(), "read plan "+path+": ") {
		t.Fatalf("unhelpful: %v", err)
	}
}

func TestAPlanCutAnywhereIsRefused(t *testing.T) {
	path, good := small(t)
	for n := range good {
		refuse(t, path, good[:n], "the first %d bytes", n)
	}
}

func TestAPlanChangedAnywhereIsRefused(t *testing.T) {
	path, good := small(t)
	for i := range good {
		for _, flip := range []byte{1, 32, 128} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			refuse(t, path, bad, "byte %d changed from %q to %q", i, good[i], bad[i])
		}
	}
}

func TestAPlanWithBytesInsertedOrRemovedIsRefused(t *testing.T) {
	path, good := small(t)
	for i := range good {
		refuse(t, path, append(bytes.Clone(good[:i]), good[i+1:]...), "without byte %d", i)
		for _, b := range []byte(" \n0") {
			refuse(t, path, append(append(bytes.Clone(good[:i]), b), good[i:]...), "with %q before byte %d", b, i)
		}
	}
	for _, more := range []string{"\n", " ", "{}\n", "x", string(good)} {
		refuse(t, path, append(bytes.Clone(good), more...), "with %q at the end", more)
	}
}

func TestEveryOrderOfLinesButTheRightOneIsRefused(t *testing.T) {
	path, good := small(t)
	l := bytes.SplitAfter(good, []byte("\n"))[:3]
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}, {0, 1}, {0, 2}, {1, 2}, {0, 0, 1, 2}, {0, 1, 1, 2}, {0, 1, 2, 2}} {
		var bad []byte
		for _, i := range order {
			bad = append(bad, l[i]...)
		}
		refuse(t, path, bad, "lines %v", order)
	}
}

func TestWhyAPlanIsRefused(t *testing.T) {
	path, good := small(t)
	lines := strings.SplitAfter(string(good), "\n")
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "it ends too early: the end record is missing"},
		{"another file", "flow: x\n", "line 1: this is no record of a plan"},
		{"no type", "{\"a\":1}\n", "line 1: this is no record of a plan"},
		{"unknown type", `{"type":"other"}` + "\n", "line 1: this is no record of a plan"},
		{"type without an end", `{"type":"send` + "\n", "line 1: this is no record of a plan"},
		{"no header", lines[1], "line 1: a plan begins with a header"},
		{"two headers", lines[0] + lines[0], "line 2: a second header"},
		{"broken header", `{"type":"header","version":"one"}` + "\n", "line 1: the header cannot be read"},
		{"another version", `{"type":"header","version":2}` + "\n", "line 1: the plan has version 2, this program reads version 1"},
		{"broken end", lines[0] + `{"type":"end","calls":"x"}` + "\n", "line 2: the end cannot be read"},
		{"no hash", lines[0] + `{"type":"end"}` + "\n", "it was changed after it was made"},
		{"cut", string(good[:len(good)-1]), "line 3: the last line is cut off"},
		{"no end", lines[0] + lines[1], "it ends too early"},
		{"something more", string(good) + lines[1], "line 4: something stands after the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			_, err := planfile.Check(path)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRecordsStopAtWhatTheyCannotRead(t *testing.T) {
	path, good := small(t)
	lines := strings.SplitAfter(string(good), "\n")
	for name, content := range map[string]string{
		"no record":     lines[0] + "x\n",
		"broken record": lines[0] + `{"type":"send","seq":"x"}` + "\n",
		"broken value":  lines[0] + `{"type":"row","value":{"$x":1}}` + "\n",
		"cut":           lines[0] + lines[1][:10],
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			var seen int
			var last error
			for r, err := range planfile.Records(path) {
				if seen++; err != nil {
					require.Nil(t, r)
					last = err
				}
			}
			require.Equal(t, 2, seen)
			var broken *planfile.Error
			require.ErrorAs(t, last, &broken)
			require.Equal(t, 2, broken.Line)
		})
	}
}

func TestLongLines(t *testing.T) {
	text := strings.Repeat("длинно ", 1<<17) // more than the buffer of any reader
	path, _ := write(t, planfile.Header{Type: "header", Version: planfile.Version, FlowText: text}, planfile.Row{Type: "row", Value: planfile.Value{V: text}})
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, text, plan.Head.FlowText)
	var got any
	for r, err := range planfile.Records(path) {
		require.NoError(t, err)
		if row, ok := r.(planfile.Row); ok {
			got = row.Value.V
		}
	}
	require.Equal(t, text, got)

	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(17<<20)) // zeroes, and no newline anywhere
	require.NoError(t, f.Close())
	_, err = planfile.Check(path)
	require.ErrorContains(t, err, "line 1: a record is longer than 16777216 bytes")
}

func TestMissingFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.jsonl")
	_, err := planfile.Check(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, err := range planfile.Records(path) {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	_, err = planfile.Create(filepath.Join(path, "plan.jsonl"))
	require.ErrorContains(t, err, "write plan: ")
	_, err = planfile.Check(t.TempDir())
	require.Error(t, err, "a folder is no plan")
}

func TestAbortLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.jsonl")
	w, err := planfile.Create(path)
	require.NoError(t, err)
	require.NoError(t, w.Write(allRecords()[0]))
	w.Abort()
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAnOlderPlanStaysUntilTheNewOneIsWhole(t *testing.T) {
	path, good := small(t)
	w, err := planfile.Create(path)
	require.NoError(t, err)
	require.NoError(t, w.Write(allRecords()[0]))
	err = w.Write(planfile.Row{Type: "row", Value: planfile.Value{V: step.NewSecret("t0ken")}})
	require.ErrorContains(t, err, "a secret cannot be written down")
	require.NotContains(t, err.Error(), "t0ken")
	w.Abort()
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, good, now)
}

func TestWriterErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.jsonl")
	w, err := planfile.Create(path)
	require.NoError(t, err)
	require.NoError(t, w.Write(allRecords()[0]))
	require.NoError(t, os.Mkdir(path, 0o700)) // the place is taken by a folder
	_, err = w.Close(theEnd)
	require.ErrorContains(t, err, "write plan "+path)
	_, err = os.Stat(path + ".part")
	require.ErrorIs(t, err, os.ErrNotExist)

	w, err = planfile.Create(filepath.Join(dir, "other.jsonl"))
	require.NoError(t, err)
	w.Abort() // the file is closed from here on
	long := planfile.Row{Type: "row", Value: planfile.Value{V: strings.Repeat("x", 1<<17)}}
	require.ErrorContains(t, w.Write(long), "write plan ")
	_, err = w.Close(theEnd)
	require.ErrorContains(t, err, "write plan ")
}

func TestCounts(t *testing.T) {
	var c planfile.Counts
	for _, s := range []string{
		planfile.StatusPlanned, planfile.StatusAlreadySent, planfile.StatusAlreadySent, planfile.StatusLeftOut, planfile.StatusDuplicate,
		planfile.StatusUnknown, planfile.StatusRefused, planfile.StatusSent, "",
	} {
		c.Add(s)
	}
	require.Equal(t, planfile.Counts{Planned: 1, AlreadySent: 2, LeftOut: 1, Duplicate: 1, Unknown: 1, Refused: 1}, c)
	c.Plus(planfile.Counts{Iterations: 1, Planned: 2, AlreadySent: 3, LeftOut: 4, Duplicate: 5, Unknown: 6, Refused: 7, Changed: 8})
	require.Equal(t, planfile.Counts{Iterations: 1, Planned: 3, AlreadySent: 5, LeftOut: 5, Duplicate: 6, Unknown: 7, Refused: 8, Changed: 8}, c)
}

func FuzzCheck(f *testing.F) {
	_, good := small(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"type":"header","version":1}` + "\n" + `{"type":"end","hash":"x"}` + "\n"))
	f.Add([]byte("x\n"))
	path := filepath.Join(f.TempDir(), "fuzz.jsonl")
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		_, err := planfile.Check(path)
		if err == nil {
			for _, err := range planfile.Records(path) {
				if err != nil {
					break // a sealed plan may still hold a record that is none
				}
			}
			require.True(t, bytes.HasPrefix(content, []byte(`{"type":"header"`)))
			require.True(t, bytes.HasSuffix(content, []byte("\n")))
			return
		}
		var broken *planfile.Error
		require.ErrorAs(t, err, &broken)
	})
}
