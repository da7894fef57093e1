//go:build unix

package cli

import "syscall"

// fileTooLarge is the signal of a file that has reached the limit of its size. Left
// alone it ends the process; ignored, the write fails and says so.
var fileTooLarge = syscall.SIGXFSZ
