package steps

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/step"
)

const testToken = "0123456789abcdef"

// smallWorld is an account with a few people whose answers are known.
func smallWorld(now time.Time) sandbox.World {
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	return sandbox.World{
		Now:       now,
		Company:   sandbox.Company{ID: 4711, Name: "Shop", Timezone: "Europe/Moscow"},
		TagGroups: []sandbox.TagGroup{{ID: 2, Name: "Sales"}},
		Tags:      []sandbox.Tag{{ID: 17, GroupID: 2, Label: "vip", Description: "buys a lot"}},
		Channels:  []sandbox.Channel{{ID: 21, Name: "Main", Transports: []string{"wa_dialog", "telegram"}}, {ID: 22, Name: "Other", Transports: []string{"viber"}}},
		Operators: []sandbox.Operator{
			{ID: 301, FirstName: "Olga", LastName: "One", Role: "operator", Status: "enabled"},
			{ID: 302, FirstName: "Oleg", LastName: "Two", Role: "operator", Status: "enabled"},
		},
		Contacts: []sandbox.Contact{
			{ID: 1, Name: "Ann", Phone: "79160000001", Created: day(100), FirstMessage: day(100), LastMessage: day(3), CustomFields: map[string]string{"12": "gold"}, Tags: []int64{17}, Channels: []sandbox.ContactChannel{{ID: 21, Transports: []string{"wa_dialog"}}}},
			{ID: 2, Name: "unknown", Phone: "5215512345678", Created: day(50), FirstMessage: day(50), LastMessage: day(40), Channels: []sandbox.ContactChannel{{ID: 22, Transports: []string{"viber"}}}},
			{ID: 3, Phone: "[tg] 807892", Created: day(5), FirstMessage: day(5), LastMessage: day(5), Channels: []sandbox.ContactChannel{{ID: 21, Transports: []string{"telegram"}}}},
			{ID: 4, Name: "Twin A", Phone: "79160000009", Created: day(9), FirstMessage: day(9), LastMessage: day(9), Channels: []sandbox.ContactChannel{{ID: 22, Transports: []string{"viber"}}}},
			{ID: 5, Name: "Twin B", Phone: "79160000009", Created: day(9), FirstMessage: day(9), LastMessage: day(2), Channels: []sandbox.ContactChannel{{ID: 21, Transports: []string{"telegram"}}}},
		},
		Messages: []sandbox.Message{
			{ID: 1001, ClientID: 1, Text: "Hello", Type: "from_client", Transport: "wa_dialog", ChannelID: 21, Created: day(100)},
			{ID: 1002, ClientID: 1, Text: "Hi Ann", Type: "to_client", Transport: "wa_dialog", ChannelID: 21, OperatorID: 301, Created: day(99)},
			{ID: 1003, ClientID: 1, Type: "from_client", Transport: "wa_dialog", ChannelID: 21, Created: day(3), Attachment: "https://example.com/a.jpg"},
		},
		Dialogs: []sandbox.Dialog{{ID: 40001, ClientID: 1, ChannelID: 21, OperatorID: 301, Open: true, Began: day(100)}},
		Events: []sandbox.Event{
			{At: day(2), OperatorID: 301, Kind: "transfer_chat", DialogID: 40001},
			{At: day(2).Add(5 * time.Minute), OperatorID: 302, Kind: "take_chat", DialogID: 40001},
			{At: day(1), OperatorID: 302, Kind: "transfer_chat", DialogID: 40001},
		},
	}
}

// serve gives a host that is connected to a sandbox.
func serve(t testing.TB, change func(*sandbox.Options)) (*fakeHost, context.Context, *sandbox.Server) {
	t.Helper()
	h, ctx := newHost(t)
	o := sandbox.Options{World: smallWorld(h.Now().UTC()), Token: testToken, Clock: func() time.Time { return h.Now().UTC() }}
	if change != nil {
		change(&o)
	}
	s := sandbox.New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	h.conn = step.Connection{Token: step.NewSecret(testToken), BaseURL: srv.URL}
	return h, ctx, s
}

// speak gives a host that is connected to a handler.
func speak(t testing.TB, handler http.HandlerFunc) (*fakeHost, context.Context) {
	t.Helper()
	h, ctx := newHost(t)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	h.conn = step.Connection{Token: step.NewSecret(testToken), BaseURL: srv.URL}
	return h, ctx
}

// pluck is one field of each record.
func pluck(recs []any, name string) []any {
	out := []any{}
	for _, r := range recs {
		out = append(out, r.(obj)[name])
	}
	return out
}

