package chat2desk

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// usualReceipts are those that the fast reader must know, or it is for nothing.
var usualReceipts = []string{
	acceptedBody,
	acceptedBody + "\n",
	`{"status":"success","data":{"message_id":1}}`,
	`{"data":{"message_id":500002,"channel_id":21,"operator_id":null,"transport":"wa_dialog","type":"to_client","client_id":70001,"dialog_id":9,"request_id":4},"status":"success"}`,
	" { \"data\" : {\t\"message_id\" : 7 ,\r\n \"is_new\" : true, \"read\":0, \"x\":false, \"text\":\"a, b\", \"type\":\" \", \"y\":null } , \"status\" : \"success\" } ",
}

// oddReceipts are those that the careful reader decides about.
var oddReceipts = []string{
	``, `{}`, `[]`, `null`, `<html>`, `{"data":{"message_id":7}}`, `{"data":{"message_id":0},"status":"success"}`,
	`{"data":{"message_id":7},"status":"error"}`, `{"data":{"message_id":7},"status":"Success"}`, `{"data":{"message_id":7},"status":"success","errors":["x"]}`,
	`{"data":{"message_id":7,"status":"error"},"status":"success"}`, `{"data":{"message_id":7,"\u0073tatus":"error"},"status":"success"}`,
	`{"data":{"message_id":"7"},"status":"success"}`, `{"data":[{"message_id":7}],"status":"success"}`, `{"data":{"message_id":7.0},"status":"success"}`,
	`{"data":{"message_id":7,"message_id":8},"status":"success"}`, `{"data":{"message_id":7},"data":{"message_id":8},"status":"success"}`,
	`{"data":{"message_id":7,"client_id":1,"client_id":null},"status":"success"}`, `{"data":{"message_id":7,"type":"a","type":""},"status":"success"}`,
	`{"data":{"message_id":7},"status":"error","status":"success"}`, `{"data":{"message_id":07},"status":"success"}`, `{"data":{"message_id":-7},"status":"success"}`,
	`{"data":{"message_id":99999999999999999999},"status":"success"}`, `{"data":{"message_id":7,"client_id":1.5},"status":"success"}`,
	`{"data":{"message_id":7,"x":01},"status":"success"}`, `{"data":{"message_id":7,"x":},"status":"success"}`, `{"data":{"message_id":7,},"status":"success"}`,
	`{"data":{"message_id":7},"status":"success"`, `{"data":{"message_id":7},"status":"success"}}`, `{"data":{"message_id":7},"status":"success"}x`,
	"\ufeff" + acceptedBody, `{"data":{"message_id":7,"name":"Алма"},"status":"success"}`, `{"data":{"message_id":7,"a":[]},"status":"success"}`,
	`{"data":{"message_id":7},"status":"success","attachment":[]}`, `{"data":{"message_id":7,"x":nulll},"status":"success"}`, `{"data":{"message_id":7,"x":tru},"status":"success"}`,
}

// requireReceipt holds the fast reader against the careful one.
func requireReceipt(t *testing.T, body string) (known bool) {
	t.Helper()
	s := seen{arrived: true, status: 200, body: []byte(body)}
	sent, known := s.receipt()
	if known {
		v := s.judge(nil)
		require.Equal(t, Accepted, deliveryOf(s, v), "%q", body)
		require.Equal(t, sentOf(v.answer), sent, "%q", body)
	}
	return known
}

func TestReceipt(t *testing.T) {
	for _, body := range usualReceipts {
		require.True(t, requireReceipt(t, body), "%q", body)
		for cut := range len(strings.TrimSpace(body)) {
			require.False(t, requireReceipt(t, body[:cut]), "%q", body[:cut])
		}
	}
	for _, body := range oddReceipts {
		require.False(t, requireReceipt(t, body), "%q", body)
	}
	for name, s := range map[string]seen{
		"no answer":   {err: errors.New("reset"), status: 200, body: []byte(acceptedBody)},
		"cut off":     {bodyErr: errors.New("reset"), status: 200, body: []byte(acceptedBody)},
		"no 2xx":      {status: 302, body: []byte(acceptedBody)},
		"server says": {status: 500, body: []byte(acceptedBody)},
	} {
		_, ok := s.receipt()
		require.False(t, ok, name)
	}
}

// TestReceiptOfDamagedBodies changes some bytes of usual answers for others that
// matter in JSON.
func TestReceiptOfDamagedBodies(t *testing.T) {
	const signs = `{}[]":,\ 0179-.etrufalsn` + "\n\x00\xff"
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		body := []byte(usualReceipts[r.IntN(len(usualReceipts))])
		for range 1 + r.IntN(3) {
			body[r.IntN(len(body))] = signs[r.IntN(len(signs))]
		}
		requireReceipt(t, string(body))
	}
}

func FuzzReceipt(f *testing.F) {
	for _, body := range append(usualReceipts, oddReceipts...) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) { requireReceipt(t, body) })
}

// FuzzOutgoing reads what is sent as the standard library reads it.
func FuzzOutgoing(f *testing.F) {
	f.Add(7, "Hello <b> & \"you\"\n\u2028\x00\\", "wa_dialog", "e", 21, true)
	f.Add(-7, "", "\xff", "Алма", 0, false)
	f.Fuzz(func(t *testing.T, contact int, message, transport, external string, channel int, open bool) {
		m := Outgoing{ContactID: contact, Text: message, Transport: transport, Type: external, Attachment: message, ExternalID: external}
		want := map[string]any{"client_id": float64(contact)}
		for name, v := range map[string]string{
			"text": message, "transport": transport, "type": external, "attachment": message, "external_id": external,
		} {
			if v != "" {
				want[name] = strings.ToValidUTF8(v, "\ufffd")
			}
		}
		if open {
			m.ChannelID, m.OpenDialog = &channel, &open
			want["channel_id"], want["open_dialog"] = float64(channel), open
		}
		body := m.appendBody(nil)
		require.True(t, utf8.Valid(body))
		var got map[string]any
		require.NoError(t, json.Unmarshal(body, &got))
		for name, v := range want {
			if text, isText := v.(string); isText && !utf8.ValidString(message+transport+external) {
				require.NotEmpty(t, got[name], text) // how many signs stand for broken bytes is left open
				delete(want, name)
				delete(got, name)
			}
		}
		require.Equal(t, want, got)
	})
}
