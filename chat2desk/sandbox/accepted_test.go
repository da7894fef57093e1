package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAcceptedLog(t *testing.T) {
	var log bytes.Buffer
	s := New(Options{World: smallWorld(t), AcceptedLog: &log, Clock: func() time.Time { return noon }})
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":11,"text":"Hello \"you\"\n\u2028 😀","external_id":"run-1/11"}`)
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":99,"text":"refused"}`)
	ask(t, s, http.MethodPost, "/v1/messages", `{"client_id":12,"attachment":"https://example.com/a.pdf","type":"comment","operator_id":301}`)
	require.Equal(t, `{"n":1,"at":"2026-07-17T09:30:00Z","client_id":11,"text":"Hello \"you\"\n`+"\u2028"+` 😀","channel_id":21,"transport":"wa_dialog","type":"to_client","external_id":"run-1/11","message_id":500006}
{"n":2,"at":"2026-07-17T09:30:00Z","client_id":12,"text":"","channel_id":22,"transport":"telegram","type":"comment","external_id":"","message_id":500007,"operator_id":301,"attachment":"https://example.com/a.pdf"}
`, log.String())
	loaded, err := LoadAccepted(&log)
	require.NoError(t, err)
	require.Equal(t, s.Accepted(), loaded)
}

func TestRestore(t *testing.T) {
	for name, world := range map[string]World{"written": smallWorld(t), "generated": Generate(1, 100, noon)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "accepted.jsonl")
			earlier, file, err := OpenLog(path)
			require.NoError(t, err)
			require.Empty(t, earlier)
			id := world.Contact(0).ID
			first := New(Options{World: world, AcceptedLog: file, Clock: func() time.Time { return noon }})
			for range 3 {
				ask(t, first, http.MethodPost, "/v1/messages", fmt.Sprintf(`{"client_id":%d,"text":"before"}`, id))
			}
			_, err = file.WriteString(`{"n":4,"at":"2026-07-`) // the process is killed in the middle of a line
			require.NoError(t, err)
			require.NoError(t, file.Close())

			earlier, file, err = OpenLog(path)
			require.NoError(t, err)
			require.Equal(t, first.Accepted(), earlier)
			second := New(Options{World: world, AcceptedLog: file, Clock: func() time.Time { return noon }})
			second.Restore(earlier)
			ask(t, second, http.MethodPost, "/v1/messages", fmt.Sprintf(`{"client_id":%d,"text":"after"}`, id))
			require.NoError(t, file.Close())
			all := second.Accepted()
			require.Len(t, all, 4)
			require.Equal(t, 4, all[3].N)
			require.Greater(t, all[3].MessageID, all[2].MessageID)
			history := second.state.history(id)
			var texts []string
			for _, m := range history[len(history)-4:] {
				texts = append(texts, m.Text)
			}
			require.Equal(t, []string{"before", "before", "before", "after"}, texts)

			text, err := os.ReadFile(path)
			require.NoError(t, err)
			onDisk, err := LoadAccepted(bytes.NewReader(text))
			require.NoError(t, err)
			require.Equal(t, all, onDisk)
		})
	}
}

func TestLogProblems(t *testing.T) {
	_, err := LoadAccepted(strings.NewReader("{\"n\":1}\n\nnonsense\n"))
	require.ErrorContains(t, err, "read accepted messages: line 3: ")
	all, err := LoadAccepted(strings.NewReader("{\"n\":1}\n\n{\"n\":2}\n{\"n\":"))
	require.NoError(t, err)
	require.Len(t, all, 2)
	_, err = LoadAccepted(iotest.ErrReader(errors.New("disk gone")))
	require.ErrorContains(t, err, "read accepted messages: disk gone")

	dir := t.TempDir()
	_, _, err = OpenLog(dir)
	require.ErrorContains(t, err, "open accepted messages: ")
	bad := filepath.Join(dir, "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte("nonsense\n"), 0o600))
	_, _, err = OpenLog(bad)
	require.ErrorContains(t, err, "bad.jsonl: read accepted messages: line 1")
}

// brokenLog is a log on a full disk.
type brokenLog struct{}

func (brokenLog) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestNothingIsAcceptedWithoutItsLine(t *testing.T) {
	s := New(Options{World: smallWorld(t), AcceptedLog: brokenLog{}})
	code, _ := ask(t, s, http.MethodPost, "/v1/messages", hello)
	require.Equal(t, 500, code)
	require.Empty(t, s.Accepted())
}

func FuzzLoadAccepted(f *testing.F) {
	f.Add([]byte("{\"n\":1,\"text\":\"a\"}\n"))
	f.Add([]byte("{\"n\":1}\n{\"n\""))
	f.Add([]byte("{\"n\":1}\n{\"n\":2}\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		all, err := LoadAccepted(bytes.NewReader(log))
		if err != nil {
			return
		}
		var again []byte
		for i := range all {
			again = all[i].appendLine(again)
		}
		same, err := LoadAccepted(bytes.NewReader(again))
		if err != nil || len(same) != len(all) {
			t.Fatalf("%d lines became %d: %v", len(all), len(same), err)
		}
		for i := range all {
			if all[i].Text != same[i].Text || all[i].MessageID != same[i].MessageID {
				t.Fatalf("%+v became %+v", all[i], same[i])
			}
		}
	})
}
