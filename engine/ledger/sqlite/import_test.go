package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

func exported(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, s.Export(t.Context(), &b))
	return b.Bytes()
}

// content is what a ledger knows, apart from which ledger it is.
func content(t testing.TB, s *Store) string {
	t.Helper()
	lines := strings.SplitAfter(string(exported(t, s)), "\n")
	return strings.Join(lines[1:len(lines)-2], "") // without head, end, and what follows the last line
}

func imported(t testing.TB, s *Store, data []byte) ledger.ImportResult {
	t.Helper()
	result, err := s.Import(t.Context(), bytes.NewReader(data))
	require.NoError(t, err)
	return result
}

// lived is a ledger that has seen everything.
func lived(t testing.TB) *Store {
	t.Helper()
	s := openNew(t)
	r := begin(t, s, "r1")
	for n := range 10 {
		put(t, s, n, "r1", ledger.State(n%5+1), n%2*n, "because")
	}
	r.State, r.Finished, r.Counts.Planned = ledger.Stopped, noon.Add(time.Hour), 10
	require.NoError(t, s.Finish(t.Context(), r))
	require.NoError(t, s.Resolve(t.Context(), ledger.Decision{Identity: identity(4), State: ledger.NotSent, By: "anna", Reason: "not in the chat", At: noon}))
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "r2", Flow: "autumn", Campaign: "x", PlanHash: "plan-r2", Started: noon.Add(time.Hour)}))
	put(t, s, 50, "r2", ledger.Intent, 0, "")
	return s
}

func TestExportAndImport(t *testing.T) {
	from := lived(t)
	data := exported(t, from)
	to := openNew(t)
	result := imported(t, to, data)
	total, err := from.total(t.Context())
	require.NoError(t, err)
	require.Equal(t, ledger.ImportResult{
		Lineage: from.Lineage(), Serial: total,
		Runs: ledger.ImportCount{Read: 2, Added: 2}, Sends: ledger.ImportCount{Read: 11, Added: 11}, Decisions: ledger.ImportCount{Read: 1, Added: 1},
	}, result)
	require.True(t, result.Changed())
	require.Equal(t, content(t, from), content(t, to))
	require.NotEqual(t, from.Lineage(), to.Lineage(), "the lineage stays")
	merged, err := to.Merged(t.Context())
	require.NoError(t, err)
	require.Equal(t, []ledger.Merged{{Lineage: from.Lineage(), Serial: total}}, merged)
	require.Equal(t, decisions(t, from, identity(4)), decisions(t, to, identity(4)))
	m, err := readMark(to.path)
	require.NoError(t, err)
	require.Positive(t, m.serial, "the mark knows of the merge")

	serial, err := to.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Positive(t, serial)
	result = imported(t, to, data)
	require.False(t, result.Changed())
	require.Equal(t, ledger.ImportCount{Read: 11}, result.Sends)
	again, err := to.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, serial, again, "what brings nothing makes no plan stale")

	third := openNew(t)
	imported(t, third, exported(t, to))
	require.Equal(t, content(t, from), content(t, third))
	merged, err = third.Merged(t.Context())
	require.NoError(t, err)
	require.Len(t, merged, 2, "knowledge that came by way of another is remembered too")
	imported(t, from, exported(t, third))
	merged, err = from.Merged(t.Context())
	require.NoError(t, err)
	require.Len(t, merged, 2, "nobody is merged into itself")

	look, err := Open(t.Context(), from.path, Options{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, content(t, from), content(t, look), "reading is enough to export")
	_, err = look.Import(t.Context(), bytes.NewReader(data))
	require.ErrorIs(t, err, ledger.ErrReadOnly)
	require.NoError(t, look.Close())
}

// What was imported binds: nobody who was sent to elsewhere is sent to here, and
// a run that was open elsewhere is taken over as after a crash.
func TestImportedKnowledgeBinds(t *testing.T) {
	s := openNew(t)
	imported(t, s, exported(t, lived(t)))
	open, found, err := s.Unfinished(t.Context(), "autumn", "x")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "r2", open.ID)
	last, _, err := s.FindRun(t.Context(), "last")
	require.NoError(t, err)
	require.Equal(t, "r2", last.ID)

	var applied *ledger.AppliedError
	require.ErrorAs(t, s.Begin(t.Context(), ledger.Run{ID: "r9", PlanHash: "plan-r1"}), &applied)
	begin(t, s, "r3")
	var conflict *ledger.ConflictError
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "r3")), &conflict)
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "r4", Flow: "autumn", Campaign: "x", Started: noon}))
	got, _, err := s.Find(t.Context(), identity(50))
	require.NoError(t, err)
	require.Equal(t, ledger.Unknown, got.State)
	require.Equal(t, "run r4 took over", got.Reason)
}

