package wrangler

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tailscale/hujson"
)

// A Runner runs the real wrangler, the one of the project where it has one.
//
// It is run as a machine runs it: it asks nothing, makes no resource by itself
// (cfboot has made them), and goes by the configuration it is given alone,
// whatever environment or name its own variables would have it take.
type Runner struct {
	Dir   string              // the project's folder
	Env   []string            // the environment variables, as os.Environ gives them; the credentials are among them
	Out   io.Writer           // what wrangler says, line by line; nil: nowhere
	Mask  func(string) string // takes secrets out of a line; nil: nothing is taken out
	Grace time.Duration       // how long it may take to end once it is asked to; 0: 5 s
}

// Deployed is what came of a deploy.
type Deployed struct {
	Worker  string   // as it is called now
	Version string   // the version's id
	Targets []string // where it is reached and what reaches it, in wrangler's words
	URLs    []string // those of them that are addresses
}

// A Failure is a run of wrangler that did not end well.
type Failure struct {
	Command string   // "wrangler deploy"
	Status  int      // its exit status; -1 where it was ended by a signal or never began
	Lines   []string // the last that it said
	Hints   []string
	cause   error
}

// Error is one line that says how it ended, and the last lines that it said.
func (f *Failure) Error() string {
	how := fmt.Sprintf("ended with status %d", f.Status)
	if f.Status < 0 {
		how = f.cause.Error()
	}
	return strings.Join(append([]string{f.Command + ": " + how}, f.Lines...), "\n  ")
}

// Unwrap gives the context's error where that ended it.
func (f *Failure) Unwrap() error { return f.cause }

// Deploy deploys what a configuration in the project's folder says. secretsFile is
// a file of secrets to put on the Worker; empty: it keeps those it has.
func (r Runner) Deploy(ctx context.Context, config, secretsFile string) (Deployed, error) {
	worker, err := r.named(config)
	if err != nil {
		return Deployed{}, err
	}
	dir, err := os.MkdirTemp("", "cfboot-wrangler-")
	if err != nil {
		return Deployed{}, err
	}
	defer os.RemoveAll(dir)
	said := filepath.Join(dir, "output.ndjson")
	args := []string{"deploy", "--config", config, "--env=", "--no-x-provision", "--no-x-auto-create"}
	if secretsFile != "" {
		args = append(args, "--secrets-file", secretsFile)
	}
	if err := r.run(ctx, args, "WRANGLER_OUTPUT_FILE_PATH="+said, "WRANGLER_CI_OVERRIDE_NAME="+worker); err != nil {
		return Deployed{}, err
	}
	f, err := os.Open(said)
	if err != nil {
		return Deployed{}, &Failure{Command: "wrangler deploy", Status: -1, cause: errors.New("it said nothing of what it deployed"), Hints: []string{versionHint}}
	}
	defer f.Close()
	return deployed(f)
}

const versionHint = "use the wrangler that the project's package.json names: npm ci"

// Migrate applies the migrations of one database that the configuration binds, to
// the database at Cloudflare.
func (r Runner) Migrate(ctx context.Context, config, binding string) error {
	return r.run(ctx, []string{"d1", "migrations", "apply", binding, "--remote", "--config", config, "--env="})
}

// Execute runs an SQL file on a database that the configuration binds, at
// Cloudflare.
func (r Runner) Execute(ctx context.Context, config, binding, file string) error {
	return r.run(ctx, []string{"d1", "execute", binding, "--remote", "--yes", "--config", config, "--env=", "--file", file})
}

// named is what a configuration calls its Worker.
func (r Runner) named(config string) (string, error) {
	src, err := os.ReadFile(filepath.Join(r.Dir, config))
	if err != nil {
		return "", osError("reading "+config, err)
	}
	d, e := readable(src)
	if e != nil {
		e.File = config
		return "", e
	}
	name := textOf(d.root.Value.(*hujson.Object), "name")
	if name == "" {
		return "", &Error{File: config, Msg: `has no "name" for the Worker`, Hints: []string{"derive it again: cfboot preview up"}}
	}
	return name, nil
}

// deployed reads what wrangler wrote down of a deploy, one object to a line.
func deployed(in io.Reader) (Deployed, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, MaxSize)
	for lines.Scan() {
		var entry struct {
			Type    string   `json:"type"`
			Worker  string   `json:"worker_name"`
			Version string   `json:"version_id"`
			Targets []string `json:"targets"`
		}
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil || entry.Type != "deploy" {
			continue // of a session, or of a kind that is new
		}
		d := Deployed{Worker: entry.Worker, Version: entry.Version, Targets: entry.Targets}
		for _, t := range entry.Targets {
			if u := address(t); u != "" && !slices.Contains(d.URLs, u) {
				d.URLs = append(d.URLs, u)
			}
		}
		return d, nil
	}
	return Deployed{}, &Failure{Command: "wrangler deploy", Status: -1, cause: errors.Join(errors.New("it said nothing of what it deployed"), lines.Err()), Hints: []string{versionHint}}
}

