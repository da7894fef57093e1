package planfile

import (
	"bytes"
	"crypto/sha256"
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
