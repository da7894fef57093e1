//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"errors"
	"syscall"
)

// canPeek says that quietOf tells something on this system.
const canPeek = true

// quietOf gives a function that reports whether there is nothing to read from a
// connection, and neither its end nor an error. It does not wait and takes nothing
// away. One goroutine at a time may call it: it keeps what it needs.
func quietOf(c syscall.RawConn) func() bool {
	var one [1]byte
	var seen error
	look := func(fd uintptr) {
		_, _, seen = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return func() bool { return c.Control(look) == nil && errors.Is(seen, syscall.EAGAIN) }
}