// randomExport is a ledger that knows some of a few sends and runs, in any way.
func randomExport(t testing.TB, r *rand.Rand, lineage int) []byte {
	t.Helper()
	at := func() time.Time { return noon.Add(time.Duration(r.IntN(3)) * time.Hour) }
	var b bytes.Buffer
	e, err := ledger.NewExporter(&b, ledger.ExportHead{Lineage: fmt.Sprint("L", lineage), Serial: int64(r.IntN(9))})
	require.NoError(t, err)
	ids := []string{"r1", "r2", "r3"}[:1+r.IntN(3)]
	for _, id := range ids {
		require.NoError(t, e.Run(ledger.Run{
			ID: id, Flow: fmt.Sprint("flow", r.IntN(2)), Campaign: "default", PlanHash: "plan-" + id, State: ledger.RunState(r.IntN(6)),
			Started: at(), Finished: at(), Counts: ledger.Counts{Planned: r.IntN(2)},
		}))
	}
	for range r.IntN(12) {
		require.NoError(t, e.Send(ledger.Record{
			Identity: identity(r.IntN(6)), State: ledger.State(1 + r.IntN(5)), Run: ids[r.IntN(len(ids))], Contact: r.IntN(2), MessageID: r.IntN(3),
			Reason: []string{"", "because"}[r.IntN(2)], Attempts: 1 + r.IntN(2), Attempted: at(), At: at(),
			Person: ledger.Person{byte(r.IntN(3))}, Class: ledger.Class(r.IntN(3)),
		}))
	}
	for range r.IntN(4) {
		require.NoError(t, e.OptOut(ledger.OptOut{
			Account: "test", Contact: 1 + r.IntN(2), Person: ledger.Person{byte(r.IntN(2))}, Word: "stop", MessageID: r.IntN(2), At: at(),
		}))
	}
	for range r.IntN(4) {
		d := ledger.Decision{Identity: identity(r.IntN(6)), State: ledger.State(2 + r.IntN(3)), By: "anna", At: at()}
		require.NoError(t, e.Decision(ledger.Decided{Decision: d, From: ledger.Unknown}))
	}
	require.NoError(t, e.Close())
	return b.Bytes()
}

// Up to four ledgers, merged in any order, any number of times, directly or by
// way of another, give one content; and no send is ever known less surely than
// before.
func TestMergesCommute(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	known := map[ledger.State]int{ledger.Planned: 0, ledger.NotSent: 1, ledger.Refused: 2, ledger.Intent: 3, ledger.Unknown: 4, ledger.Sent: 5}
	const rounds = 6
	for round := range rounds {
		what := fmt.Sprintf("seed %d, round %d", seed, round)
		var exports [][]byte
		for n := range 1 + r.IntN(4) {
			exports = append(exports, randomExport(t, r, n))
		}
		var want string
		var wantMerged []ledger.Merged
		for try := range 3 {
			order := r.Perm(len(exports))
			for range r.IntN(3) {
				order = slices.Insert(order, r.IntN(len(order)+1), r.IntN(len(exports)))
			}
			s := openNew(t)
			sure := map[ledger.Identity]int{}
			for i, n := range order {
				if by := openNew(t); try == 2 && i%2 == 0 {
					imported(t, by, exports[n])
					imported(t, s, exported(t, by))
				} else {
					imported(t, s, exports[n])
				}
				for rec, err := range s.Records(t.Context(), ledger.Filter{}) {
					require.NoError(t, err)
					require.GreaterOrEqual(t, known[rec.State], sure[rec.Identity], "%s, order %v", what, order)
					sure[rec.Identity] = known[rec.State]
				}
			}
			require.NoError(t, s.check(t.Context(), true), what)
			got := content(t, s)
			merged, err := s.Merged(t.Context())
			require.NoError(t, err)
			merged = slices.DeleteFunc(merged, func(m ledger.Merged) bool { return !strings.HasPrefix(m.Lineage, "L") || len(m.Lineage) > 2 })
			if try == 0 {
				want, wantMerged = got, merged
			}
			require.Equal(t, want, got, "%s, order %v", what, order)
			require.Equal(t, wantMerged, merged, what)
		}
	}
}

