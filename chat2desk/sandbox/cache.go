package sandbox

import "sync"

// cacheSize bounds what is kept of each sort of listing.
const cacheSize = 4

// cache keeps the last few listings, since a caller reads one page by page.
// The zero value is ready.
type cache[T any] struct {
	mu    sync.Mutex
	names []string // the latest last
	kept  map[string]T
}

// get gives what is kept under a name, made when it is not.
func (c *cache[T]) get(name string, make func() T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.kept[name]; ok {
		return v
	}
	if len(c.names) == cacheSize {
		delete(c.kept, c.names[0])
		c.names = c.names[1:]
	}
	if c.kept == nil {
		c.kept = map[string]T{}
	}
	v := make()
	c.kept[name] = v
	c.names = append(c.names, name)
	return v
}
