package wrangler

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const shop = "{\n  // mine\n  \"name\": \"old\"\n}\n"

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestUpdate(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "wrangler.jsonc"), shop)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	edits := []Edit{set("new", "name")}
	changed, err := Update(path, "", edits)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if diff := cmp.Diff(strings.Replace(shop, "old", "new", 1), content(t, path)); diff != "" {
		t.Error(diff)
	}
	before, _ := os.Stat(path)
	if before.Mode() != 0o640 {
		t.Error("mode", before.Mode())
	}
	if changed, err = Update(path, "", edits); err != nil || changed {
		t.Error("second run", changed, err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("the second run writes")
	}
	if diff := cmp.Diff([]string{"wrangler.jsonc"}, names(t, dir)); diff != "" {
		t.Error("something is left behind:", diff)
	}
}

// A path without a folder is in the current one.
func TestUpdateInCurrentFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "wrangler.jsonc", shop)
	if changed, err := Update("wrangler.jsonc", "", []Edit{set("new", "name")}); err != nil || !changed {
		t.Fatal(changed, err)
	}
}

func TestUpdateRefuses(t *testing.T) {
	edits := []Edit{set("new", "name")}
	for _, c := range []struct {
		name  string
		setup func(t *testing.T, dir string) string
		text  string
		is    error
	}{
		{"no file", func(t *testing.T, dir string) string { return filepath.Join(dir, "wrangler.jsonc") }, "does not exist", fs.ErrNotExist},
		{"no folder", func(t *testing.T, dir string) string { return filepath.Join(dir, "x", "wrangler.jsonc") }, "no such file", fs.ErrNotExist},
		{"wrangler.toml beside it", beside("wrangler.jsonc", "wrangler.toml"), "wrangler.toml stands beside", nil},
		{"wrangler.json beside it", beside("wrangler.jsonc", "wrangler.json"), "wrangler.json stands beside", nil},
		{"wrangler.jsonc beside wrangler.json", beside("wrangler.json", "wrangler.jsonc"), "wrangler.jsonc stands beside", nil},
		{"cloudflare.config.ts beside it", beside("wrangler.jsonc", "cloudflare.config.ts"), "cloudflare.config.ts stands beside", nil},
		{"TOML", func(t *testing.T, dir string) string { return write(t, filepath.Join(dir, "wrangler.toml"), "") }, "is TOML", nil},
		{"a folder", func(t *testing.T, dir string) string { return dir }, "not a regular file", nil},
		{"too large", func(t *testing.T, dir string) string {
			return write(t, filepath.Join(dir, "wrangler.jsonc"), strings.Repeat(" ", MaxSize+1))
		}, "larger", nil},
		{"not JSONC", func(t *testing.T, dir string) string { return write(t, filepath.Join(dir, "wrangler.jsonc"), "{\n ?}") }, "wrangler.jsonc:2:2: not valid", nil},
		{"a link out of the folder", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "other.jsonc"), shop)
			return link(t, "../other.jsonc", filepath.Join(dir, "in", "wrangler.jsonc"))
		}, "out of its folder", nil},
		{"an absolute link", func(t *testing.T, dir string) string {
			return link(t, write(t, filepath.Join(dir, "other.jsonc"), shop), filepath.Join(dir, "wrangler.jsonc"))
		}, "out of its folder", nil},
		{"a link through a link out of the folder", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "out", "other.jsonc"), shop)
			link(t, "../out", filepath.Join(dir, "in", "sub"))
			return link(t, "sub/other.jsonc", filepath.Join(dir, "in", "wrangler.jsonc"))
		}, "escapes", nil},
		{"a link whose name means two files", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "a", "b", "x"), "")
			write(t, filepath.Join(dir, "a", "real.jsonc"), shop)
			write(t, filepath.Join(dir, "real.jsonc"), shop)
			link(t, "a/b", filepath.Join(dir, "sub"))
			return link(t, "sub/../real.jsonc", filepath.Join(dir, "wrangler.jsonc"))
		}, "out of its folder", nil},
		{"a link to nothing", func(t *testing.T, dir string) string {
			return link(t, "nothing", filepath.Join(dir, "wrangler.jsonc"))
		}, "no such file", fs.ErrNotExist},
		{"links in a ring", func(t *testing.T, dir string) string {
			return link(t, "wrangler.jsonc", filepath.Join(dir, "wrangler.jsonc"))
		}, "symbolic links", nil},
		{"a wrong edit", func(t *testing.T, dir string) string {
			return write(t, filepath.Join(dir, "wrangler.jsonc"), `{"name": 1, "name": 2}`)
		}, "wrangler.jsonc:1:13: key \"name\" stands twice", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := c.setup(t, dir)
			before := snapshot(t, dir)
			changed, err := Update(path, "", edits)
			var e *Error
			if changed || !errors.As(err, &e) || !strings.Contains(err.Error(), c.text) || e.File != path {
				t.Errorf("changed %v, error %v; want %q", changed, err, c.text)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
				t.Error("files changed:", diff)
			}
		})
	}
}

func beside(name, rival string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		write(t, filepath.Join(dir, rival), "")
		return write(t, filepath.Join(dir, name), shop)
	}
}