// A file that is not whole changes nothing and leaves nothing behind.
func TestImportRefuses(t *testing.T) {
	data := exported(t, lived(t))
	s := openNew(t)
	begin(t, s, "r7")
	put(t, s, 70, "r7", ledger.Sent, 7, "")
	before := exported(t, s)
	changed := bytes.Replace(data, []byte("anna"), []byte("olga"), 1)
	for name, r := range map[string]io.Reader{
		"empty":   strings.NewReader(""),
		"cut":     bytes.NewReader(data[:len(data)-40]),
		"changed": bytes.NewReader(changed),
		"foreign": strings.NewReader("id,phone\n1,2\n"),
	} {
		_, err := s.Import(t.Context(), r)
		var bad *ledger.ImportError
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, before, exported(t, s), name)
	}
	broken := errors.New("the pipe broke")
	_, err := s.Import(t.Context(), io.MultiReader(bytes.NewReader(data[:200]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Import(ctx, bytes.NewReader(data))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, exported(t, s))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), "*import*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, s.Intend(t.Context(), intention(71, "r7")), "the ledger goes on")
}

// What goes wrong in the middle of the merge takes back all of it, and nothing of
// those who share its transaction.
func TestImportFailsInTheMiddle(t *testing.T) {
	elsewhere := openNew(t)
	begin(t, elsewhere, "a1")
	put(t, elsewhere, 1, "a1", ledger.Sent, 7, "")
	r := ledger.Run{ID: "b1", Flow: "spring", Campaign: "may", PlanHash: "plan-r1", Started: noon.Add(time.Hour)}
	require.NoError(t, elsewhere.Begin(t.Context(), r))

	s := openNew(t)
	begin(t, s, "r1")
	before := content(t, s)
	_, err := s.Import(t.Context(), bytes.NewReader(exported(t, elsewhere)))
	require.EqualError(t, err, `import ledger: run "b1" applied the plan of run "r1", which is in this ledger (nothing was changed)`)
	require.Equal(t, before, content(t, s))
	merged, err := s.Merged(t.Context())
	require.NoError(t, err)
	require.Empty(t, merged)

	serial, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	release := hold(t, s.writer)
	results := make(chan error, 2)
	go func() { results <- s.Intend(t.Context(), intention(1, "r1")) }()
	require.Eventually(t, func() bool { return s.writer.waiting() == 1 }, eventually, tick)
	data := exported(t, elsewhere)
	go func() {
		_, err := s.Import(t.Context(), bytes.NewReader(data))
		if err == nil {
			err = errors.New("it was merged")
		} else if strings.Contains(err.Error(), "applied the plan") {
			err = nil
		}
		results <- err
	}()
	require.Eventually(t, func() bool { return s.writer.waiting() == 2 }, eventually, tick)
	release()
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	after, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, serial+1, after)
	got, _, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.Equal(t, ledger.Intent, got.State)
}

func TestImportWhereNothingCanBeKept(t *testing.T) {
	s := openNew(t)
	gone := filepath.Join(filepath.Dir(s.path), "gone", "ledger.db")
	_, err := (&Store{path: gone, writer: s.writer}).Import(t.Context(), strings.NewReader(""))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "import ledger: ")
}

// A ledger that cannot be read to its end is not exported as if it could.
func TestExportOfADamagedLedger(t *testing.T) {
	for _, damage := range []string{
		`UPDATE sends SET reason = 'x'`, `UPDATE runs SET counts = ''`, `UPDATE decisions SET who = 'x'`,
		`DROP TABLE merged`, `DROP TABLE scopes`,
	} {
		s := lived(t)
		_, err := s.writer.conn.ExecContext(t.Context(), damage)
		require.NoError(t, err, damage)
		var b bytes.Buffer
		require.Error(t, s.Export(t.Context(), &b), damage)
		_ = s.Close() // without its scopes it cannot say what the mark should know
		for _, err = range ledger.ReadExport(&b) {
			if err != nil {
				break
			}
		}
		require.Error(t, err, "%s: what was written is not taken for whole", damage)
	}
	s := openNew(t)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Export(t.Context(), io.Discard), ledger.ErrClosed)
	_, err := s.Merged(t.Context())
	require.ErrorIs(t, err, ledger.ErrClosed)
	_, err = s.Import(t.Context(), bytes.NewReader(exported(t, openNew(t))))
	require.ErrorIs(t, err, ledger.ErrClosed)
}

// BenchmarkImport measures how many sends a second an import brings, and an
// export writes.
func BenchmarkImport(b *testing.B) {
	from := openNew(b)
	begin(b, from, "r1")
	err := from.writer.do(b.Context(), func(t *tx) error {
		run, err := t.run("r1")
		for n := 0; err == nil && n < b.N; n++ {
			in := intention(n, "r1")
			err = t.put(&send{run: run.n, Record: ledger.Record{Identity: in.Identity, State: ledger.Sent, MessageID: n + 1, Contact: n, At: noon}})
		}
		return err
	})
	require.NoError(b, err)
	to := openNew(b)
	b.ResetTimer()
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(from.Export(context.Background(), w)) }()
	_, err = to.Import(b.Context(), r)
	require.NoError(b, err)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
	b.StopTimer()
}
