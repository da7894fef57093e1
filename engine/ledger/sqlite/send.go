package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// selectSends joins on the left: a send whose run is lost must be noticed, not
// hidden.
const (
	selectSends      = selectRecords + `sends` + withRuns
	selectByIdentity = selectRecords + `sends_by_identity` + withRuns
	selectTail       = selectRecords + `tail` + withRuns
	selectEverySend  = selectRecords + `every_send` + withRuns

	selectRecords = `
SELECT s.n, s.identity, s.state, s.run, s.seq, s.step, s.period, s.contact, s.content, s.message, s.reason, s.attempts, s.attempted, s.at, s.sum, s.person, s.class,
	r.id, c.flow, c.campaign
FROM `
	withRuns = ` s LEFT JOIN runs r ON r.n = s.run LEFT JOIN scopes c ON c.id = r.scope`
)

// send is a record as it is stored.
type send struct {
	ledger.Record
	n   int64 // of its row; 0 before it has one
	run int64 // runs.n
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of everything stored in the row.
func (s *send) sum() uint32 { return s.sumIn(new(make([]byte, 0, 256))) } // room for most

// sumIn is the sum, worked out in room that is used again.
func (s *send) sumIn(room *[]byte) uint32 {
	b := append((*room)[:0], s.Identity[:]...)
	b = append(b, s.ContentHash[:]...)
	for _, n := range []int64{int64(s.State), s.run, s.Seq, int64(s.Contact), int64(s.MessageID), int64(s.Attempts), nanos(s.Attempted), nanos(s.At)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, text := range []string{s.Step, s.Period, s.Reason} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	if !s.Person.IsZero() || s.Class != ledger.Marketing { // of earlier formats nothing was hashed here
		b = append(append(b, s.Person[:]...), byte(s.Class))
	}
	*room = b
	return crc32.Checksum(b, castagnoli)
}

// after is the send with its outcome.
func (s *send) after(o ledger.Outcome) send {
	now := *s
	now.State, now.MessageID, now.Reason, now.At = o.State, o.MessageID, o.Reason, o.At
	return now
}

// personBytes is a person as it is stored; nobody is empty.
func personBytes(p *ledger.Person) []byte {
	if p.IsZero() {
		return []byte{}
	}
	return p[:]
}

// scanPerson reads what personBytes wrote.
func scanPerson(b []byte) (p ledger.Person, ok bool) {
	return p, len(b) == 0 || copy(p[:], b) == len(p) && len(b) == len(p) && !p.IsZero()
}

type scanner interface{ Scan(dest ...any) error }

// scanSend reads a row of selectSends and believes nothing in it.
func scanSend(row scanner) (send, error) {
	var s send
	var identity, content, person []byte
	var state, attempted, at, sum, class int64
	var run, flow, campaign sql.NullString
	err := row.Scan(&s.n, &identity, &state, &s.run, &s.Seq, &s.Step, &s.Period, &s.Contact, &content, &s.MessageID, &s.Reason, &s.Attempts, &attempted, &at, &sum, &person, &class,
		&run, &flow, &campaign)
	if err != nil {
		return send{}, badScan(err)
	}
	s.State, s.Attempted, s.At = ledger.State(state), fromNanos(attempted), fromNanos(at)
	s.Run, s.Flow, s.Campaign = run.String, flow.String, campaign.String
	known := false
	s.Person, known = scanPerson(person)
	s.Class = ledger.Class(class)
	bad := !known || int64(s.Class) != class || !s.Class.Valid() || copy(s.Identity[:], identity) != len(s.Identity) || len(identity) != len(s.Identity) ||
		copy(s.ContentHash[:], content) != len(s.ContentHash) || len(content) != len(s.ContentHash) ||
		int64(s.State) != state || !s.State.Valid() || !run.Valid || !flow.Valid || sum != int64(s.sum())
	if bad {
		return send{}, fmt.Errorf("%w: the send %x", errBadRow, identity)
	}
	return s, nil
}

// badScan tells a row of the wrong types from an error of SQLite.
func badScan(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || code(err) != 0 || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if strings.HasPrefix(err.Error(), "sql: Scan error") {
		return fmt.Errorf("%w: %w", errBadRow, err)
	}
	return err
}

// nanos stores a time; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Intend makes an intent durable.
func (s *Store) Intend(ctx context.Context, in ledger.Intention) error {
	if isCapped(in) {
		if err := s.people.index(ctx, s); err != nil {
			return err
		}
	}
	return s.writeTail(ctx, func(t *tx) error {
		run, err := t.run(in.Run)
		if err != nil {
			return err
		}
		if run.state != ledger.Running {
			return rejection{&ledger.EndedError{Run: in.Run, Known: true, State: run.state}}
		}
		intent := &send{run: run.n, Record: ledger.Record{
			Identity: in.Identity, State: ledger.Intent, Run: in.Run, Seq: in.Seq, Step: in.Step, Period: in.Period, Contact: in.Contact,
			Person: in.Person, Class: in.Class, ContentHash: in.ContentHash, Attempts: 1, Attempted: in.At, At: in.At,
		}}
		if err := t.capped(in); err != nil {
			return err
		}
		if _, ok := t.tail.rows[in.Identity]; ok {
			if err := t.fold(); err != nil {
				return err
			}
		}
		added, err := t.addToTail(intent, run.scope)
		if err == nil && !added {
			err = t.again(intent)
		}
		if err != nil {
			return err
		}
		t.touched[run.scope] = true
		t.open.remember(intent)
		return nil
	})
}

// again writes an intent over what an earlier attempt has left, where that may be
// tried again.
func (t *tx) again(intent *send) error {
	now, found, err := t.send(intent.Identity)
	if err != nil {
		return err
	}
	if found && !now.State.May(ledger.Intent) {
		return rejection{&ledger.ConflictError{Wanted: ledger.Intent, Run: intent.Run, Record: now.Record}}
	}
	intent.n, intent.Attempts = now.n, now.Attempts+1
	return t.put(intent)
}

// Settle records an outcome.
func (s *Store) Settle(ctx context.Context, o ledger.Outcome) error {
	return s.writeTail(context.WithoutCancel(ctx), func(t *tx) error {
		was, mine := t.open.take(o.Identity)
		if mine && was.Run == o.Run && was.State.May(o.State) {
			run, err := t.run(was.Run)
			if err != nil {
				return err
			}
			now := was.after(o)
			if settled, err := t.settleIntent(was, &now); err != nil {
				return err
			} else if settled {
				t.touched[run.scope] = true
				return nil
			}
		}
		if err := t.fold(); err != nil {
			return err
		}
		now, found, err := t.send(o.Identity)
		if err != nil {
			return err
		}
		now.Identity = o.Identity
		// An intent that is not the one this process has made is that of another
		// process, at work on the same run because no lock kept it out. That our own
		// was sent is worth recording; that it was not says nothing about theirs.
		theirs := mine && now.Attempts != was.Attempts && o.State != ledger.Sent
		strange := now.State == ledger.Intent && (now.Run != o.Run || theirs)
		if !found || strange || o.State == ledger.Intent || !now.State.May(o.State) {
			return rejection{&ledger.ConflictError{Wanted: o.State, Run: o.Run, Record: now.Record}}
		}
		if o.State == ledger.Sent {
			if err := t.claim(now.Record, o.MessageID); err != nil {
				return err
			}
		}
		run, err := t.run(now.Run)
		if err != nil {
			return err
		}
		t.touched[run.scope] = true
		now = now.after(o)
		return t.settle(&now)
	})
}

// Find returns what is known of one identity.
func (s *Store) Find(ctx context.Context, id ledger.Identity) (ledger.Record, bool, error) {
	found, err := scanSend(s.findNear(ctx, id))
	if errors.Is(err, sql.ErrNoRows) {
		found, err = scanSend(s.findFar(ctx, id))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.Record{}, false, nil
	}
	if err != nil {
		return ledger.Record{}, false, s.reading(err)
	}
	return found.Record, true, nil
}

// findNear looks where an identity mostly is: in the table of sends, and in the tail
// where this process has put it. A send that is there is nowhere else.
func (s *Store) findNear(ctx context.Context, id ledger.Identity) scanner {
	var n int64
	if s.writer != nil {
		n, _ = s.writer.tail.hint(id)
	}
	return s.find.QueryRowContext(ctx, id[:], n)
}

// findFar looks again for what was not there, since another process may have a tail.
// Where it has none, all that was durable when that was asked is where findNear
// looks: no row leaves the tail but for the table of sends.
func (s *Store) findFar(ctx context.Context, id ledger.Identity) scanner {
	if s.writer != nil {
		var first int64
		err := s.whoseTail.QueryRowContext(ctx).Scan(&first)
		if errors.Is(err, sql.ErrNoRows) || err == nil && s.writer.tail.owns(first) {
			return s.findNear(ctx, id)
		}
	}
	return s.findAnywhere.QueryRowContext(ctx, id[:])
}

// findHinted finds an identity in the table of sends, or in the tail at the row that
// the hint says.
const findHinted = selectByIdentity + ` WHERE s.identity = ?1 UNION ALL ` + selectTail + ` WHERE s.n = ?2 AND s.identity = ?1`

// selectAnywhere gives the sends of both tables by their identities.
const selectAnywhere = selectRecords + `(SELECT * FROM sends_by_identity UNION ALL SELECT * FROM tail)` + withRuns

const findAnywhere = selectAnywhere + ` WHERE s.identity = ?`

// tallied are the states that a send of a run can have in the ledger.
var tallied = []ledger.State{ledger.Intent, ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown}

// selectTally counts each table by itself and in one pass: grouped by its state, what the
// view every_send gives would be sorted.
var selectTally = func() string {
	each, sums := "", ""
	for i, state := range tallied {
		each += fmt.Sprintf(`, count(*) FILTER (WHERE state = %d) AS n%d`, state, i)
		sums += fmt.Sprintf(`, sum(n%d)`, i)
	}
	of := func(table string) string {
		return `SELECT ` + each[2:] + ` FROM ` + table + ` WHERE run = (SELECT n FROM runs WHERE id = ?1)`
	}
	return `SELECT ` + sums[2:] + ` FROM (` + of(`sends`) + ` UNION ALL ` + of(`tail`) + `)`
}()

// Tally counts the sends of a run by their state.
func (s *Store) Tally(ctx context.Context, run string) (map[ledger.State]int, error) {
	counts := make([]int, len(tallied))
	into := make([]any, len(tallied))
	for i := range counts {
		into[i] = &counts[i]
	}
	if err := s.reader.QueryRowContext(ctx, selectTally, run).Scan(into...); err != nil {
		return nil, s.reading(err)
	}
	tally := map[ledger.State]int{}
	for i, n := range counts {
		if n > 0 {
			tally[tallied[i]] = n
		}
	}
	return tally, nil
}

// Records ranges over the records that f chooses.
func (s *Store) Records(ctx context.Context, f ledger.Filter) iter.Seq2[ledger.Record, error] {
	query, args := recordsQuery(f)
	return scanAll(ctx, s, s.reader, scanRecord, query, args...)
}

// recordsQuery writes a filter as a query. States stand in it as constants: format5
// says why.
func recordsQuery(f ledger.Filter) (query string, args []any) {
	query = selectEverySend + ` WHERE 1`
	where := func(condition string, values ...any) {
		query += ` AND ` + condition
		args = append(args, values...)
	}
	if f.Run != "" {
		where(`s.run = (SELECT n FROM runs WHERE id = ?)`, f.Run)
	}
	if f.Flow != "" {
		where(`c.flow = ?`, f.Flow)
	}
	if f.Campaign != "" {
		where(`c.campaign = ?`, f.Campaign)
	}
	if f.Contact != 0 {
		where(`s.contact <> 0 AND s.contact = ?`, f.Contact)
	}
	switch len(f.States) {
	case 0:
	case 1:
		where(fmt.Sprintf(`s.state = %d`, f.States[0]))
	default:
		states := make([]string, len(f.States))
		for i, state := range f.States {
			states[i] = strconv.Itoa(int(state))
		}
		where(`s.state IN (` + strings.Join(states, ", ") + `)`)
	}
	return query + ` ORDER BY s.run, s.seq`, args
}
