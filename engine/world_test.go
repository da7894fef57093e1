package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/steps"
)

// testNow is the moment of every test: a Sunday in Moscow.
var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// bench is one account, one ledger and one folder with flows.
type bench struct {
	t      *testing.T
	api    *sandbox.Server
	url    string
	dir    string
	store  ledger.Store
	now    time.Time
	stdout bytes.Buffer
	events []engine.Event
	env    map[string]string
	settle time.Duration
}

// smallWorld has a few clients whose ids and names tests can rely on.
func smallWorld(clients int) sandbox.World {
	seed := map[string]any{"now": "2026-11-22T12:00:00 UTC", "generate": nil}
	delete(seed, "generate")
	var list []any
	for i := range clients {
		list = append(list, map[string]any{
			"id": 101 + i, "name": "Client " + string(rune('A'+i%26)), "phone": "7916000" + pad(i),
			"tags": []any{17},
		})
	}
	seed["clients"] = list
	w, err := sandbox.FromSeed(seed)
	if err != nil {
		panic(err)
	}
	return w
}

func pad(i int) string {
	return string([]byte{'0' + byte(i/1000%10), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)})
}

func newBench(t *testing.T, o sandbox.Options) *bench {
	t.Helper()
	o.Token = "0123456789abcdef0123456789abcd"
	b := &bench{t: t, api: sandbox.New(o), dir: t.TempDir(), now: testNow, settle: 200 * time.Millisecond}
	srv := httptest.NewServer(b.api)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); b.api.Close() })
	b.url = srv.URL
	b.env = map[string]string{"CHAT2DESK_API_TOKEN": o.Token, "CHAT2DESK_BASE_URL": srv.URL}
	b.open()
	return b
}

func (b *bench) open() {
	store, err := sqlite.Open(b.t.Context(), filepath.Join(b.dir, "ledger.db"), sqlite.Options{})
	require.NoError(b.t, err)
	b.store = store
	b.t.Cleanup(func() { _ = store.Close() })
}

// compile compiles a flow text, which must be good.
func (b *bench) compile(src string) *engine.Program {
	b.t.Helper()
	p, ds := compile(src)
	require.False(b.t, ds.HasErrors(), "%s", diag.FormatAll(ds, []byte(src)))
	return p
}

func compile(src string) (*engine.Program, diag.List) {
	doc, ds := flow.Parse("flow.yaml", []byte(src))
	if ds.HasErrors() {
		return nil, ds
	}
	return engine.Compile(doc, steps.Registry(), nil)
}

func (b *bench) options(p *engine.Program, vars map[string]any) engine.Options {
	b.t.Helper()
	inputs, err := p.BindInputs(vars)
	require.NoError(b.t, err)
	fast, settle := 0.0, b.settle
	return engine.Options{
		Inputs: inputs, StateDir: filepath.Join(b.dir, "state"), FlowDir: b.dir, Store: b.store, Rate: &fast, Settle: &settle,
		LookupEnv: func(k string) (string, bool) { v, ok := b.env[k]; return v, ok },
		Account:   steps.CompanyID, People: steps.People{}, Gate: steps.WaitTurn, Stdout: &b.stdout, Now: func() time.Time { return b.now },
		Events: func(e engine.Event) { b.events = append(b.events, e) },
	}
}

// planFile plans and gives the path of the plan.
func planFile(ctx context.Context, p *engine.Program, o engine.Options) (string, error) {
	s, err := p.Plan(ctx, o)
	if s == nil {
		return "", err
	}
	return s.Path, err
}

// applyFile checks a plan and applies it.
func applyFile(ctx context.Context, p *engine.Program, path string, o engine.ApplyOptions) (*engine.Result, error) {
	plan, err := planfile.Check(path)
	if err != nil {
		return nil, err
	}
	return p.Apply(ctx, plan, o)
}

// plan plans and must succeed. What is said of the plan is what stands in its file.
func (b *bench) plan(p *engine.Program, vars map[string]any) string {
	b.t.Helper()
	o := b.options(p, vars)
	o.Samples = 2
	said, err := p.Plan(b.t.Context(), o)
	require.NoError(b.t, err)
	read, err := p.Summarize(said.Path, o.Samples)
	require.NoError(b.t, err)
	require.Equal(b.t, b.json(read), b.json(said))
	return said.Path
}

func (b *bench) json(v any) string {
	b.t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	require.NoError(b.t, err)
	return string(text)
}

func (b *bench) apply(p *engine.Program, path string) *engine.Result {
	b.t.Helper()
	r, err := applyFile(context.Background(), p, path, engine.ApplyOptions{Options: b.options(p, headInputs(p, path))})
	require.NoError(b.t, err)
	return r
}

// headInputs takes nothing: apply reads the inputs from the plan; required ones
// are only bound here so that options can be made.
func headInputs(p *engine.Program, path string) map[string]any {
	plan, _ := planfile.Check(path)
	vars := map[string]any{}
	for name, v := range plan.Head.Inputs {
		if s, ok := v.(string); ok {
			vars[name] = s
		}
	}
	return vars
}

// run plans and applies.
func (b *bench) run(src string, vars map[string]any) *engine.Result {
	b.t.Helper()
	p := b.compile(src)
	b.now = b.now.Add(time.Minute)
	return b.apply(p, b.plan(p, vars))
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600))
}

// texts are the accepted messages by client.
func (b *bench) texts() map[int64][]string {
	out := map[int64][]string{}
	for _, a := range b.api.Accepted() {
		out[a.ClientID] = append(out[a.ClientID], a.Text)
	}
	return out
}

// remembered ranges over sends of the ledger.
func (b *bench) remembered(f ledger.Filter) iter.Seq[ledger.Record] {
	return func(yield func(ledger.Record) bool) {
		b.t.Helper()
		for rec, err := range b.store.Records(b.t.Context(), f) {
			require.NoError(b.t, err)
			if !yield(rec) {
				return
			}
		}
	}
}

// records reads a plan.
func records[T any](t *testing.T, path string) []T {
	t.Helper()
	var out []T
	for rec, err := range planfile.Records(path) {
		require.NoError(t, err)
		if r, ok := rec.(T); ok {
			out = append(out, r)
		}
	}
	return out
}
