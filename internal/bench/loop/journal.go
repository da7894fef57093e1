package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// journal is a file that says of each send that it is about to happen, and then
// how it ended. Intents are made durable by group: what came while the last
// sync ran is the next group. Outcomes ride along with the next group.
type journal struct {
	file *os.File
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	lines  []byte
	group  *group // of the lines that wait
	closed bool
}

// group are the intents that one sync makes durable.
type group struct {
	synced chan struct{}
	err    error
}

func newGroup() *group { return &group{synced: make(chan struct{})} }

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file: f, wake: make(chan struct{}, 1), done: make(chan struct{}), group: newGroup()}
	go j.loop()
	return j, nil
}

// around makes an intent durable, sends, and notes the outcome.
func (j *journal) around(c client, send func() (int64, error)) error {
	if err := j.intend(c.ID); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	id, err := send()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, `{"outcome":`...)
	j.lines = strconv.AppendInt(j.lines, c.ID, 10)
	if err != nil {
		j.lines = append(j.lines, `,"error":`...)
		j.lines = strconv.AppendQuote(j.lines, err.Error())
	} else {
		j.lines = append(j.lines, `,"message":`...)
		j.lines = strconv.AppendInt(j.lines, id, 10)
	}
	j.lines = append(j.lines, "}\n"...)
	return err
}

func (j *journal) intend(id int64) error {
	j.mu.Lock()
	j.lines = append(j.lines, `{"intent":`...)
	j.lines = strconv.AppendInt(j.lines, id, 10)
	j.lines = append(j.lines, "}\n"...)
	g := j.group
	j.mu.Unlock()
	j.nudge()
	<-g.synced
	return g.err
}

func (j *journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *journal) loop() {
	defer close(j.done)
	var spare []byte
	for range j.wake {
		j.mu.Lock()
		lines, g, closed := j.lines, j.group, j.closed
		j.lines, j.group = spare[:0], newGroup()
		j.mu.Unlock()
		_, g.err = j.file.Write(lines)
		g.err = errors.Join(g.err, j.file.Sync())
		close(g.synced)
		spare = lines
		if closed {
			return
		}
	}
}

// close writes what waits.
func (j *journal) close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.nudge()
	<-j.done
	return j.file.Close()
}
