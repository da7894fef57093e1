package engine

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// What failed is asked for again, what was told is not.
func TestLinksForgetWhatFailed(t *testing.T) {
	l, asked, refused := NewLinks(), 0, errors.New("no route to host")
	ask := func() (any, error) {
		if asked++; asked == 1 {
			return nil, refused
		}
		return "acme", nil
	}
	_, err := l.value("account", ask)
	require.ErrorIs(t, err, refused)
	for range 2 {
		name, err := l.value("account", ask)
		require.NoError(t, err)
		require.Equal(t, "acme", name)
	}
	require.Equal(t, 2, asked)
}
