package github

import (
	"net/http"
	"testing"

	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/google/go-cmp/cmp"
)

const mark = "shop:pr-7"

func states(hub *fakegithub.Server) (out []string) {
	for _, d := range hub.Deployments(full) {
		out = append(out, d.Ref+" "+d.Environment+" "+d.State())
	}
	return out
}

func begin(t *testing.T, c *Client, sha string) *Deployment {
	t.Helper()
	d, err := c.Begin(t.Context(), mark, "pr-7", sha, "preview", "https://github.example/run")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A deployment succeeds and retires those before it; one that fails leaves the one
// before it active; all go in the end. Others' stay as they are.
func TestDeployments(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	other, err := c.Begin(t.Context(), "api:pr-7", "pr-7", "o", "preview", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Succeed(t.Context(), other, "https://api.example"); err != nil {
		t.Fatal(err)
	}
	for _, sha := range []string{"a", "b"} {
		if err := c.Succeed(t.Context(), begin(t, c, sha), "https://"+sha+".example"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Fail(t.Context(), begin(t, c, "c")); err != nil {
		t.Fatal(err)
	}
	want := []string{"o pr-7 success", "a pr-7 inactive", "b pr-7 success", "c pr-7 failure"}
	if diff := cmp.Diff(want, states(hub)); diff != "" {
		t.Error(diff)
	}
	if d := hub.Deployments(full)[2]; d.URL != "https://b.example" || !d.Transient || d.Production {
		t.Errorf("deployment: %+v", d)
	}
	if err := c.Retire(t.Context(), mark, "pr-7"); err != nil {
		t.Fatal(err)
	}
	want = []string{"o pr-7 success", "a pr-7 inactive", "b pr-7 inactive", "c pr-7 inactive"}
	if diff := cmp.Diff(want, states(hub)); diff != "" {
		t.Error(diff)
	}
	hub.Requests()
	if err := c.Retire(t.Context(), mark, "pr-7"); err != nil {
		t.Fatal(err)
	}
	if got := hub.Requests(); len(got) != 2 {
		t.Errorf("once more took %q", got)
	}
}

// Retiring that was cut off is finished by the next.
func TestRetireResumes(t *testing.T) {
	hub, c := world(t, fakegithub.Token{})
	for _, sha := range []string{"a", "b", "c"} {
		begin(t, c, sha)
	}
	second := hub.Deployments(full)[1].ID
	hub.Fail(fakegithub.Fault{Method: http.MethodPost, Path: "/repos/o/r/deployments/" + itoa(second) + "/statuses", Status: 500})
	if err := c.Retire(t.Context(), mark, "pr-7"); err == nil {
		t.Error("no error")
	}
	hub.Mend()
	if err := c.Retire(t.Context(), mark, "pr-7"); err != nil {
		t.Fatal(err)
	}
	want := []string{"a pr-7 inactive", "b pr-7 inactive", "c pr-7 inactive"}
	if diff := cmp.Diff(want, states(hub)); diff != "" {
		t.Error(diff)
	}
}

// GitHub gives a payload back as what was sent or as its text.
func TestPayload(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"cfboot":"shop:pr-7"}`:            true,
		`"{\"cfboot\":\"shop:pr-7\"}"`:      true,
		`{"cfboot":"shop:pr-8"}`:            false,
		`{}`:                                false,
		`""`:                                false,
		`"shop:pr-7"`:                       false,
		`[1]`:                               false,
		``:                                  false,
		`{"cfboot":{"shop:pr-7":"really"}}`: false,
	} {
		if got := marked([]byte(raw), mark); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}
