package wrangler

import (
	"bytes"
	"fmt"
	"testing"
)

// largeConfig is a plausible configuration of about size bytes.
func largeConfig(size int) []byte {
	var b bytes.Buffer
	b.WriteString("{\n  // generated for a measurement\n  \"name\": \"shop\",\n  \"kv_namespaces\": [\n")
	for i := 0; b.Len() < size-40; i++ {
		fmt.Fprintf(&b, "    { \"binding\": \"KV%d\", \"id\": \"%032x\" }, // number %d\n", i, i, i)
	}
	b.WriteString("  ],\n}\n")
	return b.Bytes()
}

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{5 << 10, 1_000_000} {
		src := largeConfig(size)
		for name, edits := range map[string][]Edit{
			"nothing": {kv("KV3", fmt.Sprintf("%032x", 3)), set("shop", "name")},
			"leaf":    {kv("KV3", "new")},
			"five":    {kv("A", "1"), kv("B", "2"), d1("3"), kv("KV4", "4"), unset("KV5", "kv_namespaces")},
		} {
			b.Run(fmt.Sprintf("%s/%dKB", name, size/1000), func(b *testing.B) {
				b.SetBytes(int64(len(src)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Apply(src, "", edits); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	src := largeConfig(5 << 10)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Read(src); err != nil {
			b.Fatal(err)
		}
	}
}
