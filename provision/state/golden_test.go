package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// goldens are states whose files are kept as they were written: whatever this
// program becomes, it reads them.
func goldens() map[string]provision.State {
	base := func(serial int64, environment string) provision.State {
		return clone(provision.State{Lineage: "01JQ0000000000000000000000", Serial: serial,
			Project: "shop", Environment: environment, Account: "0123456789abcdef0123456789abcdef"})
	}
	entries := base(7, "production")
	for _, e := range []provision.Entry{
		entry("kv/cache", "0f2ac74b498b48028cb68387c421e279"),
		entry("d1/db", "xxxxxxxx-0000-4000-8000-xxxxxxxxxxxx"),
		entry("worker/api", "shop-api", "d1/db", "kv/cache"),
		entry("d1/db-2", "<&>\u2028ÄÖ😀\"\\"),
	} {
		entries.Entries[e.Key] = e
	}
	zoned := entries.Entries[key("worker/api")]
	zoned.Zone = "023e105f4ecef8ad9ca31a8372d0c353"
	zoned.Settings = provision.Settings{"big": 1e21, "small": 1e-9, "whole": 9007199254740991.0, "none": nil, "off": false, "UPPER": "x", "empty": map[string]any{}}
	entries.Entries[zoned.Key] = zoned

	adopted := base(3, "production")
	taken := entry("d1/db", "xxxxxxxx-0000-4000-8000-xxxxxxxxxxxx")
	taken.Adopted = true
	adopted.Entries[taken.Key] = taken

	intents := base(1, "pr-12")
	for _, i := range []provision.Intent{intent("r2/files"), intent("worker/api", "r2/files")} {
		intents.Intents[i.Key] = i
	}
	return map[string]provision.State{"entries": entries, "adopted": adopted, "intents": intents, "tombstone": base(12, "staging")}
}

// goldensOf are those of a version, with what the versions up to it have added.
func goldensOf(version int) map[string]provision.State {
	all := goldens()
	if version < 2 {
		return all
	}
	guarded := all["adopted"]
	guarded.Entries = map[provision.Key]provision.Entry{}
	for name, mark := range map[string]provision.Mark{"d1/db": provision.Marked, "d1/old": provision.MarkDenied} {
		e := entry(name, "xxxxxxxx-0000-4000-8000-"+name)
		e.Protected, e.Marked = true, mark
		guarded.Entries[e.Key] = e
	}
	all["guarded"] = guarded
	if version < 3 {
		return all
	}
	preview := all["intents"]
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	preview.Preview = &provision.PreviewRecord{Lease: provision.Lease{Repository: "shop/shop", RepositoryID: "123456", PullRequest: 12, Branch: "feature/x", Made: at, Expires: at.Add(7 * 24 * time.Hour)},
		Stores:   []provision.Filled{{Key: key("d1/db"), ID: "xxxxxxxx-0000-4000-8000-xxxxxxxxxxxx", Migrations: "aa", Seed: "bb", Seeding: true, Rows: 3}},
		Deployed: "cc", URLs: []string{"https://pr-12.shop.example"}}
	all["preview"] = preview
	return all
}

// What an older cfboot wrote is read for ever. These files are never rewritten.
func TestOlderGoldens(t *testing.T) {
	for version := 1; version < Version; version++ {
		for name, st := range goldensOf(version) {
			t.Run(fmt.Sprintf("v%d/%s", version, name), func(t *testing.T) {
				golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d", version), name+".json"))
				must(t, err)
				got, err := decode(golden)
				must(t, err)
				if diff := cmp.Diff(st, got); diff != "" {
					t.Errorf("it is read in another way now (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestGolden(t *testing.T) {
	for name, st := range goldensOf(Version) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", fmt.Sprintf("v%d", Version), name+".json")
			content, err := newEncoder().encode(st)
			must(t, err)
			if *update {
				must(t, os.MkdirAll(filepath.Dir(file), 0o755))
				must(t, os.WriteFile(file, content, 0o644))
			}
			golden, err := os.ReadFile(file)
			must(t, err)
			golden = bytes.ReplaceAll(golden, []byte("\r\n"), []byte("\n"))
			if diff := cmp.Diff(string(golden), string(content)); diff != "" {
				t.Errorf("it is written in another way now (-golden +now):\n%s", diff)
			}
			got, err := decode(golden)
			must(t, err)
			if diff := cmp.Diff(st, got); diff != "" {
				t.Errorf("it is read in another way now (-want +got):\n%s", diff)
			}
		})
	}
}

// Line ends and indentation may be changed in transport; that is no damage.
func TestWhiteSpaceIsNoDamage(t *testing.T) {
	content, err := newEncoder().encode(goldens()["entries"])
	must(t, err)
	for name, changed := range map[string][]byte{
		"CRLF":         bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n")),
		"tabs":         bytes.ReplaceAll(content, []byte("  "), []byte("\t")),
		"no final end": bytes.TrimSpace(content),
		"blank lines":  append([]byte("\n\n"), append(content, "\n\n"...)...),
	} {
		if bytes.Equal(changed, content) {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := decode(changed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every single byte counts: changed or missing, the file is refused.
func TestEveryByteCounts(t *testing.T) {
	content, err := newEncoder().encode(goldens()["intents"])
	must(t, err)
	want, err := decode(content)
	must(t, err)
	for i := range content {
		for _, bit := range []byte{1, 4, 32, 128} {
			damaged := bytes.Clone(content)
			damaged[i] ^= bit
			if got, err := decode(damaged); err == nil && !cmp.Equal(want, got) {
				t.Fatalf("byte %d, %q for %q, went unnoticed", i, damaged[i], content[i])
			}
		}
		if _, err := decode(content[:i]); err == nil && i < len(bytes.TrimSpace(content)) {
			t.Fatalf("cut off at byte %d, it was read", i)
		}
	}
}

// The encoder puts pieces together that it remembers; the result is what
// encoding/json makes of the whole.
func TestEncodesAsJSON(t *testing.T) {
	s := open(t, testPath(t))
	for _, do := range []func() error{
		func() error { return s.Begin(intent("d1/db")) },
		func() error { return s.Keep(entry("d1/db", "id-1")) },
		func() error { return s.Keep(entry("d1/db", "id-2")) },
		func() error { return s.Keep(entry("kv/<b>", "id-3", "d1/db")) },
		func() error { return s.Begin(intent("d1/db")) },
		func() error { return s.Drop(key("d1/db")) },
		func() error { return s.Forget(key("kv/<b>")) },
	} {
		must(t, do())
		content, err := os.ReadFile(s.path)
		must(t, err)
		var d document
		must(t, json.Unmarshal(content, &d))
		want, err := json.MarshalIndent(d, "", "  ")
		must(t, err)
		if diff := cmp.Diff(string(want)+"\n", string(content)); diff != "" {
			t.Errorf("(-json +ours):\n%s", diff)
		}
	}
}
