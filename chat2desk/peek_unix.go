//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat2desk

import (
	"errors"
	"syscall"
)

// canPeek says that isQuiet tells something on this system.
const canPeek = true

// isQuiet reports whether there is nothing to read from a connection, and neither its
// end nor an error. It does not wait and takes nothing away.
func isQuiet(c syscall.RawConn) bool {
	var seen error
	err := c.Control(func(fd uintptr) {
		var one [1]byte
		_, _, seen = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && errors.Is(seen, syscall.EAGAIN)
}
