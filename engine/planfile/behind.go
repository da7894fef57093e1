package planfile

import (
	"hash"
	"os"
)

// blockBytes is how much is written at once.
const blockBytes = 1 << 16

// syncBlocks is how many blocks are made durable together, so that little is left to
// wait for at the end.
const syncBlocks = 8

// behind writes blocks to a file, and hashes them, while the next one is being filled.
// An error is told when one of the next two blocks is given to it, or at the end; nothing
// is written after it.
type behind struct {
	file  *os.File
	hash  hash.Hash
	full  chan []byte
	empty chan emptied
}

// emptied is a block that may be filled again, and what came of all that were written.
type emptied struct {
	block []byte
	err   error
}

func writeBehind(f *os.File, h hash.Hash) *behind {
	w := &behind{file: f, hash: h, full: make(chan []byte, 1), empty: make(chan emptied, 2)}
	w.empty <- emptied{}
	go w.run()
	return w
}

func (w *behind) run() {
	defer close(w.empty)
	var err error
	n := 0
	for block := range w.full {
		if err == nil {
			w.hash.Write(block)
			_, err = w.file.Write(block)
		}
		w.empty <- emptied{block[:0], err}
		if n++; err == nil && n%syncBlocks == 0 {
			err = w.file.Sync() // what it says is said once, so it is kept
		}
	}
	w.empty <- emptied{err: err}
}

// give takes a block, and gives an empty one for it.
func (w *behind) give(block []byte) ([]byte, error) {
	w.full <- block
	next := <-w.empty
	if cap(next.block) < blockBytes || cap(next.block) > 2*blockBytes { // none yet, or one that a long record has widened
		next.block = make([]byte, 0, blockBytes+blockBytes/8)
	}
	return next.block, next.err
}

// end takes the last block and waits until all is written and hashed. Nothing may be
// given to it afterwards.
func (w *behind) end(block []byte) (err error) {
	w.full <- block
	close(w.full)
	for written := range w.empty {
		err = written.err
	}
	return err
}
