package planfile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func writePlan(t testing.TB, sends iterSends) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.jsonl")
	w, err := Create(path)
	require.NoError(t, err)
	require.NoError(t, w.Write(Header{Type: "header", Version: Version}))
	n := int64(0)
	sends(func(s Send) {
		n++
		s.Type, s.Seq = "send", n
		if s.Identity == "" && s.Key != "" {
			s.Identity = s.Step + "/" + s.Key + "/" + s.Period
		}
		require.NoError(t, w.Write(s))
	})
	_, err = w.Close(End{})
	require.NoError(t, err)
	return path
}

type iterSends func(func(Send))

func sends(list ...Send) iterSends {
	return func(each func(Send)) {
		for _, s := range list {
			each(s)
		}
	}
}

func planned(key, content string) Send {
	return Send{Step: "send", Key: key, Status: StatusPlanned, Content: content}
}

func changes(t testing.TB, before, after string, rows int) (all []string, n DiffCounts) {
	t.Helper()
	dir := t.TempDir()
	n, err := diff(before, after, dir, rows, func(c Change) error {
		all = append(all, fmt.Sprintf("%s %s %s%s→%s%s", c.Kind, c.Send().Key, c.Before.Status, c.Before.Content, c.After.Status, c.After.Content))
		return nil
	})
	require.NoError(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	return all, n
}

func TestDiff(t *testing.T) {
	before := writePlan(t, sends(
		planned("10", "a"), planned("9", "a"), planned("2", "a"), planned("x", "a"),
		Send{Step: "send", Key: "3", Status: StatusPlanned, Content: "c"},
		Send{Step: "send", Key: "4", Status: StatusLeftOut, Reason: "opted out"},
		Send{Step: "send", Key: "5", Status: StatusRefused, Content: "c"},
		Send{Step: "send", Status: StatusLeftOut, Reason: "an if"},
	))
	after := writePlan(t, sends(
		planned("9", "b"), planned("10", "a"), planned("11", "a"), planned("11", "a"),
		Send{Step: "send", Key: "11", Status: StatusDuplicate, Content: "a"},
		Send{Step: "send", Key: "3", Status: StatusAlreadySent, Content: "d"},
		Send{Step: "send", Key: "4", Status: StatusLeftOut, Reason: "the cap"},
		Send{Step: "send", Key: "5", Status: StatusRefused, Content: "d"},
		Send{Step: "another", Key: "1", Status: StatusPlanned},
	))
	want := []string{
		"came 1 →planned", "left 2 planneda→", "decision 3 plannedc→already_sentd", "decision 4 left_out→left_out",
		"text 9 planneda→plannedb", "came 11 →planneda", "came 11 →planneda", "left x planneda→",
	}
	for _, rows := range []int{1, 2, 3, 100} {
		got, n := changes(t, before, after, rows)
		require.Equal(t, want, got)
		require.Equal(t, DiffCounts{Same: 2, Came: 3, Left: 2, Text: 1, Decision: 2}, n)
		require.True(t, n.Changed())
	}
	got, n := changes(t, before, before, 2)
	require.Empty(t, got)
	require.Equal(t, DiffCounts{Same: 7}, n)
	require.False(t, n.Changed())
}

// TestDiffOfRandomPlans finds exactly what a comparison of two maps finds.
func TestDiffOfRandomPlans(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		make := func() (map[string]string, iterSends) {
			all := map[string]string{}
			var list []Send
			for _, n := range dice.Perm(40) {
				if dice.IntN(3) == 0 {
					continue
				}
				s := planned(fmt.Sprint(n), string(rune('a'+dice.IntN(2))))
				all[s.Key] = s.Content
				list = append(list, s)
			}
			return all, sends(list...)
		}
		a, before := make()
		b, after := make()
		var want []string
		for key, text := range a {
			switch now, ok := b[key]; {
			case !ok:
				want = append(want, "left "+key)
			case now != text:
				want = append(want, "text "+key)
			}
		}
		for key := range b {
			if _, ok := a[key]; !ok {
				want = append(want, "came "+key)
			}
		}
		var got []string
		all, _ := changes(t, writePlan(t, before), writePlan(t, after), 1+dice.IntN(15))
		for _, line := range all {
			got = append(got, strings.Join(strings.Fields(line)[:2], " "))
		}
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got)
	}
}

func TestDiffPassesErrorsOn(t *testing.T) {
	good := writePlan(t, sends(planned("1", "a")))
	none := filepath.Join(t.TempDir(), "none")
	_, err := Diff(good, none, "", nil)
	require.ErrorContains(t, err, "none")
	_, err = Diff(none, good, "", nil)
	require.ErrorContains(t, err, "none")
	_, err = diff(good, good, good, 1, nil)
	require.ErrorContains(t, err, "sort plan: put records aside in "+good)
	full := errors.New("full")
	_, err = Diff(good, writePlan(t, sends()), "", func(Change) error { return full })
	require.ErrorIs(t, err, full)
}

// TestDiffOfLargePlansInLittleMemory compares two plans whose rows would fill the
// memory that it may use many times.
func TestDiffOfLargePlansInLittleMemory(t *testing.T) {
	const people = 60_000
	plan := func(text string) string {
		return writePlan(t, func(each func(Send)) {
			for n := range people {
				s := planned(fmt.Sprint((n*7919)%people), strings.Repeat(text, 64))
				s.Args = Members{"message": strings.Repeat(text, 400)}
				each(s)
			}
		})
	}
	before, after := plan("a"), plan("b")
	runtime.GC()
	var start, now runtime.MemStats
	runtime.ReadMemStats(&start)
	peak, seen := uint64(0), 0
	n, err := Diff(before, after, t.TempDir(), func(Change) error {
		if seen++; seen%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, start.HeapAlloc))
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, DiffCounts{Text: people}, n)
	require.Less(t, peak, uint64(16<<20), "bytes in use while it compares")
}
