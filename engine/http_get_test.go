package engine_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
)

// A secret that is no apiToken reaches its kind, and nothing that is written.
func TestSecretsOfAStepReachItsKindAlone(t *testing.T) {
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.URL.Path)
		fmt.Fprint(w, `{"text": "Hello"}`)
	}))
	defer srv.Close()
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	b.env["SHOP_KEY"] = "hunter2-of-the-shop"
	src := fmt.Sprintf(`flow: offers
guard: { maxSends: 10 }
steps:
  - id: people
    forEach: ${{ [101, 102] }}
    as: person
    steps:
      - id: offer
        uses: http_get
        with:
          url: %s/offers/${{ person }}
          auth: Shop ${{ secrets.SHOP_KEY }}
          type: { text: string }
      - id: tell
        uses: chat2desk_send_message
        with:
          contactId: ${{ person }}
          message: ${{ steps.offer.outputs.value.text ?? "Hi" }}
`, srv.URL)
	r := b.run(src, nil)
	require.Equal(t, 2, r.Counts.Sent)
	require.ElementsMatch(t, []string{"Shop hunter2-of-the-shop /offers/101", "Shop hunter2-of-the-shop /offers/102"}, got)
	require.Equal(t, []string{"SHOP_KEY"}, b.compile(src).Secrets)
	require.NoError(t, filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		require.NotContains(t, string(text), "hunter2", path)
		return err
	}))

	delete(b.env, "SHOP_KEY")
	p := b.compile(src)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	var missing *engine.SecretError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "SHOP_KEY", missing.Name)

	// The sandbox needs no secret and tells none.
	got = nil
	o := b.options(p, nil)
	o.Sandbox = &engine.Sandbox{BaseURL: b.url, Token: "0123456789abcdef0123456789abcd"}
	_, err = p.Plan(t.Context(), o)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"sandbox /offers/101", "sandbox /offers/102"}, got)
}

func TestHostsStandInTheFlow(t *testing.T) {
	for url, want := range map[string]string{
		"${{ inputs.host }}":                         "url begins with an expression",
		"https://${{ inputs.host }}/x":               "url computes its host",
		"https://api.example.com${{ inputs.host }}":  "url computes its host",
		"https://10.0.0.1/${{ inputs.host }}":        "url leads to 10.0.0.1, inside a network",
		"https://api.example.com/${{ inputs.host }}": "",
	} {
		src := "flow: a\ninputs:\n  host: { type: string, required: true }\nsteps:\n  - id: ask\n    uses: http_get\n    with:\n      url: " + url + "\n"
		_, ds := compile(src)
		if want == "" {
			require.Empty(t, ds)
			continue
		}
		require.Len(t, ds, 1)
		require.Contains(t, ds[0].Summary, want)
		require.Equal(t, 8, ds[0].Span.Start.Line, "%s", diag.FormatAll(ds, []byte(src)))
	}
	_, ds := compile("flow: a\nsteps:\n  - id: ask\n    uses: http_get\n    with: { url: https://example.com/, auth: Bearer hunter2 }\n")
	require.Len(t, ds, 1)
	require.Equal(t, "literal-token", ds[0].Code)
	require.Contains(t, ds[0].Hint, "${{ secrets.NAME }}")
}
