package examples

import "embed"

// Files are the flows with their tests and their data, by file name.
//
//go:embed *.yaml *.csv *.golden
var Files embed.FS
