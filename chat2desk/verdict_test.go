package chat2desk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDeliveryTable is the classification of sends, line by line.
func TestDeliveryTable(t *testing.T) {
	const sent = `{"data":{"message_id":500002,"client_id":70001},"status":"success"}`
	broke := errors.New("connection reset by peer")
	tests := []struct {
		name string
		seen seen
		want Delivery
		kind Kind
	}{
		{"dial error", seen{err: broke}, NotSent, KindUnreachable},
		{"canceled before the head was written", seen{err: broke, ended: context.Canceled}, NotSent, KindCanceled},
		{"reset after writing", seen{err: broke, arrived: true}, DeliveryUnknown, KindUnreachable},
		{"EOF after writing", seen{err: io.EOF, arrived: true}, DeliveryUnknown, KindUnreachable},
		{"timeout after writing", seen{err: context.DeadlineExceeded, arrived: true}, DeliveryUnknown, KindUnreachable},
		{"canceled after writing", seen{err: context.Canceled, arrived: true, ended: context.Canceled}, DeliveryUnknown, KindCanceled},
		{"200 with a message id", seen{status: 200, body: []byte(sent)}, Accepted, 0},
		{"201 with a message id", seen{status: 201, body: []byte(sent)}, Accepted, 0},
		{"id as text", seen{status: 200, body: []byte(`{"data":{"message_id":"7"},"status":"success"}`)}, Accepted, 0},
		{"data as a list of one", seen{status: 200, body: []byte(`{"data":[{"message_id":7}],"status":"success"}`)}, Accepted, 0},
		{"success without an id", seen{status: 200, body: []byte(`{"data":{"id":7},"status":"success"}`)}, DeliveryUnknown, 0},
		{"id 0", seen{status: 200, body: []byte(`{"data":{"message_id":0},"status":"success"}`)}, DeliveryUnknown, 0},
		{"id without status", seen{status: 200, body: []byte(`{"data":{"message_id":7}}`)}, DeliveryUnknown, 0},
		{"id with an error status", seen{status: 200, body: []byte(`{"data":{"message_id":7},"status":"error","message":"client not found"}`)}, DeliveryUnknown, KindNotFound},
		{"200 HTML", seen{status: 200, body: []byte(`<html>welcome</html>`)}, DeliveryUnknown, KindBadAnswer},
		{"200 empty", seen{status: 200}, DeliveryUnknown, KindBadAnswer},
		{"204", seen{status: 204}, DeliveryUnknown, KindBadAnswer},
		{"200 truncated JSON", seen{status: 200, body: []byte(sent[:40])}, DeliveryUnknown, KindBadAnswer},
		{"200 truncated body", seen{status: 200, body: []byte(sent), bodyErr: io.ErrUnexpectedEOF}, DeliveryUnknown, KindBadAnswer},
		{"200 body cut by cancel", seen{status: 200, bodyErr: context.Canceled, ended: context.Canceled}, DeliveryUnknown, KindCanceled},
		{"200 unclear error", seen{status: 200, body: []byte(`{"status":"error","message":"something went wrong"}`)}, DeliveryUnknown, KindInvalid},
		{"200 error, nothing said", seen{status: 200, body: []byte(`{"status":"error"}`)}, DeliveryUnknown, KindInvalid},
		{"200 refusal: field named", seen{status: 200, body: []byte(`{"status":"error","errors":{"text":["is empty"]}}`)}, Refused, KindInvalid},
		{"200 refusal: person", seen{status: 200, body: []byte(`{"status":"error","message":"Client not found"}`)}, Refused, KindNotFound},
		{"200 refusal inside data", seen{status: 200, body: []byte(`{"data":{"status":"error","message":"client not found"}}`)}, Refused, KindNotFound},
		{"200 refusal: token", seen{status: 200, body: []byte(`{"status":"error","message":"Token is not correct"}`)}, NotSent, KindToken},
		{"200 refusal: quota", seen{status: 200, body: []byte(`{"status":"error","message":"API calls exceeded API limit per month"}`)}, NotSent, KindQuotaMonth},
		{"200 token words in plain text", seen{status: 200, body: []byte(`Token is not correct`)}, DeliveryUnknown, KindToken},
		{"400 API error", seen{status: 400, body: []byte(`{"status":"error","message":"bad","errors":{"text":["too long"]}}`)}, Refused, KindInvalid},
		{"400 quota", seen{status: 400, body: []byte(`{"status":"error","errors":"API calls exceeded API limit per month"}`)}, NotSent, KindQuotaMonth},
		{"400 pace", seen{status: 400, body: []byte(`{"status":"error","message":"Number of API requests exceeded"}`)}, NotSent, KindRateLimited},
		{"400 HTML", seen{status: 400, body: []byte(`<h1>Bad Request</h1>`)}, DeliveryUnknown, KindBadAnswer},
		{"400 other JSON", seen{status: 400, body: []byte(`{"code":12}`)}, DeliveryUnknown, KindInvalid},
		{"400 cut off", seen{status: 400, body: []byte(`{"status":`), bodyErr: io.ErrUnexpectedEOF}, DeliveryUnknown, KindBadAnswer},
		{"422 API error", seen{status: 422, body: []byte(`{"status":"error","errors":"transport"}`)}, Refused, KindInvalid},
		{"404 person", seen{status: 404, body: []byte(`{"status":"error","message":"client not found"}`)}, Refused, KindNotFound},
		{"404 page", seen{status: 404, body: []byte(`{"status":"error","message":"Page not found"}`)}, NotSent, KindWrongPath},
		{"404 HTML", seen{status: 404, body: []byte(`<html>client not found</html>`)}, NotSent, KindWrongPath},
		{"405", seen{status: 405}, NotSent, KindWrongPath},
		{"401", seen{status: 401, body: []byte(`nope`)}, NotSent, KindToken},
		{"403 API error", seen{status: 403, body: []byte(`{"status":"error","message":"You need to auth"}`)}, NotSent, KindToken},
		{"403 HTML", seen{status: 403, body: []byte(`<html>`)}, NotSent, KindToken},
		{"302", seen{status: 302}, NotSent, KindRedirect},
		{"308", seen{status: 308}, NotSent, KindRedirect},
		{"429", seen{status: 429}, NotSent, KindRateLimited},
		{"429 month", seen{status: 429, body: []byte(`{"message":"API calls exceeded API limit per month"}`)}, NotSent, KindQuotaMonth},
		{"408", seen{status: 408}, DeliveryUnknown, KindServer},
		{"409 API error", seen{status: 409, body: []byte(`{"status":"error","errors":{"x":["y"]}}`)}, DeliveryUnknown, KindInvalid},
		{"418", seen{status: 418, body: []byte(`{"status":"error","message":"x"}`)}, DeliveryUnknown, KindInvalid},
		{"500", seen{status: 500, body: []byte(`{"status":"error","message":"client not found"}`)}, DeliveryUnknown, KindNotFound},
		{"502 HTML", seen{status: 502, body: []byte(`<html>Bad Gateway</html>`)}, DeliveryUnknown, KindServer},
		{"503", seen{status: 503}, DeliveryUnknown, KindServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.seen.header == nil {
				tt.seen.header = http.Header{}
			}
			v := tt.seen.judge(nil)
			require.Equal(t, tt.want, deliveryOf(tt.seen, v), "%v", v.problem)
			if v.problem == nil {
				require.Zero(t, tt.kind)
				return
			}
			require.Equal(t, tt.kind, v.problem.Kind, "%v", v.problem)
			require.NotEmpty(t, v.problem.Error())
		})
	}
}

