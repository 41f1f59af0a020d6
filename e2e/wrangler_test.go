package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestWrangler plays the scripts in testdata/wrangler, in which the real
// wrangler, Cloudflare's TypeScript SDK (sdk/) and npm take part. They need `npm ci --ignore-scripts` in this folder
// and the npm registry, and minutes; `make wrangler` does both.
func TestWrangler(t *testing.T) {
	bin, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CFBOOT_WITH_WRANGLER") == "" {
		t.Skip("the real wrangler takes minutes and the npm registry; make wrangler runs this")
	}
	if _, err := os.Stat(filepath.Join(bin, "wrangler")); err != nil {
		t.Fatal("wrangler is not installed: npm ci --ignore-scripts in e2e/")
	}
	sdk, err := filepath.Abs("sdk")
	if err != nil {
		t.Fatal(err)
	}
	home := os.Getenv("HOME")
	play(t, "wrangler", "testdata/wrangler", func(env *testscript.Env) error {
		for _, name := range []string{"PORT", "DEVPORT", "INSPECTPORT"} {
			port, err := freePort()
			if err != nil {
				return err
			}
			env.Setenv(name, port)
		}
		for name, value := range map[string]string{
			"PATH":                        bin + string(os.PathListSeparator) + env.Getenv("PATH"),
			"SDK":                         sdk,
			"XDG_CONFIG_HOME":             filepath.Join(env.WorkDir, "xdg"),
			"NPM_CONFIG_USERCONFIG":       filepath.Join(home, ".npmrc"),    // where the registry may be named
			"NODE_EXTRA_CA_CERTS":         os.Getenv("NODE_EXTRA_CA_CERTS"), // whom it takes to reach that
			"npm_config_cache":            filepath.Join(home, ".npm"),
			"npm_config_audit":            "false",
			"npm_config_fund":             "false",
			"npm_config_update_notifier":  "false",
			"WRANGLER_SEND_METRICS":       "false",
			"WRANGLER_HIDE_BANNER":        "true",
			"WRANGLER_WRITE_LOGS":         "false",
			"WRANGLER_REGISTRY_PATH":      filepath.Join(env.WorkDir, "registry"),
			"WRANGLER_CACHE_DIR":          filepath.Join(env.WorkDir, "wrangler-cache"),
			"CLOUDFLARE_CF_FETCH_ENABLED": "false",
			"CI":                          "1",
			"CFBOOT_ALLOW_LOCAL_STATE":    "1", // the scripts are CI's, and end with the machine
		} {
			env.Setenv(name, value)
		}
		// wrangler takes a variable that is set but empty for a value.
		env.Vars = deleteEmpty(env.Vars, "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL")
		return nil
	})
}

func deleteEmpty(vars []string, names ...string) []string {
	var out []string
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		drop := false
		for _, n := range names {
			drop = drop || n == name && value == ""
		}
		if !drop {
			out = append(out, v)
		}
	}
	return out
}

func freePort() (string, error) {
	for range 100 {
		// Below the ports that systems give to whoever asks for any (from 32768 up on
		// Linux): it is used minutes later, when those are others'.
		port := strconv.Itoa(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// ready PORT   waits until something listens there
func ready(ts *testscript.TestScript, neg bool, args []string) {
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+args[0]); err == nil {
			_ = c.Close()
			return
		}
	}
	ts.Fatalf("nothing listens on port %s", args[0])
}

// ids STATE WRANGLER LISTED...   every id of a store in the state stands in
// wrangler.jsonc, as far as it is bound there by id, and in the listings
func ids(ts *testscript.TestScript, neg bool, args []string) {
	var state struct {
		Entries []struct{ Key, ID, Name string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &state))
	config := ts.ReadFile(args[1])
	listed := ""
	for _, f := range args[2:] {
		listed += regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(ts.ReadFile(f), "")
	}
	n := 0
	for _, e := range state.Entries {
		kind, _, _ := strings.Cut(e.Key, "/")
		byID := kind == "d1" || kind == "kv"
		switch kind {
		case "d1", "kv", "r2", "queue":
			n++
			if byID && !strings.Contains(config, fmt.Sprintf("%q", e.ID)) || !byID && !strings.Contains(config, fmt.Sprintf("%q", e.Name)) {
				ts.Fatalf("%s (%s, %s) does not stand in %s", e.Key, e.Name, e.ID, args[1])
			}
			if !strings.Contains(listed, e.ID) || !strings.Contains(listed, e.Name) {
				ts.Fatalf("wrangler does not list %s (%s, %s):\n%s", e.Key, e.Name, e.ID, listed)
			}
		}
	}
	if n == 0 {
		ts.Fatalf("the state has no stores")
	}
}
