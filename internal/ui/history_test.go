package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// asked gives n rows and says how much was written when each was asked for.
func asked(n int, b *bytes.Buffer, broken error, written *[]int) iter.Seq2[RowDocument, error] {
	return func(yield func(RowDocument, error) bool) {
		for i := range n {
			*written = append(*written, b.Len())
			if !yield(RowDocument{Seq: int64(i), Step: "send", Contact: 1000 + i, Status: "failed", Reason: "<gone>"}, nil) {
				return
			}
		}
		if broken != nil {
			yield(RowDocument{}, broken)
		}
	}
}

// The rows of a run are written as they come, and none is kept: a million of them
// take no memory.
func TestHistoryStreamsItsRows(t *testing.T) {
	var b bytes.Buffer
	var written []int
	h := HistoryDocument{RunDocument: RunDocument{ID: "r1"}, LeftOut: []ReasonDocument{}, NotShown: 2500}
	code := func(error) int { return 10 }
	require.NoError(t, WriteHistory(&b, h, asked(2500, &b, nil, &written), Document{OK: true}, code))
	for i := 1; i < len(written); i++ {
		require.Greater(t, written[i], written[i-1], "row %d was written before the next was asked for", i-1)
	}
	var doc Document
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.True(t, doc.OK)
	require.Len(t, doc.Run.Rows, 2500)
	require.Equal(t, 3499, doc.Run.Rows[2499].Contact)
	require.Equal(t, "<gone>", doc.Run.Rows[0].Reason)
	require.Zero(t, doc.Run.NotShown)

	b.Reset()
	require.NoError(t, WriteHistory(&b, h, asked(0, &b, nil, &written), Document{OK: true}, code))
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.Contains(t, b.String(), `"rows": [],`)

	// What broke off says so, and is a document all the same.
	b.Reset()
	lost := errors.New("the plan is cut off")
	require.ErrorIs(t, WriteHistory(&b, h, asked(3, &b, lost, &written), Document{OK: true}, code), lost)
	doc = Document{}
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.False(t, doc.OK)
	require.Equal(t, 10, doc.ExitCode)
	require.Equal(t, lost.Error(), doc.Error.Message)
	require.Len(t, doc.Run.Rows, 3)

	// As text, those with one reason stand together, so many at a time.
	b.Reset()
	written = nil
	require.NoError(t, Style{}.History(&b, ledger.Run{ID: "r1"}, h, asked(2500, &b, nil, &written)))
	require.Greater(t, written[batch], written[batch-1])
	require.Greater(t, written[2*batch], written[batch])
	for _, i := range []int{0, batch, 2499} {
		require.Contains(t, b.String(), fmt.Sprint(1000+i))
	}
	require.ErrorIs(t, Style{}.History(&b, ledger.Run{ID: "r1"}, h, asked(3, &b, lost, &written)), lost)
}
