// Package folder finds and copies what belongs to flows in a folder: plain files,
// but nothing hidden, which is state, git's and editors', and nothing that npm has
// put there.
//
// It knows nothing of flows; which files are wanted is for its callers to say.
package folder
