package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/internal/golden"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)

// sample is one of everything.
func sample() (ledger.ExportHead, []ledger.Entry) {
	run := ledger.Run{
		ID: "r1", Flow: "весна", Campaign: "8 марта", File: "spring.yaml", FlowHash: "f", InputsHash: "i", PlanHash: "p", Account: "api/7",
		State: ledger.Failed, Started: noon, Finished: noon.Add(time.Hour), Counts: ledger.Counts{Planned: 2, Sent: 1, Failed: 1}, ExitCode: 5, Reason: "some <failed>",
	}
	id := ledger.Key{Key: "1"}.Identity()
	send := ledger.Record{
		Identity: id, State: ledger.Sent, Run: "r1", Seq: 3, Step: "send", Period: "2026-W09", Contact: 1001,
		ContentHash: [32]byte{1, 2}, MessageID: 500, Reason: "seen in the chat", Attempts: 2, Attempted: noon, At: noon.Add(time.Minute),
		Person: ledger.PersonOfNumber("79161234567"), Class: ledger.Service,
	}
	peace := ledger.OptOut{Account: "api/7", Contact: 1001, Person: send.Person, Word: "стоп", MessageID: 480, At: noon}
	decided := ledger.Decided{From: ledger.Unknown, Decision: ledger.Decision{Identity: id, State: ledger.Sent, MessageID: 500, By: "anna", Reason: "seen in the chat", At: noon}}
	bare := ledger.Run{ID: "r2", Flow: "x", Campaign: "default"}
	open := ledger.Record{Identity: ledger.Key{Key: "2"}.Identity(), State: ledger.Intent, Run: "r2", Attempts: 1}
	head := ledger.ExportHead{
		Lineage: "ABC", Serial: 12, Scopes: []ledger.ScopeSerial{{Flow: "x", Campaign: "default", Serial: 2}, {Flow: "весна", Campaign: "8 марта", Serial: 10}},
		Merged: []ledger.Merged{{Lineage: "DEF", Serial: 3}},
	}
	return head, []ledger.Entry{{Run: &run}, {Run: &bare}, {Send: &send}, {Send: &open}, {Decision: &decided}, {OptOut: &peace}}
}

func export(t testing.TB, head ledger.ExportHead, entries []ledger.Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := ledger.NewExporter(&b, head)
	require.NoError(t, err)
	for _, entry := range entries {
		switch {
		case entry.Run != nil:
			require.NoError(t, e.Run(*entry.Run))
		case entry.Send != nil:
			require.NoError(t, e.Send(*entry.Send))
		case entry.Decision != nil:
			require.NoError(t, e.Decision(*entry.Decision))
		case entry.OptOut != nil:
			require.NoError(t, e.OptOut(*entry.OptOut))
		}
	}
	require.NoError(t, e.Close())
	return b.Bytes()
}

func readAll(r io.Reader) (all []ledger.Entry, err error) {
	for entry, err := range ledger.ReadExport(r) {
		if err != nil {
			return all, err
		}
		all = append(all, entry)
	}
	return all, nil
}

// The file is a promise to ledgers elsewhere: another form is another version.
func TestGoldenExport(t *testing.T) {
	head, entries := sample()
	data := export(t, head, entries)
	golden.Equal(t, "testdata/export.jsonl", string(data))

	got, err := readAll(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, append([]ledger.Entry{{Head: &head}}, entries...), got)
}

