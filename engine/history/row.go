package history

import (
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// Row is one row of a run's plan, and what became of it.
type Row struct {
	Seq      int64
	Step     string
	Contact  int // Chat2Desk client id; 0 when the row has none, or nobody could know it
	Key      string
	Status   string // a status of planfile: sent, already_sent, failed, unknown, skipped, left_out or duplicate
	Reason   string
	Message  int       // the API's id of the message; 0 when there is none
	At       time.Time // of the last change; zero when nothing was tried
	Attempts int
	TextHash string // see planfile.TextHash; "" when the plan is gone
	Identity string // in hex; "" of a row that was left out
	By       string // the run that made the last attempt; "" when none was made
	Planned  bool   // the run was to send it: it counts in the run's balance
	Refused  bool   // the API refused it for good, now or in an earlier run

	Send planfile.Send // as the plan has it; zero when the plan is gone
}

// settle gives a row the outcome that the ledger holds for its send.
func (r *Row) settle(rec ledger.Record) {
	r.Reason, r.Message, r.At, r.Attempts, r.By = rec.Reason, rec.MessageID, rec.At, rec.Attempts, rec.Run
	//exhaustive:enforce
	switch rec.State {
	case ledger.Sent:
		r.Status = planfile.StatusSent
	case ledger.Refused:
		r.Status, r.Refused = planfile.StatusFailed, true
	case ledger.Unknown:
		r.Status = planfile.StatusUnknown
	case ledger.Intent:
		r.Status, r.Reason = planfile.StatusUnknown, "it was being sent when the run was last heard of"
	case ledger.NotSent, ledger.Planned:
		r.Status = planfile.StatusSkipped
	}
}

// planned is a row as the plan has it.
func planned(s planfile.Send) Row {
	r := Row{
		Seq: s.Seq, Step: s.Step, Contact: s.Contact, Key: s.Key, Status: s.Status, Reason: s.Reason, Message: s.Message,
		TextHash: s.TextHash, Identity: s.Identity, Planned: s.Status == planfile.StatusPlanned, Refused: s.Status == planfile.StatusRefused,
		Send: s,
	}
	if s.Since != nil {
		r.At = *s.Since
	}
	if r.Refused {
		r.Status = planfile.StatusFailed
	}
	return r
}
