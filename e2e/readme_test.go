package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/cmd/cli"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
)

// TestReadme carries out the commands that the README shows with their output,
// one after another, and compares. IDs, times and the order of steps that run
// side by side differ from run to run; nothing else does.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := dir
	shown := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for _, run := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, want, _ := strings.Cut(run, "\n")
			fields := strings.Fields(command)
			switch {
			case fields[0] == "cd":
				dir = filepath.Join(dir, fields[1])
				continue
			case strings.HasPrefix(command, "go run ./cmd/cfboot "):
				fields = fields[3:]
			case fields[0] == "cfboot":
				fields = fields[1:]
			default:
				t.Fatalf("the README shows the output of %q, which nothing here can check", command)
			}
			shown++
			var out bytes.Buffer
			code := cli.Main(cli.Env{Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
				Getenv: func(string) string { return "" }, Now: now, Version: "0.1.0"}, fields)
			if code != 0 {
				t.Fatalf("%s: exit %d\n%s", command, code, &out)
			}
			if got, want := likeness(out.String(), root), likeness(want, root); got != want {
				t.Errorf("%s\n--- the README says\n%s\n--- it is\n%s", command, want, out.String())
			}
		}
	}
	if shown < 3 {
		t.Errorf("the README shows %d commands with output", shown)
	}
}

// TestReadmeManifest: the manifest that the README shows is one, in every
// environment.
func TestReadmeManifest(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```jsonc\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no manifest")
	}
	for _, b := range blocks {
		m, err := manifest.Parse("README.md", []byte(b[1]), kinds.Catalog{})
		if err != nil {
			t.Fatal(err)
		}
		for _, env := range append(m.Environments, manifest.Production) {
			if _, err := m.Desired(env, kinds.Catalog{}); err != nil {
				t.Errorf("%s: %v", env, err)
			}
		}
	}
}

var varying = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`[0-9a-f]{32}`), "ID"},
	{regexp.MustCompile(`\d+(\.\d)? m?s\b`), "TIME"},
}

// likeness is the output without what differs from run to run.
func likeness(s, root string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), root+string(filepath.Separator), "")
	for _, v := range varying {
		s = v.what.ReplaceAllString(s, v.as)
	}
	lines := strings.Split(s, "\n")
	isStep := func(l string) bool { return strings.HasSuffix(l, " in TIME") && strings.HasPrefix(l, "  ") }
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && isStep(lines[j]) {
			j++
		}
		slices.Sort(lines[i:j])
		i = max(j, i+1)
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
