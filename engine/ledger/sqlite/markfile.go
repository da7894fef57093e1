package sqlite

import (
	"bytes"
	"io/fs"
	"os"
)

// markFile is the mark's file, kept open since it is read and written with each
// commit. Another process may have put another file in its place, so its name is
// asked for first.
type markFile struct {
	name string
	file *os.File
	info fs.FileInfo

	last mark // as overwrite left it here
	text []byte
}

// open gives the file that has the name now.
func (m *markFile) open() (*os.File, error) {
	now, err := os.Stat(m.name)
	if err == nil && m.file != nil && os.SameFile(now, m.info) {
		return m.file, nil
	}
	m.close()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(m.name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if m.info, err = file.Stat(); err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	m.file = file
	return file, nil
}

// read gives the mark of the ledger at path, as readMark does. One that still is
// what this process wrote need not be parsed.
func (m *markFile) read(path string) (*mark, error) {
	if ours := m.text; ours != nil {
		if file, err := m.open(); err == nil {
			found := make([]byte, len(ours)+1)
			n, _ := file.ReadAt(found, 0) // a shorter one is another one
			if bytes.Equal(found[:n], ours) {
				return &m.last, nil
			}
		}
	}
	return readMark(path)
}

// overwrite writes a mark of the same lineage over the one that is there.
func (m *markFile) overwrite(now mark, durable bool) error {
	file, err := m.open()
	if err != nil {
		return err
	}
	m.text = nil
	text := now.text()
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	m.last, m.text = now, text
	if durable {
		return file.Sync()
	}
	return nil
}

// close forgets the file. Nothing of it waits to be written.
func (m *markFile) close() {
	if m.file != nil {
		_ = m.file.Close()
	}
	m.file, m.text = nil, nil
}
