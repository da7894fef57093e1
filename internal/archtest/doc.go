// Package archtest holds the rules of the tree as tests: which package may
// import which, where each library is at home, and what no package may have
// (init functions, state of its own that changes).
//
// It has no code but tests. Start at imports_test.go.
package archtest
