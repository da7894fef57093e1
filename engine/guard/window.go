package guard

import (
	"strings"
	"time"
)

// WhatsApp is the window of WhatsApp's business transports: for a day after the
// client has last written a free text may be sent, at any other time a template
// alone.
const WhatsApp = "whatsapp"

// whatsAppWindow is how long the window stays open.
const whatsAppWindow = 24 * time.Hour

// Free reports whether a free text may be sent to somebody who last wrote then;
// nil is never.
func Free(lastWrote *time.Time, now time.Time) bool {
	return lastWrote != nil && now.Sub(*lastWrote) < whatsAppWindow
}

// templateMark is the first line of a text that stands for an approved template.
const templateMark = "@HSM@"

// IsTemplate reports whether a text stands for an approved template.
func IsTemplate(text string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
	return strings.TrimSpace(first) == templateMark
}

// HasWindow reports whether a transport is one of WhatsApp's business transports.
func HasWindow(transport string) bool {
	return strings.HasPrefix(strings.ToLower(transport), "wa_")
}

// ClosedReason says why a free text is not sent.
const ClosedReason = "window: the client last wrote to WhatsApp more than 24 hours ago, so only a template (@HSM@) may be sent"

// UnsureReason is ClosedReason where nobody knows the transport.
const UnsureReason = "window: the client last wrote more than 24 hours ago, and the message may go by WhatsApp; name its transport, or send a template (@HSM@)"
