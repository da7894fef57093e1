package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// formats[n] brings a ledger of format n to format n+1. Never change one that
// was released: append.
var formats = []string{format1, format2, format3, format4, format5, format6, format7, format8}

// applicationID stands in the file's head and tells our files from other SQLite files: "flwr".
const applicationID = 0x666c7772

// format1 clusters sends on the identity, since that is how apply and plan look
// them up. sends.sum is a checksum of the row: SQLite itself has none, and a
// flipped bit in an identity would look like a person never written to.
const format1 = `
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scopes (
	id       INTEGER PRIMARY KEY,
	flow     TEXT NOT NULL,
	campaign TEXT NOT NULL,
	serial   INTEGER NOT NULL,
	UNIQUE (flow, campaign)
) STRICT;

CREATE TABLE runs (
	n           INTEGER PRIMARY KEY,
	id          TEXT NOT NULL UNIQUE,
	scope       INTEGER NOT NULL,
	plan_hash   TEXT UNIQUE,
	file        TEXT NOT NULL,
	flow_hash   TEXT NOT NULL,
	inputs_hash TEXT NOT NULL,
	account     TEXT NOT NULL,
	state       INTEGER NOT NULL,
	started     INTEGER NOT NULL,
	finished    INTEGER NOT NULL,
	counts      TEXT NOT NULL,
	exit_code   INTEGER NOT NULL,
	reason      TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_scope ON runs (scope, n);

CREATE TABLE sends (
	identity  BLOB PRIMARY KEY,
	state     INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	step      TEXT NOT NULL,
	period    TEXT NOT NULL,
	contact   INTEGER NOT NULL,
	content   BLOB NOT NULL,
	message   INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	attempted INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	sum       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sends_by_run ON sends (run, seq);
CREATE INDEX sends_by_contact ON sends (contact) WHERE contact <> 0;
CREATE INDEX sends_open ON sends (run) WHERE state IN (1, 5);
`

// format2 adds what people decide, whose ledgers were merged into this one, and
// the way from a message to its send. A decision's id is the hash of the rest of
// its row: it proves the row, and merging needs no other key. Message ids mostly
// grow, so the index grows at its end.
const format2 = `
CREATE TABLE decisions (
	id       BLOB PRIMARY KEY,
	identity BLOB NOT NULL,
	was      INTEGER NOT NULL,
	state    INTEGER NOT NULL,
	message  INTEGER NOT NULL,
	who      TEXT NOT NULL,
	reason   TEXT NOT NULL,
	at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_identity ON decisions (identity, at);

CREATE TABLE merged (
	lineage TEXT PRIMARY KEY,
	serial  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sends_by_message ON sends (message) WHERE message <> 0;
`

// format3 adds who a send was for, and who asked for peace. Earlier sends are of
// nobody known and so count by their contact; their checksums stay as they are,
// since what is new is hashed only where there is something. Persons are hashes,
// so their index grows everywhere; it holds no send of nobody. An opt-out's id is
// the hash of the rest of its row, as a decision's is.
const format3 = `
ALTER TABLE sends ADD COLUMN person BLOB NOT NULL DEFAULT x'';
ALTER TABLE sends ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sends_by_person ON sends (person, attempted) WHERE person <> x'';

CREATE TABLE optouts (
	id      BLOB PRIMARY KEY,
	account TEXT NOT NULL,
	contact INTEGER NOT NULL,
	person  BLOB NOT NULL,
	word    TEXT NOT NULL,
	message INTEGER NOT NULL,
	at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX optouts_by_contact ON optouts (contact);
CREATE INDEX optouts_by_person ON optouts (person) WHERE person <> x'';
`

// format4 keeps sends in the order in which they came. An identity is a hash: a
// table ordered by it is written everywhere at once, which costs a page of the log
// for each send and more with each one that the ledger holds. Now only the index of
// identities is, and it is a sixth of the table (docs/adr/0016).
const format4 = `
CREATE TABLE sends4 (
	n         INTEGER PRIMARY KEY,
	identity  BLOB NOT NULL UNIQUE,
	state     INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	step      TEXT NOT NULL,
	period    TEXT NOT NULL,
	contact   INTEGER NOT NULL,
	content   BLOB NOT NULL,
	message   INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	attempted INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	sum       INTEGER NOT NULL,
	person    BLOB NOT NULL DEFAULT x'',
	class     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sends4 (identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class)
	SELECT identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class
	FROM sends ORDER BY run, seq;
DROP TABLE sends;
ALTER TABLE sends4 RENAME TO sends;
CREATE INDEX sends_by_run ON sends (run, seq);
CREATE INDEX sends_by_contact ON sends (contact) WHERE contact <> 0;
CREATE INDEX sends_by_message ON sends (message) WHERE message <> 0;
CREATE INDEX sends_by_person ON sends (person, attempted) WHERE person <> x'';
`

// format5 finds the sends of unknown outcome among any number of others. A query
// uses this index only when it says the state in the same words, as a constant.
const format5 = `
CREATE INDEX sends_unknown ON sends (run, seq) WHERE state = 5;
`

