package chat2desk

import (
	"strings"
	"time"
)

// Transfer is the moment when an operator handed a dialog on. The API has no
// list of transfers: it is derived from the company's operator events. From is
// the operator of the transfer_chat event. To is derived: whoever the next event
// of the same dialog belongs to, be it take_chat or another transfer_chat, on
// that day or the day after; nil when there is none (nobody took it yet, or it
// went to a group where nobody did).
type Transfer struct {
	At               time.Time // UTC; the company's local time in the zone asked for
	DialogID         *int
	FromOperatorID   *int
	FromOperatorName *string
	FromRole         *string
	FromGroups       *string
	ToOperatorID     *int
	ToOperatorName   *string
	TakenAt          *time.Time // when the next operator took it
}

// event is one row of the operator_events report.
type event struct {
	at           time.Time
	written      string // created_at as the API wrote it
	name         string
	dialogID     *int
	operatorID   *int
	operatorName *string
	role, groups *string
	duration     string
}

// eventKey tells events apart; the report has no ids.
type eventKey struct {
	written, name, duration, operator string
	dialogID, operatorID              int
}

func (e event) key() eventKey {
	k := eventKey{written: e.written, name: e.name, duration: e.duration}
	if e.dialogID != nil {
		k.dialogID = *e.dialogID
	}
	if e.operatorID != nil {
		k.operatorID = *e.operatorID
	}
	if e.operatorName != nil {
		k.operator = *e.operatorName
	}
	return k
}

func (e event) isTransfer() bool { return e.name == "transfer_chat" }

// takes reports whether the event shows who has the dialog.
func (e event) takes() bool { return e.name == "take_chat" || e.name == "transfer_chat" }

// eventOf reads an event whose times are local to zone.
func eventOf(zone *time.Location) func(*row) event {
	return func(r *row) event {
		e := event{
			written:      strings.TrimSpace(r.plain("created_at")),
			name:         eventName(r.plain("event")),
			dialogID:     r.num("dialog_id"),
			operatorID:   r.num("operator_id"),
			operatorName: r.name("operator_name"),
			role:         r.text("operator_role"),
			groups:       r.text("operator_groups"),
			duration:     r.plain("status_duration"),
		}
		if at := r.moment("created_at", zone); at != nil {
			e.at = *at
		} else {
			r.fail("created_at", "a time", r.fields.get("created_at"))
		}
		if e.name == "" {
			r.fail("event", "an event", r.fields.get("event"))
		}
		return e
	}
}

// eventName folds the ways in which one event is written: "status.tech break",
// "tech_break".
func eventName(s string) string {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "status.")
	return strings.NewReplacer(" ", "_", ".", "_").Replace(s)
}

// derive finds the transfers among a day's events, oldest first. after are the
// events of the next day; both are in the order of time.
func derive(day, after []event) []Transfer {
	var out []Transfer
	for i, e := range day {
		if !e.isTransfer() {
			continue
		}
		t := Transfer{
			At: e.at, DialogID: e.dialogID, FromOperatorID: e.operatorID, FromOperatorName: e.operatorName,
			FromRole: e.role, FromGroups: e.groups,
		}
		if next := nextOf(e, day[i+1:], after); next != nil {
			t.ToOperatorID, t.ToOperatorName, t.TakenAt = next.operatorID, next.operatorName, &next.at
		}
		out = append(out, t)
	}
	return out
}

// nextOf is the next event of the same dialog that shows who has it.
func nextOf(e event, lists ...[]event) *event {
	if e.dialogID == nil {
		return nil
	}
	for _, list := range lists {
		for i := range list {
			if x := &list[i]; x.takes() && x.dialogID != nil && *x.dialogID == *e.dialogID {
				return x
			}
		}
	}
	return nil
}

// unresolved reports whether a transfer of the day was not taken that day.
func unresolved(day []event) bool {
	for i, e := range day {
		if e.isTransfer() && e.dialogID != nil && nextOf(e, day[i+1:]) == nil {
			return true
		}
	}
	return false
}
