package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestRelease: a release comes out the same each time, and the action fetches it and
// runs it.
func TestRelease(t *testing.T) {
	if os.Getenv("CFBOOT_RELEASE") == "" {
		t.Skip("compiles everything once more: make actions")
	}
	const version = "9.8.7"
	archive := archiveOf(version)
	var dirs [2]string
	for i := range dirs {
		dirs[i] = t.TempDir()
		cmd := exec.Command("../.ci/release", version, dirs[i])
		cmd.Env = append(os.Environ(), "PLATFORMS="+runtime.GOOS+"/"+runtime.GOARCH)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, name := range []string{archive, "checksums.txt"} {
		one, err := os.ReadFile(filepath.Join(dirs[0], name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(dirs[1], name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s is not the same twice", name)
		}
	}
	host := httptest.NewServer(http.StripPrefix("/d/v"+version, http.FileServer(http.Dir(dirs[0]))))
	defer host.Close()
	runsCfboot(t, fetched(t, host.URL+"/d", version, ""))
}

// archiveOf is what a release's archive for this machine is called.
func archiveOf(version string) string {
	return fmt.Sprintf("cfboot_%s_%s_%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
}

// fetched runs the action with a release that is at an address.
func fetched(t *testing.T, address, version, checksum string) came {
	r := &runner{t: t, vars: map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir()}, secrets: map[string]string{"GITHUB_TOKEN": workflowToken}, repo: "o/r", id: 1}
	return r.action(event{name: "push"}, map[string]string{"command": "plan", "version": version, "checksum": checksum, "download-url": address, "api-token": accountToken})
}

// runsCfboot says that cfboot ran: there is no project, which it says by itself.
func runsCfboot(t *testing.T, x came) {
	t.Helper()
	if x.code != 1 || !strings.Contains(x.log, "there is no manifest here") || len(x.used) != 0 {
		t.Errorf("%d, used %q:\n%s", x.code, x.used, x.log)
	}
}

// packed is a release of this very program, which is cfboot by that name.
func packed(t *testing.T, archive string) (data []byte, sum string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "cfboot", Linkname: self, Mode: 0o755})
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
}

// TestActionFetches: the action runs a release that is what its list of checksums
// says, and nothing else.
func TestActionFetches(t *testing.T) {
	archive := archiveOf("9.8.7")
	data, sum := packed(t, archive)
	sums := sum + "  " + archive + "\n"
	for _, c := range []struct {
		name          string
		version, want string // of the log; "": it runs
		checksum      string
		sums          string
		spoilt        bool
	}{
		{name: "as it is", version: "9.8.7", sums: sums},
		{name: "by its tag, with a checksum", version: "v9.8.7", sums: sums, checksum: sum},
		{name: "another checksum", version: "9.8.7", sums: sums, checksum: strings.Repeat("0", 64), want: "is not what the input checksum says"},
		{name: "an archive that was changed", version: "9.8.7", sums: sums, spoilt: true, want: "is not what checksums.txt says"},
		{name: "a list without it", version: "9.8.7", sums: strings.ReplaceAll(sums, "cfboot_", "cfboot-"), want: "there it is missing"},
		{name: "an empty list", version: "9.8.7", sums: "\n", want: "there it is missing"},
		{name: "no list", version: "9.8.7", want: "checksums.txt cannot be fetched"},
		{name: "no such release", version: "9.8.6", sums: sums, want: "cannot be fetched"},
		{name: "no version at all", version: "latest", sums: sums, want: "is no release"},
		{name: "a version that is a path", version: "9.8.7/../..", sums: sums, want: "is no release"},
		{name: "a version that is a script", version: "$(touch x)", sums: sums, want: "is no release"},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Header.Get("Authorization") != "":
					t.Error("a token is sent along")
				case r.URL.Path == "/d/v9.8.7/checksums.txt" && c.sums != "":
					fmt.Fprint(w, c.sums)
				case r.URL.Path == "/d/v9.8.7/"+archive:
					body := slices.Clone(data)
					if c.spoilt {
						body[len(body)/2] ^= 1
					}
					_, _ = w.Write(body)
				default:
					http.NotFound(w, r)
				}
			}))
			defer host.Close()
			x := fetched(t, host.URL+"/d", c.version, c.checksum)
			if c.want != "" {
				if !x.failed || !strings.Contains(x.log, c.want) || strings.Contains(x.log, "manifest") {
					t.Errorf("failed %v:\n%s", x.failed, x.log)
				}
				return
			}
			runsCfboot(t, x)
		})
	}
}

// TestActionFromSource: without a version the action builds what it is, with the Go
// that go.mod asks for, and runs that.
func TestActionFromSource(t *testing.T) {
	if os.Getenv("CFBOOT_RELEASE") == "" {
		t.Skip("compiles everything once more: make actions")
	}
	goEnv := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	vars := map[string]string{"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME")}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOSUMDB"} {
		vars[name] = goEnv(name)
	}
	r := &runner{t: t, vars: vars, secrets: map[string]string{"GITHUB_TOKEN": workflowToken}, repo: "o/r", id: 1}
	x := r.action(event{name: "push"}, map[string]string{"command": "plan", "api-token": accountToken})
	if x.code != 1 || !strings.Contains(x.log, "there is no manifest here") || len(x.used) != 1 || !strings.HasPrefix(x.used[0], "actions/setup-go@") {
		t.Errorf("%d, used %q:\n%s", x.code, x.used, x.log)
	}
}

func TestActionOnWindows(t *testing.T) {
	r := &runner{t: t, vars: map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir()}, secrets: map[string]string{"GITHUB_TOKEN": workflowToken}, repo: "o/r", id: 1}
	x := r.action(event{name: "push", os: "Windows"}, map[string]string{"command": "plan", "api-token": accountToken})
	if !x.failed || !strings.Contains(x.log, "on Windows use cfboot itself") || len(x.used) != 0 {
		t.Errorf("failed %v, used %q:\n%s", x.failed, x.used, x.log)
	}
}
