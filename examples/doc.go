// Package examples holds flows to start from, with the files that they read.
//
// It has no code but the embedded files: `flowrunner init` writes some of them
// into a new project. Its tests run each flow twice in the sandbox.
package examples
