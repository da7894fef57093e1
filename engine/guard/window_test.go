package guard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/guard"
)

func TestFree(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]bool{
		-time.Minute: true, 0: true, 23*time.Hour + 59*time.Minute: true, 24 * time.Hour: false, 30 * 24 * time.Hour: false,
	} {
		wrote := now.Add(-ago)
		require.Equal(t, want, guard.Free(&wrote, now), ago)
	}
	require.False(t, guard.Free(nil, now), "who never wrote has opened no window")
}

func TestIsTemplate(t *testing.T) {
	for text, want := range map[string]bool{
		"@HSM@\nclaims_13|ru\nAnna": true, " @HSM@ \r\nclaims_13|ru": true, "@HSM@": true,
		"": false, "Hello\n@HSM@\nclaims_13|ru": false, "@HSM@claims": false, "@hsm@\nx": false,
	} {
		require.Equal(t, want, guard.IsTemplate(text), text)
	}
}

func TestHasWindow(t *testing.T) {
	for transport, want := range map[string]bool{"wa_dialog": true, "WA_direct": true, "whatsapp": false, "telegram": false, "": false, "viber_wa_": false} {
		require.Equal(t, want, guard.HasWindow(transport), transport)
	}
}