func TestListClients(t *testing.T) {
	h, ctx, _ := serve(t, nil)
	tests := []struct {
		name string
		args obj
		want []any
	}{
		{"all", obj{}, []any{1, 2, 3, 4, 5}},
		{"limit", obj{"limit": 2}, []any{1, 2}},
		{"offset", obj{"offset": 3}, []any{4, 5}},
		{"order", obj{"order": "desc", "limit": 1}, []any{5}},
		{"phone in any form", obj{"phone": "8 (916) 000-00-01"}, []any{1}},
		{"tags", obj{"tags": []any{17}}, []any{1}},
		{"created after", obj{"createdAfter": h.Now().AddDate(0, 0, -20)}, []any{3, 4, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outs, err := kind(t, "chat2desk_list_clients").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.want, pluck(drain(t, outs, "clients"), "id"))
			require.IsType(t, 0, outs["total"])
		})
	}

	outs, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{"limit": 2})
	require.NoError(t, err)
	require.Equal(t, 5, outs["total"], "the total is the API's, whatever the limit")
	recs := drain(t, outs, "clients")
	ann := recs[0].(obj)
	require.Equal(t, "Ann", ann["name"])
	require.Equal(t, "79160000001", ann["phone"])
	require.Equal(t, h.Now().AddDate(0, 0, -3), ann["last_client_message"])
	require.Equal(t, h.zone, ann["last_client_message"].(time.Time).Location())
	require.Equal(t, "gold", ann["custom_fields"].(obj)["12"])
	require.NotContains(t, ann, "tags")
	require.Nil(t, recs[1].(obj)["name"], "a name that is literally unknown is nil")
	require.Len(t, h.shared, 1, "all calls share one client")
}

// conform checks that values are what their shape says.
func conform(t *testing.T, where string, s step.Shape, v any) {
	t.Helper()
	if v == nil {
		require.True(t, s.Nullable || s.Form == step.FormAny, "%s is nil", where)
		return
	}
	switch s.Form {
	case step.FormAny:
	case step.FormObject:
		m, ok := v.(obj)
		require.True(t, ok, "%s is %T", where, v)
		for _, f := range s.Fields {
			require.Contains(t, m, f.Name, where)
			conform(t, where+"."+f.Name, f.Shape, m[f.Name])
		}
	case step.FormList:
		list, ok := v.([]any)
		require.True(t, ok, "%s is %T", where, v)
		for _, e := range list {
			conform(t, where+"[]", s.Element(), e)
		}
	case step.FormInt:
		require.IsType(t, 0, v, where)
	case step.FormText:
		require.IsType(t, "", v, where)
	case step.FormBool:
		require.IsType(t, true, v, where)
	case step.FormTime:
		require.IsType(t, time.Time{}, v, where)
	default:
		require.Fail(t, "unexpected form", "%s is %s", where, s)
	}
}

func TestRecordsAreWhatTheirShapesSay(t *testing.T) {
	_, ctx, _ := serve(t, func(o *sandbox.Options) { o.World = sandbox.Generate(7, 60, o.World.Now) })
	list := func(name, output string, args obj) []any {
		k := kind(t, name)
		fields, err := k.Infer(step.Call{})
		require.NoError(t, err)
		f, _ := step.ObjectOf(fields...).Field(output)
		outs, err := k.Run(ctx, args)
		require.NoError(t, err)
		recs := drain(t, outs, output)
		for i, r := range recs {
			conform(t, fmt.Sprintf("%s[%d]", output, i), f.Shape.Element(), r)
		}
		return recs
	}
	clients := list("chat2desk_list_clients", "clients", obj{})
	require.Len(t, clients, 60)
	for _, c := range clients[:10] {
		list("chat2desk_list_messages", "messages", obj{"contactId": c.(obj)["id"]})
	}
	require.NotEmpty(t, list("chat2desk_list_transfers", "transfers", obj{}))
}

func TestClientsStreamPageByPage(t *testing.T) {
	var pages atomic.Int64
	_, ctx, _ := serve(t, func(o *sandbox.Options) { o.World = sandbox.Generate(1, 1000, o.World.Now) })
	h := step.HostOf(ctx).(*fakeHost)
	outs, err := kind(t, "chat2desk_list_clients").Run(ctx, obj{})
	require.NoError(t, err)
	_, client, err := apiClient(ctx, nil)
	require.NoError(t, err)
	pages.Store(client.Calls())
	require.Equal(t, int64(1), pages.Load())
	require.Len(t, first(t, outs, "clients", 150), 150)
	require.Equal(t, int64(1), client.Calls(), "one page is enough for 150")
	require.Len(t, first(t, outs, "clients", 450), 450)
	require.GreaterOrEqual(t, client.Calls(), int64(3))
	require.LessOrEqual(t, client.Calls(), int64(6), "three pages, and at most three ahead")
	require.Empty(t, h.warned)
}

