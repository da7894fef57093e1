package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/stretchr/testify/require"
)

// TestEndpoints pins the shape of every answer on one small world. The calls
// of a group run in order on one server, since some of them change it.
func TestEndpoints(t *testing.T) {
	groups := map[string][]string{
		"clients": {
			"GET /v1/clients?limit=2",
			"GET /v1/clients?order=desc&limit=1&offset=1",
			"GET /v1/clients?phone=79161234567",
			"GET /v1/clients?phone=79990000000",
			"GET /v1/clients?tags=5,99",
			"GET /v1/clients?created_after=yesterday",
			"GET /v1/clients/11",
			"GET /v1/clients/99",
			"GET /v1/clients/1001/transport",
			"GET /v1/clients/11/dialogs",
			"GET /v1/clients/11/last_question",
			"GET /v1/clients/1001/last_question",
			"GET /v1/clients/11/questions?start_date=17-07-2026",
			"GET /v1/clients/11/questions?start_date=2026-07-17",
			`POST /v1/clients {"phone":"79161234567"}`,
			`POST /v1/clients {"phone":"+7 916"}`,
			`POST /v1/clients {}`,
			`POST /v1/clients {"phone":"79165550000","channel_id":99}`,
			`POST /v1/clients {"phone":"79165550000","transport":"pigeon"}`,
			`POST /v1/clients {"phone":"79165550000","channel_id":26,"nickname":"New"}`,
			`PUT /v1/clients/11 {"nickname":"VIP Anna","comment":"kind","extra_comment_2":"two","custom_fields":{"13":7},"external_id":99}`,
			`PUT /v1/clients/99 {"nickname":"x"}`,
		},
		"messages": {
			"GET /v1/messages?client_id=11&limit=2",
			"GET /v1/messages?client_id=11&order=desc&limit=1&offset=1",
			"GET /v1/messages?client_id=11&start_date=17-07-2026&finish_date=18-07-2026",
			"GET /v1/messages?start_date=2026-07-17",
			"GET /v1/messages?start_id=500001&start_date=17-07-2026",
			"GET /v1/messages/500001",
			"GET /v1/messages/1",
			`POST /v1/messages {"client_id":11,"text":"Hello"}`,
			`POST /v1/messages {"client_id":"1001","text":"Note","type":"comment","open_dialog":false,"channel_id":25,"external_id":7,"operator_id":302}`,
			`POST /v1/messages {"client_id":12,"attachment":"https://example.com/a/b.pdf"}`,
			`POST /v1/messages {"text":"Hello"}`,
			`POST /v1/messages {"client_id":99,"text":"Hello"}`,
			`POST /v1/messages {"client_id":11,"text":" "}`,
			`POST /v1/messages {"client_id":11,"text":"Hello","type":"shout"}`,
			`POST /v1/messages {"client_id":11,"text":"Hello","channel_id":99}`,
			`POST /v1/messages {"client_id":11,"text":"Hello","operator_id":99}`,
			`POST /v1/messages {"client_id":11,`,
			"GET /v1/messages?client_id=1001",
			"GET /v1/messages/500004/read",
			"GET /v1/messages/500004",
			"GET /v1/messages/500004/unread",
			"GET /v1/messages/4/unread",
			"GET /v1/messages/500004/transfer?operator_id=302",
			"GET /v1/messages/500004/transfer?operator_id=9",
			"GET /v1/messages/4/transfer?operator_id=302",
			"GET /v1/messages/500004/transfer_to_group?group_id=61",
			"GET /v1/messages/500004/transfer_to_group?group_id=9",
			"GET /v1/messages/4/transfer_to_group?group_id=61",
			`POST /v1/messages/inbox {"channel_id":26,"body":"From outside","from_client":{"phone":"4915112345678","nickname":"Uwe"},"external_id":"x1"}`,
			`POST /v1/messages/inbox {"channel_id":26,"body":"Again","from_client":{"id":11}}`,
			`POST /v1/messages/inbox {"channel_id":26,"body":"Both","from_client":{"id":11,"phone":"4915112345678"}}`,
			`POST /v1/messages/inbox {"channel_id":21,"body":"x","from_client":{"id":11}}`,
			`POST /v1/messages/inbox {"channel_id":26,"from_client":{"id":11}}`,
			`POST /v1/messages/inbox {"channel_id":26,"body":"x","from_client":{"id":99}}`,
			`POST /v1/messages/inbox {"channel_id":26,"body":"x","from_client":{"phone":"1"}}`,
			"GET /v1/messages?client_id=70001",
		},
		"tags": {
			"GET /v1/tags?limit=2",
			"GET /v1/tags/17",
			"GET /v1/tags/99",
			"GET /v1/tag_groups",
			`POST /v1/tag_groups {"tag_group_name":"Campaigns"}`,
			`POST /v1/tag_groups {}`,
			`POST /v1/tags {"tag_group_id":5,"tag_label":"sent","tag_description":"got it"}`,
			`POST /v1/tags {"tag_group_id":50,"tag_label":"sent"}`,
			`POST /v1/tags {}`,
			`POST /v1/tags/assign_to {"tag_ids":[25,17],"assignee_type":"client","assignee_id":12}`,
			"GET /v1/clients/12",
			`DELETE /v1/tags/17/delete_from {"client_id":12}`,
			"GET /v1/clients/12",
			`POST /v1/tags/assign_to {"tag_ids":[17],"assignee_type":"request","assignee_id":90001}`,
			"GET /v1/requests/90001",
			`DELETE /v1/tags/17/delete_from {"request_id":90001}`,
			`POST /v1/tags/assign_to {"tag_ids":[],"assignee_type":"client","assignee_id":12}`,
			`POST /v1/tags/assign_to {"tag_ids":[99],"assignee_type":"client","assignee_id":12}`,
			`POST /v1/tags/assign_to {"tag_ids":[17],"assignee_type":"client","assignee_id":99}`,
			`POST /v1/tags/assign_to {"tag_ids":[17],"assignee_type":"request","assignee_id":99}`,
			`POST /v1/tags/assign_to {"tag_ids":[17],"assignee_type":"dog","assignee_id":12}`,
			`DELETE /v1/tags/17/delete_from {"client_id":99}`,
			`DELETE /v1/tags/17/delete_from {}`,
			`DELETE /v1/tags/99/delete_from {"client_id":12}`,
		},
		"company": {
			"GET /v1/companies/api_info",
			"GET /v1/api_info",
			"GET /clients",
			"DELETE /v1/clients/11",
			"GET /v1/templates",
			"GET /v1/help/message_types",
			"GET /v1/help/api_modes",
			"GET /v1/help/transports",
			"GET /v1/help/weather",
			"GET /v1/channels?limit=2&offset=1",
			"GET /v1/channels?phone=79161110003",
			"GET /v1/channels/21",
			"GET /v1/channels/9",
			"GET /v1/operators",
			"GET /v1/operators?role=admin&status=enabled&online=1",
			"GET /v1/operators?email=a@b.c&phone=1&status_id=4",
			"GET /v1/operators/302",
			"GET /v1/operators/9",
			"GET /v1/operators/statuses",
			"GET /v1/operators_groups",
		},
		"dialogs": {
			"GET /v1/dialogs?client_id=12&limit=1",
			"GET /v1/dialogs?state=open",
			"GET /v1/dialogs?state=closed&order=desc&limit=1",
			"GET /v1/dialogs?operator_id=301",
			"GET /v1/dialogs/unanswered?limit=3600",
			"GET /v1/dialogs/unanswered?limit=360000000",
			"GET /v1/dialogs/30001",
			"GET /v1/dialogs/9",
			`PUT /v1/dialogs/30001 {"state":"closed","operator_id":302}`,
			`PUT /v1/dialogs/30001 {"state":"open"}`,
			`PUT /v1/dialogs/30001 {"state":"ajar"}`,
			`PUT /v1/dialogs/30001 {"operator_id":9}`,
			`PUT /v1/dialogs/9 {"state":"open"}`,
			"GET /v1/requests/90001/messages",
			"GET /v1/requests/9/messages",
			"GET /v1/requests/9",
		},
		"statistics": {
			"GET /v1/statistics?report=operator_events&date=2026-07-17",
			"GET /v1/statistics?report=operator_events&date=2026-07-16",
			"GET /v1/statistics?report=request_stats&date=2026-07-17",
			"GET /v1/statistics?report=request_stats&date=2026-07-14",
			"GET /v1/statistics?report=rating&date=2026-07-14",
			"GET /v1/statistics?report=operator_replies&date=2026-07-14",
			"GET /v1/statistics?report=operator_stats&date=2026-07-14",
			"GET /v1/statistics?report=weather&date=2026-07-14",
			"GET /v1/statistics?report=rating&date=14-07-2026",
		},
	}
	for name, calls := range groups {
		t.Run(name, func(t *testing.T) {
			s := New(Options{World: smallWorld(t), Token: "secret", Clock: func() time.Time { return noon }})
			var out strings.Builder
			for _, call := range calls {
				method, rest, _ := strings.Cut(call, " ")
				target, body, _ := strings.Cut(rest, " ")
				code, got := ask(t, s, method, target, body)
				var pretty bytes.Buffer
				require.NoError(t, json.Indent(&pretty, []byte(got), "", " "), "%s: %s", call, got)
				fmt.Fprintf(&out, "> %s\n< %d\n%s\n\n", call, code, pretty.String())
			}
			golden.Equal(t, "testdata/"+name+".golden", out.String())
		})
	}
}
