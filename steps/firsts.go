package steps

import (
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"strings"
)

// byValue is the key by which rows of equal values come together.
func byValue(r row) string {
	f := fingerprint(r.key)
	return hex.EncodeToString(f[:])
}

// firsts gives rows in their order, each with the number of the first that has the same
// key in place of its own. It reads all of them before it gives one; the records are put
// aside as they come, and only their keys are sorted.
func firsts(ctx context.Context, rows iter.Seq2[row, error], key func(row) string) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		if err := giveFirsts(ctx, rows, key, yield); err != nil {
			yield(row{}, err)
		}
	}
}

func giveFirsts(ctx context.Context, rows iter.Seq2[row, error], key func(row) string, yield func(row, error) bool) error {
	records, err := newAside(ctx)
	if err != nil {
		return err
	}
	defer records.close()
	together, err := newOrder(ctx, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	if err != nil {
		return err
	}
	defer together.Close()
	for r, err := range rows {
		if err == nil {
			err = records.add(r.n, r.rec)
		}
		if err == nil {
			err = together.Add(row{key: key(r), n: r.n})
		}
		if err != nil {
			return err
		}
	}
	asTheyCame, err := newOrder(ctx, func(any, any) int { return 0 })
	if err != nil {
		return err
	}
	defer asTheyCame.Close()
	first, last := 0, ""
	for r, err := range together.rows() {
		if err != nil {
			return err
		}
		if first == 0 || r.key != last {
			first, last = r.n, r.key.(string)
		}
		if err := asTheyCame.Add(row{n: r.n, rec: first}); err != nil {
			return err
		}
	}
	next, stop := iter.Pull2(asTheyCame.rows())
	defer stop()
	for rec, err := range records.all() {
		var r row
		var more bool
		if err == nil {
			if r, err, more = next(); !more {
				err = errors.New("fewer records came back than were put aside")
			}
		}
		if err != nil {
			return err
		}
		if !yield(row{key: r.rec, n: r.n, rec: rec}, nil) {
			return nil
		}
	}
	return nil
}
