package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// sealed puts a checksum that fits under a document that was tampered with, so
// that what refuses it is not the checksum.
func sealed(body string) []byte {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(body)); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(compact.Bytes())
	b := compact.Bytes()[:compact.Len()-1]
	return append(b, `,"checksum":"sha256:`+hex.EncodeToString(sum[:])+`"}`...)
}

// good is a document that would be read if sealed; change replaces text in it.
const good = `{"format": "cfboot-state", "version": 1, "lineage": "01JQ0000000000000000000000", "serial": 3,
"project": "shop", "environment": "production", "account": "acc-1", "entries": [
 {"key": "d1/db", "name": "shop-db", "id": "id-1", "created": "2026-03-01T12:00:00Z", "updated": "2026-03-01T12:00:00Z"},
 {"key": "kv/c", "name": "shop-c", "id": "id-2", "settings": {"A": 1, "a": 2}, "refs": ["d1/db"], "created": "2026-03-01T12:00:00Z", "updated": "2026-03-01T12:00:00Z"}
], "intents": [
 {"key": "r2/f", "name": "shop-f", "run": "run-1", "time": "2026-03-01T12:00:00Z"}
]}`

func change(t *testing.T, pairs ...string) []byte {
	t.Helper()
	text := good
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the document", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return sealed(text)
}

func TestSealedGoodIsRead(t *testing.T) {
	if _, err := decode(sealed(good)); err != nil {
		t.Fatal(err)
	}
	// A reference to what is not there any more is no fault.
	if _, err := decode(change(t, `"refs": ["d1/db"]`, `"refs": ["d1/gone"]`)); err != nil {
		t.Fatal(err)
	}
}

const (
	fromBackup = "\nhint: put back the sound version of serial 1: mv DIR/state.json DIR/state.json.damaged && cp DIR/state.json.backup DIR/state.json" + orAsked
	orAsked    = "\nhint: or see first what it knows, and be asked: cfboot state restore"
	fromCopy   = "\nhint: bring it back from a copy of your own; without it cfboot does not know what it made"
)

