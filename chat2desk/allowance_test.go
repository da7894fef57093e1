package chat2desk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAllowanceBoundsReadsAndSends(t *testing.T) {
	made := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		made++
		if r.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"data":{"message_id":1},"status":"success"}`))
			return
		}
		_, _ = w.Write([]byte(`{"data":{"companyID":1},"status":"success"}`))
	})
	a := NewAllowance(3)
	ctx := Within(t.Context(), a)
	_, err := c.Company(ctx)
	require.NoError(t, err)
	ready, err := c.WaitTurn(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, a.Left(), "leave to send is a call: what has leave must not fail for want of it")
	_, err = c.SendMessage(ready, Outgoing{ContactID: 1, Text: "hi"})
	require.NoError(t, err)
	_, err = c.SendMessage(ctx, Outgoing{ContactID: 1, Text: "hi"})
	require.NoError(t, err)
	require.Zero(t, a.Left())
	require.Equal(t, 3, made)

	_, err = c.SendMessage(ctx, Outgoing{ContactID: 1, Text: "hi"})
	e := problem(t, err)
	require.Equal(t, KindAllowance, e.Kind)
	require.Equal(t, NotSent, e.Delivery)
	require.False(t, e.Temporary())
	_, err = c.Company(ctx)
	require.Equal(t, KindAllowance, problem(t, err).Kind)
	_, err = c.WaitTurn(ctx)
	require.Equal(t, KindAllowance, problem(t, err).Kind)
	require.Equal(t, 3, made)
	_, err = c.Company(t.Context())
	require.NoError(t, err, "another context has no bound")
}
