package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"
)

// eventLog is a run's events.jsonl, for reading along: the ledger is the record.
// Settled sends may wait a moment for each other; everything else is written at
// once.
type eventLog struct {
	file    *os.File
	buf     *bufio.Writer
	line    []byte // reused
	flushed time.Time
}

// logPause is how long settled sends that follow each other closely may wait.
const logPause = 100 * time.Millisecond

func openEventLog(path string) (*eventLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write events: %w", err)
	}
	return &eventLog{file: f, buf: bufio.NewWriterSize(f, 32<<10)}, nil
}

// write adds an event; that a disk is full must not stop a run.
func (l *eventLog) write(e Event) {
	l.line = append(e.appendJSON(l.line[:0]), '\n')
	_, _ = l.buf.Write(l.line)
	if now := time.Now(); e.Kind != EventSettled || now.Sub(l.flushed) > logPause {
		_ = l.buf.Flush()
		l.flushed = now
	}
}

func (l *eventLog) close() error { return errors.Join(l.buf.Flush(), l.file.Close()) }
