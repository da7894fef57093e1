package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/step"
)

// said is one message of a history: who wrote it, what, and when, counted from
// the attempt.
type said struct {
	id                   int
	kind, text, external string
	after                time.Duration
	channel              int
	transport            string
}

// chatOf is a history as the API gives it, newest first, under a clock of its own.
func chatOf(attempted time.Time, now func() time.Time, rows []said, total int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var list []map[string]any
		for i := len(rows) - 1; i >= 0; i-- {
			m := rows[i]
			row := map[string]any{
				"id": m.id, "client_id": 1, "text": m.text, "created": attempted.Add(m.after).UTC().Format("2006-01-02T15:04:05 UTC"),
				"type": m.kind, "channel_id": m.channel, "transport": m.transport,
			}
			for name, v := range row {
				if v == "" || v == 0 {
					row[name] = nil
				}
			}
			if m.external != "" {
				row["external_id"] = m.external
			}
			list = append(list, row)
		}
		if r.URL.Query().Get("offset") != "0" && r.URL.Query().Get("offset") != "" {
			list = nil
		}
		w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": list, "meta": map[string]any{"total": total}})
	}
}

func TestReadBack(t *testing.T) {
	const text = "Hello Ann,\nthe shop is open & waits."
	older := func(n int) (rows []said) {
		for i := range n {
			rows = append(rows, said{id: 1 + i, kind: "to_client", text: "older", after: time.Duration(i-n)*time.Hour - 30*time.Hour})
		}
		return rows
	}
	tests := []struct {
		name    string
		args    obj
		rows    []said
		total   int // 0 is as many as there are
		age     time.Duration
		changed bool
		claimed []int
		want    step.Finding
		message int
		says    string
	}{
		{name: "an empty chat", want: step.NotThere},
		{name: "its external id, whatever the text", rows: []said{{id: 9, kind: "to_client", text: "other", external: "ours"}}, want: step.Happened, message: 9, says: "external id"},
		{name: "another external id with the same text", rows: []said{{id: 9, kind: "to_client", text: text, external: "theirs"}}, want: step.NotThere},
		{name: "the text", rows: []said{{id: 9, kind: "to_client", text: text}}, want: step.Happened, message: 9, says: "its text"},
		{name: "the text without a type", rows: []said{{id: 9, text: text}}, want: step.Happened, message: 9},
		{name: "the text with other line ends and blanks around it", rows: []said{{id: 9, kind: "to_client", text: " Hello Ann,\r\nthe shop is open & waits.\n\n"}}, want: step.Happened, message: 9},
		{name: "the text escaped for HTML", rows: []said{{id: 9, kind: "to_client", text: "Hello Ann,\nthe shop is open &amp; waits."}}, want: step.Happened, message: 9},
		{name: "the text in another Unicode form", args: obj{"message": "caf\u00e9"}, rows: []said{{id: 9, kind: "to_client", text: "cafe\u0301"}}, want: step.Happened, message: 9},
		{name: "a text that has HTML in it", args: obj{"message": "1 &lt; 2"}, rows: []said{{id: 9, kind: "to_client", text: "1 &lt; 2"}}, want: step.Happened, message: 9},
		{name: "another text", rows: []said{{id: 9, kind: "to_client", text: "Hello Ann"}}, want: step.NotThere},
		{name: "the same letters only", rows: []said{{id: 9, kind: "to_client", text: "*Hello Ann* the shop is open waits"}}, want: step.CannotTell, says: "signs and blanks"},
		{name: "the same text from the client", rows: []said{{id: 9, kind: "from_client", text: text}}, want: step.NotThere},
		{name: "the same text as an autoreply", rows: []said{{id: 9, kind: "autoreply", text: text}}, want: step.CannotTell, says: "autoreply"},
		{name: "the same text from a month ago", rows: []said{{id: 9, kind: "to_client", text: text, after: -30 * 24 * time.Hour}}, want: step.NotThere},
		{name: "the same text from an hour before", rows: []said{{id: 9, kind: "to_client", text: text, after: -time.Hour}}, want: step.CannotTell, says: "shortly before"},
		{name: "a minute before, within what clocks may differ", rows: []said{{id: 9, kind: "to_client", text: text, after: -time.Minute}}, want: step.Happened, message: 9},
		{name: "several: the oldest after the attempt", rows: []said{{id: 7, kind: "to_client", text: text, after: -time.Minute}, {id: 8, kind: "to_client", text: text, after: time.Second}, {id: 9, kind: "to_client", text: text, after: time.Minute}}, want: step.Happened, message: 8},
		{name: "the first is another send's", rows: []said{{id: 8, kind: "to_client", text: text, after: time.Second}, {id: 9, kind: "to_client", text: text, after: time.Minute}}, claimed: []int{8}, want: step.Happened, message: 9},
		{name: "all are other sends'", rows: []said{{id: 8, kind: "to_client", text: text}, {id: 9, kind: "to_client", text: text}}, claimed: []int{8, 9}, want: step.NotThere},
		{name: "the channel that was named", args: obj{"channelId": 21, "transport": "telegram"}, rows: []said{{id: 9, kind: "to_client", text: text, channel: 21, transport: "telegram"}}, want: step.Happened, message: 9},
		{name: "another channel", args: obj{"channelId": 21}, rows: []said{{id: 9, kind: "to_client", text: text, channel: 22}}, want: step.CannotTell, says: "another channel"},
		{name: "another transport", args: obj{"transport": "viber"}, rows: []said{{id: 9, kind: "to_client", text: text, transport: "telegram"}}, want: step.CannotTell, says: "another channel"},
		{name: "a template", args: obj{"message": "@HSM@\nclaims_13|ru\n7"}, want: step.CannotTell, says: "template"},
		{name: "a template by its external id", args: obj{"message": "@HSM@\nclaims_13|ru\n7"}, rows: []said{{id: 9, kind: "to_client", text: "Your claim 7", external: "ours"}}, want: step.Happened, message: 9},
		{name: "an attachment alone", args: obj{"message": "", "attachment": "https://example.com/a.pdf"}, want: step.CannotTell, says: "attachment"},
		{name: "an attachment with a text", args: obj{"attachment": "https://example.com/a.pdf"}, rows: []said{{id: 9, kind: "to_client", text: text}}, want: step.Happened, message: 9},
		{name: "one's own external id, found", args: obj{"externalId": "crm-7"}, rows: []said{{id: 9, kind: "to_client", text: text, external: "crm-7"}}, want: step.Happened, message: 9},
		{name: "one's own external id of another send", args: obj{"externalId": "crm-7"}, rows: []said{{id: 9, kind: "to_client", text: text, external: "crm-7"}}, claimed: []int{9}, want: step.CannotTell},
		{name: "one's own external id with another text", args: obj{"externalId": "crm-7"}, rows: []said{{id: 9, kind: "to_client", text: "other", external: "crm-7"}}, want: step.CannotTell, says: "need not be unique"},
		{name: "one's own external id, not given back", args: obj{"externalId": "crm-7"}, rows: []said{{id: 9, kind: "to_client", text: text}}, want: step.CannotTell},
		{name: "the flow's text has changed", changed: true, rows: []said{{id: 9, kind: "to_client", text: text}}, want: step.CannotTell, says: "another text than it did"},
		{name: "the flow's text has changed, but its external id is there", changed: true, rows: []said{{id: 9, kind: "to_client", text: "before", external: "ours"}}, want: step.Happened, message: 9},
		{name: "a comment in a chat that shows none", args: obj{"type": "comment"}, rows: []said{{id: 9, kind: "to_client", text: "x"}}, want: step.CannotTell, says: "type comment"},
		{name: "a comment in a chat that shows others", args: obj{"type": "comment"}, rows: []said{{id: 9, kind: "comment", text: "x"}}, want: step.NotThere},
		{name: "a comment", args: obj{"type": "comment"}, rows: []said{{id: 9, kind: "comment", text: text}}, want: step.Happened, message: 9},
		{name: "a clock that was set back", age: -1, want: step.CannotTell, says: "set back"},
		{name: "a clock that was set back, but it is there", age: -1, rows: []said{{id: 9, kind: "to_client", text: "x", external: "ours"}}, want: step.Happened, message: 9},
		{name: "a chat that gives fewer than it counts", rows: older(3), total: 50, want: step.CannotTell, says: "read whole"},
		{name: "a long chat, of which enough is old", rows: older(12), total: 12, want: step.NotThere},
		{name: "a chat in the wrong order, so that its first rows are the oldest", rows: reversed(append(older(12), said{id: 50, kind: "to_client", text: text})), want: step.Happened, message: 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.age == 0 {
				tt.age = 3 * time.Minute
			}
			if tt.total == 0 {
				tt.total = len(tt.rows)
			}
			// The API's clock is two days behind ours.
			now := func() time.Time { return time.Now().Add(-48 * time.Hour) }
			_, ctx := speak(t, chatOf(now().Add(-max(tt.age, 0)), now, tt.rows, tt.total))
			args := obj{"contactId": 1, "message": text}
			for name, v := range tt.args {
				args[name] = v
			}
			got, err := kind(t, "chat2desk_send_message").Settle(ctx, args, step.Attempt{
				ExternalID: "ours", Age: tt.age, Changed: tt.changed,
				Claimed: func(id int) (bool, error) { return strings.Contains(fmt.Sprint(tt.claimed), fmt.Sprint(id)), nil },
			})
			if tt.total > len(tt.rows) && err != nil {
				return // the client has noticed it already
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got.Finding, got.Evidence)
			require.Equal(t, tt.message, got.MessageID)
			require.Contains(t, got.Evidence, tt.says)
			require.NotEmpty(t, got.Evidence)
		})
	}
}

