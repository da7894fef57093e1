package chat2desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testToken = "0123456789abcdef0123456789abcd"

// serve starts a server of one test and a client of it that retries at once.
func serve(t *testing.T, h http.HandlerFunc, opts ...Option) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(testToken, append([]Option{WithBaseURL(srv.URL), WithRetry(3, time.Microsecond)}, opts...)...)
	require.NoError(t, err)
	return c
}

// text answers every call alike.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// reply writes a list as the API does.
func reply(w http.ResponseWriter, rows []map[string]any, meta map[string]any) {
	if rows == nil {
		rows = []map[string]any{}
	}
	body := map[string]any{"data": rows, "status": "success"}
	if meta != nil {
		body["meta"] = meta
	}
	_ = json.NewEncoder(w).Encode(body)
}

func number(r *http.Request, name string, absent int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return absent
	}
	return n
}

// cut is rows[offset:offset+limit], whatever is asked.
func cut[T any](rows []T, offset, limit int) []T {
	offset = min(max(offset, 0), len(rows))
	return rows[offset:min(len(rows), offset+limit)]
}

func problem(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, err.Error(), testToken)
	require.NotContains(t, err.Error(), "\n")
	return e
}

// all drains a listing.
func all[T any](t *testing.T, l *Listing[T]) ([]T, error) {
	t.Helper()
	var out []T
	for x, err := range l.All() {
		if err != nil {
			return out, err
		}
		out = append(out, x)
	}
	return out, nil
}
