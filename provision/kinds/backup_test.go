package kinds_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/google/go-cmp/cmp"
)

// contents are what is hard to bring back: quotes, lines, NULL, bytes, large and
// broken numbers, keys between tables, all that hangs on a table.
const contents = `
CREATE TABLE parent (id TEXT PRIMARY KEY, "odd ""name" TEXT, n INTEGER, r REAL, b BLOB) WITHOUT ROWID;
CREATE TABLE child (id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent(id));
CREATE INDEX by_n ON parent(n);
CREATE VIEW names AS SELECT id FROM parent;
INSERT INTO parent VALUES ('a', 'it''s; "so"
-- and so on', 9007199254740993, 0.1, x'00ff10'), ('ü', NULL, -1, 1e300, NULL);
INSERT INTO child VALUES (1, 'ü'), (2, 'a');
CREATE TRIGGER again AFTER INSERT ON child BEGIN UPDATE parent SET n = n + 1; END;`

const everything = `SELECT * FROM parent ORDER BY id; SELECT typeof(n), n || '', quote(b) FROM parent ORDER BY id; SELECT * FROM child ORDER BY id; SELECT * FROM names; SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY type, name`

// database is a world with a database that holds contents.
func database(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.reach(t, `"db": {"kind": "d1"}`, "d1/db", provision.Create)
	w.query(t, idOf(t, w, "d1/db"), contents)
	w.server.ResetRequests()
	return w
}

// query runs SQL by hand and gives the rows that it returns.
func (w *world) query(t *testing.T, id, sql string) []any {
	t.Helper()
	in, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Result []struct{ Results any } }
	if err := json.Unmarshal(w.call(t, "POST", "accounts/"+account+"/d1/database/"+id+"/query", string(in)), &out); err != nil {
		t.Fatal(err)
	}
	var rows []any
	for _, r := range out.Result {
		rows = append(rows, r.Results)
	}
	return rows
}

// What was saved, run in a new database, gives the same database, whether the old
// one was destroyed or replaced.
func TestABackupCanBeRestored(t *testing.T) {
	for name, resources := range map[string]string{"destroyed": "", "replaced": `"db": {"kind": "d1", "jurisdiction": "eu"}`} {
		t.Run(name, func(t *testing.T) {
			w := database(t)
			old := idOf(t, w, "d1/db")
			before := w.query(t, old, everything)
			p := w.plan(t, resources, resources == "")
			if s := stepOf(t, p, "d1/db"); !s.Backup || s.Data != "2 tables with 4 rows (16 kB)" {
				t.Errorf("%+v", s)
			}
			w.server.ResetRequests()
			if err := w.apply(t, p); err != nil {
				t.Fatal(err)
			}
			if n := len(w.server.Requests()); n != p.Calls() {
				t.Errorf("the plan promised %d calls, and %d were sent", p.Calls(), n)
			}
			var made struct{ Result struct{ UUID string } }
			if err := json.Unmarshal(w.call(t, "POST", "accounts/"+account+"/d1/database", `{"name":"restored"}`), &made); err != nil {
				t.Fatal(err)
			}
			w.query(t, made.Result.UUID, w.saved["shop-db"])
			if d := cmp.Diff(before, w.query(t, made.Result.UUID, everything)); d != "" {
				t.Errorf("restored (-before +after):\n%s\nfrom\n%s", d, w.saved["shop-db"])
			}
		})
	}
}

