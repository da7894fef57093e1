package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/step"
)

func TestSendFailures(t *testing.T) {
	args := obj{"contactId": 1, "message": "Hello"}
	tests := []struct {
		name     string
		args     obj
		change   func(*sandbox.Options)
		class    step.Class
		delivery step.Delivery
		accepted int
	}{
		{"nobody of that id", obj{"contactId": 999, "message": "x"}, nil, step.ClassNotFound, step.Refused, 0},
		{"no text", obj{"contactId": 1, "message": " "}, nil, step.ClassInvalid, step.Refused, 0},
		{"token", args, func(o *sandbox.Options) { o.Token = "other" }, step.ClassToken, step.NotSent, 0},
		{"500 before", args, faults(sandbox.ErrorBefore), step.ClassServer, step.Unknown, 0},
		{"500 after", args, faults(sandbox.ErrorAfter), step.ClassServer, step.Unknown, 1},
		{"reset after", args, faults(sandbox.ResetAfter), step.ClassUnreachable, step.Unknown, 1},
		{"429", args, faults(sandbox.TooMany), step.ClassRateLimited, step.NotSent, 0},
		{"quota", args, faults(sandbox.OverQuota), step.ClassQuota, step.NotSent, 0},
		{"cut off", args, faults(sandbox.Truncate), step.ClassServer, step.Unknown, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ctx, s := serve(t, tt.change)
			message, err := kind(t, "chat2desk_send_message").Do(ctx, tt.args, step.Attempt{ExternalID: "x"})
			require.Zero(t, message)
			var f *step.Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.class, f.Class, f.Reason)
			require.Equal(t, tt.delivery, f.Delivery, f.Reason)
			require.NotEmpty(t, f.Reason)
			require.NotContains(t, f.Reason, testToken)
			require.Len(t, s.Accepted(), tt.accepted)
		})
	}
}

func TestReadFailures(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		kind    string
		args    obj
		class   step.Class
		reason  string
	}{
		{"token", answer(403, `{"status":"error","message":"Token is not correct"}`), "chat2desk_list_clients", obj{}, step.ClassToken, "Chat2Desk refused the API token (HTTP 403: Token is not correct)"},
		{"wrong path", answer(404, `<html>`), "chat2desk_list_messages", obj{"contactId": 1}, step.ClassWrongPath, "the base URL leads to no Chat2Desk API (HTTP 404: an HTML page instead of JSON)"},
		{"redirect", answer(302, ``), "chat2desk_list_transfers", obj{}, step.ClassRedirect, "the base URL redirects elsewhere (HTTP 302: to ; redirects are not followed, use the final base URL)"},
		{"a phone in the words", answer(400, `{"status":"error","message":"bad phone 79160000001"}`), "chat2desk_find_client", obj{"phone": "79160000001"}, step.ClassInvalid, "Chat2Desk refused the request (HTTP 400: bad phone …0001)"},
		{
			"ignored filter", answer(200, `{"status":"success","data":[{"id":1,"phone":"79160000009"}],"meta":{"total":900}}`), "chat2desk_list_clients",
			obj{"phone": "79160000001"},
			step.ClassOther,
			"Chat2Desk did not apply a filter, so everybody would have been selected (the API did not honour phone: client 1 has another number)",
		},
		{
			"ignored client", answer(200, `{"status":"success","data":[{"id":1,"client_id":8,"created":"2026-01-01T00:00:00 UTC"}],"meta":{"total":900}}`), "chat2desk_list_messages",
			obj{"contactId": 7},
			step.ClassOther,
			"Chat2Desk did not apply a filter, so everybody would have been selected (the API did not honour client_id: message 1 is of client 8, not 7)",
		},
		{"quota", answer(429, `{"status":"error","message":"API calls exceeded API limit per month"}`), "chat2desk_find_client", obj{"phone": "79160000001"}, step.ClassQuota, "the company's API calls of this month are used up (HTTP 429: API calls exceeded API limit per month)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ctx := speak(t, tt.handler)
			_, err := kind(t, tt.kind).Run(ctx, tt.args)
			var f *step.Failure
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.class, f.Class)
			require.Equal(t, tt.reason, f.Reason)
			var e *chat2desk.Error
			require.ErrorAs(t, err, &e, "the cause is kept")
		})
	}
}