func reversed(rows []said) []said {
	out := make([]said, len(rows))
	for i, r := range rows {
		out[len(rows)-1-i] = r
	}
	return out
}

// What the sandbox accepts is found in each of the ways in which instances give
// it back.
func TestReadBackOverInstances(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Options){
		"plain":           nil,
		"no external ids": func(o *sandbox.Options) { o.NoExternalID = true },
		"escaped texts":   func(o *sandbox.Options) { o.NoExternalID, o.EscapeTexts = true, true },
		"dead offset":     func(o *sandbox.Options) { o.NoExternalID, o.DeadOffset = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			_, ctx, s := serve(t, change)
			k := kind(t, "chat2desk_send_message")
			args := obj{"contactId": 1, "message": "Fish & chips <b>today</b>"}
			a := step.Attempt{ExternalID: "flow-1"}
			got, err := k.Settle(ctx, args, a)
			require.NoError(t, err)
			require.Equal(t, step.NotThere, got.Finding, got.Evidence)
			_, err = k.Do(ctx, args, a)
			require.NoError(t, err)
			got, err = k.Settle(ctx, args, a)
			require.NoError(t, err)
			require.Equal(t, step.Happened, got.Finding, got.Evidence)
			require.Equal(t, int(s.Accepted()[0].MessageID), got.MessageID)
			broken := errors.New("the ledger is gone")
			a.Claimed = func(int) (bool, error) { return false, broken }
			_, err = k.Settle(ctx, args, a)
			require.ErrorIs(t, err, broken)
		})
	}
}

// A history of many pages is read back to the attempt and no further.
func TestReadBackOfALongHistory(t *testing.T) {
	for _, dead := range []bool{false, true} {
		_, ctx, s := serve(t, func(o *sandbox.Options) { o.NoExternalID, o.DeadOffset = true, dead })
		k := kind(t, "chat2desk_send_message")
		a := step.Attempt{ExternalID: "flow-1"}
		_, err := k.Do(ctx, obj{"contactId": 1, "message": "first"}, a)
		require.NoError(t, err)
		for i := range 450 {
			_, err := k.Do(ctx, obj{"contactId": 1, "message": fmt.Sprint("later ", i)}, a)
			require.NoError(t, err)
		}
		got, err := k.Settle(ctx, obj{"contactId": 1, "message": "first"}, a)
		require.NoError(t, err)
		require.Equal(t, step.Happened, got.Finding, got.Evidence)
		require.Equal(t, int(s.Accepted()[0].MessageID), got.MessageID)
		got, err = k.Settle(ctx, obj{"contactId": 1, "message": "never"}, a)
		require.NoError(t, err)
		require.Equal(t, step.NotThere, got.Finding, got.Evidence)
	}
}
