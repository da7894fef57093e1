package planfile

import (
	"bufio"
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// sortedRows is how many sends are sorted in memory at once. A million of them
// make fifty files.
const sortedRows = 20_000

// sortedSends ranges over the sends of a plan that have an identity, without what
// they send, ordered by bySubject. A send that stands in the plan twice comes once.
// Files below dir hold what does not fit in memory; they are removed.
func sortedSends(path, dir string, rows int) iter.Seq2[Send, error] {
	return func(yield func(Send, error) bool) {
		temp, err := os.MkdirTemp(dir, "sorted-")
		if err != nil {
			yield(Send{}, fmt.Errorf("sort plan: %w", err))
			return
		}
		defer os.RemoveAll(temp)
		parts, err := sortInParts(path, temp, rows)
		if err != nil {
			yield(Send{}, err)
			return
		}
		mergeParts(parts, yield)
	}
}

// bySubject orders sends by whom and what they are about. Sends of one identity are
// neighbours in it, as long as flow and campaign are the same.
func bySubject(a, b Send) int {
	return cmp.Or(
		cmp.Compare(a.Step, b.Step), compareKeys(a.Key, b.Key), cmp.Compare(a.Period, b.Period), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Seq, b.Seq),
	)
}

// compareKeys orders ids as numbers, before all other texts.
func compareKeys(a, b string) int {
	x, xerr := strconv.ParseUint(a, 10, 63)
	y, yerr := strconv.ParseUint(b, 10, 63)
	switch {
	case xerr == nil && yerr == nil:
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	case xerr == nil:
		return -1
	case yerr == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// sortInParts writes sorted files of so many sends each.
func sortInParts(path, temp string, rows int) ([]string, error) {
	var parts []string
	var part []Send
	write := func() error {
		slices.SortFunc(part, bySubject)
		name := filepath.Join(temp, fmt.Sprint(len(parts)))
		parts = append(parts, name)
		err := writePart(name, part)
		part = part[:0]
		return err
	}
	for rec, err := range Records(path) {
		if err != nil {
			return nil, err
		}
		r, ok := rec.(Send)
		if !ok || r.Identity == "" || r.Status == StatusDuplicate {
			continue
		}
		part = append(part, Send{
			Type: r.Type, Seq: r.Seq, Step: r.Step, Status: r.Status, Reason: r.Reason, Identity: r.Identity,
			Key: r.Key, Period: r.Period, Contact: r.Contact, Content: r.Content,
		})
		if len(part) == rows {
			if err := write(); err != nil {
				return nil, err
			}
		}
	}
	if len(part) > 0 {
		return parts, write()
	}
	return parts, nil
}

func writePart(name string, rows []Send) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sort plan: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	var line []byte
	for _, r := range rows {
		if line, err = appendLine(line[:0], r); err == nil {
			_, err = w.Write(line)
		}
		if err != nil {
			break
		}
	}
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("sort plan: %w", err)
	}
	return nil
}

// mergeParts ranges over sorted files as one.
func mergeParts(parts []string, yield func(Send, error) bool) {
	var heads partHeads
	defer func() {
		for _, h := range heads {
			h.stop()
		}
	}()
	for _, name := range parts {
		next, stop := iter.Pull2(Records(name))
		h := &partHead{next: next, stop: stop}
		more, err := h.advance()
		if err != nil {
			stop()
			yield(Send{}, err)
			return
		}
		if more {
			heads = append(heads, h)
		}
	}
	heap.Init(&heads)
	for len(heads) > 0 {
		h := heads[0]
		if !yield(h.row, nil) {
			return
		}
		switch more, err := h.advance(); {
		case err != nil:
			yield(Send{}, err)
			return
		case more:
			heap.Fix(&heads, 0)
		default:
			heap.Pop(&heads)
			h.stop()
		}
	}
}

// partHead is a sorted file and its next row.
type partHead struct {
	row  Send
	next func() (any, error, bool)
	stop func()
}

func (h *partHead) advance() (more bool, err error) {
	rec, err, ok := h.next()
	if !ok || err != nil {
		return false, err
	}
	h.row, ok = rec.(Send)
	return ok, nil
}

// partHeads is a heap of files by their next rows.
type partHeads []*partHead

func (p partHeads) Len() int           { return len(p) }
func (p partHeads) Less(i, j int) bool { return bySubject(p[i].row, p[j].row) < 0 }
func (p partHeads) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }

// Push and Pop are what container/heap wants.
func (p *partHeads) Push(x any) { *p = append(*p, x.(*partHead)) }

// Pop takes the last one off.
func (p *partHeads) Pop() any {
	last := len(*p) - 1
	h := (*p)[last]
	*p = (*p)[:last]
	return h
}
