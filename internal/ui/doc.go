// Package ui is how flowrunner looks: plans, progress, what a run did, and
// problems, as text for a terminal or as one JSON document.
//
// It renders what it is given and decides nothing: no flags, no files, no exit
// codes. Everything that came from a client, a file or the API passes through
// Safe before it reaches a terminal, and every byte that the program prints
// passes through a Redactor. Start at Plan, Result and Progress.
package ui
