package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/cfboot/cfboot/provision/emulator"
)

// TestWranglerPullRequests plays a pull request whose preview is migrated and
// deployed by the real wrangler. That what is deployed runs is shown by the script
// preview.txtar; here every address answers.
func TestWranglerPullRequests(t *testing.T) {
	if os.Getenv("CFBOOT_WITH_WRANGLER") == "" {
		t.Skip("the real wrangler takes its time; make wrangler runs this")
	}
	bin, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "wrangler")); err != nil {
		t.Fatal("wrangler is not installed: npm ci --ignore-scripts in e2e/")
	}
	a := newAccount(t, emulator.Options{})
	r := a.repository("shop/shop", 123, "shop", map[string]string{
		"package.json":        `{ "name": "shop", "private": true, "scripts": { "build": "node -e 0" } }`,
		"package-lock.json":   `{ "name": "shop", "lockfileVersion": 3, "requires": true, "packages": { "": { "name": "shop" } } }`,
		"migrations/0000.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY);\n",
	})
	proxy, authority := answering(t)
	for name, value := range map[string]string{"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost",
		"SSL_CERT_FILE": authority, "WRANGLER_SEND_METRICS": "false", "WRANGLER_WRITE_LOGS": "false", "CLOUDFLARE_CF_FETCH_ENABLED": "false"} {
		r.vars[name] = value
	}
	deployed := func() (out []string) {
		for _, d := range a.hub.Deployments("shop/shop") {
			out = append(out, fmt.Sprintf("%s %s %s", d.Ref[:1], d.State(), d.URL))
		}
		return out
	}
	is := func(want ...string) {
		t.Helper()
		if got := deployed(); strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("deployments: %q, want %q", got, want)
		}
	}
	began := time.Now()
	c := r.dispatch(r.pull(7, "opened", "open", sha(1)))
	r.ends(c, 0, "")
	t.Logf("from nothing to deployed: %s, %d writes", time.Since(began), len(a.written()))
	a.holds(0, "shop-pr-7")
	const at = "https://pr-7.shop.example"
	is("1 success " + at)
	if body := a.hub.Comments("shop/shop", 7)[0].Body; !strings.Contains(body, "**<"+at+">**") || strings.Contains(body, "does not answer") {
		t.Errorf("the comment says:\n%s", body)
	}
	if c.outputs["url"] != at || !strings.Contains(a.call("POST", "/d1/database/"+a.database("shop-pr-7-db")+"/query", `{"sql":"SELECT count(*) FROM orders"}`), `"success":true`) {
		t.Errorf("outputs: %q", c.outputs)
	}

	// Nothing has changed, and nothing is written.
	a.written()
	r.ends(r.dispatch(r.pull(7, "synchronize", "open", sha(2))), 0, "")
	if w := a.written(); len(w) != 0 {
		t.Errorf("written: %q", w)
	}
	is("1 inactive "+at, "2 success "+at)

	// The code has.
	if err := os.WriteFile(filepath.Join(r.project, "index.js"), []byte("export default { fetch() { return new Response('new'); } };\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.ends(r.dispatch(r.pull(7, "synchronize", "open", sha(3))), 0, "")
	if w := strings.Join(a.written(), " "); !strings.Contains(w, "/workers/scripts/shop-pr-7") {
		t.Errorf("written: %q", w)
	}
	is("1 inactive "+at, "2 inactive "+at, "3 success "+at)

	// It cannot be built: what was there stays, and the deployment has failed.
	if err := os.WriteFile(filepath.Join(r.project, "index.js"), []byte("export default {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := r.dispatch(r.pull(7, "synchronize", "open", sha(4)))
	if !broken.failed || !strings.Contains(broken.log, "::error") {
		t.Errorf("failed %v:\n%s", broken.failed, broken.log)
	}
	is("1 inactive "+at, "2 inactive "+at, "3 success "+at, "4 failure ")

	began = time.Now()
	r.ends(r.dispatch(r.pull(7, "closed", "closed", sha(4))), 0, "")
	t.Logf("and back to nothing: %s, %d writes", time.Since(began), len(a.written()))
	a.holds(0)
	is("1 inactive "+at, "2 inactive "+at, "3 inactive "+at, "4 inactive ")

	// A fork's preview is a plan.
	a.hub.SetPull("shop/shop", fakegithub.Pull{Number: 8, State: "open", SHA: sha(5), HeadRepo: 99})
	r.ends(r.dispatch(r.about(8, "opened", "open", sha(5), 99)), 0, "gets no secrets")
	a.holds(0)
}

// answering is a proxy behind which every host answers, and the file of who vouches
// for them.
func answering(t *testing.T) (address, authority string) {
	t.Helper()
	certificate, pem, err := selfMade()
	if err != nil {
		t.Fatal(err)
	}
	authority = filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil || r.Method != http.MethodConnect {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		l := &oneConn{conn: tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}), closed: make(chan struct{})}
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })) //nolint:gosec // a test's
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL, authority
}
