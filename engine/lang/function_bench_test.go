package lang

import (
	"testing"
	"time"
)

func BenchmarkFormat(b *testing.B) {
	f, c := mustFunction(b, "format"), exampleContext(b)
	args := []any{time.Unix(1772350000, 0), "d MMMM, HH:mm", "ru"}
	for b.Loop() {
		if _, err := f.Call(c, args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPhone(b *testing.B) {
	f, c := mustFunction(b, "phone"), exampleContext(b)
	args := []any{"8 (900) 123-45-67", "RU"}
	for b.Loop() {
		if _, err := f.Call(c, args); err != nil {
			b.Fatal(err)
		}
	}
}
