package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was accepted is given back as it was, over many blocks: all of it, by client, and by
// message.
func TestAcceptedList(t *testing.T) {
	l := newAcceptedList()
	require.Zero(t, l.count())
	require.Empty(t, l.all())
	require.Empty(t, l.of(1))
	var all []Accepted
	of := map[int64][]Accepted{}
	for n := 1; len(l.lines) < 3; n++ {
		a := Accepted{
			N: n, At: noon, ClientID: int64(n % 7), Text: strings.Repeat("a \"text\"\n ", n%50*40), ChannelID: 1, Transport: "telegram", Type: "to_client",
			ExternalID: fmt.Sprint("x", n), MessageID: int64(1000 + 3*n),
		}
		if n%5 == 0 {
			a.OperatorID, a.Attachment = 301, "https://example.com/a.pdf"
		}
		l.add(&a, a.appendLine(nil))
		all = append(all, a)
		of[a.ClientID] = append(of[a.ClientID], a)
	}
	require.Equal(t, len(all), l.count())
	require.Equal(t, len(all), l.lastN)
	require.Equal(t, all, l.all())
	for client := range int64(8) {
		require.Equal(t, of[client], l.of(client))
	}
	for _, want := range all {
		got, found := l.message(want.MessageID)
		require.True(t, found)
		require.Equal(t, want, got)
		_, found = l.message(want.MessageID + 1)
		require.False(t, found)
	}
	for _, block := range l.lines {
		require.LessOrEqual(t, len(block), acceptedBlock)
	}
}
