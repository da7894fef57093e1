package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stopSuffix ends the name of a file that asks a run to stop.
const stopSuffix = ".stop"

func stopFile(dir, run string) string { return filepath.Join(dir, fileName(run)+stopSuffix) }

// RequestStop asks a run, from any process that sees dir, to stop as at the first
// Ctrl-C. Asking twice is asking once. The file says who asked.
func RequestStop(dir, run string) error {
	h := ThisProcess()
	h.Run = run
	data, err := json.MarshalIndent(h, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(stopFile(dir, run), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("ask run %s to stop: %w", printable(run), err)
	}
	return nil
}

// StopRequested reports whether the run was asked to stop. It costs one look at
// a file's name: often enough once a second.
func StopRequested(dir, run string) bool {
	_, err := os.Stat(stopFile(dir, run))
	return err == nil
}

// WithdrawStop forgets a request, so that the run can go on later. The runner
// calls it when it has taken the lock, and again when it has stopped.
func WithdrawStop(dir, run string) error {
	if err := os.Remove(stopFile(dir, run)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("withdraw the stop of run %s: %w", printable(run), err)
	}
	return nil
}
