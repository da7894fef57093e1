package steps

import (
	"github.com/flowrunner/flowrunner/chat2desk"
	"github.com/flowrunner/flowrunner/engine/step"
)

// since is the version that brought the first kinds.
const since = "0.1"

// declared is what the package-level declarations of this package have
// appended; it never changes after initialisation.
var declared []step.Kind

// declare appends a kind to the list that Registry copies. The result only
// allows it to stand in a package-level declaration.
func declare(k step.Kind) struct{} {
	declared = append(declared, k)
	return struct{}{}
}

// Registry is every built-in kind. They call Chat2Desk.
func Registry() *step.Registry {
	r, err := step.NewRegistry(chat2desk.Host, declared...)
	if err != nil {
		panic(err) // two files declare one name
	}
	return r
}
