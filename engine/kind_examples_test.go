package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/steps"
)

// answers are what the hosts that examples ask say. A test asks nobody outside,
// so a server on this machine stands in for each, and the kind really asks it.
var answers = map[string]string{"https://rates.example.com": `{"date": "2026-11-22", "rub": 92.5}`}

// standIn replaces the hosts of an example by servers on this machine.
func standIn(t *testing.T, example string) string {
	t.Helper()
	for host, answer := range answers {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		t.Cleanup(srv.Close)
		example = strings.ReplaceAll(example, host, srv.URL)
	}
	return example
}

// TestTheExampleOfEveryKindRuns validates, plans and applies what the reference
// page of a kind shows.
func TestTheExampleOfEveryKindRuns(t *testing.T) {
	for _, k := range steps.Registry().Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: sandbox.Generate(1, 300, testNow)})
			for name, text := range k.Files {
				b.write(name, text)
			}
			_, ds := compile(k.Example)
			require.Empty(t, ds, "%s", diag.FormatAll(ds, []byte(k.Example)))
			p, _ := compile(standIn(t, k.Example))
			r := b.apply(p, b.plan(p, nil))
			require.Empty(t, r.Problems)
			require.Empty(t, r.Reason)
		})
	}
}
