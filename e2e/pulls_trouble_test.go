package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/cfboot/cfboot/provision/emulator"
)

// The number stays when the name does not (I-16).
func storyOfARename(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	r.ends(r.dispatch(r.pull(8, "opened", "open", sha(1))), 0, "")
	old := r.repo
	a.hub.Rename(old, "store/store")
	r.repo = "store/store"
	r.pull(7, "closed", "closed", sha(1))
	r.repo = old // a run that began before
	r.ends(r.dispatch(scheduled), 0, "removed pr-7")
	a.holds(0, "shop-pr-8")
	r.repo = "store/store"
	r.ends(r.dispatch(r.pull(8, "closed", "closed", sha(1))), 0, "")
	a.holds(0)
	// Somebody else takes the old name; what is closed there says nothing of ours.
	r.ends(r.dispatch(r.pull(9, "opened", "open", sha(1))), 0, "")
	a.hub.AddRepo(old, 666)
	a.hub.SetPull(old, fakegithub.Pull{Number: 9, State: "closed", SHA: sha(1)})
	r.repo = old
	r.ends(r.dispatch(scheduled), 0, "")
	a.holds(0, "shop-pr-9")
}

func storyOfNoPermission(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	a.hub.AddToken(workflowToken, fakegithub.Token{Login: "github-actions[bot]", ID: 41898282, Lacks: []string{"comments", "deployments"}})
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "pull-requests: write")
	a.holds(0, "shop-pr-7")
}

// What cannot be removed is said on the pull request, and the next run goes on
// (I-13).
func storyOfLeftovers(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	a.cloud.Fail(emulator.Failure{Method: "DELETE", Path: ".*/r2/buckets/shop-pr-7-files", Status: 403, Code: 10000, Count: 99})
	c := r.dispatch(r.pull(7, "closed", "closed", sha(1)))
	r.ends(c, 4, "r2/files")
	if got := a.hub.Comments("shop/shop", 7); len(got) != 1 || !strings.Contains(got[0].Body, "shop-pr-7-files") || !strings.Contains(c.outputs["leftovers"], "shop-pr-7-files") {
		t.Errorf("leftovers %q, comments: %+v", c.outputs["leftovers"], got)
	}
	if n := a.cloud.Count(); n["d1"]+n["kv"]+n["worker"]+n["dns"] != 0 || n["r2"] != 2 {
		t.Errorf("left: %v", n)
	}
	r.ends(r.dispatch(scheduled), 4, "r2/files")
	a.mend()
	r.ends(r.dispatch(scheduled), 0, "")
	a.holds(0)
}

// A sweep without a token, or of another account, is no success (I-8).
func storyOfNoSecrets(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	own := r.secrets
	r.secrets = map[string]string{"GITHUB_TOKEN": workflowToken}
	r.ends(r.dispatch(scheduled), 3, "api-token is empty")
	r.secrets = map[string]string{"GITHUB_TOKEN": workflowToken, "CLOUDFLARE_API_TOKEN": accountToken, "CLOUDFLARE_ACCOUNT_ID": strings.Repeat("b", 32)}
	if c := r.dispatch(scheduled); !c.failed {
		a.t.Errorf("the sweep of another account is a success: %s", c.log)
	}
	r.secrets = own
	a.holds(0, "shop-pr-7")
}

// A run that is cancelled ends well within the time that GitHub gives it, and the
// next push finishes the work (A12).
func storyOfACancellation(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	a.cloud.Fail(emulator.Failure{Method: "POST", Path: ".*/d1/database", Delay: emulator.Span(2 * time.Second), Count: 1})
	var asked time.Time
	r.begun = func(p *os.Process) {
		for range 2000 {
			if len(a.written()) > 0 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		asked = time.Now()
		_ = p.Signal(os.Interrupt)
	}
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 130, "")
	if took := time.Since(asked); took > 7*time.Second {
		t.Errorf("it took %s to end", took)
	}
	r.begun = nil
	a.mend()
	r.ends(r.dispatch(r.pull(7, "synchronize", "open", sha(2))), 0, "")
	a.holds(0, "shop-pr-7")
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(2))), 0, "")
	a.holds(0)
}

// The account is full: who holds the databases is said, nothing is made, and once
// there is room the next push makes it (I-14).
func storyOfAFullQuota(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	for n := 1; n <= 2; n++ {
		r.ends(r.dispatch(r.pull(n, "opened", "open", sha(n))), 0, "")
	}
	for n := range 8 {
		a.call("POST", "/d1/database", fmt.Sprintf(`{"name":"others-%d"}`, n))
	}
	r.ends(r.dispatch(r.pull(3, "opened", "open", sha(3))), 3, "previews of this project hold 2 databases")
	a.holds(8, "shop-pr-1", "shop-pr-2")
	if got := a.hub.Comments("shop/shop", 3); len(got) != 1 || !strings.Contains(got[0].Body, "preview sweep") {
		t.Errorf("comments: %+v", got)
	}
	r.ends(r.dispatch(r.pull(1, "closed", "closed", sha(1))), 0, "")
	r.ends(r.dispatch(r.pull(3, "synchronize", "open", sha(4))), 0, "")
	a.holds(8, "shop-pr-2", "shop-pr-3")
}
