package chat2desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchPage is a full page of clients as the API gives them.
func benchPage(b *testing.B) []byte {
	b.Helper()
	var rows []map[string]any
	for n := range maxPage {
		row := map[string]any{
			"id": 70013 + n, "phone": fmt.Sprint(79161110001 + n), "name": "Алма Сәбит", "assigned_name": "", "country_id": 7, "region_id": 3,
			"first_client_message": "2026-01-10T17:57:56 UTC", "last_client_message": "2026-07-10T17:57:56 UTC",
			"custom_fields": map[string]any{"1": "yes", "2": ""}, "external_ids": map[string]any{},
		}
		for _, name := range []string{
			"username", "comment", "client_phone", "assigned_phone", "avatar", "channel_id", "extra_comment_1", "extra_comment_2",
			"extra_comment_3", "client_external_id", "external_id",
		} {
			row[name] = nil
		}
		rows = append(rows, row)
	}
	text, err := json.Marshal(map[string]any{"data": rows, "meta": map[string]any{"total": 5000, "limit": maxPage, "offset": 0}, "status": "success"})
	require.NoError(b, err)
	return text
}

// BenchmarkDecodePage is from the bytes of a page to 200 contacts, with all their
// fields and with those that a flow of names and ids reads.
func BenchmarkDecodePage(b *testing.B) {
	text := benchPage(b)
	for name, fields := range map[string][]string{"whole": nil, "two fields": {"id", "name"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				a, err := decodeAnswer(text, fields)
				if err != nil {
					b.Fatal(err)
				}
				g, err := pageOf(a, opContacts, "client", contactOf)
				if err != nil || len(g.items) != maxPage {
					b.Fatal(len(g.items), err)
				}
			}
		})
	}
}

// instant answers each call at once, without a network.
type instant struct{ body []byte }

func (i instant) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(i.body))}, nil
}

// BenchmarkSend is all of a send but the network.
func BenchmarkSend(b *testing.B) {
	body := []byte(`{"data":{"message_id":12,"channel_id":21,"operator_id":301,"transport":"wa_dialog","type":"to_client","client_id":7,"dialog_id":9,"request_id":4},"status":"success"}`)
	c, err := New(testToken, WithTransport(instant{body}))
	require.NoError(b, err)
	m := Outgoing{ContactID: 7, Text: "Hello Алма Сәбит! The code SPRING15 gives you 15% until Sunday.", ExternalID: "fr-0123456789abcdef"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.SendMessage(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}
