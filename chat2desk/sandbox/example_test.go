package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// A fake account for a test: one person, one message, and the log of what was
// accepted.
func ExampleNew() {
	world, err := sandbox.FromSeed(map[string]any{
		"now": "2026-07-17T09:30:00Z",
		"clients": []any{
			map[string]any{"id": 11, "name": "Anna", "phone": "79161234567", "tags": []any{17}, "last_client_message": "3d ago"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := httptest.NewServer(sandbox.New(sandbox.Options{
		World:       world,
		AcceptedLog: os.Stdout,
		Clock:       func() time.Time { return world.Now },
	}))
	defer api.Close()

	resp, err := http.Post(api.URL+"/v1/messages", "application/json", strings.NewReader(`{"client_id": 11, "text": "Hello"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(body))
	// Output:
	// {"n":1,"at":"2026-07-17T09:30:00Z","client_id":11,"text":"Hello","channel_id":21,"transport":"wa_dialog","type":"to_client","external_id":"","message_id":500001}
	// {"data":{"message_id":500001,"channel_id":21,"operator_id":null,"transport":"wa_dialog","type":"to_client","client_id":11,"dialog_id":30001,"request_id":null},"status":"success"}
}

// Faults are written as on the command line.
func ExampleParseFaults() {
	_, err := sandbox.ParseFaults("500-after:2%,hangs:1%")
	fmt.Println(err)
	// Output:
	// faults "500-after:2%,hangs:1%": there is no fault "hangs"; write one of 429, 429-month, 200-error, 500-before, 500-after, reset-before, reset-after, hang, hang-after, html, html-after, truncate, late, no-history
}
