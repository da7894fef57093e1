package chat2desk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheClockOfTheAPI(t *testing.T) {
	ours := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	theirs := ours.Add(-3 * time.Hour)
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", theirs.Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"status":"success","data":[],"meta":{"total":0}}`))
	}))
	c.now = func() time.Time { return ours }
	at, known := c.Now()
	require.False(t, known)
	require.Equal(t, ours, at)
	_, err := c.ListMessages(t.Context(), MessagesQuery{ContactID: 1})
	require.NoError(t, err)
	ours = ours.Add(time.Minute)
	at, known = c.Now()
	require.True(t, known)
	require.Equal(t, theirs.Add(time.Minute), at)
}
