package sandbox

import (
	"slices"
	"strings"
)

func (s *state) operator(id int64) (Operator, bool) {
	i := slices.IndexFunc(s.w.Operators, func(o Operator) bool { return o.ID == id })
	if i < 0 {
		return Operator{}, false
	}
	return s.w.Operators[i], true
}

// fullName is how statistics show an operator.
func (o Operator) fullName() string { return strings.TrimSpace(o.FirstName + " " + o.LastName) }

func writeOperator(e *encoder, o Operator) {
	e.open('{')
	e.number("id", o.ID)
	e.orNull("email", o.Email)
	e.orNull("phone", o.Phone)
	e.orNull("role", o.Role)
	e.orNull("status", o.Status)
	e.bit("online", o.Online)
	e.orNull("offline_type", o.OfflineType)
	e.orNull("first_name", o.FirstName)
	e.orNull("last_name", o.LastName)
	e.member("avatar", "null")
	e.time("last_visit", o.LastVisit)
	e.number("opened_dialogs", o.OpenedDialogs)
	e.id("status_id", o.StatusID)
	e.member("external_id", "null")
	e.id("access_right_id", o.AccessRightID)
	e.bit("two_factor", o.TwoFactorOn != 0)
	e.close('}')
}

func (s *Server) listOperators(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	all := slices.DeleteFunc(slices.Clone(s.state.w.Operators), func(o Operator) bool {
		online, byOnline := c.params.number("online")
		status, byStatus := c.params.number("status_id")
		return (c.params.has("role") && c.params.text("role") != o.Role) ||
			(c.params.has("status") && c.params.text("status") != o.Status) ||
			(c.params.has("email") && c.params.text("email") != o.Email) ||
			(c.params.has("phone") && c.params.text("phone") != o.Phone) ||
			(byOnline && (online == 1) != o.Online) || (byStatus && status != o.StatusID)
	})
	return list(c.params.page(), len(all), func(e *encoder, i int) { writeOperator(e, all[i]) })
}

func (s *Server) showOperator(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	o, ok := s.state.operator(c.id())
	if !ok {
		return notFound("operator not found")
	}
	return success(func(e *encoder) { writeOperator(e, o) })
}

// operatorStatusNames by id, from 1.
var operatorStatusNames = []string{"works", "busy", "break", "study", "tech break", "holiday"}

func (s *Server) operatorStatuses(*call) answer {
	return success(func(e *encoder) {
		e.open('[')
		for i, name := range operatorStatusNames {
			e.open('{')
			e.number("id", int64(i+1))
			e.string("name", name)
			e.close('}')
		}
		e.close(']')
	})
}

func (s *Server) listOperatorGroups(c *call) answer {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	all := s.state.w.Groups
	return list(c.params.page(), len(all), func(e *encoder, i int) {
		e.open('{')
		e.number("id", all[i].ID)
		e.string("name", all[i].Name)
		e.key("operator_ids")
		e.open('[')
		for _, id := range all[i].OperatorIDs {
			e.int(id)
		}
		e.close(']')
		e.close('}')
	})
}