func TestDamagedExport(t *testing.T) {
	head, entries := sample()
	whole := export(t, head, entries)
	refused := func(data []byte, what string) {
		t.Helper()
		_, err := readAll(bytes.NewReader(data))
		var bad *ledger.ImportError
		require.ErrorAs(t, err, &bad, what)
		require.ErrorContains(t, err, "(nothing was changed)", what)
	}
	for size := range whole {
		refused(whole[:size], fmt.Sprintf("cut to %d bytes", size))
	}
	for at := range whole {
		bit := byte(1) << (at % 8)
		whole[at] ^= bit
		refused(whole, fmt.Sprintf("byte %d, bit %#x", at, bit))
		whole[at] ^= bit
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for i := range lines[:len(lines)-1] {
		rest := bytes.Join(append(append([][]byte(nil), lines[:i]...), lines[i+1:]...), nil)
		refused(rest, fmt.Sprintf("without line %d", i+1))
		refused(bytes.Join(append(append([][]byte(nil), lines[:i+1]...), lines[i:]...), nil), fmt.Sprintf("line %d twice", i+1))
	}
	_, err := readAll(bytes.NewReader(whole))
	require.NoError(t, err)
}

func TestExportOfAnotherKind(t *testing.T) {
	head, entries := sample()
	whole := string(export(t, head, entries))
	run := "{\"run\":{\"id\":\"r1\",\"flow\":\"x\",\"campaign\":\"d\",\"state\":\"running\",\"counts\":{}}}\n"
	opening := "{\"ledger\":{\"format\":1,\"lineage\":\"A\",\"serial\":0}}\n"
	tests := map[string]struct{ file, want string }{
		"empty":         {"", "line 1: it is no exported ledger"},
		"text":          {"Dear all,\n", "line 1: it is no exported ledger"},
		"plan":          {"{\"plan\":{\"format\":1}}\n", "line 1: it is no exported ledger"},
		"no lineage":    {"{\"ledger\":{\"format\":1}}\n", "line 1: it is no exported ledger"},
		"newer":         {"{\"ledger\":{\"format\":3,\"lineage\":[\"A\"],\"shiny\":true}}\n", "line 1: it has format 3, made by a newer flowrunner; this one knows up to 2: update flowrunner"},
		"cut":           {opening, "line 2: the file is cut off: its closing line is missing; export it again"},
		"two heads":     {opening + opening, "line 2: the line is damaged: it is no run, send, decision, opt-out or end"},
		"no field":      {opening + "{}\n", "line 2: the line is damaged: it is no run, send, decision, opt-out or end"},
		"unknown field": {opening + "{\"note\":1}\n", `line 2: the line is damaged: json: unknown field "note"`},
		"two values":    {opening + "{} {}\n", "line 2: the line is damaged: more than one value"},
		"run state":     {opening + strings.Replace(run, "running", "walking", 1), `line 2: run state: "walking" is not one of`},
		"run id":        {opening + strings.Replace(run, "r1", "", 1), "line 2: the run has no id"},
		"run time":      {opening + strings.Replace(run, `"counts"`, `"started":"9999-01-01T00:00:00Z","counts"`, 1), "line 2: the time 9999-01-01T00:00:00Z is out of range"},
		"send's run":    {opening + `{"send":{"identity":"` + ledger.Identity{}.String() + `","state":"sent","run":"r9","seq":0,"step":"","content":"` + ledger.Identity{}.String() + `","attempts":1}}` + "\n", `is of the run "r9", which the file does not have`},
		"planned":       {opening + run + `{"send":{"identity":"` + ledger.Identity{}.String() + `","state":"planned","run":"r1","seq":0,"step":"","content":"` + ledger.Identity{}.String() + `","attempts":1}}` + "\n", "line 3: a planned send is nothing that a ledger knows"},
		"identity":      {opening + run + `{"send":{"identity":"xy"}}` + "\n", "line 3: the line is damaged: identity: has 2 characters"},
		"decision":      {opening + `{"decision":{"identity":"` + ledger.Identity{}.String() + `","from":"lost","state":"sent"}}` + "\n", `line 2: state: "lost" is not one of`},
		"class":         {opening + run + `{"send":{"identity":"` + ledger.Identity{}.String() + `","state":"sent","run":"r1","seq":0,"step":"","class":"spam","content":"` + ledger.Identity{}.String() + `","attempts":1}}` + "\n", `line 3: class: "spam" is not one of`},
		"person":        {opening + `{"optOut":{"account":"a","contact":1,"person":"XY","word":"stop","messageId":1}}` + "\n", `line 2: the line is damaged: person: "XY" is not 32 lower-case hex digits`},
		"nobody":        {opening + `{"optOut":{"account":"a","contact":0,"word":"stop","messageId":1}}` + "\n", "line 2: the opt-out is nobody's"},
		"something on":  {whole + "x", "something follows the end of the ledger"},
		"blank line on": {whole + "\n", "something follows the end of the ledger"},
		"wrong hash":    {opening + run + "{\"end\":{\"lines\":2,\"sha256\":\"00\"}}\n", "line 3: the file was changed after it was exported, or is not whole"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(strings.NewReader(tt.file))
			var bad *ledger.ImportError
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, tt.want)
			require.Error(t, errors.Unwrap(bad))
		})
	}

	_, err := readAll(iotest.ErrReader(errors.New("the pipe broke")))
	require.EqualError(t, err, "import ledger: read line 1: the pipe broke (nothing was changed)")
	_, err = readAll(io.MultiReader(strings.NewReader(opening), &spaces{left: 17 << 20}))
	require.ErrorContains(t, err, "line 2: it has more than 16777216 bytes")
	for range ledger.ReadExport(strings.NewReader(whole)) {
		break // a range may end early
	}
}

// spaces is a line that does not end.
type spaces struct{ left int }

func (s *spaces) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = ' '
	}
	s.left -= len(p)
	return len(p), nil
}

// A time is kept in UTC, and 1970 is none, as a ledger stores it.
func TestExportedTimes(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	for want, in := range map[time.Time]time.Time{noon: noon.In(zone), {}: time.Unix(0, 0)} {
		data := export(t, ledger.ExportHead{Lineage: "A"}, []ledger.Entry{{Run: &ledger.Run{ID: "r1", Started: in}}})
		got, err := readAll(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, want, got[1].Run.Started)
	}
}

type fullWriter struct{ left int }

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestExportToAFullDisk(t *testing.T) {
	e, err := ledger.NewExporter(&fullWriter{}, ledger.ExportHead{Lineage: "A"})
	require.NoError(t, err)
	require.ErrorIs(t, e.Close(), io.ErrShortWrite)
	e, err = ledger.NewExporter(&fullWriter{left: 100 << 10}, ledger.ExportHead{Lineage: "A"})
	require.NoError(t, err)
	for range 2000 {
		if err = e.Send(ledger.Record{}); err != nil {
			break
		}
	}
	require.ErrorContains(t, err, "export ledger: ")
	require.ErrorIs(t, err, io.ErrShortWrite)
}

// Whatever is accepted says the same when it is written again.
func FuzzReadExport(f *testing.F) {
	head, entries := sample()
	f.Add(export(f, head, entries))
	f.Add(export(f, ledger.ExportHead{Lineage: "A"}, nil))
	f.Add([]byte("{\"ledger\":{\"format\":9}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readAll(bytes.NewReader(data))
		if err != nil {
			return
		}
		require.NotNil(t, got[0].Head)
		again, err := readAll(bytes.NewReader(export(t, *got[0].Head, got[1:])))
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