func TestKnownTexts(t *testing.T) {
	tests := map[string]Kind{
		"You need to auth":     KindToken,
		"Token is not correct": KindToken,
		"You have to specify your token. See API manual on info@chat2desk.com": KindToken,
		"Number of API requests exceeded":                                      KindRateLimited,
		"API calls exceeded API limit per month":                               KindQuotaMonth,
		"client not found":                                                     KindNotFound,
		"Operator group not found":                                             KindNotFound,
		"not_found":                                                            KindNotFound,
		"Client with id 7 not found":                                           KindNotFound,
		"client_id: client not found":                                          KindNotFound,
		"bad thing; operator not found":                                        KindNotFound,
		"Client already exists; client: already exist":                         KindAlreadyExists,
		"Page not found":                                                       KindOther,
		"Route not found":                                                      KindOther,
		"Not Found":                                                            KindOther,
		"already used":                                                         KindOther,
		"":                                                                     KindOther,
	}
	for in, want := range tests {
		got, known := recognise(in)
		require.Equal(t, want, got, in)
		require.Equal(t, want != KindOther, known, in)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 17, 10, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                              0,
		"3":                             3 * time.Second,
		" 1.5 ":                         1500 * time.Millisecond,
		"-3":                            0,
		"NaN":                           0,
		"1e300":                         24 * time.Hour,
		"soon":                          0,
		"Fri, 17 Jul 2026 10:00:30 GMT": 30 * time.Second,
		"Fri, 17 Jul 2026 09:00:30 GMT": 0,
		"Fri, 17 Jul 2036 09:00:30 GMT": 24 * time.Hour,
	}
	for in, want := range tests {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {in}}, now), in)
	}
}
