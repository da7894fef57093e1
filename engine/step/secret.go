package step

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that must never be printed. Every printing path shows ***;
// only Reveal gives it up.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text itself. Its few callers put it into a request.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.text == "" }

// String, GoString, MarshalText and LogValue keep the text out of output.
func (s Secret) String() string { return "***" }

// GoString serves %#v.
func (s Secret) GoString() string { return "***" }

// Format serves package fmt whatever the verb: %d would show the fields of a
// struct that only has a String method.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// MarshalText serves encoding/json and friends.
func (s Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue serves log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue("***") }
