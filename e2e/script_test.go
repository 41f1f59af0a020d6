package e2e

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/cmd/cli"
	"github.com/cfboot/cfboot/e2e/record"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(cleared{m}, map[string]func(){
		"cfboot": func() {
			args, err := record.Interposed(os.Args[1:])
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(cli.Main(cli.System("test"), args))
		},
	})
}

// TestScripts plays every script that stands in testdata/script. Beside cfboot
// itself a script may use the commands below; `cloudflare start` gives it a
// Cloudflare of its own.
func TestScripts(t *testing.T) {
	play(t, "scripts", "testdata/script", func(*testscript.Env) error { return nil })
}

func play(t *testing.T, suite, dir string, setup func(*testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NO_COLOR", "1")
			env.Values[cloudKey] = &cloud{}
			env.Values[hubKey] = &hub{}
			for _, name := range []string{"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL", "CFBOOT_OFFLINE", "GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_API_URL"} {
				env.Setenv(name, "")
			}
			env.Setenv(record.Folder, os.Getenv(record.Folder))
			env.Setenv(record.Suite, suite)
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"cloudflare": cloudflare,
			"github":     githubCommand,
			"exits":      exits,
			"json":       jsonField,
			"edit":       edit,
			"ids":        ids,
			"owned":      owned,
			"ready":      ready,
			"control":    control,
			"bundle":     bundle,
			"edge":       edge,
			"writes":     writes,
			"answers":    answers,
			"asks":       asks,
		},
	})
}

const testAccount = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

type cloud struct {
	server *emulator.Server
	http   *httptest.Server
}

// cloudKey is under which a script's own Cloudflare is kept.
const cloudKey = "cloud"

// cloudflare start [-latency D] [-lag D] [-clock D] [-zone NAME[:STATUS[:ACCOUNT[:TYPE]]]] [-account ID:NAME]...   serve one and point cfboot at it
//
//	-groups G,G... -status S -expires TIME -from NETWORK -owner ACCOUNT   of cfboot's token; none: it may do everything
//	-plan free -without PRODUCT,...                        of the test's account
//
// cloudflare account [PLAN [PRODUCT,...]]   the plan and what is not enabled from now on
// cloudflare fail METHOD PATH [after] [drop] [status N] [code N] [count N] [skip N]
// cloudflare reset                no failure is waiting any more
// cloudflare has KIND N ...       how many of a kind exist
// cloudflare empty                nothing exists
// cloudflare call METHOD PATH [BODY]   by hand; $ID is then the id in the answer
// cloudflare untag                takes all resource tags away
// cloudflare tagged KIND NAME [KEY=VALUE]...   its tags, but for the lineage and times, are these
// cloudflare answer PATH FILE     what it answers, into a file
// cloudflare secrets              $SECRETS is then a pattern for the secrets of all widgets
// cloudflare advance D            its clock goes on by so much
// cloudflare forget               begin to count requests anew
// cloudflare rounds N             at most N requests waited for each other
// cloudflare once                 no request was sent twice
// cloudflare requests [METHOD] N  exactly so many were sent; what only counts rows is no POST
func cloudflare(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: cloudflare start|account|reset|fail|has|empty|call|forget|rounds|once|requests")
	}
	if args[0] == "start" {
		startCloud(ts, args[1:])
		return
	}
	c := ts.Value(cloudKey).(*cloud)
	if c.server == nil {
		ts.Fatalf("cloudflare start first")
	}
	switch args[0] {
	case "account":
		a := emulator.Account{ID: testAccount}
		if len(args) > 1 {
			a.Plan = args[1]
		}
		if len(args) > 2 {
			a.Without = strings.Split(args[2], ",")
		}
		ts.Check(c.server.SetAccount(a))
	case "reset":
		w := httptest.NewRecorder()
		c.server.ServeHTTP(w, httptest.NewRequest("POST", "/__emulator/reset", nil))
	case "fail":
		c.server.Fail(failure(ts, args[1:]))
	case "has":
		n := c.server.Count()
		for i := 1; i+1 < len(args); i += 2 {
			if want := number(ts, args[i+1]); n[args[i]] != want {
				ts.Fatalf("there are %d of kind %s, want %d: %v", n[args[i]], args[i], want, n)
			}
		}
	case "empty":
		for kind, n := range c.server.Count() {
			if n != 0 {
				ts.Fatalf("%d of kind %s are left: %v", n, kind, c.server.Count())
			}
		}
	case "call":
		body := ""
		if len(args) > 3 {
			body = args[3]
		}
		callByHand(ts, c, args[1], args[2], body)
	case "untag":
		untag(ts, c)
	case "tagged":
		tagged(ts, c, args[1], args[2], args[3:])
	case "answer":
		keepAnswer(ts, c, args[1], args[2])
	case "secrets":
		secretsOfWidgets(ts, c)
	case "advance":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		c.server.Advance(d)
	case "forget":
		c.server.ResetRequests()
	case "rounds":
		if got := emulator.Rounds(c.server.Requests()); got > number(ts, args[1]) {
			ts.Fatalf("%d rounds, want at most %s:\n%s", got, args[1], listing(c.server.Requests()))
		} else {
			ts.Logf("%d rounds, %d requests", got, len(c.server.Requests()))
		}
	case "once":
		seen := map[string]bool{}
		for _, r := range c.server.Requests() {
			key := r.Method + " " + r.Path + "?" + r.Query
			if seen[key] && r.Method == "GET" {
				ts.Fatalf("sent twice: %s\n%s", key, listing(c.server.Requests()))
			}
			seen[key] = true
		}
	case "requests":
		method, want := "", args[len(args)-1]
		if len(args) == 3 {
			method = args[1]
		}
		n := 0
		for _, r := range c.server.Requests() {
			reads := r.Method == "POST" && strings.HasSuffix(r.Path, "/query") // a database is counted by that
			if method == "" || r.Method == method && !reads {
				n++
			}
		}
		if n != number(ts, want) {
			ts.Fatalf("%d %s requests, want %s:\n%s", n, method, want, listing(c.server.Requests()))
		}
	default:
		ts.Fatalf("cloudflare %s?", args[0])
	}
}

