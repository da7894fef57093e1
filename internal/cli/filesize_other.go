//go:build !unix

package cli

import "syscall"

// fileTooLarge stands for a signal that this system does not have.
var fileTooLarge = syscall.SIGPIPE
