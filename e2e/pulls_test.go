package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/cmd/cli"
	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/cfboot/cfboot/e2e/record"
	"github.com/cfboot/cfboot/provision/emulator"
)

const (
	workflowToken = "ghs_CanaryOfTheWorkflowsToken_0123456789"
	accountToken  = "CanaryOfTheAccountsToken_0123456789abcdef"
)

// account is one account at Cloudflare in which pull requests get previews, and the
// GitHub that they are at.
type account struct {
	t      *testing.T
	cloud  *emulator.Server
	api    *httptest.Server
	hub    *fakegithub.Server
	hubAPI *httptest.Server
	mu     sync.Mutex
	writes []string // what was sent to Cloudflare that changes something, but for states
}

func newAccount(t *testing.T, o emulator.Options) *account {
	t.Helper()
	a := &account{t: t, hub: fakegithub.New()}
	if o.Accounts == nil {
		o.Accounts = []emulator.Account{{ID: testAccount, Name: "Test"}}
	}
	o.Zones = []emulator.Zone{{Name: "shop.example", Account: testAccount}}
	var err error
	if a.cloud, err = emulator.Open("", o); err != nil {
		t.Fatal(err)
	}
	recorded := record.Around("pulls", a.cloud)
	a.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		states := strings.HasPrefix(r.URL.Path, "/__s3/")
		if r.Method != http.MethodGet && !states && !strings.HasSuffix(r.URL.Path, "/query") {
			a.mu.Lock()
			a.writes = append(a.writes, r.Method+" "+r.URL.Path)
			a.mu.Unlock()
		}
		recorded.ServeHTTP(w, r)
	}))
	a.hub.AddToken(workflowToken, fakegithub.Token{Login: "github-actions[bot]", ID: 41898282})
	a.hubAPI = httptest.NewServer(a.hub)
	t.Cleanup(func() { a.api.Close(); a.hubAPI.Close(); _ = a.cloud.Close() })
	return a
}

// repository is one on GitHub with a project in it, whose workflows are those that
// cfboot github init writes.
type repository struct {
	*account
	runner
	name string // of the project
}

func (a *account) repository(full string, id int64, project string, besides ...map[string]string) *repository {
	a.t.Helper()
	dir := a.t.TempDir()
	domain, more := "", ""
	if project == "shop" {
		domain = `"domain": "shop.example",`
		more = `, "apex": { "kind": "dns", "type": "AAAA", "name": "@", "content": "100::", "proxied": true }, "site": { "kind": "route", "pattern": "@/*", "worker": "app" }`
	}
	files := map[string]string{
		"cfboot.jsonc": fmt.Sprintf(`{ "name": %q, "state": "r2://states/%[1]s", %s "resources": { "app": { "kind": "worker" }, "db": { "kind": "d1", "binding": "DB", "migrations_dir": "migrations" },
			"cache": { "kind": "kv", "binding": "CACHE" }, "files": { "kind": "r2", "binding": "FILES" }%s } }`, project, domain, more),
		"wrangler.jsonc": fmt.Sprintf(`{ "name": %q, "main": "index.js", "compatibility_date": "2026-01-01", "d1_databases": [{ "binding": "DB", "database_name": "%s-db", "migrations_dir": "migrations" }],
			"kv_namespaces": [{ "binding": "CACHE" }], "r2_buckets": [{ "binding": "FILES", "bucket_name": "%s-files" }] }`, project, project, project),
		"index.js":  "export default { fetch() { return new Response('ok'); } };\n",
		".git/HEAD": "ref: refs/heads/main\n",
	}
	for _, more := range besides {
		maps.Copy(files, more)
	}
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	known := map[string]string{"CLOUDFLARE_API_TOKEN": accountToken, "CLOUDFLARE_ACCOUNT_ID": testAccount, "CLOUDFLARE_API_BASE_URL": a.api.URL + "/client/v4"}
	for _, words := range [][]string{{"github", "init"}, {"state", "init", "--yes"}} {
		var out strings.Builder
		env := cli.Env{Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(name string) string { return known[name] }, Now: time.Now, Version: "test"}
		if code := cli.Main(env, words); code != 0 {
			a.t.Fatal(out.String())
		}
	}
	a.written() // the bucket
	self, err := os.Executable()
	if err != nil {
		a.t.Fatal(err)
	}
	binary := filepath.Join(a.t.TempDir(), "cfboot") // by that name, this program is cfboot
	if err := os.Symlink(self, binary); err != nil {
		a.t.Fatal(err)
	}
	a.hub.AddRepo(full, id)
	r := &repository{account: a, name: project}
	r.runner = runner{t: a.t, project: dir, repo: full, id: id, hubURL: a.hubAPI.URL, groups: &sync.Map{}, binary: binary,
		vars:    map[string]string{"PATH": os.Getenv("PATH"), "HOME": a.t.TempDir(), "CLOUDFLARE_API_BASE_URL": a.api.URL + "/client/v4"},
		secrets: map[string]string{"CLOUDFLARE_API_TOKEN": accountToken, "CLOUDFLARE_ACCOUNT_ID": testAccount, "GITHUB_TOKEN": workflowToken}}
	return r
}

