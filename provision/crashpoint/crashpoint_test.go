package crashpoint_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles testdata/program and returns the binary's path.
func build(t *testing.T, tags string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command to build a program:", err)
	}
	bin := filepath.Join(t.TempDir(), "program.exe")
	if out, err := exec.Command("go", "build", "-tags="+tags, "-o", bin, "./testdata/program").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func TestHere(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	on, off := build(t, "crashpoints"), build(t, "")
	tests := []struct {
		name   string
		bin    string
		env    []string
		killed bool
		out    string
		count  string // what the counting file holds; empty: there is none
	}{
		{"nothing asked", on, nil, false, "1 2 3 4 5", ""},
		{"counts", on, []string{"CFBOOT_CRASH_COUNT=FILE"}, false, "1 2 3 4 5", "5\n"},
		{"first", on, []string{"CFBOOT_CRASH_AT=1"}, true, "", ""},
		{"third, counted", on, []string{"CFBOOT_CRASH_AT=3", "CFBOOT_CRASH_COUNT=FILE"}, true, "1 2", "3\n"},
		{"past the last", on, []string{"CFBOOT_CRASH_AT=6"}, false, "1 2 3 4 5", ""},
		{"not compiled in", off, []string{"CFBOOT_CRASH_AT=1", "CFBOOT_CRASH_COUNT=FILE"}, false, "1 2 3 4 5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "count")
			cmd := exec.Command(tt.bin)
			cmd.Env = os.Environ()
			for _, e := range tt.env {
				cmd.Env = append(cmd.Env, strings.ReplaceAll(e, "FILE", file))
			}
			out, err := cmd.Output()
			if got := strings.Join(strings.Fields(string(out)), " "); got != tt.out {
				t.Errorf("it got past %q, want %q", got, tt.out)
			}
			var exit *exec.ExitError
			if killed := errors.As(err, &exit); killed != tt.killed {
				t.Errorf("killed = %v (%v), want %v", killed, err, tt.killed)
			}
			count, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if string(count) != tt.count {
				t.Errorf("counted %q, want %q", count, tt.count)
			}
		})
	}
}

func TestHereRefusesNonsense(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	cmd := exec.Command(build(t, "crashpoints"))
	cmd.Env = append(os.Environ(), "CFBOOT_CRASH_AT=soon")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `CFBOOT_CRASH_AT="soon" is no number of a point`) {
		t.Errorf("err = %v, output:\n%s", err, out)
	}
}
