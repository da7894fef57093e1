package sandbox

import (
	_ "time/tzdata" // the company's zone must not depend on the machine
)

// apiInfo is the health check and the quota in one.
func (s *Server) apiInfo(*call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	co, used := s.state.w.Company, s.calls.Load()
	return success(func(e *encoder) {
		e.open('{')
		e.orNull("mode", co.Mode)
		e.member("hook", "null")
		e.member("chat_close_web_hook", "null")
		e.number("current_version", 1)
		e.number("requests_this_month", used)
		e.number("channels", int64(len(s.state.w.Channels)))
		e.orNull("company_name", co.Name)
		e.number("companyID", co.ID)
		e.number("partnerID", 1)
		e.orNull("company_mode", co.Mode)
		e.orNull("company_lang", co.Language)
		e.orNull("admin_email", co.AdminEmail)
		e.bool("write_first_option", co.WriteFirst)
		e.key("api_calls")
		e.open('{')
		if co.MonthlyQuota > 0 {
			e.number("limit", co.MonthlyQuota)
			e.number("left", max(0, co.MonthlyQuota-used))
		}
		e.close('}')
		e.close('}')
	})
}

// listTemplates gives the canned replies of operators, of which there are none.
func (s *Server) listTemplates(c *call) answer {
	return list(c.params.page(), 0, nil)
}

// helpLists are the vocabularies of the API.
var helpLists = map[string][]string{
	"message_types": {"to_client", "from_client", "autoreply", "system", "comment"},
	"dialog_states": {"open", "closed"},
	"roles":         {"unconfirmed", "operator", "supervisor", "admin", "disabled", "deleted"},
	"api_modes":     {"demo", "business", "enterprise"},
}

func (s *Server) help(c *call) answer {
	topic := c.ids[0]
	if topic == "transports" {
		return s.helpTransports()
	}
	names, ok := helpLists[topic]
	if !ok {
		return notFound("Page not found")
	}
	return success(func(e *encoder) {
		e.open('[')
		for _, name := range names {
			if topic == "api_modes" {
				e.open('{')
				e.string("name", name)
				e.string("description", "")
				e.close('}')
			} else {
				e.text(name)
			}
		}
		e.close(']')
	})
}

// helpTransports says what each transport can carry.
func (s *Server) helpTransports() answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return success(func(e *encoder) {
		e.open('{')
		seen := map[string]bool{}
		for _, ch := range s.state.w.Channels {
			for _, t := range ch.Transports {
				if seen[t] {
					continue
				}
				seen[t] = true
				e.key(t)
				e.raw(`{"from_client":{"text":"yes","image":"yes"},"to_client":{"text":"yes","image":"yes","pdf":"yes"}}`)
			}
		}
		e.close('}')
	})
}
