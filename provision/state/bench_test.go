package state

import (
	"fmt"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

func filled(b testing.TB, n int) *Store {
	s := open(b, testPath(b))
	for i := range n {
		e := entry(fmt.Sprintf("d1/db-%d", i), fmt.Sprintf("xxxxxxxx-0000-4000-8000-%012d", i))
		if i > 0 {
			e.Refs = []provision.Key{key(fmt.Sprintf("d1/db-%d", i-1))}
		}
		e, err := asRead(e)
		must(b, err)
		s.state.Entries[e.Key] = e
	}
	must(b, s.Begin(intent("kv/last")))
	return s
}

func BenchmarkSave(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := filled(b, n)
			for b.Loop() {
				must(b, s.Begin(intent("kv/last")))
			}
		})
	}
}

// BenchmarkSync is what the disk alone takes for the bytes of BenchmarkSave.
func BenchmarkSync(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := filled(b, n)
			content, err := s.Bundle()
			must(b, err)
			for b.Loop() {
				must(b, s.fill(temporary(s.path, partProbe), content))
			}
		})
	}
}

func BenchmarkSaveParallel(b *testing.B) {
	s := filled(b, 100)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Begin(intent("kv/last")); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(s.State().Serial)/float64(b.N), "writes/op")
}

func BenchmarkRead(b *testing.B) {
	s := filled(b, 5000)
	for b.Loop() {
		if _, _, err := Read(s.path); err != nil {
			b.Fatal(err)
		}
	}
}