func TestRefusesContent(t *testing.T) {
	whole, err := os.ReadFile(saved(t))
	must(t, err)
	tests := []struct {
		name    string
		content []byte
		want    string // without the hint to restore the backup
	}{
		{"zero length", nil, "DIR/state.json: it is empty: 0 bytes, where a state without entries has some hundred"},
		{"white space", []byte(" \n\t\r\n"), "DIR/state.json: it holds nothing but white space (5 bytes)"},
		{"NUL bytes", make([]byte, 4096), "DIR/state.json: it is no state of cfboot: it does not start like a JSON object"},
		{"cut off", whole[:200], "DIR/state.json:11:2: it is cut off: the JSON ends too early (byte 200)"},
		{"cut off by a byte", bytes.TrimSuffix(whole, []byte("}\n")), "DIR/state.json:35:1: it is cut off: the JSON ends too early (byte 711)"},
		{"HTML", []byte("<!DOCTYPE html><title>503</title>"), "DIR/state.json: it is no state of cfboot: it starts like HTML or XML"},
		{"JavaScript", []byte("export default {}"), "DIR/state.json: it is no state of cfboot: it does not start like a JSON object"},
		{"JSON array", []byte("[]"), "DIR/state.json: it is no state of cfboot: it does not start like a JSON object"},
		{"byte order mark", append([]byte("\xef\xbb\xbf"), whole...), "DIR/state.json: it starts with a byte order mark, so another program wrote it"},
		{"JSON with comments", []byte("{\n  // mine\n}"), "DIR/state.json:2:3: it is not valid JSON (byte 4)"},
		{"merge conflict", []byte("{\n<<<<<<< HEAD\n}"), "DIR/state.json:2:1: it is not valid JSON (byte 2)"},
		{"two documents", append(bytes.Clone(whole), whole...), "DIR/state.json:36:1: it is not valid JSON (byte 713)"},
		{"not UTF-8", []byte("{\"a\": \"\xff\"}"), "DIR/state.json:1:8: it is not UTF-8 text (byte 7)"},
		{"empty object", []byte("{}"), `DIR/state.json: it is JSON, but no state of cfboot: "format" is not "cfboot-state"`},
		{"another program's", []byte(`{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "resources": []}`),
			`DIR/state.json: it is JSON, but no state of cfboot: "format" is not "cfboot-state"`},
		{"version 0", change(t, `"version": 1`, `"version": 0`), `DIR/state.json: "version" is not a number from 1 up`},
		{"version text", change(t, `"version": 1`, `"version": "1"`), `DIR/state.json: "version" is not a number from 1 up`},
		{"no version", change(t, `"version": 1, `, ``), `DIR/state.json: "version" is not a number from 1 up`},
		{"edited by hand", bytes.Replace(whole, []byte("id-1"), []byte("id-2"), 1), "DIR/state.json: its checksum does not fit: it was edited by hand or damaged"},
		{"no checksum", []byte(good), "DIR/state.json: its checksum does not fit: it was edited by hand or damaged"},
		{"checksum not last", []byte(strings.Replace(good, `"version": 1`, `"version": 1, "checksum": "sha256:00"`, 1)), "DIR/state.json: its checksum does not fit: it was edited by hand or damaged"},
		{"lineage", change(t, `01JQ0000000000000000000000`, `mine`), "DIR/state.json: lineage is no ULID"},
		{"serial 0", change(t, `"serial": 3`, `"serial": 0`), "DIR/state.json: serial is 0, and a saved state starts at 1"},
		{"serial text", change(t, `"serial": 3`, `"serial": "3"`), "DIR/state.json: serial is a JSON string, which it cannot be"},
		{"serial fraction", change(t, `"serial": 3`, `"serial": 3.5`), "DIR/state.json: serial is a JSON number, which it cannot be"},
		{"no project", change(t, `"project": "shop", `, ``), "DIR/state.json: project is missing or empty"},
		{"empty account", change(t, `"acc-1"`, `""`), "DIR/state.json: account is missing or empty"},
		{"null entries", sealed(good[:strings.Index(good, "[")] + `null, "intents": []}`), "DIR/state.json: entries is missing"},
		{"no intents", sealed(good[:strings.Index(good, `, "intents"`)] + `}`), "DIR/state.json: intents is missing"},
		{"unknown member", change(t, `"serial": 3`, `"serial": 3, "outputs": {}`), "DIR/state.json: outputs is no member of a state"},
		{"unknown member below", change(t, `"id": "id-2"`, `"id": "id-2", "secret": "x"`), "DIR/state.json: entries[1].secret is no member of a state"},
		{"another spelling", change(t, `"serial"`, `"Serial"`), "DIR/state.json:1:84: Serial is no member of a state (byte 83)"},
		{"member twice", change(t, `"serial": 3`, `"serial": 3, "serial": 4`), "DIR/state.json:1:95: serial stands twice (byte 94)"},
		{"member twice below", change(t, `"a": 2`, `"a": 2, "b\u001b": {"c": 1, "c": 2}`), "DIR/state.json:1:357: entries[1].settings.b?.c stands twice (byte 356)"},
		{"key twice", change(t, `"kv/c"`, `"d1/db"`), "DIR/state.json: entries[1].key: d1/db stands twice"},
		{"entry and intent", change(t, `"r2/f"`, `"d1/db"`), "DIR/state.json: d1/db stands in both entries and intents"},
		{"key a number", change(t, `"kv/c"`, `7`), "DIR/state.json: entries[1].key is a JSON number, which it cannot be"},
		{"key without a kind", change(t, `"kv/c"`, `"/c"`), `DIR/state.json: entries[1]: "/c" is not of the form kind/name`},
		{"no key", change(t, `"key": "kv/c", `, ``), `DIR/state.json: entries: it has no key`},
		{"null entry", change(t, `{"key": "d1/db"`, `null, {"key": "d1/db"`), `DIR/state.json: entries: it has no key`},
		{"key unprintable", change(t, `"kv/c"`, `"kv/\u001b[2J"`), `DIR/state.json: entries: "kv/\x1b[2J" is no key`},
		{"id a number", change(t, `"id-2"`, `2`), "DIR/state.json: entries[1].id is a JSON number, which it cannot be"},
		{"id empty", change(t, `"id-2"`, `""`), "DIR/state.json: entries: kv/c has no id"},
		{"settings a list", change(t, `{"A": 1, "a": 2}`, `[]`), "DIR/state.json: entries[1].settings is a JSON array, which it cannot be"},
		{"refs a text", change(t, `["d1/db"]`, `"d1/db"`), "DIR/state.json: entries[1].refs is a JSON string, which it cannot be"},
		{"ref malformed", change(t, `["d1/db"]`, `["d1"]`), `DIR/state.json: entries[1]: "d1" is not of the form kind/name`},
		{"refers to itself", change(t, `["d1/db"]`, `["kv/c"]`), "DIR/state.json: entries: kv/c refers to itself"},
		{"circle", change(t, `["d1/db"]`, `["r2/f"]`, `"name": "shop-f"`, `"name": "shop-f", "refs": ["kv/c"]`), "DIR/state.json: refs go in a circle: kv/c -> r2/f -> kv/c"},
		{"time", change(t, `"2026-03-01T12:00:00Z"`, `"yesterday"`), `DIR/state.json: entries[0]: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`},
		{"intent without time", change(t, `"run": "run-1", "time": "2026-03-01T12:00:00Z"`, `"run": "run-1"`), "DIR/state.json: intents: r2/f has no time"},
		{"deep", []byte(strings.Repeat(`{"a":`, 20000)), "DIR/state.json:1:50001: it is not valid JSON (byte 50000)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := saved(t)
			must(t, os.WriteFile(path, tt.content, 0o600))
			checkRefused(t, path, tt.want+fromBackup)
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, tt.content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// checkRefused expects Read and Open to refuse path in the same words.
func checkRefused(t *testing.T, path, want string) {
	t.Helper()
	_, exists, err := Read(path)
	if err == nil {
		t.Fatalf("Read took it: exists = %v", exists)
	}
	text, class := problem(t, err, filepath.Dir(path))
	if class != provision.Unusable {
		t.Errorf("Read: class %d", class)
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	s, err := Open(path, options())
	if err == nil {
		s.Close()
		t.Fatal("Open took it")
	}
	if text, class = problem(t, err, filepath.Dir(path)); class != provision.Unusable || text != want {
		t.Errorf("Open: class %d, %s", class, text)
	}
}

func TestRefusesNewerVersion(t *testing.T) {
	path := saved(t)
	must(t, os.WriteFile(path, []byte(`{"format": "cfboot-state", "version": 99, "all": "else", "all": "differs"}`), 0o600))
	checkRefused(t, path, "DIR/state.json: it was made by a newer cfboot: its version is 99, and this one reads up to 3"+
		"\nhint: use the cfboot that made it, or a newer one; nothing was changed")
}

func TestRefusesMissing(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string // empty: it is new
	}{
		{"backup there", func(t *testing.T, path string) {},
			"DIR/state.json: it is missing, but DIR/state.json.backup shows that there was a state" +
				"\nhint: put back the sound version of serial 1: cp DIR/state.json.backup DIR/state.json" + orAsked},
		{"backup damaged", func(t *testing.T, path string) { must(t, os.WriteFile(path+".backup", nil, 0o600)) },
			"DIR/state.json: it is missing, but DIR/state.json.backup shows that there was a state" + fromCopy},
		{"only history", func(t *testing.T, path string) { must(t, os.Remove(path+".backup")) },
			"DIR/state.json: it is missing, but DIR/history/state.1.json shows that there was a state" +
				"\nhint: put back the sound version of serial 1: cp DIR/history/state.1.json DIR/state.json" + orAsked},
		{"history, and a damaged backup", func(t *testing.T, path string) {
			must(t, os.Remove(path+".backup")) // which is a second name of the one in the history
			must(t, os.WriteFile(path+".backup", nil, 0o600))
		}, "DIR/state.json: it is missing, but DIR/state.json.backup shows that there was a state" +
			"\nhint: put back the sound version of serial 1: cp DIR/history/state.1.json DIR/state.json" + orAsked},
		{"damaged history", func(t *testing.T, path string) {
			must(t, os.Remove(path+".backup"))
			must(t, os.WriteFile(historyPath(path, 1), []byte("{"), 0o600))
		}, "DIR/state.json: it is missing, but DIR/history/state.1.json shows that there was a state" + fromCopy},
		{"another environment's history", func(t *testing.T, path string) {
			must(t, os.Remove(path+".backup"))
			must(t, os.Rename(historyPath(path, 1), historyPath(Path(filepath.Dir(path), "pr-1"), 1)))
		}, ""},
		{"whole temporary file", func(t *testing.T, path string) {
			must(t, os.Rename(path+".backup", filepath.Join(filepath.Dir(path), ".state.json.77.tmp")))
		}, "DIR/state.json: it is missing, but DIR/.state.json.77.tmp shows that there was a state" +
			"\nhint: put back the sound version of serial 1: cp DIR/.state.json.77.tmp DIR/state.json" + orAsked},
		{"the newest counts", func(t *testing.T, path string) {
			st := goldens()["entries"] // serial 7
			content, err := newEncoder().encode(st)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.json.77.tmp"), content, 0o600))
		}, "DIR/state.json: it is missing, but DIR/state.json.backup shows that there was a state" +
			"\nhint: put back the sound version of serial 7: cp DIR/.state.json.77.tmp DIR/state.json" + orAsked},
		{"part of a temporary file", func(t *testing.T, path string) {
			must(t, os.Remove(path+".backup"))
			must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.json.77.tmp"), []byte("{"), 0o600))
		}, "DIR/state.json: it is missing, but DIR/.state.json.77.tmp shows that there was a state" + fromCopy},
		{"the first save was cut off", func(t *testing.T, path string) {
			must(t, os.Remove(path+".backup"))
			must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.json.77.first.tmp"), []byte("{"), 0o600))
		}, ""},
		{"another environment's files", func(t *testing.T, path string) {
			must(t, os.Rename(path+".backup", filepath.Join(filepath.Dir(path), "state.pr-1.json.backup")))
			must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.pr-1.json.77.tmp"), nil, 0o600))
			must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.json.swp.tmp"), nil, 0o600))
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := saved(t)
			must(t, os.Remove(path))
			if !strings.Contains(tt.name, "history") {
				must(t, os.RemoveAll(historyDir(path)))
			}
			tt.prepare(t, path)
			if tt.want != "" {
				checkRefused(t, path, tt.want)
				return
			}
			if _, exists, err := Read(path); err != nil || exists {
				t.Errorf("Read = exists %v, %v", exists, err)
			}
			if s := open(t, path); s.State().Lineage != "" {
				t.Error("Open found a state")
			}
		})
	}
}

func TestRefusesAnothers(t *testing.T) {
	path := saved(t)
	tests := []struct {
		name  string
		with  func(*Options)
		class provision.Class
		want  string
	}{
		{"project", func(o *Options) { o.Project = "blog" }, provision.Unusable,
			`DIR/state.json: it is the state of project "shop", not "blog"` + "\n" +
				`hint: run it where project is "shop", or put the state of "blog" back in its place`},
		{"environment", func(o *Options) { o.Environment = "staging" }, provision.Unusable,
			`DIR/state.json: it is the state of environment "production", not "staging"` + "\n" +
				`hint: run it where environment is "production", or put the state of "staging" back in its place`},
		{"account", func(o *Options) { o.Account = "acc-2" }, provision.Refused,
			"DIR/state.json: everything in it lives in account acc-1, and this run is for account acc-2\n" +
				"hint: use the account id and the credentials of account acc-1\nhint: or give account acc-2 an environment of its own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			tt.with(&o)
			if o.Environment == "" {
				o.Environment = Production
			}
			_, err := Open(path, o)
			text, class := problem(t, err, filepath.Dir(path))
			if diff := cmp.Diff(tt.want, text); class != tt.class || diff != "" {
				t.Errorf("Open: class %d (-want +got):\n%s", class, diff)
			}
			text, class = problem(t, Check(path, read(t, path), o.Project, o.Environment, o.Account), filepath.Dir(path))
			if class != tt.class || text != tt.want {
				t.Errorf("Check: class %d, %s", class, text)
			}
		})
	}
	open(t, path) // a refusal gives the lock back
}

func TestRestoreCommand(t *testing.T) {
	for path, want := range map[string]string{
		Path(".cfboot", ""):                                 "cfboot state restore",
		Path(".cfboot", "pr-1"):                             "cfboot state restore --env pr-1",
		Path(filepath.Join(".cfboot", "offline"), ""):       "cfboot state restore --offline",
		Path(filepath.Join(".cfboot", "offline"), "my env"): "cfboot state restore --env 'my env' --offline",
	} {
		if got := restoreCommand(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
