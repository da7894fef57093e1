package sqlite

import (
	"context"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// selectSteps reads the runs since the newest one of the same flow, which are none
// as long as nobody edits it. Where a ledger was merged in, that run may have
// looked at another memory than ours, and all are read.
const selectSteps = `
SELECT s.step, count(*), max(s.at) FROM every_send s WHERE s.state <> ? AND s.run IN (
	SELECT r.n FROM runs r JOIN scopes c ON c.id = r.scope WHERE c.flow = ? AND c.campaign = ? AND (
		EXISTS (SELECT 1 FROM merged) OR
		r.n > coalesce((SELECT max(o.n) FROM runs o WHERE o.scope = c.id AND o.flow_hash = ?), 0)))
GROUP BY s.step ORDER BY s.step`

// Remembered tells under which steps sends are remembered.
func (s *Store) Remembered(ctx context.Context, flow, campaign, flowHash string) ([]ledger.RememberedStep, error) {
	scan := func(row scanner) (r ledger.RememberedStep, err error) {
		var at int64
		err = badScan(row.Scan(&r.Step, &r.Sends, &at))
		r.Last = fromNanos(at)
		return r, err
	}
	var all []ledger.RememberedStep
	for r, err := range scanAll(ctx, s, s.reader, scan, selectSteps, int(ledger.NotSent), flow, campaign, flowHash) {
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
