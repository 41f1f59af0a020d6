package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/cfboot/cfboot/provision/emulator"
)

// TestPullRequests plays what becomes of pull requests, by the workflows that
// cfboot github init writes, run as a runner does. After each story the account
// holds just what it should.
func TestPullRequests(t *testing.T) {
	for name, story := range map[string]func(*testing.T, *account){
		"opened, pushed, closed":        storyOfOne,
		"two pushes at once":            storyOfTwoPushes,
		"two runs of one push at once":  storyOfTwoRuns,
		"the state is lost":             storyOfALostState,
		"closed without an event":       storyOfAConflict,
		"a late run after the close":    storyOfALateRun,
		"reopened during the sweep":     storyOfAReopening,
		"reopened before the cleanup":   storyOfAQuickReopening,
		"the same number elsewhere":     storyOfTwoRepositories,
		"the same project elsewhere":    storyOfACopy,
		"a fork":                        storyOfAFork,
		"expired":                       storyOfExpiry,
		"GitHub is down":                storyOfAnOutage,
		"a sweep by hand":               storyOfALook,
		"the repository is renamed":     storyOfARename,
		"no permission to comment":      storyOfNoPermission,
		"the cleanup fails in part":     storyOfLeftovers,
		"no secrets in the repository":  storyOfNoSecrets,
		"cancelled while it makes some": storyOfACancellation,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newAccount(t, emulator.Options{}))
		})
	}
	t.Run("the quota is full", func(t *testing.T) {
		t.Parallel()
		storyOfAFullQuota(t, newAccount(t, emulator.Options{Accounts: []emulator.Account{{ID: testAccount, Name: "Test", Plan: emulator.PlanFree}}}))
	})
}

func storyOfOne(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	c := r.dispatch(r.pull(7, "opened", "open", sha(1)))
	r.ends(c, 0, "")
	a.holds(0, "shop-pr-7")
	for name, want := range map[string]string{"env": "pr-7", "changes": "true", "created": "6", "url": "https://pr-7.shop.example"} {
		if c.outputs[name] != want {
			t.Errorf("output %s is %q, want %q", name, c.outputs[name], want)
		}
	}
	comments := a.hub.Comments("shop/shop", 7)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, "6 created") {
		t.Errorf("comments: %+v", comments)
	}
	for _, want := range []string{"### cfboot: preview `pr-7`", "```mermaid", "| `+` | `d1/db` | `shop-pr-7-db` |"} {
		if !strings.Contains(c.summary, want) {
			t.Errorf("no %q in the summary:\n%s", want, c.summary)
		}
	}
	a.written()
	c = r.dispatch(r.pull(7, "synchronize", "open", sha(2)))
	r.ends(c, 0, "")
	if w := a.written(); len(w) != 0 || c.outputs["changes"] != "false" {
		t.Errorf("a push that changes nothing wrote %q", w)
	}
	a.holds(0, "shop-pr-7")
	if got := a.hub.Comments("shop/shop", 7); len(got) != 1 || got[0].Edits != 1 {
		t.Errorf("comments: %+v", got)
	}
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(2))), 0, "")
	a.holds(0)
	if got := a.hub.Comments("shop/shop", 7); len(got) != 1 || !strings.Contains(got[0].Body, "Removed") {
		t.Errorf("comments: %+v", got)
	}
	r.ends(r.dispatch(r.pull(7, "reopened", "open", sha(2))), 0, "")
	a.holds(0, "shop-pr-7")
}

func storyOfTwoPushes(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	first, second := r.pull(7, "opened", "open", sha(1)), r.pull(7, "synchronize", "open", sha(2))
	var both sync.WaitGroup
	var one, two came
	both.Go(func() { one = r.dispatch(first) })
	both.Go(func() { two = r.dispatch(second) })
	both.Wait()
	r.ends(one, 0, "superseded")
	r.ends(two, 0, "")
	if two.outputs["created"] != "6" {
		a.t.Errorf("the newer push made %q", two.outputs["created"])
	}
	a.holds(0, "shop-pr-7")
}

