package cli

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

const guardAccount = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// seated is a project with two stores that hold data, and a person at a terminal.
func seated(t *testing.T) (dir string, server *emulator.Server, run func(typed string, args ...string) (int, string)) {
	t.Helper()
	server, err := emulator.Open("", emulator.Options{Accounts: []emulator.Account{{ID: guardAccount, Name: "Test"}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() { web.Close(); _ = server.Close() })
	dir = t.TempDir()
	for name, text := range map[string]string{manifestFile: `{"name": "shop", "resources": {"db": {"kind": "d1"}, "files": {"kind": "r2"}, "cache": {"kind": "kv"}}}`, wranglerFile: "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{"CLOUDFLARE_API_BASE_URL": web.URL + "/client/v4", "CLOUDFLARE_API_TOKEN": "seated-token-012345678901234567890123"}
	run = func(typed string, args ...string) (int, string) {
		var said bytes.Buffer
		code := Main(Env{Dir: dir, Stdin: strings.NewReader(typed), Stdout: &said, Stderr: &said, Now: time.Now, Terminal: true, Version: "test",
			Getenv: func(name string) string { return variables[name] }}, args)
		return code, said.String()
	}
	if code, said := run("", "apply", "--yes"); code != exitDone {
		t.Fatal(said)
	}
	byHand := func(method, path, body string) {
		req := httptest.NewRequest(method, "/client/v4/accounts/"+guardAccount+"/"+path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer by-hand-0123456789012345678901234567890")
		resp := httptest.NewRecorder()
		if server.ServeHTTP(resp, req); resp.Code >= 300 {
			t.Fatal(resp.Body)
		}
	}
	byHand("POST", "d1/database/shop-db/query", `{"sql":"CREATE TABLE a (x)"}`)
	byHand("PUT", "r2/buckets/shop-files/objects/a", "hello")
	return dir, server, run
}

// Each store is asked for by its name, and what is typed is nothing but that.
func TestNamesAreTyped(t *testing.T) {
	_, server, run := seated(t)
	for typed, args := range map[string][]string{
		"":                            nil,
		"y\n":                         nil,
		"shop-db\n":                   nil,
		"shop-db\nSHOP-FILES\ny\n":    nil,
		"shop-db\nshop-db\ny\n":       nil,
		"shop-db\nshop-files\nn\n":    nil,
		"shop-db\nshop-files":         nil,
		"shop-db\nshop-files\ny\n ":   {"--yes"},
		"shop-db\nshop-files\ny\n  ":  {"--json"},
		"shop-db\nshop-files\ny\n   ": {"--allow", "delete-data"},
	} {
		if code, said := run(typed, append([]string{"destroy"}, args...)...); code != exitRefused || server.Count()["d1"]+server.Count()["r2"] != 2 {
			t.Errorf("typed %q: exit %d\n%s", typed, code, said)
		}
	}
	code, said := run("shop-files\ny\n", "destroy", "--allow", "delete-data=shop-db")
	for _, want := range []string{`r2/files: "shop-files" holds 1 object (5 B), which would be lost.`, "Type its name", "backed up: .cfboot/backup/shop-db-"} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s", want)
		}
	}
	if code != exitDone || strings.Contains(said, `"shop-db" holds`) {
		t.Errorf("exit %d\n%s", code, said)
	}
	for kind, n := range server.Count() {
		if n != 0 {
			t.Errorf("%d %s are left", n, kind)
		}
	}
}

// Where much goes, a person types the number.
func TestTheNumberIsTyped(t *testing.T) {
	dir, server, run := seated(t)
	if err := os.WriteFile(filepath.Join(dir, manifestFile), []byte(`{"name": "shop", "resources": {"cache": {"kind": "kv"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"shop-db\nshop-files\ny\n", "shop-db\nshop-files\n1\ny\n", "shop-db\nshop-files\n2\n\n"} {
		if code, said := run(typed, "apply"); code != exitRefused || server.Count()["d1"] != 1 {
			t.Errorf("typed %q: exit %d\n%s", typed, code, said)
		}
	}
	if code, said := run("shop-db\nshop-files\n2\ny\n", "apply"); code != exitDone || server.Count()["d1"]+server.Count()["r2"] != 0 {
		t.Errorf("exit %d\n%s", code, said)
	}
}

func TestVault(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	v := vault{dir: filepath.Join(t.TempDir(), "[a]*", backupDir), shown: filepath.Base, now: func() time.Time { return at }}
	sql := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	for i, want := range []string{"db-20260501T120000Z.sql", "db-20260501T120000Z-2.sql"} {
		place, err := v.Keep("db", sql("abc"))
		if err != nil || place != want {
			t.Fatalf("%d: %s %v", i, place, err)
		}
	}
	if place, err := v.Keep("../a/b", sql("abc")); err != nil || place != "..%2Fa%2Fb-20260501T120000Z.sql" {
		t.Errorf("%s %v", place, err)
	}
	// sha256sum's own form, with the sum of "abc" from FIPS 180-2.
	b, err := os.ReadFile(filepath.Join(v.dir, "db-20260501T120000Z.sql.sha256"))
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  db-20260501T120000Z.sql\n"; string(b) != want {
		t.Errorf("%q %v", b, err)
	}
	// A killed run's beginnings of this store go, another's may be under way.
	for _, name := range []string{".db.1.tmp", ".db-old.1.tmp"} {
		if err := os.WriteFile(filepath.Join(v.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("it broke off")
	if _, err := v.Keep("db", func(w io.Writer) error { return errors.Join(sql("ab")(w), broken) }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if tmp, err := filepath.Glob(filepath.Join(glob(v.dir), ".*.tmp")); len(tmp) != 1 || filepath.Base(tmp[0]) != ".db-old.1.tmp" {
		t.Errorf("%v %v", tmp, err)
	}
	if all, _ := os.ReadDir(v.dir); len(all) != 7 {
		t.Errorf("there are %v", all)
	}
	// Where the disk fails, it is the disk's fault.
	if err := os.RemoveAll(v.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var p *provision.Problem
	if _, err := v.Keep("db", sql("abc")); !errors.As(err, &p) || p.Text != "the backup cannot be written" {
		t.Error(err)
	}
}
