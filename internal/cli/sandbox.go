package cli

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
)

// fakeAPI is a sandbox that listens on loopback inside this process.
type fakeAPI struct {
	engine.Sandbox
	listener *sandbox.Listener
	log      *os.File // nil when nothing is sent
}

// startSandbox serves the world of the flags, or names the one that another
// process serves. Messages of its own are remembered in the state when the command
// may send.
func startSandbox(a *app, s state, o *worldFlags, sends bool) (*fakeAPI, error) {
	if o.served != "" {
		token := cmp.Or(a.env.get("CHAT2DESK_API_TOKEN"), "sandbox")
		return &fakeAPI{Sandbox: engine.Sandbox{BaseURL: strings.TrimSuffix(o.served, "/"), Token: token}}, nil
	}
	so, err := o.options()
	if err != nil {
		return nil, err
	}
	f := &fakeAPI{Sandbox: engine.Sandbox{Token: rand.Text()}}
	so.Token = f.Token
	earlier, err := f.remembered(s, sends)
	if err != nil {
		return nil, err
	}
	if f.log != nil {
		so.AcceptedLog = f.log
	}
	server := sandbox.New(so)
	server.Restore(earlier)
	if f.listener, err = server.Listen(); err != nil {
		f.close()
		return nil, err
	}
	f.BaseURL = f.listener.BaseURL
	return f, nil
}

// remembered reads what earlier sandbox runs have sent.
func (f *fakeAPI) remembered(s state, sends bool) (all []sandbox.Accepted, err error) {
	path := filepath.Join(s.dir, "accepted.jsonl")
	if sends {
		if err := s.prepare(); err != nil {
			return nil, err
		}
		all, f.log, err = sandbox.OpenLog(path)
		return all, err
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fileError("read", path, err)
	}
	defer file.Close()
	return sandbox.LoadAccepted(file)
}

func (f *fakeAPI) close() {
	if f.listener != nil {
		f.listener.Close()
	}
	if f.log != nil {
		_ = f.log.Close()
	}
}

// forgetSandbox clears the sandbox's state, but not the locks: somebody may hold
// one.
func forgetSandbox(s state) error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError("read", s.dir, err)
	}
	for _, e := range entries {
		if e.Name() == "locks" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
			return fileError("remove", filepath.Join(s.dir, e.Name()), err)
		}
	}
	return nil
}

// newToken makes a token for a sandbox that others use.
func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return "sandbox-" + hex.EncodeToString(b[:])
}

// loopback reports whether an address is only for this machine.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
