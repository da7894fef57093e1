//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package chat2desk

import "syscall"

// canPeek says that there is no looking at a connection without reading from it.
const canPeek = false

func quietOf(syscall.RawConn) func() bool { return func() bool { return false } }
