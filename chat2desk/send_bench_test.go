package chat2desk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// BenchmarkSendOverHTTP is a send from 64 callers to a sandbox in this process, by
// this package and as a loop written by hand makes it. The sandbox's own part, the
// same in both, is in the figures.
func BenchmarkSendOverHTTP(b *testing.B) {
	const token, text = "t0123456789abcdef", "Hello Алма Сәбит! The code SPRING15 gives you 15% until Sunday."
	for name, sender := range map[string]func(base string) (func(int) error, error){
		"client": func(base string) (func(int) error, error) {
			c, err := chat2desk.New(token, chat2desk.WithBaseURL(base))
			return func(contact int) error {
				_, err := c.SendMessage(b.Context(), chat2desk.Outgoing{ContactID: contact, Text: text, ExternalID: "fr-0123456789abcdef"})
				return err
			}, err
		},
		"loop": func(base string) (func(int) error, error) { return byHand(base, token, text), nil },
	} {
		b.Run(name, func(b *testing.B) {
			api := sandbox.New(sandbox.Options{World: sandbox.Generate(1, 100, time.Time{}), Token: token})
			defer api.Close()
			web := httptest.NewServer(api)
			defer web.Close()
			send, err := sender(web.URL)
			require.NoError(b, err)
			contact := someone(b, web.URL, token)
			b.SetParallelism(32) // by two processors
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := send(contact); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// someone is the id of a client of the account.
func someone(b *testing.B, base, token string) int {
	b.Helper()
	c, err := chat2desk.New(token, chat2desk.WithBaseURL(base))
	require.NoError(b, err)
	l, err := c.ListContacts(b.Context(), chat2desk.ContactsQuery{Limit: 1})
	require.NoError(b, err)
	for x, err := range l.All() {
		require.NoError(b, err)
		return x.ID
	}
	b.Fatal("nobody is there")
	return 0
}

// byHand sends as an expert's loop does for one job.
func byHand(base, token, text string) func(contact int) error {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 65, 65
	web := &http.Client{Transport: t}
	return func(contact int) error {
		body, err := json.Marshal(struct {
			ClientID int    `json:"client_id"`
			Text     string `json:"text"`
		}{contact, text})
		if err != nil {
			return err
		}
		req, err := http.NewRequest(http.MethodPost, base+"/v1/messages", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", token)
		resp, err := web.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var answer struct {
			Data struct {
				MessageID int64 `json:"message_id"`
			} `json:"data"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			return err
		}
		if answer.Data.MessageID == 0 {
			return errors.New("no message id")
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}
