package kinds

import "strings"

// othersMark finds, among what a resource carries, a mark of cfboot that is of
// another project or environment than ours, and gives what it says:
// "shop/production/db".
func othersMark(ours string, carried ...string) string {
	home := ours[:strings.LastIndexByte(ours, '/')+1]
	for _, c := range carried {
		said, marked := strings.CutPrefix(c, "cfboot:")
		if marked && strings.Count(said, "/") == 2 && !strings.HasPrefix(c, home) {
			return said
		}
	}
	return ""
}
