package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Accepted is one message that the sandbox took, whatever its caller was told.
type Accepted struct {
	N          int       `json:"n"` // 1 for the first ever
	At         time.Time `json:"at"`
	ClientID   int64     `json:"client_id"`
	Text       string    `json:"text"`
	ChannelID  int64     `json:"channel_id"`
	Transport  string    `json:"transport"`
	Type       string    `json:"type"`
	ExternalID string    `json:"external_id"`
	MessageID  int64     `json:"message_id"`
	OperatorID int64     `json:"operator_id,omitempty"`
	Attachment string    `json:"attachment,omitempty"`
}

// LoadAccepted reads a log of accepted messages, one JSON object a line. A last
// line that a crash has cut off is left out: its message was never accepted.
func LoadAccepted(r io.Reader) ([]Accepted, error) {
	all, _, err := readAccepted(r)
	return all, err
}

// OpenLog opens the log of accepted messages at path, making it when there is
// none: its messages are for Restore, the file for Options.AcceptedLog. A last
// line that a crash has cut off is removed from the file.
func OpenLog(path string) ([]Accepted, *os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open accepted messages: %w", err)
	}
	all, whole, err := readAccepted(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
	}
	return all, f, nil
}

// readAccepted also says how many bytes hold whole lines.
func readAccepted(r io.Reader) (all []Accepted, whole int64, err error) {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, whole, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read accepted messages: %w", err)
		}
		whole += int64(len(line))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var a Accepted
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, 0, fmt.Errorf("read accepted messages: line %d: %w", n, err)
		}
		all = append(all, a)
	}
}

// appendLine writes a as its line of the log.
func (a *Accepted) appendLine(b []byte) []byte {
	e := encoder{b: b}
	e.open('{')
	e.number("n", int64(a.N))
	e.string("at", a.At.Format(time.RFC3339Nano))
	e.number("client_id", a.ClientID)
	e.string("text", a.Text)
	e.number("channel_id", a.ChannelID)
	e.string("transport", a.Transport)
	e.string("type", a.Type)
	e.string("external_id", a.ExternalID)
	e.number("message_id", a.MessageID)
	if a.OperatorID != 0 {
		e.number("operator_id", a.OperatorID)
	}
	if a.Attachment != "" {
		e.string("attachment", a.Attachment)
	}
	e.close('}')
	return append(e.b, '\n')
}

// accept takes a message: first into the log, then into the history.
func (s *Server) accept(a Accepted) (Accepted, error) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	a.N = s.state.accepted.lastN + 1
	a.At = s.now().UTC()
	a.MessageID = s.state.nextMessageID(a.At)
	s.line = a.appendLine(s.line[:0])
	if s.log != nil {
		if _, err := s.log.Write(s.line); err != nil {
			return Accepted{}, fmt.Errorf("write accepted message: %w", err)
		}
	}
	s.state.remember(&a, s.line)
	return a, nil
}

// remember puts an accepted message, with its line, into the history of its client.
func (s *state) remember(a *Accepted, line []byte) {
	s.accepted.add(a, line)
	s.lastMessage = max(s.lastMessage, a.MessageID)
}

// Restore puts messages that an earlier sandbox accepted into the histories.
// Their numbers are kept, and those of later messages go on from them.
func (s *Server) Restore(earlier []Accepted) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	for i := range earlier {
		s.line = earlier[i].appendLine(s.line[:0])
		s.state.remember(&earlier[i], s.line)
	}
}

// Accepted gives every message that was accepted, the restored ones first.
func (s *Server) Accepted() []Accepted {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return s.state.accepted.all()
}
