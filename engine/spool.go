package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/engine/step"
)

// maxCollected is how many records an expression may need at once, and
// heldByExpression the same for people.
const (
	maxCollected     = 100_000
	heldByExpression = "100,000 records"
)

// spool is a stream written down once, so that several readers see the same
// records in the same order.
type spool struct {
	path  string
	zone  *time.Location
	file  *os.File
	buf   *bufio.Writer
	count int
	line  []byte // reused
}

// spoolDir is the folder of a run for what is not held in memory.
func (s *session) spoolDir() (string, error) {
	dir := filepath.Join(s.dir, "spool")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make spool folder: %w", err)
	}
	return dir, nil
}

func (s *session) newSpool(ref streamRef) (*spool, error) {
	dir, err := s.spoolDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, strings.ReplaceAll(ref.step+"."+ref.output, "/", "-")+".jsonl") // no id has a dash
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write spool: %w", err)
	}
	return &spool{path: path, zone: s.p.Zone, file: f, buf: bufio.NewWriterSize(f, 1<<16)}, nil
}

// add appends one record.
func (s *spool) add(v any) error {
	line, err := planfile.Value{V: v}.AppendLine(s.line[:0])
	if err != nil {
		return err
	}
	s.line = line
	s.count++
	_, err = s.buf.Write(s.line)
	return err
}

// done ends the writing.
func (s *spool) done() error { return errors.Join(s.buf.Flush(), s.file.Close()) }

// stream reads the spool from its beginning; each range reads anew.
func (s *spool) stream() step.Stream[any] {
	path, zone := s.path, s.zone
	return step.StreamOf(func(yield func(any, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer f.Close()
		for v, err := range planfile.Values(f) {
			if err != nil {
				yield(nil, fmt.Errorf("read spool %s: %w", filepath.Base(path), err))
				return
			}
			if !yield(planfile.InZone(v, zone), nil) {
				return
			}
		}
	})
}

// collect reads a whole stream into a list, up to maxCollected.
func collect(ref streamRef, in step.Stream[any]) ([]any, error) {
	list := []any{}
	for v, err := range in.All() {
		if err != nil {
			return nil, err
		}
		if len(list) == maxCollected {
			return nil, fmt.Errorf("steps.%s.outputs.%s has more than %s, too many for an expression that needs the whole list; "+
				"use the kinds filter, sort, limit, distinct or group, which take it record by record, or read its count", ref.step, ref.output, heldByExpression)
		}
		list = append(list, v)
	}
	return list, nil
}
