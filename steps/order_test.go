package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
	"github.com/flowrunner/flowrunner/internal/spill"
)

// anyKey gives values that are often equal, also written otherwise, and sometimes nil.
func anyKey(random *rand.Rand, of string, different int) any {
	n := random.IntN(different)
	switch {
	case random.IntN(9) == 0:
		return nil
	case of == "number" && random.IntN(2) == 0:
		return float64(n)
	case of == "number":
		return n
	case of == "time":
		at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
		return at.In(time.FixedZone("", 3600*random.IntN(3)))
	}
	return fmt.Sprint("text ", n)
}

// Lists that are put aside give what lists in memory would: sort, group and distinct are
// held against a few lines over a slice, with lists of less than one chunk and of several.
func TestLongListsAreOrderedAsShortOnes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, size := range []int{0, 1, 50, spill.Chunk, spill.Chunk + 1, 2*spill.Chunk + 77} {
		for _, of := range []string{"number", "text", "time"} {
			h, ctx := newHost(t)
			recs := make([]any, size)
			different := 1 + random.IntN(2*size+1)
			for i := range recs {
				recs[i] = obj{"at": i, "key": anyKey(random, of, different)}
			}
			t.Run(fmt.Sprint(size, " ", of), func(t *testing.T) {
				keyAt := func(i int) any { return recs[i].(obj)["key"] }
				at := func(i any) int { return i.(obj)["at"].(int) }
				places := func(list []any) (all []int) {
					for _, r := range list {
						all = append(all, at(r))
					}
					return all
				}

				for _, sign := range []int{1, -1} {
					var want []int
					for i := range recs {
						want = append(want, i)
					}
					slices.SortStableFunc(want, func(a, b int) int {
						x, y := keyAt(a), keyAt(b)
						if x == nil || y == nil {
							return cmp.Compare(btoi(x == nil), btoi(y == nil))
						}
						return sign * compare(x, y)
					})
					outs, err := kind(t, "sort").Run(ctx, obj{"items": recs, "by": field("key"), "order": map[int]string{1: "asc", -1: "desc"}[sign]})
					require.NoError(t, err)
					require.Equal(t, want, places(drain(t, outs, "items")))
				}

				var keys []any
				groups := map[any][]int{}
				var kept []int
				for i := range recs {
					key := keyOf(keyAt(i))
					if groups[key] == nil {
						keys = append(keys, key)
					}
					if key == nil || groups[key] == nil {
						kept = append(kept, i)
					}
					groups[key] = append(groups[key], i)
				}
				outs, err := kind(t, "group").Run(ctx, obj{"items": recs, "by": field("key")})
				require.NoError(t, err)
				got := drain(t, outs, "groups")
				require.Len(t, got, len(keys))
				for i, g := range got {
					require.Equal(t, keys[i], keyOf(g.(obj)["key"]))
					require.Equal(t, groups[keys[i]], places(g.(obj)["items"].([]any)))
					require.Equal(t, len(groups[keys[i]]), g.(obj)["count"])
				}

				for _, most := range []int{1, 1 + size/3, 2 * (size + 1)} {
					clear(h.left)
					out, err := distinct(ctx, distinctIn{Items: streamOf(recs), By: field("key")}, most)
					require.NoError(t, err)
					var all []int
					for r, err := range out.Items.All() {
						require.NoError(t, err)
						all = append(all, at(r))
					}
					require.Equal(t, kept, all, "%d in memory", most)
					require.Equal(t, size-len(kept), h.left["the same as an earlier record"])
				}
				left, err := os.ReadDir(h.dir)
				require.NoError(t, err)
				require.Empty(t, left, "nothing stays on the disk")
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func streamOf(recs []any) step.Stream[any] {
	return step.StreamOf(func(yield func(any, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	})
}

// Whoever leaves early, and whoever fails, leaves neither files nor goroutines.
func TestOrdersEndWhereverTheyAreLeft(t *testing.T) {
	for name, source := range map[string]step.Stream[any]{"left": counting(3*spill.Chunk, new(int)), "broken": broken(1, 2, 3)} {
		for kindName, param := range map[string]string{"sort": "items", "group": "groups", "distinct": "items"} {
			t.Run(name+" "+kindName, func(t *testing.T) {
				h, ctx := newHost(t)
				before := runtime.NumGoroutine()
				outs, err := kind(t, kindName).Run(ctx, obj{"items": source, "by": exprFunc(func(item any) (any, error) { return item.(int) / 2, nil })})
				require.NoError(t, err)
				if name == "left" {
					require.Len(t, first(t, outs, param, 3), 3)
				} else {
					_, err = drainErr(t, outs, param)
					require.ErrorIs(t, err, errBroken)
				}
				for range 5000 {
					if runtime.NumGoroutine() <= before {
						break
					}
					time.Sleep(time.Millisecond)
				}
				require.LessOrEqual(t, runtime.NumGoroutine(), before)
				left, err := os.ReadDir(h.dir)
				require.NoError(t, err)
				require.Empty(t, left)
			})
		}
	}
}

// brokenHost has no place for what does not fit into memory, or cannot write it.
type brokenHost struct {
	*fakeHost
	scratch step.Scratch
	err     error
}

func (h brokenHost) Scratch() (step.Scratch, error) { return h.scratch, h.err }

func TestWhatCannotBePutAsideIsSaid(t *testing.T) {
	h, ctx := newHost(t)
	whole, err := h.Scratch()
	require.NoError(t, err)
	file := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	noFolder, unwritable, unreadable := whole, whole, whole
	noFolder.Dir = file
	unwritable.Append = func(b []byte, v any) ([]byte, error) {
		if v == 3 {
			return b, errors.New("write value: a secret cannot be written down")
		}
		return whole.Append(b, v)
	}
	unreadable.Read = func([]byte) (any, error) { return nil, errors.New("a bit was flipped") }
	for name, c := range map[string]struct {
		host brokenHost
		want string
	}{
		"none":       {brokenHost{h, step.Scratch{}, errors.New("no folder for this run")}, "no folder for this run"},
		"no folder":  {brokenHost{h, noFolder, nil}, "put records aside"},
		"unwritable": {brokenHost{h, unwritable, nil}, "record 3 cannot be put aside: write value: a secret cannot be written down"},
		"unreadable": {brokenHost{h, unreadable, nil}, "read what was put aside: a bit was flipped"},
	} {
		for _, kindName := range []string{"sort", "group", "distinct"} {
			t.Run(name+" "+kindName, func(t *testing.T) {
				within := step.WithHost(context.WithoutCancel(ctx), c.host)
				var err error
				items := counting(3*spill.Chunk, new(int))
				switch kindName {
				case "sort":
					var out sortOut
					if out, err = sortRecords(within, sortIn{Items: items, By: exprFunc(self)}); err == nil {
						for _, err = range out.Items.All() {
							if err != nil {
								break
							}
						}
					}
				case "group":
					var out groupOut
					if out, err = group(within, groupIn{Items: items, By: exprFunc(self)}, maxCollected); err == nil {
						for _, err = range out.Groups.All() {
							if err != nil {
								break
							}
						}
					}
				default:
					var out distinctOut
					if out, err = distinct(within, distinctIn{Items: items}, 1); err == nil {
						for _, err = range out.Items.All() {
							if err != nil {
								break
							}
						}
					}
				}
				require.ErrorContains(t, err, c.want)
			})
		}
	}
}

// BenchmarkSort sorts a list of several chunks, and the same in memory, as a loop written by
// hand would.
func BenchmarkSort(b *testing.B) {
	recs := make([]any, 5*spill.Chunk)
	for i := range recs {
		recs[i] = obj{"id": i * 7919 % len(recs), "name": "Anna"}
	}
	b.Run("kind", func(b *testing.B) {
		_, ctx := newHost(b)
		for b.Loop() {
			out, err := sortRecords(ctx, sortIn{Items: streamOf(recs), By: field("id")})
			require.NoError(b, err)
			n := 0
			for _, err := range out.Items.All() {
				require.NoError(b, err)
				n++
			}
			require.Len(b, recs, n)
		}
	})
	b.Run("loop", func(b *testing.B) {
		for b.Loop() {
			all := slices.Clone(recs)
			slices.SortStableFunc(all, func(x, y any) int { return cmp.Compare(x.(obj)["id"].(int), y.(obj)["id"].(int)) })
		}
	})
}
