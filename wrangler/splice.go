package wrangler

import (
	"bytes"
	"cmp"
	"slices"
)

// splice replaces the bytes from start to end by text.
type splice struct {
	start, end int
	text       string
}

// spliced returns a new text. Splices do not overlap. Of those at the same place
// insertions come first, in the order they are listed.
func spliced(src []byte, list []splice) []byte {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var out bytes.Buffer
	done := 0
	for _, s := range list {
		out.Write(src[done:s.start])
		out.WriteString(s.text)
		done = s.end
	}
	out.Write(src[done:])
	return out.Bytes()
}
