package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// maxBatch bounds how long one transaction lets its callers wait.
const maxBatch = 512

// A tail that took slowSend for each of slowTail sends is emptied then, and so is the
// log, since there is time. What is left to the close is waited for, and the log that it
// deletes takes 0.4 ms a MiB.
const (
	slowTail = 64
	slowSend = 400 * time.Microsecond
)

// writer is the one goroutine that writes. It needs no timer to gather a batch:
// what queued up while the last commit was on its way to the disk is the next
// batch.
type writer struct {
	path   string
	db     *sql.DB
	conn   *sql.Conn
	stmt   statements
	direct directs

	// The loop's alone, but for what the tail lets readers ask.
	open    intents
	tail    *tail
	known   known
	runs    map[string]runRef
	version int64 // SQLite's count of what others have changed; -1 before the first look

	committed func(total int64) // called after each commit with all changes by then, never for long

	mu     sync.Mutex
	queue  []*op
	failed error // sticky; ledger.ErrClosed after close
	wake   chan struct{}
	done   chan struct{}

	unfolded error // why the tail could not be emptied at the close
}

// op is one caller's change.
type op struct {
	apply func(*tx) error
	taken atomic.Bool // by the writer, or by its caller who gave up
	done  chan error
}

// rejection is an error of one op alone: it wrote nothing, and the rest of its
// batch goes on.
type rejection struct{ error }

