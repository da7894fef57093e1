package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is the moment of the worlds in tests.
var noon = time.Date(2026, 7, 17, 9, 30, 0, 0, time.UTC)

// testServer serves a generated world with the clock standing at noon.
func testServer(t *testing.T, change func(*Options)) *Server {
	t.Helper()
	o := Options{World: Generate(1, 300, noon), Token: "secret", Clock: func() time.Time { return noon }}
	if change != nil {
		change(&o)
	}
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

// ask makes one call and gives the code and the body.
func ask(t *testing.T, s *Server, method, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "secret")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	got, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	return w.Code, string(got)
}

// get makes a call that must succeed and gives its JSON.
func get(t *testing.T, s *Server, target string) map[string]any {
	t.Helper()
	code, body := ask(t, s, http.MethodGet, target, "")
	require.Equal(t, 200, code, "%s: %s", target, body)
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &v), body)
	return v
}

func TestTokenIsBare(t *testing.T) {
	s := testServer(t, nil)
	for name, tc := range map[string]struct {
		header, path, want string
		code               int
	}{
		"right":          {"secret", "/v1/companies/api_info", `"status":"success"`, 200},
		"wrong":          {"other", "/v1/clients", "Token is not correct", 403},
		"bearer":         {"Bearer secret", "/v1/clients", "Token is not correct", 403},
		"none":           {"", "/v1/clients", "specify your token", 403},
		"none for help":  {"", "/v1/help/transports", "wa_dialog", 200},
		"slash tolerant": {"secret", "/v1/operators/", `"status":"success"`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tc.path, nil)
			r.Header.Set("Authorization", tc.header)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			require.Equal(t, tc.code, w.Code)
			require.Contains(t, w.Body.String(), tc.want)
		})
	}
}
