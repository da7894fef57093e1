package ui

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

const hostile = "said \x1b[2J that \u202e nobody knows, in so many words that one line of a terminal cannot hold them all"

// harmlessView draws, and checks that a terminal only draws it, in its width.
func harmlessView(t *testing.T, draw func(*bytes.Buffer)) string {
	t.Helper()
	var b bytes.Buffer
	draw(&b)
	narrow(t, b.String())
	require.NotContains(t, b.String(), "\x1b")
	require.NotContains(t, b.String(), "\u202e")
	return b.String()
}

func hostileRecord() ledger.Record {
	return ledger.Record{
		Identity: ledger.Identity{1}, State: ledger.Unknown, Run: "20260301-090000-abcdefgh", Seq: 7, Flow: "spring-\x1b[2Jsale", Campaign: strings.Repeat("march", 30),
		Step: "send", Period: "2026-03", Contact: 70012, Reason: hostile, Attempts: 3, Attempted: noon, At: noon, MessageID: 9001,
	}
}

func hostileDecision() ledger.Decided {
	return ledger.Decided{
		Decision: ledger.Decision{Identity: ledger.Identity{1}, State: ledger.Sent, MessageID: 9001, By: strings.Repeat("anna@host", 20), Reason: hostile, At: noon}, From: ledger.Unknown,
	}
}

func TestUnknownView(t *testing.T) {
	run := ledger.Run{ID: "20260301-100000-abcdefgh", Flow: "spring-sale"}
	got := harmlessView(t, func(b *bytes.Buffer) {
		Style{}.Unknown(b, run, []UnknownSend{{Seq: 7, Record: hostileRecord(), Text: "Здравствуйте!\n" + hostile + "\n"}}, 3)
	})
	for _, want := range []string{"3 unknown sends", "contact 70012, step send, row 7", "by run 20260301-090000-abcdefgh", "text    Здравствуйте!", "and 2 more"} {
		require.Contains(t, got, want)
	}
	got = harmlessView(t, func(b *bytes.Buffer) { Style{}.Unknown(b, run, []UnknownSend{{Record: ledger.Record{Contact: 1}}}, 1) })
	require.NotContains(t, got, "text", "its plan is gone")
}

func TestDecisionsView(t *testing.T) {
	var h HistoryDocument
	h.Decide([]ledger.Decided{hostileDecision()}, 7, "send", 70012)
	h.Decide(nil, 8, "send", 70013)
	require.Len(t, h.Decisions, 1)
	h.Settled = 2
	got := harmlessView(t, func(b *bytes.Buffer) { require.NoError(t, Style{}.History(b, ledger.Run{ID: "r", Flow: "f"}, h, nil)) })
	for _, want := range []string{"2 sent since, by a later run", "Decided by a person", "send, contact 70012: sent (message 9001), since: said", "by anna@hostanna"} {
		require.Contains(t, got, want)
	}
}

func TestWhyView(t *testing.T) {
	d := &WhyDocument{
		Contact: 70012,
		Sends:   []SendDocument{SendOf(hostileRecord(), []ledger.Decided{hostileDecision()})},
		Plans: []StandingDocument{
			{Run: "r1", Flow: "spring-sale", Campaign: "march", Rows: []RecipientDocument{{Seq: 7, Step: "send", Status: "sent", Run: "r9", TextHash: "0123456789abcdef"}, {Seq: 8, Step: "bye", Status: "left_out", Reason: hostile}}},
			{Run: "r2", Flow: "winter", Campaign: "march", LeftOut: []ReasonDocument{{Step: "recent", Reason: hostile, Count: 12345}}},
			{Run: "r3", Flow: "autumn", Campaign: "march"},
		},
	}
	got := harmlessView(t, func(b *bytes.Buffer) { Style{}.Why(b, d) })
	for _, want := range []string{
		"unknown  2026-03-01 12:00:00 +03:00", "2026-03", "attempt 3, on", "message 9001", "a person decided: sent", "included by send (row 7): sent by run r9",
		"excluded by bye (row 8): left out, since: said", "text 0123456789abcdef", "12,345 by recent: said", "nobody, so no step has read this contact",
	} {
		require.Contains(t, got, want)
	}
	got = harmlessView(t, func(b *bytes.Buffer) { Style{}.Why(b, &WhyDocument{Contact: 1}) })
	require.Contains(t, got, "knows of no send")
}