func link(t *testing.T, target, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// snapshot maps every name below dir to what it holds.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		text := d.Type().String()
		if d.Type().IsRegular() {
			text = content(t, path)
		}
		out[path] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A link inside the folder stays a link, and what it leads to is changed. A
// folder that is reached by a link is nobody's business.
func TestUpdateFollowsLinksInside(t *testing.T) {
	dir := t.TempDir()
	real := write(t, filepath.Join(dir, "project", "config", "real.jsonc"), shop)
	link(t, "config/real.jsonc", filepath.Join(dir, "project", "one.jsonc"))
	path := link(t, "one.jsonc", filepath.Join(dir, "project", "wrangler.jsonc"))
	link(t, "project", filepath.Join(dir, "alias"))
	for i, p := range []string{path, filepath.Join(dir, "alias", "wrangler.jsonc")} {
		name := []string{"first", "second"}[i]
		if changed, err := Update(p, "", []Edit{set(name, "name")}); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Error("the link is replaced")
		}
		if got := content(t, real); !strings.Contains(got, name) {
			t.Error(got)
		}
	}
}

// What someone else writes between reading and replacing is not lost.
func TestUpdateNoticesOtherWriters(t *testing.T) {
	for name, meddle := range map[string]func(t *testing.T, path string){
		"content":      func(t *testing.T, path string) { write(t, path, shop+"// more\n") },
		"another file": func(t *testing.T, path string) { _ = os.Rename(write(t, path+"2", shop), path) },
		"mode":         func(t *testing.T, path string) { _ = os.Chmod(path, 0o600) },
		"gone":         func(t *testing.T, path string) { _ = os.Remove(path) },
		"a folder": func(t *testing.T, path string) {
			_ = os.Remove(path)
			_ = os.Mkdir(path, 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "wrangler.jsonc"), shop)
			f, err := open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.root.Close()
			meddle(t, path)
			before := snapshot(t, dir)
			if err := f.replace([]byte("{}")); err == nil || !strings.Contains(err.Msg, "changed by someone else") {
				t.Error(err)
			}
			if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
				t.Error("files changed:", diff)
			}
		})
	}
}

func TestUpdateInReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user may write everywhere")
	}
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "wrangler.jsonc"), shop)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	if changed, err := Update(path, "", []Edit{set("new", "name")}); changed || !errors.Is(err, fs.ErrPermission) || content(t, path) != shop {
		t.Error(changed, err)
	}
}

// Temporary files of killed runs go, those of runs under way stay.
func TestUpdateSweeps(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "wrangler.jsonc"), shop)
	old := write(t, filepath.Join(dir, ".wrangler.jsonc.cfboot-OLD.tmp"), "{")
	other := write(t, filepath.Join(dir, ".wrangler.jsonc.swp"), "{")
	long := time.Now().Add(-2 * tempTooOld)
	for _, p := range []string{old, other} {
		if err := os.Chtimes(p, long, long); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, ".wrangler.jsonc.cfboot-NEW.tmp"), "{")
	if _, err := Update(path, "", []Edit{set("new", "name")}); err != nil {
		t.Fatal(err)
	}
	want := []string{".wrangler.jsonc.cfboot-NEW.tmp", ".wrangler.jsonc.swp", "wrangler.jsonc"}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// killTarget names the file a killed process updates over and over.
const killTarget = "CFBOOT_TEST_UPDATE_UNTIL_KILLED"

func TestMain(m *testing.M) {
	if path := os.Getenv(killTarget); path != "" {
		updateUntilKilled(path)
	}
	os.Exit(m.Run())
}

func updateUntilKilled(path string) {
	for i := 0; ; i++ {
		if _, err := Update(path, "", []Edit{set(strings.Repeat("ab"[i%2:i%2+1], 1<<16), "name")}); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		if i == 0 {
			os.Stdout.WriteString("running\n")
		}
	}
}

// A process killed at any moment leaves the old text or the new, whole.
func TestUpdateSurvivesKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	path := write(t, filepath.Join(t.TempDir(), "wrangler.jsonc"), shop)
	whole := map[string]bool{
		strings.Replace(shop, "old", strings.Repeat("a", 1<<16), 1): true,
		strings.Replace(shop, "old", strings.Repeat("b", 1<<16), 1): true,
	}
	for i := range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killTarget+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(out).ReadString('\n')
		time.Sleep(time.Duration(i*700) * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if line != "running\n" {
			t.Fatal(line)
		}
		if got := content(t, path); !whole[got] {
			t.Fatalf("after kill %d: %d bytes, %.60q", i, len(got), got)
		}
	}
}

func TestReadOfUpdatedFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "wrangler.jsonc"), shop)
	if _, err := Update(path, "pr-7", []Edit{d1("1")}); err != nil {
		t.Fatal(err)
	}
	c, err := Read(bytes.TrimSpace([]byte(content(t, path))))
	if err != nil {
		t.Fatal(err)
	}
	e := c.Environment("pr-7")
	if e == nil || e.Worker != "old-pr-7" || len(e.Bindings) != 1 || e.Bindings[0].Field("database_id") != "1" {
		t.Errorf("%+v", e)
	}
}
