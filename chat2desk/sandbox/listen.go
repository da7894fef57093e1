package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Listener serves a Server on loopback, for this process or others on the machine.
type Listener struct {
	BaseURL string
	server  *Server
	http    *http.Server
}

// Listen begins to serve at a free port.
func (s *Server) Listen() (*Listener, error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve sandbox: %w", err)
	}
	l := &Listener{
		BaseURL: "http://" + at.Addr().String(), server: s,
		http: &http.Server{Handler: s, ReadHeaderTimeout: time.Minute},
	}
	go func() { _ = l.http.Serve(at) }() // ends with Close
	return l, nil
}

// Close ends all calls, and waits for the sends that are accepted late.
func (l *Listener) Close() {
	_ = l.http.Close()
	l.server.Close()
}
