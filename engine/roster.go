package engine

// roster is a set of names that knows in which order they came, so that the
// newest can be taken out again. The zero roster is empty.
type roster struct {
	has   map[string]bool
	names []string
}

func (r *roster) add(name string) {
	if r.has == nil {
		r.has = map[string]bool{}
	}
	if !r.has[name] {
		r.has[name] = true
		r.names = append(r.names, name)
	}
}

// cut takes out all but the first n.
func (r *roster) cut(n int) {
	for _, name := range r.names[n:] {
		delete(r.has, name)
	}
	r.names = r.names[:n]
}
