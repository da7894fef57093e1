package steps

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/flowrunner/flowrunner/engine/step"
)

// aside is a list in a file, which is gone when it is closed.
type aside struct {
	scratch step.Scratch
	file    *os.File
	out     *bufio.Writer
	buf     []byte
}

func newAside(ctx context.Context) (*aside, error) {
	scratch, err := step.HostOf(ctx).Scratch()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(scratch.Dir, "aside-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("put records aside: %w", err)
	}
	_ = os.Remove(f.Name()) // gone with its process, where the system allows; else close does it
	return &aside{scratch: scratch, file: f, out: bufio.NewWriterSize(f, 1<<16)}, nil
}

// add appends record n.
func (a *aside) add(n int, rec any) (err error) {
	if a.buf, err = a.scratch.Append(a.buf[:0], rec); err != nil {
		return fmt.Errorf("record %d cannot be put aside: %w", n, err)
	}
	var size [binary.MaxVarintLen64]byte
	if _, err = a.out.Write(binary.AppendUvarint(size[:0], uint64(len(a.buf)))); err == nil {
		_, err = a.out.Write(a.buf)
	}
	if err != nil {
		return fmt.Errorf("put records aside: %w", err)
	}
	return nil
}

// all reads the records from the first on, when all were added.
func (a *aside) all() iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		err := a.out.Flush()
		if err == nil {
			_, err = a.file.Seek(0, io.SeekStart)
		}
		in := bufio.NewReaderSize(a.file, 1<<16)
		for err == nil {
			var size uint64
			if size, err = binary.ReadUvarint(in); errors.Is(err, io.EOF) {
				return
			}
			text := make([]byte, size) // what is read may keep it
			if err == nil {
				_, err = io.ReadFull(in, text)
			}
			var rec any
			if err == nil {
				rec, err = a.scratch.Read(text)
			}
			if err == nil && !yield(rec, nil) {
				return
			}
		}
		yield(nil, fmt.Errorf("read what was put aside: %w", err))
	}
}

func (a *aside) close() {
	_ = a.file.Close()
	_ = os.Remove(a.file.Name())
}