// Two runs for the same commit, and nothing that makes one wait but the state's
// lock: the second finds that there is nothing left to do.
func storyOfTwoRuns(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.groups = nil
	opened := r.pull(7, "opened", "open", sha(1))
	a.cloud.Fail(emulator.Failure{Method: "POST", Path: ".*/d1/database", Delay: emulator.Span(2 * time.Second), Count: 1})
	var both sync.WaitGroup
	var runs [2]came
	for i := range runs {
		both.Go(func() { runs[i] = r.dispatch(opened) })
	}
	both.Wait()
	waited, made := 0, 0
	for _, c := range runs {
		r.ends(c, 0, "")
		waited += strings.Count(c.log, "another run holds the state") / max(1, strings.Count(c.log, "another run holds the state"))
		if c.outputs["created"] == "6" {
			made++
		}
	}
	if made != 1 || waited != 1 {
		t.Errorf("%d of two made it, %d waited", made, waited)
	}
	a.holds(0, "shop-pr-7")
}

func storyOfALostState(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	r.ends(r.dispatch(r.pull(8, "opened", "open", sha(1))), 0, "")
	if n := a.loseStates(); n == 0 {
		t.Fatal("there was no state")
	}
	a.written()
	r.ends(r.dispatch(r.pull(7, "synchronize", "open", sha(2))), 0, "the state of pr-7 was lost")
	if w := a.written(); len(w) != 0 {
		t.Errorf("a push that changes nothing wrote %q", w)
	}
	a.holds(0, "shop-pr-7", "shop-pr-8")
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(2))), 0, "")
	a.holds(0, "shop-pr-8")
	r.pull(8, "closed", "closed", sha(1))
	r.ends(r.dispatch(scheduled), 0, "removed pr-8")
	a.holds(0)
}

// GitHub starts no run when a pull request is closed that conflicts with its base.
func storyOfAConflict(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	for n := 7; n <= 8; n++ {
		r.ends(r.dispatch(r.pull(n, "opened", "open", sha(n))), 0, "")
	}
	r.pull(7, "closed", "closed", sha(7))
	a.holds(0, "shop-pr-7", "shop-pr-8")
	c := r.dispatch(scheduled)
	r.ends(c, 0, "removed pr-7: the pull request 7 is closed")
	a.holds(0, "shop-pr-8")
	if got := a.hub.Comments("shop/shop", 7); len(got) != 1 || !strings.Contains(got[0].Body, "Removed: the pull request 7 is closed") {
		t.Errorf("comments: %+v", got)
	}
	r.ends(r.dispatch(scheduled), 0, "")
	a.holds(0, "shop-pr-8")
}

func storyOfALateRun(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	late := r.pull(7, "synchronize", "open", sha(1))
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(1))), 0, "")
	r.ends(r.dispatch(late), 3, "pull request 7 is closed")
	a.holds(0)
	if w := a.written(); len(w) != 0 {
		a.t.Errorf("written: %q", w)
	}
}

func storyOfAReopening(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	for n := 7; n <= 8; n++ {
		r.ends(r.dispatch(r.pull(n, "opened", "open", sha(n))), 0, "")
		r.pull(n, "closed", "closed", sha(n))
	}
	asked := 0
	var mu sync.Mutex
	a.hub.Before(func(_, path string) {
		mu.Lock()
		defer mu.Unlock()
		if path == "/repos/shop/shop/pulls/8" {
			if asked++; asked == 2 {
				r.pull(8, "reopened", "open", sha(8))
			}
		}
	})
	r.ends(r.dispatch(scheduled), 0, "removed pr-7")
	a.holds(0, "shop-pr-8")
}

func storyOfAQuickReopening(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	closed := r.pull(7, "closed", "closed", sha(1))
	r.pull(7, "reopened", "open", sha(1))
	r.ends(r.dispatch(closed), 0, "is open, so its preview stays")
	a.holds(0, "shop-pr-7")
}

func storyOfTwoRepositories(_ *testing.T, a *account) {
	shop, blog := a.repository("shop/shop", 123, "shop"), a.repository("shop/blog", 456, "blog")
	shop.ends(shop.dispatch(shop.pull(7, "opened", "open", sha(1))), 0, "")
	blog.ends(blog.dispatch(blog.pull(7, "opened", "open", sha(2))), 0, "")
	a.holds(0, "shop-pr-7", "blog-pr-7")
	shop.pull(7, "closed", "closed", sha(1))
	blog.ends(blog.dispatch(scheduled), 0, "")
	a.holds(0, "shop-pr-7", "blog-pr-7")
	shop.ends(shop.dispatch(scheduled), 0, "removed pr-7")
	a.holds(0, "blog-pr-7")
	blog.ends(blog.dispatch(blog.pull(7, "closed", "closed", sha(2))), 0, "")
	a.holds(0)
}

