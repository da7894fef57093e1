package ledger

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"
	"unicode"
)

// Holder says who holds a lock, for the one who is turned away.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	User    string    `json:"user"`
	Run     string    `json:"run"`
	Command string    `json:"command"`
	Job     string    `json:"job,omitempty"` // link to the CI job, where known
	Started time.Time `json:"started"`
	Scope   string    `json:"scope,omitempty"` // what is locked
	Nonce   string    `json:"nonce,omitempty"` // random; Unlock wants it, so that nobody removes another holder than the one seen
}

// ThisProcess is a Holder with what the process knows of itself.
func ThisProcess() Holder {
	h := Holder{PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second)}
	if host, err := os.Hostname(); err == nil {
		h.Host = host
	}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}

// String is the holder in one line, safe to print whatever its file said.
func (h Holder) String() string {
	who := strings.Trim(printable(h.User)+"@"+printable(h.Host), "@")
	if who == "" {
		return "another process"
	}
	s := fmt.Sprintf("%s (process %d", who, h.PID)
	if h.Run != "" {
		s += ", run " + printable(h.Run)
	}
	if !h.Started.IsZero() {
		s += ", since " + h.Started.Format(time.RFC3339)
	}
	if h.Job != "" {
		s += ", " + printable(h.Job)
	}
	return s + ")"
}

// maxHolder bounds what is read of a holder's file.
const maxHolder = 64 << 10

// ParseHolder reads a holder's file.
func ParseHolder(data []byte) (Holder, error) {
	var h Holder
	if len(data) > maxHolder {
		return Holder{}, fmt.Errorf("read lock holder: it has more than %d bytes", maxHolder)
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return Holder{}, fmt.Errorf("read lock holder: %w", err)
	}
	return h, nil
}

// writeHolder puts a holder's file in place in one piece, so that a reader sees
// all of it. It is a file apart from the lock's since some systems lock the lock
// file's content too.
func writeHolder(path string, h Holder) error {
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	draft := path + ".new"
	if err := os.WriteFile(draft, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// readHolder returns the zero Holder when the file cannot be read: the lock is
// held all the same.
func readHolder(path string) Holder {
	f, err := os.Open(path)
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHolder+1))
	if err != nil {
		return Holder{}
	}
	h, err := ParseHolder(data)
	if err != nil {
		return Holder{}
	}
	return h
}

// printable drops what would move a terminal's cursor or hide text.
func printable(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' {
			return '\uFFFD'
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}
