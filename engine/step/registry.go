package step

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is the set of kinds that a program may use, sorted by name, and what
// they call an address of their API.
type Registry struct {
	kinds []Kind
	host  HostFunc
}

// HostFunc gives the host that a connection.baseUrl names, in one spelling; "" names
// the API's own. An error with a method Fix says what to write instead.
type HostFunc func(baseURL string) (string, error)

// NewRegistry copies kinds. Two of one name are a programming error. A host of nil
// takes every address as it is written.
func NewRegistry(host HostFunc, kinds ...Kind) (*Registry, error) {
	if host == nil {
		host = func(baseURL string) (string, error) { return baseURL, nil }
	}
	r := &Registry{kinds: slices.Clone(kinds), host: host}
	slices.SortFunc(r.kinds, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(r.kinds); i++ {
		if r.kinds[i].Name == r.kinds[i-1].Name {
			return nil, fmt.Errorf("step: two kinds are named %s", r.kinds[i].Name)
		}
	}
	return r, nil
}

// Kind finds a kind by name.
func (r *Registry) Kind(name string) (*Kind, bool) {
	i, ok := slices.BinarySearchFunc(r.kinds, name, func(k Kind, n string) int { return strings.Compare(k.Name, n) })
	if !ok {
		return nil, false
	}
	return &r.kinds[i], true
}

// Host is the host that a connection.baseUrl names; see HostFunc.
func (r *Registry) Host(baseURL string) (string, error) { return r.host(baseURL) }

// Kinds lists all kinds by name.
func (r *Registry) Kinds() []Kind { return slices.Clone(r.kinds) }

// Names lists the names.
func (r *Registry) Names() []string {
	names := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		names[i] = k.Name
	}
	return names
}

func sortFields(fields []Field) {
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
}
