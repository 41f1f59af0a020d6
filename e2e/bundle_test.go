package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// control METHOD PATH [FILE]   asks the emulator that listens on $PORT
func control(ts *testscript.TestScript, neg bool, args []string) {
	body := ask(ts, args[0], "http://127.0.0.1:"+ts.Getenv("PORT")+"/__emulator/"+args[1])
	if len(args) > 2 {
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
	}
}

func ask(ts *testscript.TestScript, method, url string) []byte {
	r, err := http.NewRequest(method, url, nil)
	ts.Check(err)
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s: %d %s", method, url, answer.StatusCode, body)
	}
	return body
}

// answers STATUS URL FILE   waits until the address answers with the status, and
// keeps the body
func answers(ts *testscript.TestScript, neg bool, args []string) {
	last := "nothing"
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(200 * time.Millisecond) {
		answer, err := http.Get(args[1])
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if last = fmt.Sprintf("%d %s", answer.StatusCode, body); err == nil && answer.StatusCode == number(ts, args[0]) {
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
			return
		}
	}
	ts.Fatalf("%s does not answer %s: %s", args[1], args[0], last)
}

// asks URL FILE   makes the requests in a file, as those of testdata/patterns, of what
// answers there
func asks(ts *testscript.TestScript, neg bool, args []string) {
	all, err := parseAsking([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	a := newAsker()
	defer a.close()
	a.at(args[0])
	ts.Check(awaited(context.Background(), args[0]+"/health"))
	for _, r := range all.Requests {
		ts.Check(a.ask(context.Background(), r))
	}
}

// bundle ACCOUNT WORKER FOLDER   fetches the Worker as it was deployed, and
// writes it with a configuration by which wrangler dev runs the same bytes with
// the same bindings in workerd
func bundle(ts *testscript.TestScript, neg bool, args []string) {
	data := ask(ts, http.MethodGet, "http://127.0.0.1:"+ts.Getenv("PORT")+"/__emulator/bundle/"+args[0]+"/"+args[1])
	ts.Check(unpack(data, ts.MkAbs(args[2])))
}

// unpack writes a bundle so that wrangler dev runs it.
func unpack(data []byte, folder string) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	if err := os.CopyFS(folder, z); err != nil {
		return err
	}
	var meta deployed
	text, err := os.ReadFile(filepath.Join(folder, "metadata.json"))
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{"_headers", "_redirects"} { // uploaded as settings, read from files
		if rules, has := meta.Assets[name].(string); has {
			if err := os.WriteFile(filepath.Join(folder, "assets", name), []byte(rules), 0o600); err != nil {
				return err
			}
			delete(meta.Assets, name)
		}
	}
	config, secrets := meta.configuration()
	if text, err = json.MarshalIndent(config, "", "  "); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(folder, "wrangler.json"), text, 0o600),
		os.WriteFile(filepath.Join(folder, ".dev.vars"), []byte(secrets), 0o600))
}

// deployed is a bundle's metadata.
type deployed struct {
	Name    string           `json:"name"`
	Main    string           `json:"main_module"`
	Date    string           `json:"compatibility_date"`
	Flags   []string         `json:"compatibility_flags"`
	Bound   []map[string]any `json:"bindings"`
	Assets  map[string]any   `json:"assets_config"`
	Classes []struct {
		Class  string `json:"class_name"`
		SQLite bool   `json:"use_sqlite"`
	} `json:"durable_objects"`
	Crons []string `json:"schedules"`
}

// sections says under which key wrangler lists a type of binding, and what its
// fields are called there.
var sections = map[string]struct {
	key    string
	fields map[string]string
}{
	"d1":                       {"d1_databases", map[string]string{"name": "binding", "id": "database_id"}},
	"kv_namespace":             {"kv_namespaces", map[string]string{"name": "binding", "namespace_id": "id"}},
	"r2_bucket":                {"r2_buckets", map[string]string{"name": "binding", "bucket_name": "bucket_name"}},
	"queue":                    {"queues.producers", map[string]string{"name": "binding", "queue_name": "queue"}},
	"durable_object_namespace": {"durable_objects.bindings", map[string]string{"name": "name", "class_name": "class_name"}},
	"workflow":                 {"workflows", map[string]string{"name": "binding", "workflow_name": "name", "class_name": "class_name"}},
	"ratelimit":                {"ratelimits", map[string]string{"name": "name", "namespace_id": "namespace_id", "simple": "simple"}},
}

// madeUp is what every secret is in a bundle: nobody learns the true ones.
const madeUp = "made-up-and-long-enough-to-sign-something-with"

// configuration turns what was uploaded back into what wrangler reads. Secrets
// get values made up.
func (d deployed) configuration() (config map[string]any, secrets string) {
	vars := map[string]any{}
	config = map[string]any{"name": d.Name, "main": "modules/" + d.Main, "no_bundle": true, "compatibility_date": d.Date,
		"compatibility_flags": d.Flags, "vars": vars, "triggers": map[string]any{"crons": d.Crons}}
	if d.Assets != nil {
		config["assets"] = d.Assets
		d.Assets["directory"] = "assets"
	}
	for _, b := range d.Bound {
		name := b["name"].(string)
		switch b["type"] {
		case "plain_text":
			vars[name] = b["text"]
		case "json":
			vars[name] = b["json"]
		case "secret_text":
			secrets += name + "=" + madeUp + "\n"
		case "assets":
			d.Assets["binding"] = name
		case "version_metadata":
			config["version_metadata"] = map[string]any{"binding": name}
		default:
			put(config, b)
		}
	}
	var classes []string
	for _, c := range d.Classes {
		classes = append(classes, c.Class)
	}
	if classes != nil {
		config["migrations"] = []any{map[string]any{"tag": "v1", "new_sqlite_classes": classes}}
	}
	return config, secrets
}

// put lists a binding where wrangler looks for it.
func put(config map[string]any, bound map[string]any) {
	to, known := sections[bound["type"].(string)]
	if !known {
		return
	}
	line := map[string]any{}
	for from, as := range to.fields {
		line[as] = bound[from]
	}
	key, below, isBelow := strings.Cut(to.key, ".")
	if isBelow {
		if config[key] == nil {
			config[key] = map[string]any{}
		}
		config, key = config[key].(map[string]any), below
	}
	list, _ := config[key].([]any)
	config[key] = append(list, line)
}