func TestErrorOnALaterPage(t *testing.T) {
	calls := 0
	_, ctx := speak(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls > 1 {
			answer(403, `{"message":"Token is not correct"}`)(w, r)
			return
		}
		rows := make([]string, 200)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":%d,"phone":"7916%07d"}`, i+1, i)
		}
		answer(200, `{"status":"success","data":[`+strings.Join(rows, ",")+`],"meta":{"total":400}}`)(w, r)
	})
	outs, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	require.NoError(t, err)
	recs, err := drainErr(t, outs, "clients")
	require.Len(t, recs, 200)
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.ClassToken, f.Class)
}

func TestMissingTotalIsTold(t *testing.T) {
	h, ctx := speak(t, answer(200, `{"status":"success","data":[{"id":1,"phone":"7"}]}`))
	outs, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	require.NoError(t, err)
	require.Equal(t, 0, outs["total"])
	require.Equal(t, []string{"Chat2Desk gave no total for the list; outputs.total is 0"}, h.warned)
}

func TestEveryReasonIsInWords(t *testing.T) {
	for k := chat2desk.KindOther; k <= chat2desk.KindAllowance; k++ {
		err := failure(&chat2desk.Error{Kind: k, Status: 418, Delivery: chat2desk.NotSent, RetryAfter: time.Second})
		var f *step.Failure
		require.ErrorAs(t, err, &f)
		require.Regexp(t, `^[a-zA-Z].{15,} \(HTTP 418\)$`, f.Reason, k.String())
		require.Equal(t, step.NotSent, f.Delivery)
		require.Equal(t, time.Second, f.RetryAfter)
		if f.Stops() || f.Temporary() {
			require.NotEmpty(t, f.Hint, "%s stops people, so it must say how to go on", k)
		}
	}
	other := errors.New("something else")
	require.Equal(t, other, failure(other))
}

func TestConnection(t *testing.T) {
	h, ctx, _ := serve(t, nil)
	conn := h.conn

	h.conn.Token = step.Secret{}
	_, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.ClassToken, f.Class)
	require.Equal(t, "there is no API token", f.Reason)
	require.Contains(t, f.Hint, "CHAT2DESK_API_TOKEN")

	_, err = kind(t, "chat2desk_list_clients").Run(ctx, obj{"apiToken": step.NewSecret(testToken)})
	require.NoError(t, err, "the step's token goes before that of the connection")

	h.conn = conn
	h.conn.BaseURL = "ftp://example.com"
	_, err = kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	require.ErrorAs(t, err, &f)
	require.Equal(t, `base URL "ftp://example.com": the scheme must be https, not "ftp"`, f.Reason)
	require.Contains(t, f.Hint, "write https://example.com; it comes from")

	h.conn.BaseURL = "http://example.com"
	_, err = kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	require.ErrorAs(t, err, &f)
	require.Contains(t, f.Reason, "http would send the token unencrypted")

	h.conn = conn
	_, a, err := apiClient(ctx, nil)
	require.NoError(t, err)
	_, b, err := apiClient(ctx, nil)
	require.NoError(t, err)
	require.Same(t, a, b, "one connection, one pace")
	h.conn.Rate = 5
	_, c, err := apiClient(ctx, nil)
	require.NoError(t, err)
	require.NotSame(t, a, c)

	for _, name := range Registry().Names() {
		if k := kind(t, name); k.Connected && k.Effect == step.EffectRead {
			h.conn.Token = step.Secret{}
			_, err := k.Run(ctx, obj{"contactId": 1, "phone": "79160000001"})
			require.ErrorAs(t, err, &f, name)
		}
	}
	_, err = kind(t, "chat2desk_send_message").Do(ctx, obj{"contactId": 1, "message": "x"}, step.Attempt{})
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.NotSent, f.Delivery)
	_, err = kind(t, "chat2desk_send_message").Settle(ctx, obj{"contactId": 1, "message": "x"}, step.Attempt{ExternalID: "x"})
	require.ErrorAs(t, err, &f)
}