// A copy of the repository, in the same account, has the same project.
func storyOfACopy(_ *testing.T, a *account) {
	shop, copied := a.repository("shop/shop", 123, "shop"), a.repository("shop/copy", 456, "shop")
	shop.ends(shop.dispatch(shop.pull(7, "opened", "open", sha(1))), 0, "")
	copied.ends(copied.dispatch(copied.pull(7, "opened", "open", sha(2))), 3, "another repository")
	copied.ends(copied.dispatch(copied.pull(7, "closed", "closed", sha(2))), 3, "another repository")
	copied.ends(copied.dispatch(scheduled), 0, "")
	a.holds(0, "shop-pr-7")
}

func storyOfAFork(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.pull(7, "opened", "open", sha(1))
	a.hub.Requests()
	own := r.secrets
	for _, secrets := range []map[string]string{{"GITHUB_TOKEN": workflowToken}, own} { // some repositories hand theirs out
		r.secrets = secrets
		c := r.dispatch(r.about(7, "opened", "open", sha(1), 99))
		r.ends(c, 0, "gets no secrets")
		if !strings.Contains(c.summary, "6 to create") {
			t.Errorf("summary: %s", c.summary)
		}
	}
	if c := r.dispatch(r.about(7, "closed", "closed", sha(1), 99)); c.started {
		t.Error("the cleanup ran for a fork")
	}
	a.holds(0)
	if asked := a.hub.Requests(); len(asked) != 0 || len(a.written()) != 0 {
		t.Errorf("asked: %q", asked)
	}
}

func storyOfExpiry(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	for n := 7; n <= 8; n++ {
		r.ends(r.dispatch(r.pull(n, "opened", "open", sha(n))), 0, "")
	}
	a.cloud.Advance(5 * 24 * time.Hour)
	r.ends(r.dispatch(r.pull(8, "synchronize", "open", sha(9))), 0, "")
	r.ends(r.dispatch(scheduled), 0, "")
	a.holds(0, "shop-pr-7", "shop-pr-8")
	a.cloud.Advance(3 * 24 * time.Hour)
	r.ends(r.dispatch(scheduled), 0, "removed pr-7: expired")
	a.holds(0, "shop-pr-8")
	r.ends(r.dispatch(r.pull(7, "synchronize", "open", sha(10))), 0, "")
	a.holds(0, "shop-pr-7", "shop-pr-8")
}

// Where nobody knows what a pull request is doing, its preview stays (I-6).
func storyOfAnOutage(_ *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	closed := r.pull(7, "closed", "closed", sha(1))
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		a.hub.Fail(fakegithub.Fault{Method: "GET", Path: "/repos/shop/shop/pulls/7", Status: status})
		a.hub.Fail(fakegithub.Fault{Method: "GET", Path: "/repos/shop/shop/pulls", Status: status})
		r.ends(r.dispatch(scheduled), 0, "")
		r.ends(r.dispatch(closed), 4, "it is not known whether pull request 7 is closed")
		a.holds(0, "shop-pr-7")
		a.hub.Mend()
	}
	// A push goes by what its event says.
	open := r.pull(7, "synchronize", "open", sha(2))
	a.hub.Fail(fakegithub.Fault{Method: "GET", Path: "/repos/shop/shop/pulls/7", Status: http.StatusForbidden})
	r.ends(r.dispatch(open), 0, "::warning")
	a.hub.Mend()
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(2))), 0, "")
	a.holds(0)
}

func storyOfALook(t *testing.T, a *account) {
	r := a.repository("shop/shop", 123, "shop")
	r.ends(r.dispatch(r.pull(7, "opened", "open", sha(1))), 0, "")
	r.pull(7, "closed", "closed", sha(1))
	byHand := event{name: "workflow_dispatch", inputs: map[string]any{"dry-run": true}, payload: map[string]any{"repository": map[string]any{"default_branch": "main"}}}
	c := r.dispatch(byHand)
	r.ends(c, 0, "")
	a.holds(0, "shop-pr-7")
	if !strings.Contains(c.summary, "| `pr-7` | to be removed |") {
		t.Errorf("summary: %s", c.summary)
	}
	byHand.payload = map[string]any{"repository": map[string]any{"default_branch": "trunk"}}
	byHand.inputs["dry-run"] = false
	if c := r.dispatch(byHand); c.started {
		t.Error("a sweep ran on another branch than the default one")
	}
	byHand.payload = map[string]any{"repository": map[string]any{"default_branch": "main"}}
	r.ends(r.dispatch(byHand), 0, "removed pr-7")
	a.holds(0)
}