func TestLocksView(t *testing.T) {
	got := harmlessView(t, func(b *bytes.Buffer) {
		Style{}.Locks(b, []ledger.Holding{
			{Holder: ledger.Holder{Scope: "sale (campaign \x1b[2Jmarch)", User: "anna", Host: "host", PID: 7, Run: "r1", Started: noon, Job: "https://ci.example/" + strings.Repeat("7", 90), Nonce: "N1"}, Live: true},
			{Holder: ledger.Holder{Scope: "winter", Nonce: "N2"}},
			{},
		}, "Clear it: flowrunner runs unlock --nonce N2")
	})
	for _, want := range []string{"march): at work", "anna@host (process 7, run r1", "winter: dead, keeps nobody out", "nonce N2", "a lock whose holder cannot be read: dead", "Clear it"} {
		require.Contains(t, got, want)
	}
	require.Contains(t, harmlessView(t, func(b *bytes.Buffer) { Style{}.Locks(b, nil) }), "Nobody is at work")
}

func TestLedgerView(t *testing.T) {
	d := &LedgerDocument{
		Path: ".flowrunner/ledger.db", Lineage: "OURS", Pinned: "THEIRS", Serial: 20304, Runs: 2, Decisions: 1,
		Scopes: []ledger.ScopeSerial{{Flow: "spring-\x1b[2Jsale", Campaign: strings.Repeat("march", 30), Serial: 20304}},
		Merged: []ledger.Merged{{Lineage: "THEIRS", Serial: 7}}, Sends: map[string]int{"sent": 12345, "not sent": 1, "unknown": 2},
	}
	got := harmlessView(t, func(b *bytes.Buffer) { Style{}.Ledger(b, d) })
	for _, want := range []string{"Ledger OURS", "flowrunner.yaml names THEIRS", "holds what THEIRS knew with 7 changes", "2 runs, 20,304 changes, 1 decision", "12,345  sent", "1  not sent"} {
		require.Contains(t, got, want)
	}
	d.Pinned = "OURS"
	require.Contains(t, harmlessView(t, func(b *bytes.Buffer) { Style{}.Ledger(b, d) }), "the one that flowrunner.yaml names")
}

func TestImportView(t *testing.T) {
	r := ledger.ImportResult{Lineage: "THEIRS", Serial: 7, Runs: ledger.ImportCount{Read: 1}, Sends: ledger.ImportCount{Read: 12345, Added: 12000, Raised: 5}}
	got := harmlessView(t, func(b *bytes.Buffer) { Style{}.Import(b, r) })
	require.Contains(t, got, "sends      12,345 read, 12,000 new, 5 known more surely now")
	require.NotContains(t, got, "known here before")
	require.Equal(t, 12000, ImportOf(r).Sends.Added)
	r.Sends = ledger.ImportCount{Read: 12345}
	require.Contains(t, harmlessView(t, func(b *bytes.Buffer) { Style{}.Import(b, r) }), "All of it was known here before.")
}

func TestDoctorView(t *testing.T) {
	checks := []CheckDocument{{Name: "ledger", Status: CheckOK, Found: "whole"}, {Name: "state", Status: CheckWarn, Found: hostile, Fix: hostile}}
	got := harmlessView(t, func(b *bytes.Buffer) { Style{}.Doctor(b, checks) })
	require.Contains(t, got, "ready, with 1 warning")
	require.Contains(t, got, "fix: said")
	got = harmlessView(t, func(b *bytes.Buffer) {
		Style{}.Doctor(b, append(checks, CheckDocument{Name: "token", Status: CheckFail, Found: "refused"}))
	})
	require.Contains(t, got, "1 check failed")
	require.Contains(t, harmlessView(t, func(b *bytes.Buffer) { Style{}.Doctor(b, checks[:1]) }), "\nready\n")
}
