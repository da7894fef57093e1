// Package spill brings lists into order that need not fit into memory: what is more
// than a chunk goes through a file (docs/adr/0031).
package spill
