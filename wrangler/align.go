package wrangler

import "github.com/tailscale/hujson"

// maxAlign bounds the table align fills, in cells. Beyond it elements are
// compared by position, which is as right but rewrites more.
const maxAlign = 1 << 18

// turn is what makes a list equal to the one wanted: either elements that must
// go first, or what to change and add.
type turn struct {
	gone    map[int]bool
	changed []pair
	added   []run
}

// pair is an element and what it must become.
type pair struct{ have, want int }

// run is a range of wanted items to be added after an element, or first of all
// if after is -1.
type run struct{ after, from, to int }

// align finds the longest sequence of elements that are right as they stand.
// Between those, elements are changed one by one, and the rest goes or is added.
func align(have []hujson.Value, want []value) turn {
	t := turn{gone: make(map[int]bool)}
	i, j := 0, 0
	for _, same := range append(common(have, want), pair{len(have), len(want)}) {
		for ; i < same.have && j < same.want; i, j = i+1, j+1 {
			t.changed = append(t.changed, pair{i, j})
		}
		for ; i < same.have; i++ {
			t.gone[i] = true
		}
		if j < same.want {
			t.added = append(t.added, run{i - 1, j, same.want})
		}
		i, j = same.have+1, same.want+1
	}
	return t
}

// common returns the pairs of a longest common subsequence.
func common(have []hujson.Value, want []value) []pair {
	start, h, w := 0, len(have), len(want)
	for start < h && start < w && equal(&have[start], want[start]) {
		start++
	}
	for h > start && w > start && equal(&have[h-1], want[w-1]) {
		h, w = h-1, w-1
	}
	var out []pair
	for i := range start {
		out = append(out, pair{i, i})
	}
	if (h-start)*(w-start) <= maxAlign {
		out = append(out, longest(have[start:h], want[start:w], start)...)
	}
	for i := range len(have) - h {
		out = append(out, pair{h + i, w + i})
	}
	return out
}

// longest is the textbook table: length[i][j] is that of the best pairing of
// have[i:] with want[j:]. Offset is added to the pairs.
func longest(have []hujson.Value, want []value, offset int) []pair {
	length := make([][]int, len(have)+1)
	same := make([][]bool, len(have))
	length[len(have)] = make([]int, len(want)+1)
	for i := len(have) - 1; i >= 0; i-- {
		length[i] = make([]int, len(want)+1)
		same[i] = make([]bool, len(want))
		for j := len(want) - 1; j >= 0; j-- {
			same[i][j] = equal(&have[i], want[j])
			length[i][j] = max(length[i+1][j], length[i][j+1])
			if same[i][j] {
				length[i][j] = max(length[i][j], length[i+1][j+1]+1)
			}
		}
	}
	var out []pair
	for i, j := 0, 0; i < len(have) && j < len(want); {
		switch {
		case same[i][j] && length[i][j] == length[i+1][j+1]+1:
			out = append(out, pair{i + offset, j + offset})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
