package chat2desk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNewToken(t *testing.T) {
	for _, in := range []string{
		testToken, "  " + testToken + "\n", `"` + testToken + `"`, "Bearer " + testToken, "bearer  '" + testToken + "'",
		"Authorization: " + testToken, "authorization:Bearer " + testToken, "“" + testToken + "”", "Authorization: \"Bearer " + testToken + "\"",
	} {
		c, err := New(in)
		require.NoError(t, err, in)
		require.Equal(t, testToken, c.authorization, in)
		require.Equal(t, "api.chat2desk.com", c.Host())
	}
	for _, in := range []string{"", " ", `""`, "Bearer ", "Authorization:", "two words", "tok\nen", "токен"} {
		_, err := New(in)
		require.Equal(t, KindToken, problem(t, err).Kind, in)
	}
}

func TestWithBaseURL(t *testing.T) {
	good := map[string]string{
		"":                                "https://api.chat2desk.com",
		"https://api.chat2desk.kz":        "https://api.chat2desk.kz",
		"https://api.chat2desk.kz/":       "https://api.chat2desk.kz",
		"https://api.chat2desk.kz/v1":     "https://api.chat2desk.kz",
		" https://API.chat2desk.kz/v1// ": "https://api.chat2desk.kz",
		"api.chat2desk.com.mx":            "https://api.chat2desk.com.mx",
		"api.chat2desk.com.mx:8443/v1":    "https://api.chat2desk.com.mx:8443",
		"http://localhost:8080":           "http://localhost:8080",
		"http://127.0.0.1:1/v1":           "http://127.0.0.1:1",
		"http://[::1]:9":                  "http://[::1]:9",
	}
	for in, want := range good {
		c, err := New(testToken, WithBaseURL(in))
		require.NoError(t, err, in)
		require.Equal(t, want, c.base.String(), in)
		host, err := Host(in)
		require.NoError(t, err, in)
		require.Equal(t, c.base.Host, host, in)
	}
	bad := map[string]string{
		"http://api.chat2desk.com":         "write https://api.chat2desk.com",
		"http://127.0.0.1.evil.example":    "unencrypted",
		"ftp://api.chat2desk.com":          "https",
		"https://api.chat2desk.com/v2":     "write https://api.chat2desk.com",
		"https://api.chat2desk.com/v1?x=1": "only a scheme and a host",
		"https://me:hunter2@host":          "name or password",
		"https://":                         "it is no URL; write https://api.chat2desk.com",
		"https://me:hunter2@a b":           "it is no URL",
		"https://a b":                      "it is no URL; write https://api.chat2desk.com",
	}
	for in, want := range bad {
		_, err := New(testToken, WithBaseURL(in))
		e := problem(t, err)
		require.Equal(t, KindInvalid, e.Kind, in)
		require.Contains(t, e.Error(), want, in)
		require.NotContains(t, e.Error(), "hunter2")
		_, err = Host(in)
		var base *BaseURLError
		require.ErrorAs(t, err, &base, in)
		require.NotContains(t, base.Error()+base.Fix(), "hunter2")
	}
}

func TestWithScheme(t *testing.T) {
	for word, want := range map[string]string{
		"": testToken, "raw": testToken, "RAW": testToken, "bearer": "Bearer " + testToken, "Token": "Token " + testToken,
	} {
		var got string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }, WithScheme(word), WithRetry(1, 0))
		_, err := c.Company(t.Context())
		require.Error(t, err)
		require.Equal(t, want, got)
	}
	_, err := New(testToken, WithScheme("two words"))
	require.Error(t, err)
}

func TestOptionsRefused(t *testing.T) {
	nan := 0.0
	for _, o := range []Option{WithRate(-1), WithRate(nan / nan), WithTimeout(-1, 0), WithRetry(0, 0), WithRetry(1, -1)} {
		_, err := New(testToken, o)
		require.Equal(t, KindInvalid, problem(t, err).Kind)
	}
	c, err := New(testToken, WithRate(5), WithTimeout(time.Second, 2*time.Second), WithUserAgent("x\r\ny"), WithNow(time.Now))
	require.NoError(t, err)
	require.Equal(t, "x y", c.userAgent)
	require.Equal(t, time.Second, c.readTimeout)
	require.Equal(t, 2*time.Second, c.sendTimeout)
}
