// Package e2e holds whole runs of cfboot, played as a person would type them:
// against the emulator, killed on the way, and beside the real wrangler. It
// also keeps the arrows between the packages straight.
package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cfboot/cfboot/"

// layers says what each package may import beyond the standard library. An
// entry ending in / allows all below it.
var layers = map[string][]string{
	"provision":            {"golang.org/x/sync/"},
	"provision/kinds":      {module + "provision", "github.com/cloudflare/cloudflare-go/v4/", "github.com/dustin/go-humanize", "golang.org/x/sync/"},
	"provision/preview":    {module + "provision"},
	"provision/manifest":   {module + "provision", "github.com/tailscale/hujson", "github.com/santhosh-tekuri/jsonschema/v6", "github.com/santhosh-tekuri/jsonschema/v6/", "github.com/agext/levenshtein", "golang.org/x/net/", "golang.org/x/text/"},
	"provision/objects":    {module + "provision", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4"},
	"provision/state":      {module + "provision", module + "provision/objects", module + "provision/crashpoint", "github.com/gofrs/flock", "github.com/oklog/ulid/v2", "golang.org/x/sys/"},
	"provision/crashpoint": {},
	"provision/emulator":   {"go.etcd.io/bbolt", "go.etcd.io/bbolt/", "modernc.org/sqlite", "golang.org/x/net/"},
	"templates":            {"golang.org/x/text/"},
	"wrangler":             {"github.com/tailscale/hujson"},
	"cmd/view":             {module + "provision"},
	"cmd/github":           {module + "provision", "github.com/google/go-github/v89/github"},
	"cmd/cli":              {module, "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/google/renameio/v2/maybe", "github.com/agext/levenshtein", "golang.org/x/"},
	"cmd/cfboot":           {module + "cmd/cli"},
	"e2e":                  {},
	"e2e/contract":         {},
	"e2e/fakegithub":       {},
	"e2e/record":           {},
	"e2e/sdk":              {},
}

func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		seen[pkg] = true
		allowed, ok := layers[pkg]
		if !ok {
			t.Errorf("%s stands in no layer: give it a row in layers_test.go, and say what it is for", pkg)
			continue
		}
		for _, imp := range fields[1:] {
			if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return a == imp || strings.HasSuffix(a, "/") && strings.HasPrefix(imp, a) }) {
				t.Errorf("%s imports %s, which its layer does not allow", pkg, imp)
			}
		}
	}
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("%s has a row and does not exist", pkg)
		}
	}
}

// The SDK's root package brings every service with it: six times the build.
func TestTheSDKsRootStaysOut(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"cmd/cfboot").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Fields(string(out)), "github.com/cloudflare/cloudflare-go/v4") {
		t.Error("something imports cloudflare-go's root package; use its service packages")
	}
}
