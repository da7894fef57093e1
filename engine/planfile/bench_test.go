package planfile

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// benchSend is a record such as a broadcast has by the ten thousand.
func benchSend(n int) Send {
	return Send{
		Type: "send", Seq: int64(n), Step: "send", Unit: int64(n), Item: []int{n}, Status: StatusPlanned, Identity: strings.Repeat("1f", 32),
		Account: "api.chat2desk.com/4711", Key: "70013", Contact: 70013 + n, Content: strings.Repeat("e9", 32),
		Args: Members{
			"contactId": 70013 + n,
			"message":   "Hello Алма Сәбит!\nThe code SPRING15 gives you 15% until Sunday.",
		},
	}
}

// benchRow is a client of a listing.
func benchRow() map[string]any {
	row := map[string]any{"id": 70013, "phone": "79161110001", "name": "Алма Сәбит", "last_client_message": time.Unix(1_780_000_000, 0).UTC()}
	for _, name := range []string{
		"username", "assigned_name", "comment", "client_phone", "assigned_phone", "avatar", "region_id", "country_id", "channel_id",
		"first_client_message", "extra_comment_1", "extra_comment_2", "extra_comment_3", "client_external_id", "external_id",
	} {
		row[name] = nil
	}
	return row
}

func BenchmarkWriteSend(b *testing.B) {
	w, err := Create(filepath.Join(b.TempDir(), "plan.jsonl"))
	require.NoError(b, err)
	defer w.Abort()
	r := benchSend(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadSend(b *testing.B) {
	line, err := appendLine(nil, benchSend(1))
	require.NoError(b, err)
	d := decoder{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteRow(b *testing.B) {
	v := Value{V: benchRow()}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if line, err = v.AppendLine(line[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadRow(b *testing.B) {
	line, err := Value{V: benchRow()}.AppendLine(nil)
	require.NoError(b, err)
	d := decoder{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.value(line); err != nil {
			b.Fatal(err)
		}
	}
}
