package engine

// InputsHash is what a plan's header holds of bound inputs, to tell whether an
// unfinished run was begun with the same ones.
func InputsHash(inputs map[string]any) (string, error) { return hashOf(inputs) }
