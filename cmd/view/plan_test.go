package view

import "testing"

func TestCalls(t *testing.T) {
	for n, want := range map[int]string{13: "13 API calls in all", 300: "300 API calls in all", 301: "301 API calls in all of the 1,200 allowed in five minutes"} {
		if got := Calls(n, " in all"); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
