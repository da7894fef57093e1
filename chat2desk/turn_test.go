package chat2desk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATurnServesOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("token", WithRate(1))
		require.NoError(t, err)
		ctx, err := c.WaitTurn(t.Context())
		require.NoError(t, err)
		began := time.Now()
		_, err = c.turn(ctx, "send message")
		require.NoError(t, err)
		require.Zero(t, time.Since(began), "the turn was waited for already")
		_, err = c.turn(ctx, "send message")
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(began), "it serves one call only")

		other, err := New("token", WithRate(1))
		require.NoError(t, err)
		ctx, err = c.WaitTurn(t.Context())
		require.NoError(t, err)
		_, err = other.turn(ctx, "send message")
		require.NoError(t, err)
		_, err = other.turn(ctx, "send message")
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, time.Since(began), "another client has a pace of its own")

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.WaitTurn(gone)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, KindCanceled, e.Kind)
	})
}
