package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

var (
	db    = provision.Key{Kind: "d1", Name: "db"}
	cache = provision.Key{Kind: "kv", Name: "cache"}
	files = provision.Key{Kind: "r2", Name: "files"}
)

func TestChoices(t *testing.T) {
	changed := provision.Drift{Key: db, What: provision.Changed, Ignorable: []string{"read_replication", "x"}}
	derived := provision.Drift{Key: db, What: provision.Changed}
	renamed, gone := provision.Drift{Key: cache, What: provision.Renamed}, provision.Drift{Key: files, What: provision.Gone}
	recreated, taken := provision.Drift{Key: cache, What: provision.Recreated}, provision.Drift{Key: cache, What: provision.Taken}
	conflict := []provision.Conflict{{Key: cache}}
	steps := func(k provision.Key, a provision.Action, gone bool) []provision.Step {
		return []provision.Step{{Key: k, Action: a, Gone: gone}}
	}
	for name, tt := range map[string]struct {
		plan provision.Plan
		want string
	}{
		"nothing": {provision.Plan{}, ""},
		"changed": {provision.Plan{Environment: "qa", Offline: true, Drift: []provision.Drift{changed}}, `to set it back: cfboot apply --env qa --offline
to keep it as it is now: change cfboot.jsonc to say so, at d1/db
to have cfboot leave it alone: "ignore": ["read_replication", "x"] at d1/db in cfboot.jsonc`},
		"changed, of what stands in no line of its own": {provision.Plan{Drift: []provision.Drift{derived}}, `to set it back: cfboot apply
to keep it as it is now: change cfboot.jsonc to say so, at d1/db`},
		"renamed": {provision.Plan{Drift: []provision.Drift{renamed}}, `to set it back: cfboot apply
to keep it as it is now: change cfboot.jsonc to say so, at kv/cache
to record what is there now, and change nothing: cfboot apply --refresh-only`},
		"gone": {provision.Plan{Drift: []provision.Drift{gone}}, `to make it again: cfboot apply
to do without what is gone: take it out of cfboot.jsonc: r2/files
to record what is there now, and change nothing: cfboot apply --refresh-only`},
		"gone, and not wanted":       {provision.Plan{Drift: []provision.Drift{gone}, Steps: steps(files, provision.Delete, true)}, ""},
		"made again":                 {provision.Plan{Drift: []provision.Drift{recreated}, Conflicts: conflict}, "to record what is there now, and change nothing: cfboot apply --refresh-only"},
		"made again, and taken up":   {provision.Plan{Drift: []provision.Drift{recreated}, Steps: steps(cache, provision.Adopt, false)}, ""},
		"its place is taken":         {provision.Plan{Drift: []provision.Drift{taken}, Conflicts: conflict}, "to record what is there now, and change nothing: cfboot apply --refresh-only"},
		"changed, beside a conflict": {provision.Plan{Drift: []provision.Drift{derived}, Conflicts: conflict}, "to keep it as it is now: change cfboot.jsonc to say so, at d1/db"},
		"a refresh of nothing":       {provision.Plan{Refresh: true}, ""},
		"a refresh, and made again": {provision.Plan{Refresh: true, Drift: []provision.Drift{recreated, gone}, Steps: steps(cache, provision.Delete, true)}, `to record it as it is now: cfboot apply --refresh-only
to see what an apply would change: cfboot plan
to take over what was made again: cfboot adopt kv/cache`},
		"a refresh, and it is our own":     {provision.Plan{Refresh: true, Drift: []provision.Drift{recreated}, Steps: steps(cache, provision.Update, false)}, "to record it as it is now: cfboot apply --refresh-only"},
		"a refresh of what cannot be seen": {provision.Plan{Refresh: true, Drift: []provision.Drift{derived}, Conflicts: conflict}, "to see what an apply would change: cfboot plan"},
	} {
		if d := cmp.Diff(tt.want, strings.Join(choices(tt.plan), "\n")); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	var out bytes.Buffer
	View{Out: &out, JSON: true}.Choices(provision.Plan{Drift: []provision.Drift{gone}})
	if out.Len() > 0 {
		t.Errorf("with JSON there is %q", out.String())
	}
}

func TestRefreshSummary(t *testing.T) {
	keep := provision.Step{Action: provision.Keep}
	for want, p := range map[string]provision.Plan{
		"No drift: no resource is owned.":            {},
		"No drift: 1 resource is as recorded.":       {Steps: []provision.Step{keep}},
		"No drift: all 2 resources are as recorded.": {Steps: []provision.Step{keep, keep}},
		"2 gone, 1 with another in its place, 1 that cannot be seen, 1 as recorded.": {Steps: []provision.Step{keep, {Action: provision.Delete}},
			Drift: []provision.Drift{{What: provision.Gone}, {What: provision.Taken}, {What: provision.Gone}}, Conflicts: []provision.Conflict{{}}},
	} {
		p.Refresh = true
		if got := Summary(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
