package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// fake is an account of 450 people.
func fake(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	api := sandbox.New(sandbox.Options{World: sandbox.Generate(1, 450, sandbox.World{}.Now), Token: "t"})
	web := httptest.NewServer(api)
	t.Cleanup(web.Close)
	t.Cleanup(api.Close)
	t.Setenv("CHAT2DESK_API_TOKEN", "t")
	return api, web.URL
}

func TestBroadcastReachesEachOnce(t *testing.T) {
	for name, journal := range map[string]bool{"plain": false, "with a journal": true} {
		t.Run(name, func(t *testing.T) {
			api, base := fake(t)
			args := []string{"-base-url", base, "-inflight", "8"}
			path := filepath.Join(t.TempDir(), "journal")
			if journal {
				args = append(args, "-journal", path)
			}
			var out bytes.Buffer
			require.NoError(t, run(context.Background(), args, &out))
			seen := map[int64]bool{}
			for _, a := range api.Accepted() {
				require.False(t, seen[a.ClientID])
				require.Zero(t, a.ClientID%2)
				seen[a.ClientID] = true
			}
			require.Greater(t, len(seen), 150)
			require.Contains(t, out.String(), " sent")
			if journal {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, len(seen), strings.Count(string(text), `{"intent":`))
				require.Equal(t, len(seen), strings.Count(string(text), `,"message":`))
				require.Error(t, run(context.Background(), args, &out), "a journal is begun once")
			}
		})
	}
}

func TestStartAndExport(t *testing.T) {
	_, base := fake(t)
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"-base-url", base, "-job", "start"}, &out))
	require.Equal(t, "450\n", out.String())
	path := filepath.Join(t.TempDir(), "out.csv")
	require.NoError(t, run(context.Background(), []string{"-base-url", base, "-job", "export", "-csv", path}, &out))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "id,phone\n"))
	require.Contains(t, out.String(), " rows")
}

// A call that is answered 429 is made again, with its body.
func TestA429IsWaitedFor(t *testing.T) {
	api, base := fake(t)
	var met sync.Map // calls that were refused once
	wall := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		if _, again := met.LoadOrStore(r.Method+r.URL.String()+string(body), true); !again {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		again, err := http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.String(), bytes.NewReader(body))
		assert.NoError(t, err)
		again.Header = r.Header
		resp, err := http.DefaultClient.Do(again)
		assert.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(w, resp.Body)
		assert.NoError(t, err)
	}))
	defer wall.Close()
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), []string{"-base-url", wall.URL, "-inflight", "256"}, &out))
	seen := map[int64]bool{}
	for _, a := range api.Accepted() {
		require.False(t, seen[a.ClientID])
		seen[a.ClientID] = true
	}
	require.Greater(t, len(seen), 150)
}

func TestFailuresEndIt(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/v1/messages":
			_, _ = w.Write([]byte(`{"status":"error"}`))
		case r.Header.Get("Authorization") == "empty":
			_, _ = w.Write([]byte(`{"data":[{"id":2},{"id":4}],"meta":{"total":2}}`))
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer web.Close()
	var out bytes.Buffer
	for _, job := range []string{"start", "broadcast", "export"} {
		err := run(context.Background(), []string{"-base-url", web.URL, "-job", job, "-csv", filepath.Join(t.TempDir(), "x")}, &out)
		require.ErrorContains(t, err, "500", job)
	}
	t.Setenv("CHAT2DESK_API_TOKEN", "empty")
	path := filepath.Join(t.TempDir(), "journal")
	err := run(context.Background(), []string{"-base-url", web.URL, "-journal", path}, &out)
	require.ErrorContains(t, err, "no message id")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"error":`)
	require.Error(t, run(context.Background(), []string{"-job", "dance"}, &out))
	require.Error(t, run(context.Background(), []string{"-no-such-flag"}, &out))
	require.Error(t, run(context.Background(), []string{"-base-url", "http://127.0.0.1:1"}, &out))
}