func startWriter(ctx context.Context, path string, committed func(total int64)) (*writer, error) {
	db, err := connect(path, false)
	if err != nil {
		return nil, err
	}
	w := &writer{path: path, db: db, committed: committed, tail: newTail(), runs: map[string]runRef{}, version: -1, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if w.conn, err = db.Conn(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	go w.loop()
	return w, nil
}

// prepare makes the statements. There are many, so that is done on the writer's
// goroutine, beside whatever comes before the first write.
func (w *writer) prepare() error {
	ctx := context.Background()
	if err := w.stmt.prepare(ctx, w.conn); err != nil {
		return err
	}
	return w.direct.prepare(ctx, w.conn)
}

// do queues a change and waits until it is durable or refused. While it waits in
// the queue the caller can be canceled; once the writer has taken it, its true
// result is awaited.
func (w *writer) do(ctx context.Context, apply func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &op{apply: apply, done: make(chan error, 1)}
	w.mu.Lock()
	if w.failed != nil {
		w.mu.Unlock()
		return w.failed
	}
	w.queue = append(w.queue, o)
	w.mu.Unlock()
	w.nudge()

	if ctx.Done() == nil {
		return <-o.done
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-o.done
	}
}

func (w *writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) loop() {
	defer close(w.done)
	if err := w.prepare(); err != nil {
		_ = w.fail(err)
		return
	}
	var began time.Time // the tail
	for range w.wake {
		for {
			runtime.Gosched()
			batch, closed := w.next()
			if len(batch) > 0 {
				if len(w.tail.rows) == 0 {
					began = time.Now()
				}
				w.commit(batch)
				switch n := len(w.tail.rows); {
				case n >= w.tail.most:
					_ = w.fold() // failed for good, or busy: then after the next batch
				case n >= slowTail && time.Since(began) >= time.Duration(n)*slowSend:
					if w.fold() == nil {
						w.checkpoint()
					}
				}
				continue
			}
			if closed {
				w.unfolded = w.foldLast()
				return
			}
			break
		}
	}
}

// checkpoint moves what is in the log into the ledger, as far as nobody reads it there.
// If it fails, the next one or the close does it.
func (w *writer) checkpoint() {
	_, _ = w.conn.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`)
}

// next takes the ops of the next batch out of the queue, leaving out those whose
// callers gave up.
func (w *writer) next() (batch []*op, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 && len(batch) < maxBatch {
		o := w.queue[0]
		w.queue = w.queue[1:]
		if o.taken.CompareAndSwap(false, true) {
			batch = append(batch, o)
		}
	}
	return batch, w.failed != nil
}

// commit applies a batch in one transaction and answers its callers.
func (w *writer) commit(batch []*op) {
	results := make([]error, len(batch))
	err := w.transact(func(t *tx) error {
		for i, o := range batch {
			err := o.apply(t)
			if err == nil {
				continue
			}
			var r rejection
			if !errors.As(err, &r) {
				return err
			}
			results[i] = r.error
		}
		return nil
	})
	for i, o := range batch {
		if err != nil {
			o.done <- err
		} else {
			o.done <- results[i]
		}
	}
}

// fold empties the tail while those whose batch is durable do something else. A
// ledger at rest has none.
func (w *writer) fold() error {
	if len(w.tail.rows) == 0 {
		return nil
	}
	return w.transact((*tx).fold)
}

// foldLast empties the tail before the close. Where another process is in the way,
// that one or the next does it. Why it failed before was told then.
func (w *writer) foldLast() error {
	if w.failure() != nil {
		return nil
	}
	err := w.fold()
	var busy *ledger.BusyError
	if errors.As(err, &busy) {
		return nil
	}
	return err
}

// transact runs body between BEGIN and COMMIT. An error before the first write
// may pass; any later one, above all a commit whose fate is open, fails the
// writer for good.
func (w *writer) transact(body func(*tx) error) error {
	ctx := context.Background()
	if err := w.failure(); err != nil {
		return err
	}
	if _, err := w.direct.begin.exec(); err != nil {
		if c := code(err); c == lib.SQLITE_BUSY || c == lib.SQLITE_LOCKED {
			return &ledger.BusyError{Path: w.path}
		}
		return w.fail(err)
	}
	t := &tx{
		ctx: ctx, conn: w.conn, stmt: &w.stmt, direct: &w.direct, runs: w.runs, touched: map[int64]bool{}, open: &w.open, tail: w.tail, known: &w.known,
	}
	err := w.meetOthers(t)
	if err == nil {
		err = body(t)
	}
	var total int64
	if err == nil {
		total, err = t.bumpSerials()
	}
	if err == nil {
		_, err = w.direct.commit.exec()
	}
	if err != nil {
		_, _ = w.conn.ExecContext(ctx, `ROLLBACK`)
		return w.fail(err)
	}
	w.tail.committed()
	if len(t.touched) > 0 {
		w.committed(total)
	}
	return nil
}

// meetOthers folds the tail when another process has written since the last
// transaction, or may have: what it has put there is not known here, and what this
// process has put there may be gone. A run may have been taken over.
func (w *writer) meetOthers(t *tx) error {
	version, _, err := w.direct.version.number()
	if err != nil || version == w.version {
		return err
	}
	w.version = version
	clear(t.runs)
	t.known.end()
	return t.foldAll()
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(w.failed, ledger.ErrClosed) {
		return nil // what was queued before the close is still written
	}
	return w.failed
}

// fail makes the writer refuse everything from now on, the queue included.
func (w *writer) fail(cause error) error {
	var err error = &ledger.FailedError{Path: w.path, Hint: hint(w.path, cause), Err: cause}
	w.mu.Lock()
	if w.failed == nil || errors.Is(w.failed, ledger.ErrClosed) {
		w.failed = err
	}
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, o := range queue {
		if o.taken.CompareAndSwap(false, true) {
			o.done <- err
		}
	}
	return err
}

// stop writes what is queued and ends all writing.
func (w *writer) stop() error {
	w.mu.Lock()
	if w.failed == nil {
		w.failed = ledger.ErrClosed
	}
	w.mu.Unlock()
	w.nudge()
	<-w.done
	unfolded := w.unfolded
	w.unfolded = nil
	return unfolded
}

// close closes the connection of a writer that was stopped.
func (w *writer) close() error {
	if err := errors.Join(w.stmt.close(), w.direct.close(), w.conn.Close()); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return errors.Join(err, w.db.Close())
	}
	if err := w.db.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
