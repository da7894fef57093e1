package chat2desk

import "iter"

// Listing is a list of which the first page was read, so that errors and the
// total are known before the rest is streamed.
type Listing[T any] struct {
	// Total is the API's own count (meta.total) of what matches, whatever limit was
	// asked for.
	Total int
	// TotalKnown is false where the API gave no count; Total is then 0.
	TotalKnown bool

	stream func(yield func(T, error) bool)
}

// All streams the records: those of the first page, then page by page as they
// are wanted. After an error nothing follows. It may be ranged over again; the
// later pages are then read again.
func (l *Listing[T]) All() iter.Seq2[T, error] { return l.stream }

// count takes in a page's meta.total.
func (l *Listing[T]) count(total *int) {
	if total != nil {
		l.Total, l.TotalKnown = *total, true
	}
}