// hostTarget is a route or a custom domain in wrangler's words.
var hostTarget = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)(/[^*\s]*)?\*? ?(\((zone|custom domain)[^)]*\).*)?$`)
})

// address is the URL that a target stands for, or empty: it may be a schedule or a
// queue.
func address(target string) string {
	if strings.HasPrefix(target, "https://") {
		return strings.TrimSuffix(target, "/")
	}
	if m := hostTarget().FindStringSubmatch(target); m != nil {
		return "https://" + m[1] + strings.TrimSuffix(m[2], "/")
	}
	return ""
}

// misleading are variables that would have wrangler take another environment,
// another name, or write elsewhere.
var misleading = []string{"CLOUDFLARE_ENV", "WRANGLER_CI_OVERRIDE_NAME", "WRANGLER_CI_MATCH_TAG", "WRANGLER_OUTPUT_FILE_PATH", "WRANGLER_OUTPUT_FILE_DIRECTORY"}

// run runs wrangler and waits for its end.
func (r Runner) run(ctx context.Context, args []string, more ...string) error {
	bin, err := r.find()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = r.Dir
	cmd.Env = append(r.environment(filepath.Dir(bin)), more...)
	grace := r.Grace
	if grace == 0 {
		grace = 5 * time.Second
	}
	cmd.WaitDelay = grace + time.Second
	stop := inGroup(cmd, grace)
	out := &lineWriter{to: r.Out, mask: r.Mask}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	stop()
	out.flush()
	if err == nil {
		return nil
	}
	command := "wrangler " + strings.Join(args[:slices.IndexFunc(append(args, "-"), func(a string) bool { return strings.HasPrefix(a, "-") })], " ")
	f := &Failure{Command: command, Status: -1, Lines: out.last, cause: err}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		f.cause = context.Cause(ctx)
	case errors.As(err, &exit):
		f.Status = exit.ExitCode()
	default:
		f.Hints = []string{"run it yourself: npx wrangler --version"}
	}
	return f
}

// environment is what wrangler is given. node is looked for beside it first, as npx
// does.
func (r Runner) environment(bin string) []string {
	var out []string
	path := bin
	for _, v := range r.Env {
		name, value, _ := strings.Cut(v, "=")
		switch {
		case name == "PATH":
			path += string(os.PathListSeparator) + value
		case value == "" && strings.HasPrefix(name, "CLOUDFLARE_"): // wrangler takes an empty one for a value
		case !slices.Contains(misleading, name):
			out = append(out, v)
		}
	}
	return append(out, "PATH="+path, "CI=1", "WRANGLER_HIDE_BANNER=true")
}

// Find says which wrangler would be run.
func (r Runner) Find() (string, error) { return r.find() }

// find looks for wrangler from the project's folder upwards, then in PATH.
func (r Runner) find() (string, error) {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if bin := executable(filepath.Join(d, "node_modules", ".bin")); bin != "" {
			return bin, nil
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	for _, v := range r.Env {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			for _, d := range filepath.SplitList(path) {
				if bin := executable(d); bin != "" && filepath.IsAbs(bin) {
					return bin, nil
				}
			}
		}
	}
	return "", &Error{File: r.Dir, Msg: "wrangler is not installed", Hints: []string{"npm ci", "or, where the project has no package.json: npm install --save-dev wrangler"}}
}

// lineWriter hands on whole lines, masked, and keeps the last.
type lineWriter struct {
	to   io.Writer
	mask func(string) string
	rest []byte
	last []string
}

const (
	lastLines = 6
	longLine  = 1 << 16
)

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 && len(w.rest) < longLine {
			return len(b), nil
		}
		if i < 0 {
			i = len(w.rest) - 1
		}
		w.line(string(w.rest[:i+1]))
		w.rest = w.rest[i+1:]
	}
}

func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.line(string(w.rest) + "\n")
		w.rest = nil
	}
}

// colours are what a terminal acts on.
var colours = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]") })

func (w *lineWriter) line(s string) {
	if w.mask != nil {
		s = w.mask(s)
	}
	if w.to != nil {
		_, _ = io.WriteString(w.to, s) // that nobody reads it does not stop a deploy
	}
	if plain := strings.TrimSpace(colours().ReplaceAllString(s, "")); plain != "" {
		w.last = append(w.last, plain)
		w.last = w.last[max(0, len(w.last)-lastLines):]
	}
}
