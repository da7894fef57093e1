package sqlite

import "github.com/flowrunner/flowrunner/engine/ledger"

// known says of nearly every new intent, without a look at the table, that the ledger
// has none of its identity: it is not among those that its flow and campaign had when
// the first intent came, nor among those intended since. An identity is a hash of its
// flow and campaign too, so those of others need not be known. It belongs to the writer's
// goroutine, and serves until anything else is written to the ledger, by this process or
// another one: from then on each identity is looked up.
type known struct {
	scope int64
	sieve *sieve // nil before the first intent
	over  bool
}

// may reports whether the ledger may have the identity, which it has from now on.
func (k *known) may(t *tx, id ledger.Identity, scope int64) (bool, error) {
	if k.over {
		return true, nil
	}
	if k.sieve == nil {
		all, err := t.identities(scope)
		if err != nil {
			return false, err
		}
		k.sieve, k.scope = all, scope
	}
	return k.scope != scope || k.sieve.add(id), nil
}

// end notes that something else was written. Before the first intent that changes nothing.
func (k *known) end() {
	if k.sieve != nil {
		k.sieve, k.over = nil, true
	}
}

// identities is a sieve of those of a scope.
func (t *tx) identities(scope int64) (*sieve, error) {
	all := &sieve{}
	rows, err := t.stmt.identities.QueryContext(t.ctx, scope)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		id, err := scanIdentity(rows)
		if err != nil {
			return nil, err
		}
		all.add(id)
	}
	return all, rows.Err()
}