func startCloud(ts *testscript.TestScript, args []string) {
	o := emulator.Options{}
	account := emulator.Account{ID: testAccount, Name: "Test"}
	token := emulator.Token{Value: testToken}
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "-latency":
			d, err := time.ParseDuration(args[i+1])
			ts.Check(err)
			o.Latency = d
		case "-lag":
			d, err := time.ParseDuration(args[i+1])
			ts.Check(err)
			o.Lag = d
		case "-clock": // so far it is ahead of this machine's
			d, err := time.ParseDuration(args[i+1])
			ts.Check(err)
			o.Now = func() time.Time { return time.Now().Add(d) }
		case "-zone":
			part := append(strings.Split(args[i+1], ":"), "", "", "")
			if part[2] == "" {
				part[2] = testAccount
			}
			o.Zones = append(o.Zones, emulator.Zone{Name: part[0], Status: part[1], Account: part[2], Type: part[3]})
		case "-account":
			id, name, _ := strings.Cut(args[i+1], ":")
			o.Accounts = append(o.Accounts, emulator.Account{ID: id, Name: name})
		case "-plan":
			account.Plan = args[i+1]
		case "-without":
			account.Without = strings.Split(args[i+1], ",")
		case "-groups":
			token.Groups = strings.Split(args[i+1], ",")
		case "-status":
			token.Status = args[i+1]
		case "-expires":
			at, err := time.Parse(time.RFC3339, args[i+1])
			ts.Check(err)
			token.Expires = at
		case "-owner":
			token.Account = args[i+1]
		case "-from":
			network, err := netip.ParsePrefix(args[i+1])
			ts.Check(err)
			token.From = []netip.Prefix{network}
		default:
			ts.Fatalf("cloudflare start: %s?", args[i])
		}
	}
	if o.Accounts == nil {
		o.Accounts = []emulator.Account{account}
	}
	if token.Groups != nil || token.Status != "" || !token.Expires.IsZero() || token.From != nil || token.Account != "" {
		o.Tokens = []emulator.Token{{Value: handToken}, token}
	}
	s, err := emulator.Open("", o)
	ts.Check(err)
	c := ts.Value(cloudKey).(*cloud)
	c.server, c.http = s, httptest.NewServer(record.Around("scripts", s))
	ts.Defer(func() { c.http.Close(); _ = s.Close() })
	ts.Setenv("CLOUDFLARE_API_BASE_URL", c.http.URL+"/client/v4")
	ts.Setenv("CLOUDFLARE_API_TOKEN", testToken)
}

// handToken is that of whoever else works in the account.
const handToken = "by-hand-01234567890123456789012345678901"

