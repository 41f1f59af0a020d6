package e2e

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/cfboot/cfboot/e2e/fakegithub"
	"github.com/rogpeppe/go-internal/testscript"
)

type hub struct {
	server *fakegithub.Server
	repo   string
}

const hubKey = "hub"

// github start OWNER/NAME ID   serve one and make the script a workflow's step of that repository
// github pull N STATE          a pull request is open or closed
// github then N STATE          from the second time that it is asked for
// github fail STATUS           every answer is that
// github mend                  none is any more
func githubCommand(ts *testscript.TestScript, neg bool, args []string) {
	if args[0] == "start" {
		s := fakegithub.New()
		s.AddToken("github-token-of-the-workflow", fakegithub.Token{Login: "github-actions[bot]", ID: 41898282})
		id, err := strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
		s.AddRepo(args[1], id)
		served := httptest.NewServer(s)
		ts.Defer(served.Close)
		for name, value := range map[string]string{"GITHUB_TOKEN": "github-token-of-the-workflow", "GITHUB_REPOSITORY": args[1], "GITHUB_REPOSITORY_ID": args[2], "GITHUB_API_URL": served.URL} {
			ts.Setenv(name, value)
		}
		*ts.Value(hubKey).(*hub) = hub{s, args[1]}
		return
	}
	h := ts.Value(hubKey).(*hub)
	switch args[0] {
	case "pull":
		h.server.SetPull(h.repo, fakegithub.Pull{Number: number(ts, args[1]), State: args[2], SHA: "0000000000000000000000000000000000000000"})
	case "then":
		var asked atomic.Int64
		server, repo := h.server, h.repo
		then := fakegithub.Pull{Number: number(ts, args[1]), State: args[2], SHA: "0000000000000000000000000000000000000000"}
		server.Before(func(method, path string) {
			if strings.HasSuffix(path, fmt.Sprintf("/pulls/%d", then.Number)) && asked.Add(1) == 2 {
				server.SetPull(repo, then)
			}
		})
	case "fail":
		h.server.Fail(fakegithub.Fault{Method: "GET", Path: "/repos/*/*/pulls/*", Status: number(ts, args[1])})
	case "mend":
		h.server.Mend()
	default:
		ts.Fatalf("github %s?", args[0])
	}
}
