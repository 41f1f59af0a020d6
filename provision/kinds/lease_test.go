package kinds

import (
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

func TestLeaseInTags(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	full := provision.Lease{Repository: "shop/shop", RepositoryID: "123456", PullRequest: 7, Branch: "feature/x=1", Made: at, Expires: at.Add(time.Hour)}
	tags := encodeTags(provision.Tags{Lineage: "L", Project: "shop", Environment: "pr-7", Key: provision.Key{Kind: "d1", Name: "db"}, Lease: &full})
	want := map[string]string{"cfboot.class": "preview", "cfboot.from": "made=2026-03-01T12:00:00Z id=123456 pull=7 repository=shop/shop branch=feature/x=1", "cfboot.expires": "2026-03-01T13:00:00Z"}
	for k, v := range want {
		if tags[k] != v {
			t.Errorf("%s is %q, want %q", k, tags[k], v)
		}
	}
	got, ours := decodeTags(tags)
	if !ours {
		t.Fatal("they are not ours")
	}
	if d := cmp.Diff(&full, got.Lease); d != "" {
		t.Error(d)
	}
	// What somebody has garbled is not known, and a class that is not ours none.
	if l := decodeLease(map[string]string{tagClass: "preview", tagExpires: "soon", tagFrom: "id pull=x made=="}); l == nil || !l.Expires.IsZero() || l.PullRequest != 0 {
		t.Errorf("garbled: %+v", l)
	}
	for _, class := range []string{"", "production", "Preview"} {
		if decodeLease(map[string]string{tagClass: class, tagExpires: tags[tagExpires], tagFrom: tags[tagFrom]}) != nil {
			t.Errorf("the class %q is a preview", class)
		}
	}
	// No branch can claim to be another repository's, nor is any too long.
	forged := full
	forged.Branch = "x\u00a0id=999"
	if l := decodeLease(encodeTags(provision.Tags{Lease: &forged})); l.RepositoryID != "123456" || l.Branch != "" {
		t.Errorf("forged: %+v", l)
	}
	forged.Branch = strings.Repeat("ä", 5000)
	if n := len([]rune(encodeTags(provision.Tags{Lease: &forged})[tagFrom])); n > 1024 {
		t.Errorf("a tag has %d characters", n)
	}
}