// format6 lets new sends wait in a table without indexes, from which they are moved
// many at a time. A send stands in one of the two (docs/adr/0018).
const format6 = `
CREATE TABLE tail (
	n         INTEGER PRIMARY KEY,
	identity  BLOB NOT NULL,
	state     INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	step      TEXT NOT NULL,
	period    TEXT NOT NULL,
	contact   INTEGER NOT NULL,
	content   BLOB NOT NULL,
	message   INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	attempted INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	sum       INTEGER NOT NULL,
	person    BLOB NOT NULL,
	class     INTEGER NOT NULL
) STRICT;
CREATE VIEW every_send AS
	SELECT identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class FROM sends
	UNION ALL
	SELECT identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class FROM tail;
`

// format7 has the index of persons be made when somebody asks (docs/adr/0024).
const format7 = `
DROP INDEX sends_by_person;
`

// format8 takes the index of identities out of the table of sends and into two tables
// (identities.go, docs/adr/0030). A view is both, and a second one the sends by it: an
// entry without its row gives a row of nothing, which no send is.
const format8 = `
DROP VIEW every_send;
CREATE TABLE sends8 (
	n         INTEGER PRIMARY KEY,
	identity  BLOB NOT NULL,
	state     INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	step      TEXT NOT NULL,
	period    TEXT NOT NULL,
	contact   INTEGER NOT NULL,
	content   BLOB NOT NULL,
	message   INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	attempts  INTEGER NOT NULL,
	attempted INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	sum       INTEGER NOT NULL,
	person    BLOB NOT NULL,
	class     INTEGER NOT NULL
) STRICT;
INSERT INTO sends8 (n, identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class)
	SELECT n, identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class
	FROM sends ORDER BY n;
DROP TABLE sends;
ALTER TABLE sends8 RENAME TO sends;
CREATE INDEX sends_by_run ON sends (run, seq);
CREATE INDEX sends_by_contact ON sends (contact) WHERE contact <> 0;
CREATE INDEX sends_by_message ON sends (message) WHERE message <> 0;
CREATE INDEX sends_unknown ON sends (run, seq) WHERE state = 5;
CREATE TABLE old_identities (
	identity BLOB PRIMARY KEY,
	n        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE new_identities (
	identity BLOB PRIMARY KEY,
	n        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO old_identities (identity, n) SELECT identity, n FROM sends ORDER BY identity;
CREATE VIEW identities AS
	SELECT identity, n FROM new_identities UNION ALL SELECT identity, n FROM old_identities;
CREATE VIEW sends_by_identity AS
	SELECT s.n, i.identity, s.state, s.run, s.seq, s.step, s.period, s.contact, s.content, s.message, s.reason, s.attempts, s.attempted, s.at, s.sum, s.person, s.class
	FROM new_identities i LEFT JOIN sends s ON s.n = i.n
	UNION ALL
	SELECT s.n, i.identity, s.state, s.run, s.seq, s.step, s.period, s.contact, s.content, s.message, s.reason, s.attempts, s.attempted, s.at, s.sum, s.person, s.class
	FROM old_identities i LEFT JOIN sends s ON s.n = i.n;
CREATE VIEW every_send AS
	SELECT n, identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class FROM sends
	UNION ALL
	SELECT n, identity, state, run, seq, step, period, contact, content, message, reason, attempts, attempted, at, sum, person, class FROM tail;
`

// format is the format of the file. Newer ones are refused, and older ones where
// they cannot be brought forward.
func (s *Store) format(ctx context.Context, o Options, known int) (found int, err error) {
	if err := s.reader.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&found); err != nil {
		return 0, err
	}
	switch {
	case found < 1:
		return 0, fmt.Errorf("it has format %d", found)
	case found > known, found < known && o.ReadOnly:
		return 0, &ledger.VersionError{Path: s.path, Found: found, Known: known}
	}
	return found, nil
}

// bringForward upgrades an older ledger once a copy of it is safe.
func (s *Store) bringForward(ctx context.Context, found int, formats []string) error {
	if err := s.keepCopy(ctx, found); err != nil {
		return err
	}
	return upgrade(ctx, s.reader, formats, found)
}

// keepCopy writes the ledger as it is beside itself before it is changed. An
// earlier copy of the same format came from an upgrade that failed.
func (s *Store) keepCopy(ctx context.Context, format int) error {
	kept := fmt.Sprintf("%s.format%d", s.path, format)
	fail := func(err error) error { return fmt.Errorf("copy it to %s before the upgrade: %w", kept, err) }
	draft := kept + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(err)
	}
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if _, err := s.reader.ExecContext(ctx, `VACUUM INTO ?`, draft); err != nil {
		return fail(err)
	}
	if err := syncFile(draft); err != nil {
		return fail(err)
	}
	if err := os.Rename(draft, kept); err != nil {
		return fail(err)
	}
	return syncDir(filepath.Dir(kept))
}

// upgrade runs every missing format step and sets the version, all in one
// transaction. Of two processes that try, the second finds the work done.
func upgrade(ctx context.Context, db *sql.DB, formats []string, from int) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	var found int
	err = conn.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&found)
	for n := from; err == nil && found == from && n < len(formats); n++ {
		_, err = conn.ExecContext(ctx, formats[n])
	}
	if err == nil && found == from {
		_, err = conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, len(formats)))
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return fmt.Errorf("bring the format from %d to %d: %w", from, len(formats), err)
	}
	return nil
}