const testToken = "script-token-0123456789012345678901234567"

func failure(ts *testscript.TestScript, args []string) emulator.Failure {
	f := emulator.Failure{Method: args[0], Path: args[1], Count: 1}
	for i := 2; i < len(args); i++ {
		switch args[i] {
		case "after":
			f.After = true
		case "drop":
			f.Drop = true
		case "status":
			i++
			f.Status = number(ts, args[i])
		case "code":
			i++
			f.Code = number(ts, args[i])
		case "count":
			i++
			f.Count = number(ts, args[i])
		case "skip":
			i++
			f.Skip = number(ts, args[i])
		case "retry-after":
			i++
			f.RetryAfter = args[i]
		default:
			ts.Fatalf("cloudflare fail: %s?", args[i])
		}
	}
	return f
}

func callByHand(ts *testscript.TestScript, c *cloud, method, path, body string) {
	req := httptest.NewRequest(method, "/client/v4/"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+handToken)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, req)
	if w.Code >= 300 {
		ts.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	var answer struct {
		Result struct {
			ID, UUID string
			QueueID  string `json:"queue_id"`
		}
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // some answers are no JSON, and have no id
	ts.Setenv("ID", answer.Result.ID+answer.Result.UUID+answer.Result.QueueID)
}

func untag(ts *testscript.TestScript, c *cloud) {
	for _, r := range c.server.Resources() {
		if kind, can := map[string]string{"d1": "d1_database", "kv": "kv_namespace", "r2": "r2_bucket", "queue": "queue", "vectorize": "vectorize_index"}[r.Kind]; can && len(r.Tags) > 0 {
			callByHand(ts, c, "DELETE", "accounts/"+r.Account+"/tags", fmt.Sprintf(`{"resource_type":%q,"resource_id":%q}`, kind, r.ID))
		} else if r.Kind == "worker" && len(r.Tags) > 0 {
			callByHand(ts, c, "GET", "accounts/"+r.Account+"/workers/workers/"+r.Name, "")
			callByHand(ts, c, "DELETE", "accounts/"+r.Account+"/tags", fmt.Sprintf(`{"resource_type":"worker","resource_id":%q}`, ts.Getenv("ID")))
		}
	}
}

func tagged(ts *testscript.TestScript, c *cloud, kind, name string, want []string) {
	for _, r := range c.server.Resources() {
		if r.Kind != kind || r.Name != name {
			continue
		}
		var got []string
		for k, v := range r.Tags {
			if k != "cfboot.state" && k != "cfboot.expires" {
				got = append(got, k+"="+regexp.MustCompile(`^made=\S+ ?`).ReplaceAllString(v, ""))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			ts.Fatalf("%s %s carries %q, want %q", kind, name, got, want)
		}
		return
	}
	ts.Fatalf("there is no %s %s", kind, name)
}

func listing(rs []emulator.Request) string {
	sort.Slice(rs, func(i, j int) bool { return rs[i].Start.Before(rs[j].Start) })
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%8.1f-%8.1f ms  %d %s %s?%s\n", ms(r.Start.Sub(rs[0].Start)), ms(r.End.Sub(rs[0].Start)), r.Status, r.Method, r.Path, r.Query)
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// exits N COMMAND...   the command ends with just this code
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want := number(ts, args[0])
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		m := regexp.MustCompile(`exit status (\d+)`).FindStringSubmatch(err.Error())
		if m == nil {
			ts.Fatalf("%v", err)
		}
		got = number(ts, m[1])
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// json FILE PATH VALUE   the field at a dotted path is VALUE (as JSON or bare)
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s is not one JSON document: %v\n%s", args[0], err, ts.ReadFile(args[0]))
	}
	for _, step := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			v = at[number(ts, step)]
		default:
			v = nil
		}
	}
	got := fmt.Sprint(v)
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}

// owned STATE KEY   $ID is then the last part of the id that the state file has for it
func owned(ts *testscript.TestScript, neg bool, args []string) {
	var state struct{ Entries []struct{ Key, ID string } }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &state))
	for _, e := range state.Entries {
		if e.Key == args[1] {
			ts.Setenv("ID", path.Base(e.ID))
			return
		}
	}
	ts.Fatalf("%s has no %s", args[0], args[1])
}

// edit FILE OLD NEW   replaces the only occurrence of OLD
func edit(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%q stands %d times in %s", args[1], strings.Count(text, args[1]), args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}
