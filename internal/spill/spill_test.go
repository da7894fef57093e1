package spill

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is a record: b says where it stood among those of equal a.
type pair struct{ a, b int }

func byBoth(x, y pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) }

func formIn(dir string, chunk int) Form[pair] {
	return Form[pair]{
		Dir: dir, Chunk: chunk, Compare: byBoth,
		Append: func(b []byte, p pair) ([]byte, error) {
			return binary.AppendVarint(binary.AppendVarint(b, int64(p.a)), int64(p.b)), nil
		},
		Read: func(b []byte) (pair, error) {
			x, n := binary.Varint(b)
			y, _ := binary.Varint(b[n:])
			return pair{int(x), int(y)}, nil
		},
	}
}

// An Order gives what slices.SortFunc gives, whatever goes through its file.
func TestOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, chunk := range []int{1, 2, 7, 100, 0} {
		for _, size := range []int{0, 1, 2, 99, 100, 101, 1000} {
			dir := t.TempDir()
			o := New(t.Context(), formIn(dir, chunk))
			var want, got []pair
			for i := range size {
				p := pair{random.IntN(1 + size/3), i}
				want = append(want, p)
				require.NoError(t, o.Add(p))
			}
			slices.SortFunc(want, byBoth)
			for p, err := range o.All() {
				require.NoError(t, err)
				got = append(got, p)
			}
			o.Close()
			require.Equal(t, want, got, "%d records by %d", size, chunk)
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		}
	}
}

// Whoever closes an Order in its middle leaves neither files nor goroutines.
func TestAnOrderIsLeftWhereverItStands(t *testing.T) {
	for name, leave := range map[string]func(o *Order[pair]){
		"at once":      func(*Order[pair]) {},
		"while adding": func(o *Order[pair]) { _ = o.Add(pair{1, 1}) },
		"while reading": func(o *Order[pair]) {
			for i := range 1000 {
				_ = o.Add(pair{i, i})
			}
			for range o.All() {
				return
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, before := t.TempDir(), runtime.NumGoroutine()
			o := New(t.Context(), formIn(dir, 10))
			leave(o)
			o.Close()
			for range 5000 { // require.Eventually would add one itself
				if runtime.NumGoroutine() <= before {
					break
				}
				time.Sleep(time.Millisecond)
			}
			require.LessOrEqual(t, runtime.NumGoroutine(), before)
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestAnOrderSaysWhatWentWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	bad := errors.New("a bit was flipped")
	unwritable, unreadable := formIn(t.TempDir(), 10), formIn(t.TempDir(), 10)
	unwritable.Append = func([]byte, pair) ([]byte, error) { return nil, bad }
	unreadable.Read = func([]byte) (pair, error) { return pair{}, bad }
	ended, end := context.WithCancelCause(t.Context())
	enough := errors.New("somebody stopped it")
	end(enough)
	for name, c := range map[string]struct {
		ctx  context.Context
		form Form[pair]
		want string
	}{
		"no folder":  {t.Context(), formIn(file, 10), "put records aside in " + file + ": "},
		"unwritable": {t.Context(), unwritable, bad.Error()},
		"unreadable": {t.Context(), unreadable, bad.Error()},
		"ended":      {ended, formIn(t.TempDir(), 10), enough.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			o := New(c.ctx, c.form)
			defer o.Close()
			var err error
			for i := 0; i < 1000 && err == nil; i++ {
				err = o.Add(pair{i, i})
			}
			if err == nil {
				for _, err = range o.All() {
					if err != nil {
						break
					}
				}
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
