package step

import (
	"iter"
	"reflect"
)

// Any is the element type of a stream of records whose shape is known only to
// the compiler.
type Any = any

// Stream is a list that is read once, record by record. A record that comes
// with an error is the last one.
type Stream[T any] struct{ seq iter.Seq2[T, error] }

// StreamOf makes a stream of seq.
func StreamOf[T any](seq iter.Seq2[T, error]) Stream[T] { return Stream[T]{seq} }

// StreamList makes a stream of a list.
func StreamList[T any](list []T) Stream[T] {
	return Stream[T]{func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}}
}

// IsZero reports whether s was never given: an optional parameter left out.
func (s Stream[T]) IsZero() bool { return s.seq == nil }

// All ranges over the records.
func (s Stream[T]) All() iter.Seq2[T, error] {
	if s.seq == nil {
		return func(func(T, error) bool) {}
	}
	return s.seq
}

// streamer lets reflection turn a typed stream into records and back without
// knowing T.
type streamer interface {
	records(wanted []string) Stream[any]
	fromRecords(Stream[any], func(any) (any, error)) any
	elem() any
}

// records are the values of the records, with the wanted fields alone; nil is
// all of them.
func (s Stream[T]) records(wanted []string) Stream[any] {
	if same, ok := any(s).(Stream[any]); ok {
		return same
	}
	value := valuer(reflect.TypeFor[T](), wanted)
	return StreamOf(func(yield func(any, error) bool) {
		var at T // one place for all records, of which nothing is kept
		held := reflect.ValueOf(&at).Elem()
		for v, err := range s.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			at = v
			if !yield(value(held), nil) {
				return
			}
		}
	})
}

func (s Stream[T]) fromRecords(in Stream[any], decode func(any) (any, error)) any {
	if same, ok := any(in).(Stream[T]); ok {
		return same
	}
	return StreamOf(func(yield func(T, error) bool) {
		var zero T
		for v, err := range in.All() {
			if err == nil {
				v, err = decode(v)
			}
			if err != nil {
				yield(zero, err)
				return
			}
			if !yield(v.(T), nil) {
				return
			}
		}
	})
}

func (s Stream[T]) elem() any { return *new(T) }

// Expr is a compiled bare expression over one record. It is safe for use from
// many goroutines.
type Expr interface {
	Eval(item any) (any, error)
}

// Predicate is an Expr that gives a boolean.
type Predicate interface {
	Test(item any) (bool, error)
}

// Named is a mapping of names to values that keeps the order written.
type Named[T any] []NamedItem[T]

// NamedItem is one name and its value.
type NamedItem[T any] struct {
	Name  string
	Value T
}
