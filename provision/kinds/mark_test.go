package kinds

import "testing"

func TestOthersMark(t *testing.T) {
	const ours = "cfboot:shop/production/app"
	for _, tt := range []struct {
		want    string
		carried []string
	}{
		{"", nil},
		{"", []string{"", "team:web", "cfboot", "cfboot:", "cfboot:shop"}},
		{"", []string{ours}},
		{"", []string{"cfboot:shop/production/old"}}, // another key of ours
		{"till/production/app", []string{"x", "cfboot:till/production/app"}},
		{"shop/qa/app", []string{ours, "cfboot:shop/qa/app"}},
		{"shop2/production/app", []string{"cfboot:shop2/production/app"}},
	} {
		if got := othersMark(ours, tt.carried...); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.carried, got, tt.want)
		}
	}
}
