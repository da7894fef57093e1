//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package chat2desk

import "syscall"

// canPeek says that there is no looking at a connection without reading from it.
const canPeek = false

func isQuiet(syscall.RawConn) bool { return false }
