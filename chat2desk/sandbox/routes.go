package sandbox

import (
	"net/http"
	"strings"
)

// handler does what one route asks for.
type handler func(*Server, *call) answer

// endpoint is a method and a path after /v1, in which ":id" is any segment.
type endpoint struct {
	method string
	path   string
	do     handler
}

// endpoints are the API. Several GETs change state, as in the real one.
var endpoints = []endpoint{
	{http.MethodGet, "clients", (*Server).listClients},
	{http.MethodPost, "clients", (*Server).createClient},
	{http.MethodGet, "clients/:id", (*Server).showClient},
	{http.MethodPut, "clients/:id", (*Server).updateClient},
	{http.MethodGet, "clients/:id/transport", (*Server).clientTransports},
	{http.MethodGet, "clients/:id/dialogs", (*Server).clientDialogs},
	{http.MethodGet, "clients/:id/last_question", (*Server).lastQuestion},
	{http.MethodGet, "clients/:id/questions", (*Server).questions},

	{http.MethodGet, "messages", (*Server).listMessages},
	{http.MethodPost, "messages", (*Server).sendMessage},
	{http.MethodPost, "messages/inbox", (*Server).injectMessage},
	{http.MethodGet, "messages/:id", (*Server).showMessage},
	{http.MethodGet, "messages/:id/read", (*Server).markRead},
	{http.MethodGet, "messages/:id/unread", (*Server).markUnread},
	{http.MethodGet, "messages/:id/transfer", (*Server).transfer},
	{http.MethodGet, "messages/:id/transfer_to_group", (*Server).transferToGroup},
	{http.MethodPost, "messages/:id/assign", (*Server).transfer},

	{http.MethodGet, "tags", (*Server).listTags},
	{http.MethodPost, "tags", (*Server).createTag},
	{http.MethodPost, "tags/assign_to", (*Server).assignTags},
	{http.MethodGet, "tags/:id", (*Server).showTag},
	{http.MethodDelete, "tags/:id/delete_from", (*Server).removeTag},
	{http.MethodGet, "tag_groups", (*Server).listTagGroups},
	{http.MethodPost, "tag_groups", (*Server).createTagGroup},

	{http.MethodGet, "channels", (*Server).listChannels},
	{http.MethodGet, "channels/:id", (*Server).showChannel},

	{http.MethodGet, "dialogs", (*Server).listDialogs},
	{http.MethodGet, "dialogs/unanswered", (*Server).unanswered},
	{http.MethodGet, "dialogs/:id", (*Server).showDialog},
	{http.MethodPut, "dialogs/:id", (*Server).updateDialog},
	{http.MethodGet, "requests/:id", (*Server).showRequest},
	{http.MethodGet, "requests/:id/messages", (*Server).requestMessages},

	{http.MethodGet, "operators", (*Server).listOperators},
	{http.MethodGet, "operators/statuses", (*Server).operatorStatuses},
	{http.MethodGet, "operators/:id", (*Server).showOperator},
	{http.MethodGet, "operators_groups", (*Server).listOperatorGroups},

	{http.MethodGet, "statistics", (*Server).statistics},

	{http.MethodGet, "companies/api_info", (*Server).apiInfo},
	{http.MethodGet, "templates", (*Server).listTemplates},
	{http.MethodGet, "help/:id", (*Server).help},
}

// findRoute gives what to do, and keeps the ids of the path in the call. The
// first route that fits wins, so fixed words stand before ":id".
func findRoute(c *call) handler {
next:
	for i := range endpoints {
		e := &endpoints[i]
		if e.method != c.method || strings.Count(e.path, "/")+1 != len(c.segments) {
			continue
		}
		c.ids = c.ids[:0]
		n := 0
		for want := range strings.SplitSeq(e.path, "/") {
			got := c.segments[n]
			n++
			switch {
			case want == ":id" && got != "":
				c.ids = append(c.ids, got)
			case want != got:
				continue next
			}
		}
		return e.do
	}
	return nil
}
