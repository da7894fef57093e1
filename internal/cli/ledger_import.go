package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newImport(a *app) *cobra.Command {
	var o stateFlags
	var anew bool
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Add what an exported ledger knows to the ledger here",
		Long: "import merges: of each send it keeps what forbids another one most surely, so\n" +
			"nothing that is known here is lost, and the same file twice adds nothing.\n" +
			"Where no ledger is, one is made from the file. It waits for nobody: while a\n" +
			"run is at work here, it refuses.",
		Args: exactly(1, "the FILE that ledger export has written, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error { return importLedger(a, o, args[0], anew) },
	}
	o.register(cmd.Flags())
	outputFlag(a, cmd.Flags())
	cmd.Flags().BoolVar(&anew, "new-ledger", false, "make a ledger from the file also where a newer one was and is gone")
	return cmd
}

func importLedger(a *app, o stateFlags, file string, anew bool) error {
	ctx := a.signals.drain
	st, err := stateHere(o)
	if err != nil {
		return err
	}
	in, head, err := a.openExport(ctx, file)
	if err != nil {
		return err
	}
	defer in.Close()
	held, err := a.lockAll(st, head)
	if err != nil {
		return err
	}
	defer held.release(a)
	var got ledger.ImportResult
	if st.hasLedger() {
		got, err = importInto(ctx, st.ledger(), sqlite.Options{MustExist: true}, in)
	} else {
		got, err = importAnew(ctx, st, head, in, anew)
	}
	var older *ledger.RolledBackError
	if errors.As(err, &older) && covers(head, older.MarkLineage, older.MarkSerial) {
		err = &ledgerError{err.Error(), "the file knows all of the newer one: move " + shorten(older.Path) + " away and import again"}
	}
	if err != nil {
		return err
	}
	a.doc.Import = ui.ImportOf(got)
	if !a.json {
		a.outStyle().Import(a.stdout, got)
	}
	return nil
}

// openExport reads an exported ledger to its end, so that nothing begins with a
// file that is not whole, and goes back to its beginning.
func (a *app) openExport(ctx context.Context, file string) (in *os.File, head ledger.ExportHead, err error) {
	if file == standardStream {
		if in, err = a.spool(); err != nil {
			return nil, head, err
		}
	} else if in, err = os.Open(file); err != nil {
		return nil, head, fileError("read", file, err)
	}
	for entry, err := range ledger.ReadExport(in) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			_ = in.Close()
			return nil, head, &argumentError{err}
		}
		if entry.Head != nil {
			head = *entry.Head
		}
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		_ = in.Close()
		return nil, head, fileError("read", file, err)
	}
	return in, head, nil
}

// spool keeps standard input in a file that has no name any more.
func (a *app) spool() (*os.File, error) {
	f, err := os.CreateTemp("", "flowrunner-import-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	_ = os.Remove(f.Name()) // where an open file cannot be removed, it stays
	_, err = io.Copy(f, a.stdin)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("keep standard input: %w", err)
	}
	return f, nil
}

// lockAll keeps runs away: none may be at work, and none of a flow that the file
// knows may begin.
func (a *app) lockAll(st state, head ledger.ExportHead) (heldLocks, error) {
	if err := st.prepare(); err != nil {
		return nil, err
	}
	holders, err := ledger.Holders(st.locks())
	if err != nil {
		return nil, err
	}
	for _, h := range holders {
		if h.Live {
			return nil, &ledger.LockedError{Scope: h.Scope, Holder: h.Holder}
		}
	}
	held := heldLocks{}
	for _, s := range head.Scopes {
		if err := held.take(a, st, scopeOf(s.Flow, s.Campaign)); err != nil {
			held.release(a)
			return nil, err
		}
	}
	return held, nil
}

func importInto(ctx context.Context, path string, o sqlite.Options, in io.Reader) (got ledger.ImportResult, err error) {
	store, err := sqlite.Open(ctx, path, o)
	if err != nil {
		return got, err
	}
	got, err = store.Import(ctx, in)
	return got, errors.Join(err, store.Close())
}

// importAnew makes the ledger from the file, in one step: a ledger that holds a
// part of it would pass for one that knows all. Where another ledger was, the
// file must know all of that one, or a person must say that it shall be so.
func importAnew(ctx context.Context, st state, head ledger.ExportHead, in io.Reader, anew bool) (got ledger.ImportResult, err error) {
	_, err = sqlite.Open(ctx, st.ledger(), sqlite.Options{MustExist: true})
	var none *ledger.NotFoundError
	if !errors.As(err, &none) {
		return got, errors.Join(err, errors.New("import ledger: a ledger appeared meanwhile: try again"))
	}
	if none.Mark != "" && !anew && (none.Lineage == "" || !covers(head, none.Lineage, none.Serial)) {
		return got, &ledgerError{
			missingLedger(none) + ", which the file does not know; nothing was changed",
			"import an export of that ledger, or begin with this file knowingly with --new-ledger:\nwhoever only the lost one knew may be written to again",
		}
	}
	draft := filepath.Join(st.dir, "ledger.import.db")
	leftovers := []string{draft, draft + "-wal", draft + "-shm", markOf(draft)}
	for _, path := range leftovers {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return got, fileError("remove", path, err)
		}
	}
	if got, err = importInto(ctx, draft, sqlite.Options{}, in); err == nil {
		err = os.Rename(draft, st.ledger())
	}
	if err == nil {
		// Until this is done the earlier mark refuses the new ledger: nobody is written
		// to by mistake, and the ledger may be moved away and imported again.
		err = os.Rename(markOf(draft), markOf(st.ledger()))
	}
	if err != nil {
		for _, path := range leftovers {
			_ = os.Remove(path)
		}
	}
	return got, err
}

// markOf is the mark that stands beside a ledger.
func markOf(path string) string { return strings.TrimSuffix(path, ".db") + ".mark" }

// covers reports whether an exported ledger knows all that a lost one knew by a
// serial.
func covers(head ledger.ExportHead, lineage string, serial int64) bool {
	for _, m := range append([]ledger.Merged{{Lineage: head.Lineage, Serial: head.Serial}}, head.Merged...) {
		if m.Lineage == lineage && m.Serial >= serial {
			return true
		}
	}
	return false
}