func sha(n int) string { return strings.Repeat(fmt.Sprintf("%x", n%16), 40) }

// pull makes a pull request as given at GitHub, and returns the event about it.
func (r *repository) pull(number int, action, state, head string) event {
	r.hub.SetPull(r.repo, fakegithub.Pull{Number: number, State: state, SHA: head})
	return r.about(number, action, state, head, r.id)
}

func (r *repository) about(number int, action, state, head string, from int64) event {
	full := r.repo
	if from != r.id {
		full = "stranger/fork"
	}
	return event{name: "pull_request", payload: map[string]any{"action": action, "number": number, "pull_request": map[string]any{"number": number, "state": state,
		"head": map[string]any{"sha": head, "repo": map[string]any{"id": from, "full_name": full}}, "base": map[string]any{"repo": map[string]any{"id": r.id, "full_name": r.repo}}}}}
}

var scheduled = event{name: "schedule", payload: map[string]any{"schedule": "17 */6 * * *"}}

// dispatch runs every workflow that the event starts. At most one is.
func (r *repository) dispatch(e event) came {
	r.runner.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.project, ".github/workflows/*.yml"))
	if err != nil || len(files) != 3 {
		r.runner.t.Fatal(files, err)
	}
	var got came
	for _, f := range files {
		if c := r.workflow(f, e); c.started {
			got = c
		}
	}
	r.canaries(got)
	return got
}

// canaries looks for the secrets in all that anybody sees.
func (r *repository) canaries(c came) {
	r.runner.t.Helper()
	all := c.log + c.summary + fmt.Sprint(c.outputs) + fmt.Sprint(r.hub.Deployments(r.repo))
	for n := range 20 {
		all += fmt.Sprint(r.hub.Comments(r.repo, n))
	}
	for _, key := range r.states() {
		all += r.call("GET", "/r2/buckets/states/objects/"+key)
	}
	// R2's secret key is made from the token.
	for _, secret := range []string{workflowToken, accountToken, fmt.Sprintf("%x", sha256.Sum256([]byte(accountToken)))} {
		if strings.Contains(all, secret) {
			r.runner.t.Errorf("%s is shown in:\n%s", secret, all)
		}
	}
}

// states are the objects that the states are kept in.
func (a *account) states() (keys []string) {
	a.t.Helper()
	var list struct{ Result []struct{ Key string } }
	if err := json.Unmarshal([]byte(a.call("GET", "/r2/buckets/states/objects?per_page=1000")), &list); err != nil {
		a.t.Fatal(err)
	}
	for _, o := range list.Result {
		keys = append(keys, o.Key)
	}
	return keys
}

// database is the id of one.
func (a *account) database(name string) string {
	a.t.Helper()
	var list struct{ Result []struct{ Name, UUID string } }
	if err := json.Unmarshal([]byte(a.call("GET", "/d1/database")), &list); err != nil {
		a.t.Fatal(err)
	}
	for _, d := range list.Result {
		if d.Name == name {
			return d.UUID
		}
	}
	a.t.Fatalf("there is no database %s", name)
	return ""
}

// loseStates deletes them all.
func (a *account) loseStates() int {
	keys := a.states()
	for _, key := range keys {
		a.call("DELETE", "/r2/buckets/states/objects/"+key)
	}
	return len(keys)
}

// ends says how a run has to end.
func (r *repository) ends(c came, code int, log string) {
	r.runner.t.Helper()
	if !c.started || c.code != code || c.failed != (code != 0) || !strings.Contains(c.log, log) {
		r.runner.t.Errorf("started %v, ended with %d, want %d and %q in:\n%s", c.started, c.code, code, log, c.log)
	}
}

// holds says what the account has to hold: previews by project and number, and so
// many databases besides.
func (a *account) holds(besides int, previews ...string) {
	a.t.Helper()
	want := map[string]int{"d1": besides, "r2": 1} // the states' bucket
	for _, p := range previews {
		for _, kind := range []string{"worker", "d1", "kv", "r2"} {
			want[kind]++
		}
		if strings.HasPrefix(p, "shop-") {
			want["dns"]++
			want["route"]++
		}
	}
	got := a.cloud.Count()
	maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
	maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(got, want) {
		a.t.Errorf("the account holds %v, want %v for %v", got, want, previews)
	}
	list := a.call("GET", "/workers/scripts")
	for _, p := range previews {
		if !strings.Contains(list, fmt.Sprintf("%q", p)) {
			a.t.Errorf("there is no Worker %s in %s", p, list)
		}
	}
}

func (a *account) call(method, path string, body ...string) string {
	a.t.Helper()
	req := httptest.NewRequest(method, "/client/v4/accounts/"+testAccount+path, strings.NewReader(strings.Join(body, "")))
	req.Header.Set("Authorization", "Bearer "+accountToken)
	w := httptest.NewRecorder()
	a.cloud.ServeHTTP(w, req)
	if w.Code >= 300 {
		a.t.Fatalf("%s %s: %s", method, path, w.Body)
	}
	return w.Body.String()
}

func (a *account) written() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.writes)
	a.writes = nil
	return out
}

// mend takes the faults away that were asked for.
func (a *account) mend() {
	a.cloud.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/__emulator/reset", nil))
}