func TestFiltersMustHaveAValue(t *testing.T) {
	_, ctx, _ := serve(t, nil)
	tests := []struct {
		kind string
		args obj
		want string
	}{
		{"chat2desk_list_clients", obj{"phone": ""}, `phone is ""; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_clients", obj{"phone": nil}, `phone is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_clients", obj{"tags": []any{}}, `tags is []; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_clients", obj{"tags": nil}, `tags is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_clients", obj{"createdAfter": nil}, `createdAfter is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_clients", obj{"phone": "call me"}, `phone is "call me", which is no phone; write 7 to 15 digits with the country's code, as in +7 916 000-00-01`},
		{"chat2desk_list_clients", obj{"limit": 0}, `limit is 0, but at least 1 is allowed`},
		{"chat2desk_list_clients", obj{"order": "up"}, `order is "up"; allowed: asc, desc`},
		{"chat2desk_list_messages", obj{"contactId": nil}, `contactId is nil`},
		{"chat2desk_list_messages", obj{"contactId": 1, "since": nil}, `since is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_list_messages", obj{"contactId": 1, "channelId": nil}, `channelId is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_find_client", obj{"phone": nil}, `phone is nil; a filter that is written must have a value, else it would select everybody`},
		{"chat2desk_find_client", obj{"phone": "x"}, `phone is "x", which is no phone; write 7 to 15 digits with the country's code, as in +7 916 000-00-01`},
		{"chat2desk_find_client", obj{"phone": "79160000001", "prefer": ""}, `prefer is neither last_active nor a transport or a list of transports, as in [wa_dialog, telegram]`},
		{"chat2desk_list_transfers", obj{"from": nil}, `from is nil; a filter that is written must have a value, else it would select everybody`},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.want, func(t *testing.T) {
			_, err := kind(t, tt.kind).Run(ctx, tt.args)
			var arg *step.ArgError
			require.ErrorAs(t, err, &arg)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestFindClient(t *testing.T) {
	_, ctx, _ := serve(t, nil)
	tests := []struct {
		name       string
		args       obj
		want       any
		candidates []any
	}{
		{"by digits", obj{"phone": "79160000001"}, 1, []any{1}},
		{"as Russians write it", obj{"phone": "8 916 000 00 01"}, 1, []any{1}},
		{"international", obj{"phone": "+7 (916) 000-00-01"}, 1, []any{1}},
		{"with 00", obj{"phone": "007 916 000 00 01"}, 1, []any{1}},
		{"Mexico without the 1", obj{"phone": "+52 55 1234 5678"}, 2, []any{2}},
		{"Mexico with it", obj{"phone": "+52 1 55 1234 5678"}, 2, []any{2}},
		{"address of a chat", obj{"phone": "[tg] 807892"}, 3, []any{3}},
		{"nobody", obj{"phone": "79160000002"}, nil, []any{}},
		{"an 8 that may be a country", obj{"phone": "84951234567"}, nil, []any{}},
		{"who wrote last", obj{"phone": "79160000009"}, 5, []any{5, 4}},
		{"last_active in words", obj{"phone": "79160000009", "prefer": "last_active"}, 5, []any{5, 4}},
		{"a transport", obj{"phone": "79160000009", "prefer": "viber"}, 4, []any{5, 4}},
		{"transports in order", obj{"phone": "79160000009", "prefer": []any{"wa_dialog", "viber", "telegram"}}, 4, []any{5, 4}},
		{"no such transport", obj{"phone": "79160000009", "prefer": []any{"sms"}}, 5, []any{5, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outs, err := kind(t, "chat2desk_find_client").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.candidates, pluck(outs["candidates"].([]any), "id"))
			if tt.want == nil {
				require.Nil(t, outs["client"])
				return
			}
			require.Equal(t, tt.want, outs["client"].(obj)["id"])
			require.Nil(t, outs["client"].(obj)["tags"], "tags need details")
		})
	}

	outs, err := kind(t, "chat2desk_find_client").Run(ctx, obj{"phone": "79160000001", "details": true})
	require.NoError(t, err)
	ann := outs["client"].(obj)
	require.Equal(t, []any{obj{"id": 17, "group_id": 2, "group_name": "Sales", "label": "vip", "description": "buys a lot"}}, ann["tags"])
	require.Equal(t, []any{obj{"id": 21, "transports": []any{"wa_dialog"}}}, ann["channels"])
}

func TestInferFindClient(t *testing.T) {
	k := kind(t, "chat2desk_find_client")
	client := func(c step.Call) step.Shape {
		fields, err := k.Infer(c)
		require.NoError(t, err)
		f, ok := step.ObjectOf(fields...).Field("client")
		require.True(t, ok)
		require.True(t, f.Shape.Nullable)
		return f.Shape
	}
	_, ok := client(step.Call{}).Field("tags")
	require.False(t, ok, "tags are no field without details")
	tags, ok := client(step.Call{Shapes: map[string]step.Shape{"details": step.ShapeBool}, Literals: obj{"details": true}}).Field("tags")
	require.True(t, ok)
	require.False(t, tags.Shape.Nullable)

	_, err := k.Infer(step.Call{Shapes: map[string]step.Shape{"details": step.ShapeBool}})
	require.EqualError(t, err, "details is an expression; write true or false, since it decides which fields the client has")
	for _, bad := range []any{"", 7, []any{"last_active"}, []any{1}} {
		_, err := k.Infer(step.Call{Literals: obj{"prefer": bad}})
		require.ErrorContains(t, err, "prefer is neither last_active nor a transport")
	}
}

func TestListMessages(t *testing.T) {
	h, ctx, _ := serve(t, nil)
	tests := []struct {
		name string
		args obj
		want []any
	}{
		{"newest first", obj{}, []any{1003, 1002, 1001}},
		{"oldest first", obj{"order": "asc"}, []any{1001, 1002, 1003}},
		{"limit", obj{"limit": 1}, []any{1003}},
		{"type", obj{"type": "to_client"}, []any{1002}},
		{"since", obj{"since": h.Now().AddDate(0, 0, -99)}, []any{1003, 1002}},
		{"channel", obj{"channelId": 21}, []any{1003, 1002, 1001}},
		{"transport", obj{"transport": "telegram"}, []any{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.args["contactId"] = 1
			outs, err := kind(t, "chat2desk_list_messages").Run(ctx, tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.want, pluck(drain(t, outs, "messages"), "id"))
		})
	}
	outs, err := kind(t, "chat2desk_list_messages").Run(ctx, obj{"contactId": 1, "limit": 1})
	require.NoError(t, err)
	require.Equal(t, 3, outs["total"])
	m := drain(t, outs, "messages")[0].(obj)
	require.Nil(t, m["text"])
	require.Equal(t, h.Now().AddDate(0, 0, -3), m["created"])
	require.Len(t, m["attachments"], 1)
}

func TestListTransfers(t *testing.T) {
	h, ctx, _ := serve(t, nil)
	k := kind(t, "chat2desk_list_transfers")
	outs, err := k.Run(ctx, obj{})
	require.NoError(t, err)
	require.NotContains(t, outs, "total", "the engine counts")
	recs := drain(t, outs, "transfers")
	require.Len(t, recs, 2)
	require.Equal(t, 301, recs[0].(obj)["from_operator_id"])
	require.Equal(t, 302, recs[0].(obj)["to_operator_id"])
	require.Equal(t, h.Now().AddDate(0, 0, -2), recs[0].(obj)["at"])
	require.Equal(t, h.Now().AddDate(0, 0, -2).Add(5*time.Minute), recs[0].(obj)["taken_at"])
	require.Nil(t, recs[1].(obj)["to_operator_id"])
	require.Nil(t, recs[1].(obj)["taken_at"])

	for name, tt := range map[string]struct {
		args obj
		want int
	}{
		"limit":    {obj{"limit": 1}, 1},
		"from":     {obj{"from": h.Now().AddDate(0, 0, -1)}, 1},
		"to":       {obj{"to": h.Now().AddDate(0, 0, -2)}, 1},
		"both":     {obj{"from": h.Now().AddDate(0, 0, -2), "to": h.Now().AddDate(0, 0, -1)}, 2},
		"too long": {obj{"from": h.Now().AddDate(0, 0, -20), "to": h.Now().AddDate(0, 0, -10)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			outs, err := k.Run(ctx, tt.args)
			require.NoError(t, err)
			require.Len(t, drain(t, outs, "transfers"), tt.want)
		})
	}
	_, err = k.Run(ctx, obj{"from": h.Now().AddDate(0, 0, 1)})
	require.EqualError(t, err, "from is 2026-11-23, a day to come")
	_, err = k.Run(ctx, obj{"from": h.Now(), "to": h.Now().AddDate(0, 0, -1)})
	var f *step.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, "Chat2Desk refused the request (from 2026-11-22 is after to 2026-11-21)", f.Reason)
}

func TestSendMessage(t *testing.T) {
	h, ctx, s := serve(t, nil)
	k := kind(t, "chat2desk_send_message")
	require.True(t, k.CanSettle())
	require.Equal(t, step.EffectSend, k.Effect)

	args := obj{"contactId": 1, "message": "Hello Ann!"}
	p, err := k.Prepare(args)
	require.NoError(t, err)
	require.Equal(t, step.Prepared{Key: "1", Recipient: step.Recipient{Contact: 1}, Preview: step.Preview{Text: "Hello Ann!", Details: map[string]string{}}}, p)
	require.Empty(t, s.Accepted(), "preparing calls nobody")

	a := step.Attempt{ExternalID: "flow-abc", At: h.Now()}
	message, err := k.Do(ctx, args, a)
	require.NoError(t, err)
	got := s.Accepted()
	require.Len(t, got, 1)
	require.Equal(t, int(got[0].MessageID), message)
	require.Equal(t, "Hello Ann!", got[0].Text)
	require.Equal(t, "flow-abc", got[0].ExternalID)
	require.Equal(t, int64(1), got[0].ClientID)
}

func TestSendMessageWithEverything(t *testing.T) {
	_, ctx, s := serve(t, nil)
	k := kind(t, "chat2desk_send_message")
	args := obj{"contactId": 1, "message": "Note", "channelId": 21, "transport": "wa_dialog", "type": "comment", "openDialog": false, "attachment": "https://example.com/a.pdf", "externalId": "crm-7"}
	p, err := k.Prepare(args)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"channelId": "21", "transport": "wa_dialog", "type": "comment", "openDialog": "false", "attachment": "https://example.com/a.pdf"}, p.Preview.Details)
	_, err = k.Do(ctx, args, step.Attempt{ExternalID: "ours"})
	require.NoError(t, err)
	got := s.Accepted()[0]
	require.Equal(t, []any{"comment", "wa_dialog", int64(21), "crm-7", "https://example.com/a.pdf"}, []any{got.Type, got.Transport, got.ChannelID, got.ExternalID, got.Attachment})
}

// faults lets every call meet one fault.
func faults(f sandbox.Fault) func(*sandbox.Options) {
	return func(o *sandbox.Options) {
		parsed, err := sandbox.ParseFaults(string(f) + ":100%")
		if err != nil {
			panic(err)
		}
		o.Faults = parsed
	}
}

// answer is a handler that says one thing.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestPhoneForms(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"79160000001", []string{"79160000001"}},
		{" +7 (916) 000-00-01 ", []string{"79160000001"}},
		{"89160000001", []string{"79160000001"}},
		{"+89160000001", []string{"89160000001"}},
		{"84951234567", []string{"74951234567", "84951234567"}},
		{"00 52 55 1234 5678", []string{"525512345678"}},
		{"1 (555) 000.1111", []string{"15550001111"}},
		{"[tg] 807892", []string{"[tg] 807892"}},
		{"", nil},
		{"123", nil},
		{"1234567890123456", nil},
		{"7916000000x", nil},
		{"7916,79", nil},
		{"79160000001.0", nil},
		{"+79160000001,00", nil},
		{"79160000001, 79160000002", nil},
		{"8 916 000-00-01/02", nil},
		{"8.916.000.00.01", []string{"79160000001"}},
		{"+49 171/1234567", []string{"491711234567"}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := phoneForms(tt.text)
			if len(tt.want) == 0 {
				var arg *step.ArgError
				require.ErrorAs(t, err, &arg)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func FuzzPhoneForms(f *testing.F) {
	for _, s := range []string{"8 916 000-00-01", "+52 1 55", "00", "[tg] 1", "٣٤٥", "\xff8916"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		forms, err := phoneForms(text)
		if err != nil {
			require.Empty(t, forms)
			return
		}
		for _, form := range forms {
			if strings.HasPrefix(form, "[") {
				continue
			}
			require.Regexp(t, `^[0-9]{7,15}$`, form)
			again, err := phoneForms("+" + form)
			require.NoError(t, err)
			require.Equal(t, []string{form}, again)
		}
	})
}