// An empty database is deleted without consent and without a backup.
func TestAnEmptyDatabaseIsNotSaved(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"db": {"kind": "d1"}`, "d1/db", provision.Create)
	w.allow = false
	p := w.plan(t, `"db": {"kind": "d1", "jurisdiction": "eu"}`, false)
	if err := w.apply(t, p); err != nil || w.saved != nil {
		t.Errorf("%v, saved %q", err, w.saved)
	}
}

// An export takes its time: it is asked for again, with the bookmark, until it is
// ready.
func TestAnExportIsAwaited(t *testing.T) {
	w := database(t)
	w.server.Fail(emulator.Failure{Path: "/export$", Status: 503, Code: 1}) // to begin it twice is safe
	w.server.Fail(emulator.Failure{Path: "/export$", Status: 200, ContentType: "application/json", Count: 1,
		Body: `{"success":true,"errors":[],"result":{"type":"export","status":"active","at_bookmark":"b-1","messages":["Generating..."]}}`})
	if err := w.apply(t, w.plan(t, "", true)); err != nil || !strings.Contains(w.saved["shop-db"], "CREATE VIEW names") || len(w.left()) != 0 {
		t.Errorf("%v, left %v, saved %q", err, w.left(), w.saved)
	}
}

// A database that cannot be saved stays, and is still recorded.
func TestWhatCannotBeSavedStays(t *testing.T) {
	const complete = `{"success":true,"errors":[],"result":{"type":"export","status":"complete","result":{"filename":"x.sql","signed_url":"URL"}}}`
	elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "":
			t.Errorf("the token went to %s", r.URL.Path)
		case r.URL.Path == "/redirect":
			http.Redirect(rw, r, "/sql", http.StatusFound)
		case r.URL.Path == "/short":
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, "CREATE")
		case r.URL.Path == "/page":
			_, _ = io.WriteString(rw, "<html>Sign in</html>")
		case r.URL.Path == "/expired":
			rw.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/sql":
			_, _ = io.WriteString(rw, "CREATE TABLE a (x);")
		}
	}))
	defer elsewhere.Close()
	for name, tt := range map[string]struct {
		answer, text string
	}{
		"refused":      {"", "no export today"},
		"failed":       {`{"success":true,"errors":[],"result":{"type":"export","status":"error","error":"D1 cannot export virtual tables"}}`, "D1 cannot export virtual tables"},
		"no bookmark":  {`{"success":true,"errors":[],"result":{"type":"export","status":"active"}}`, "neither begun nor refused"},
		"redirect":     {strings.Replace(complete, "URL", elsewhere.URL+"/redirect?signature=hush", 1), "HTTP 302"},
		"expired":      {strings.Replace(complete, "URL", elsewhere.URL+"/expired?signature=hush", 1), "HTTP 403"},
		"broken off":   {strings.Replace(complete, "URL", elsewhere.URL+"/short?signature=hush", 1), "broke off after 6 B"},
		"empty":        {strings.Replace(complete, "URL", elsewhere.URL+"/none?signature=hush", 1), "what came is not the export"},
		"another page": {strings.Replace(complete, "URL", elsewhere.URL+"/page?signature=hush", 1), "what came is not the export"},
		"nobody there": {strings.Replace(complete, "URL", "http://127.0.0.1:1/x?signature=hush", 1), "cannot be fetched"},
		"no address":   {strings.Replace(complete, "URL", "file:///etc/passwd", 1), "is not one"},
	} {
		t.Run(name, func(t *testing.T) {
			w := database(t)
			f := emulator.Failure{Path: "/export$", Status: 400, Code: 7400, Message: "no export today"}
			if tt.answer != "" {
				f = emulator.Failure{Path: "/export$", Status: 200, ContentType: "application/json", Body: tt.answer}
			}
			w.server.Fail(f)
			err := problem(t, w.apply(t, w.plan(t, "", true)))
			if !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), `"shop-db" was not deleted`) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v", err)
			}
			if !strings.Contains(strings.Join(err.Hints, "\n"), "--no-backup") || w.server.Count()["d1"] != 1 || idOf(t, w, "d1/db") == "" || w.saved != nil {
				t.Errorf("%q, left %v, saved %q", err.Hints, w.left(), w.saved)
			}
		})
	}
}

// A database that goes before it is saved is gone, and nothing is left to do; one
// that only its export cannot see stays.
func TestADatabaseThatGoesBeforeItIsSaved(t *testing.T) {
	for _, there := range []bool{false, true} {
		w := database(t)
		id := idOf(t, w, "d1/db")
		p := w.plan(t, "", true)
		if there {
			w.server.Fail(emulator.Failure{Path: "/export$", Status: 404, Code: 7404})
		} else {
			w.call(t, "DELETE", "accounts/"+account+"/d1/database/"+id, "")
		}
		w.server.ResetRequests()
		err := w.apply(t, p)
		for _, r := range w.server.Requests() {
			if r.Method == "DELETE" {
				t.Errorf("there %v: %s %s was sent", there, r.Method, r.Path)
			}
		}
		if kept := idOf(t, w, "d1/db") != ""; (err != nil) != there || kept != there || w.saved != nil {
			t.Errorf("there %v: recorded %v, saved %q: %v", there, kept, w.saved, err)
		}
	}
}

// The signed address is a credential: -vv does not show it.
func TestTheSignedAddressIsHidden(t *testing.T) {
	w := database(t)
	var shown strings.Builder
	c, err := kinds.Connect(kinds.Connection{Token: w.token, Account: account, BaseURL: w.http.URL + "/client/v4", Project: "shop", Environment: provision.Production,
		Bodies: true, Trace: func(call kinds.Call) { shown.WriteString(call.Path + call.Request + call.Response + "\n") }})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.Save(context.Background(), provision.Step{Key: provision.Key{Kind: "d1", Name: "db"}, ID: idOf(t, w, "d1/db"), Name: "shop-db"}, &b); err != nil || b.Len() == 0 {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "__emulator") || !strings.Contains(shown.String(), `"signed_url":"[hidden]"`) {
		t.Error(shown.String())
	}
}

// A plan that was saved is counted anew when it is applied.
func TestASavedPlanIsCountedAnew(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"db": {"kind": "d1"}, "old": {"kind": "kv"}`, "d1/db", provision.Create)
	w.call(t, "PUT", "accounts/"+account+"/storage/kv/namespaces/"+idOf(t, w, "kv/old")+"/values/k", "v")
	p := w.plan(t, "", true)
	w.query(t, idOf(t, w, "d1/db"), "CREATE TABLE a (x)")
	w.call(t, "DELETE", "accounts/"+account+"/storage/kv/namespaces/"+idOf(t, w, "kv/old")+"/values/k", "")
	again, err := provision.Recount(t.Context(), w.client(t), kindTraits, w.state(t), p)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{provision.DeleteDataOf("shop-db")}, again.Consents()); d != "" || !stepOf(t, again, "d1/db").Backup || again.Calls() != 3 {
		t.Errorf("%s %+v", d, again)
	}
	if d := cmp.Diff([]string{provision.DeleteDataOf("shop-old")}, p.Consents()); d != "" {
		t.Errorf("the plan itself was changed: %s", d)
	}
}
