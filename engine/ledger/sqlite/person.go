package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// occasionsQuery counts runs and contacts: first those of the person, then those
// of the contact, which may have been nobody known at that time. A contact's id
// means something in its account alone.
func occasionsQuery(table string) string {
	return `
SELECT count(*) FROM (
	SELECT run, contact FROM ` + table + `
	WHERE person <> x'' AND person = ?1 AND attempted > ?2 AND state IN (1, 2, 5) AND class = 0
	UNION
	SELECT s.run, s.contact FROM ` + table + ` s JOIN runs r ON r.n = s.run
	WHERE s.contact <> 0 AND s.contact = ?3 AND r.account = ?4 AND s.attempted > ?2 AND s.state IN (1, 2, 5) AND s.class = 0
) WHERE NOT (contact = ?3 AND run IN (SELECT n FROM runs WHERE id = ?5))`
}

func occasionArgs(p ledger.Past) []any {
	return []any{personBytes(&p.Person), nanos(p.Since), int64(p.Contact), p.Account, p.But}
}

// people makes the index of persons when it is asked for first. Persons are hashes, so
// it is written everywhere at once, which is a tenth of what a broadcast costs; and only
// flows that count how often somebody is written to look by it. From then on the ledger
// has it.
type people struct {
	mu        sync.Mutex
	indexed   bool
	occasions *sql.Stmt // made with the first question, of which a plan has one for each send
}

const indexPeople = `CREATE INDEX IF NOT EXISTS sends_by_person ON sends (person, attempted) WHERE person <> x''`

// index sees to it that the ledger has the index. One that may only be read is read
// through where it has none.
func (p *people) index(ctx context.Context, s *Store) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.indexed || s.writer == nil {
		return nil
	}
	err := s.write(ctx, func(t *tx) error {
		_, err := t.conn.ExecContext(t.ctx, indexPeople)
		return err
	})
	p.indexed = err == nil
	return err
}

// statement counts the occasions in both tables of sends.
func (p *people) statement(ctx context.Context, s *Store) (*sql.Stmt, error) {
	if err := p.index(ctx, s); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.occasions != nil {
		return p.occasions, nil
	}
	var err error
	p.occasions, err = s.reader.PrepareContext(ctx, occasionsQuery(`every_send`))
	return p.occasions, s.reading(err)
}

// Occasions counts the occasions in the past of a person.
func (s *Store) Occasions(ctx context.Context, p ledger.Past) (n int, err error) {
	occasions, err := s.people.statement(ctx, s)
	if err != nil {
		return 0, err
	}
	err = occasions.QueryRowContext(ctx, occasionArgs(p)...).Scan(&n)
	return n, s.reading(err)
}

func isCapped(in ledger.Intention) bool { return in.Class == ledger.Marketing && len(in.Caps) > 0 }

// capped refuses an intent to somebody who was written to as often as is allowed.
func (t *tx) capped(in ledger.Intention) error {
	if !isCapped(in) {
		return nil
	}
	if t.tail.concerns(in.Person, in.Contact) {
		if err := t.fold(); err != nil {
			return err
		}
	}
	for _, c := range in.Caps {
		past := ledger.Past{Person: in.Person, Account: in.Account, Contact: in.Contact, Since: c.Since, But: in.Run}
		had, _, err := t.direct.occasions.number(occasionArgs(past)...)
		if err != nil {
			return err
		}
		if had >= int64(c.Most) {
			return rejection{&ledger.CapError{Identity: in.Identity, Had: int(had), Cap: c}}
		}
	}
	return nil
}