func TestSettleErrorsProveNothing(t *testing.T) {
	_, ctx := speak(t, answer(403, `{"message":"Token is not correct"}`))
	found, err := kind(t, "chat2desk_send_message").Settle(ctx, obj{"contactId": 1, "message": "x"}, step.Attempt{ExternalID: "x", At: time.Now()})
	require.Error(t, err)
	require.Zero(t, found)

	// A page of messages as young as the attempt, so that the next one is read too.
	now, calls := time.Now().UTC(), 0
	_, ctx = speak(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls > 1 {
			answer(403, `{"message":"Token is not correct"}`)(w, r)
			return
		}
		rows := make([]string, 200)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":%d,"client_id":1,"created":"%s"}`, 1000-i, now.Format("2006-01-02T15:04:05 UTC"))
		}
		answer(200, `{"status":"success","data":[`+strings.Join(rows, ",")+`],"meta":{"total":400}}`)(w, r)
	})
	found, err = kind(t, "chat2desk_send_message").Settle(ctx, obj{"contactId": 1, "message": "x"}, step.Attempt{ExternalID: "x", At: now})
	require.Error(t, err)
	require.Zero(t, found)
	require.Equal(t, 2, calls)
}

func TestCompanyID(t *testing.T) {
	_, ctx, _ := serve(t, nil)
	id, err := CompanyID(ctx)
	require.NoError(t, err)
	require.Equal(t, "4711", id)

	_, ctx = speak(t, answer(200, `{"status":"success","data":{"company_name":"Shop"}}`))
	id, err = CompanyID(ctx)
	require.NoError(t, err)
	require.Empty(t, id, "an instance that gives no id")

	_, ctx = speak(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "companies") {
			answer(404, `{"status":"error","message":"Page not found"}`)(w, r)
			return
		}
		answer(200, `{"status":"success","data":[],"meta":{"total":0}}`)(w, r)
	})
	id, err = CompanyID(ctx)
	require.NoError(t, err)
	require.Empty(t, id, "an instance without the endpoint")

	for name, status := range map[string]int{"wrong base URL": 404, "token": 403, "redirect": 302} {
		_, ctx = speak(t, answer(status, `not found`))
		_, err = CompanyID(ctx)
		var f *step.Failure
		require.ErrorAs(t, err, &f, name)
		require.True(t, f.Stops(), name)
	}

	h, ctx := newHost(t)
	h.conn = step.Connection{}
	_, err = CompanyID(ctx)
	require.ErrorContains(t, err, "there is no API token")
}

func TestWaitTurn(t *testing.T) {
	h, ctx, s := serve(t, nil)
	ready, err := WaitTurn(ctx)
	require.NoError(t, err)
	_, err = kind(t, "chat2desk_send_message").Do(ready, obj{"contactId": 1, "message": "Hi"}, step.Attempt{ExternalID: "x"})
	require.NoError(t, err)
	require.Len(t, s.Accepted(), 1)

	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = WaitTurn(gone)
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, step.NotSent, f.Delivery)
	require.ErrorIs(t, err, context.Canceled)

	h.conn = step.Connection{}
	_, err = WaitTurn(ctx)
	require.ErrorContains(t, err, "there is no API token")
}

func TestRetryOfTheStepReachesEveryRead(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer srv.Close()
	h, ctx, _ := serve(t, nil)
	h.conn.BaseURL = srv.URL
	for _, attempts := range []int{1, 4} {
		calls.Store(0)
		h.retry = step.Retry{Attempts: attempts, Backoff: time.Millisecond}
		_, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{})
		var f *step.Failure
		require.ErrorAs(t, err, &f)
		require.Equal(t, step.ClassServer, f.Class)
		require.Equal(t, int64(attempts), calls.Load())
	}
}
