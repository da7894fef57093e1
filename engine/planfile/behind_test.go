package planfile

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBlocksComeInTheirOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	sum := sha256.New()
	w := writeBehind(f, sum)
	var want []byte
	var block []byte
	for i := range 50 {
		n := blockBytes
		if i%7 == 0 {
			n *= 5 // a long record
		}
		block = append(block, bytes.Repeat([]byte{byte(i)}, n)...)
		want = append(want, block...)
		block, err = w.give(block)
		require.NoError(t, err)
		require.Empty(t, block)
		require.LessOrEqual(t, cap(block), 2*blockBytes, "what a long record took is not kept")
	}
	require.NoError(t, w.end([]byte("the rest")))
	want = append(want, "the rest"...)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	whole := sha256.Sum256(want)
	require.Equal(t, whole[:], sum.Sum(nil))
}

func TestABlockThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	f, err := os.Open(path) // for reading alone
	require.NoError(t, err)
	defer f.Close()

	w := writeBehind(f, sha256.New())
	block, err := w.give(make([]byte, blockBytes))
	if err == nil {
		_, err = w.give(block[:1])
	}
	require.ErrorContains(t, err, path, "with the second at the latest")
	require.Equal(t, err, w.end(nil), "and at the end once more")

	require.ErrorContains(t, writeBehind(f, sha256.New()).end([]byte("x")), path)
}

func TestARecordThatCannotBeWrittenLeavesTheOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.jsonl")
	w, err := Create(path)
	require.NoError(t, err)
	require.NoError(t, w.Write(Header{Type: "header", Version: Version}))
	row := Row{Type: "row", Stream: "s"}
	for range 3 {
		require.NoError(t, w.Write(row))
		row.Value.V = make(chan int)
		require.ErrorContains(t, w.Write(row), "chan int has no form in a plan")
		row.Value.V = "text"
	}
	_, err = w.Close(End{})
	require.NoError(t, err)
	_, err = Check(path)
	require.NoError(t, err)
	n := 0
	for line, err := range Lines(path) {
		require.NoError(t, err)
		if line.Type == "row" {
			n++
		}
	}
	require.Equal(t, 3, n)
}

// What cannot be made durable on its way is told like what cannot be written, also where
// the last block brings it. A pipe takes what is written and cannot be synced.
func TestBlocksThatCannotBeSynced(t *testing.T) {
	for blocks := syncBlocks - 1; blocks <= syncBlocks+3; blocks++ {
		r, f, err := os.Pipe()
		require.NoError(t, err)
		read := make(chan int64, 1)
		go func() {
			n, _ := io.Copy(io.Discard, r)
			read <- n
		}()
		w := writeBehind(f, sha256.New())
		var told []int
		for n := 1; n < blocks; n++ {
			if _, err := w.give([]byte("x")); err != nil {
				require.ErrorContains(t, err, "sync")
				told = append(told, n)
			}
		}
		err = w.end([]byte("x"))
		require.NoError(t, f.Close())
		if blocks < syncBlocks {
			require.NoError(t, err)
			require.Equal(t, int64(blocks), <-read)
			continue
		}
		require.ErrorContains(t, err, "sync", "%d blocks", blocks)
		require.Equal(t, int64(syncBlocks), <-read, "nothing is written after it")
		if blocks == syncBlocks+3 {
			require.Equal(t, []int{syncBlocks + 2}, told)
		}
		require.NoError(t, r.Close())
	}
}
