// Package github is what cfboot knows of GitHub: pull requests, one comment on
// each, deployments, and the files and variables by which a workflow's step is
// asked and answers.
//
// Nothing here decides what becomes of a preview. What it says of a pull request
// is Open or Closed only where GitHub said so plainly; everything else is Unknown,
// because whoever cleans up deletes what is Closed.
//
// The token goes to the API's own host and nowhere else, also when an answer
// redirects (a repository that was renamed does). Requests that may be repeated
// without doing anything twice are repeated when GitHub asks for it or fails.
package github

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	gh "github.com/google/go-github/v89/github"
)

// publicAPI is where GitHub's API is when nothing else is said.
const publicAPI = "https://api.github.com"

// Client speaks to one repository.
type Client struct {
	api     *gh.Client
	graphql string // the address of its GraphQL API
	owner   string
	name    string
	id      int64 // the repository's number; 0 when it is not known
	me      *author
}

// FromEnvironment makes a client from what a workflow's step is given:
// GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID and GITHUB_API_URL.
// Variables that are set and empty count as not set.
func FromEnvironment(getenv func(string) string) (*Client, error) {
	token := getenv("GITHUB_TOKEN")
	if token == "" {
		return nil, missing("GITHUB_TOKEN", "give the step the workflow's token: env: GITHUB_TOKEN: ${{ github.token }}")
	}
	owner, name, err := repository(getenv("GITHUB_REPOSITORY"))
	if err != nil {
		return nil, err
	}
	id, err := repositoryID(getenv("GITHUB_REPOSITORY_ID"))
	if err != nil {
		return nil, err
	}
	base, err := apiURL(getenv("GITHUB_API_URL"))
	if err != nil {
		return nil, err
	}
	c, err := connect(base, token, owner, name, id, pause)
	if err != nil {
		return nil, err
	}
	// A GitHub of one's own has it beside the other one, not below.
	if g, err := url.Parse(getenv("GITHUB_GRAPHQL_URL")); err == nil && g.Scheme == base.Scheme && g.Host == base.Host {
		c.graphql = g.String()
	}
	return c, nil
}

func connect(base *url.URL, token, owner, name string, id int64, sleep func(context.Context, time.Duration) error) (*Client, error) {
	address := base.String()
	t := &transport{host: base.Host, token: token, next: http.DefaultTransport, sleep: sleep}
	api, err := gh.NewClient(gh.WithTransport(t), gh.WithURLs(&address, nil), gh.WithUserAgent("cfboot"),
		// The transport waits as GitHub asks; a client that then refuses by itself
		// would turn one slow minute into a failure.
		gh.WithDisableRateLimitCheck(), gh.WithTimeout(2*time.Minute))
	if err != nil {
		return nil, err
	}
	return &Client{api: api, graphql: address + "graphql", owner: owner, name: name, id: id}, nil
}

// Repository is the repository's full name, owner/name.
func (c *Client) Repository() string { return c.owner + "/" + c.name }

func repository(full string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(full, "/")
	if full == "" {
		return "", "", missing("GITHUB_REPOSITORY", "in a workflow it is always set; elsewhere: export GITHUB_REPOSITORY=owner/name")
	}
	if !ok || !plain(owner) || !plain(name) {
		return "", "", &provision.Problem{At: "GITHUB_REPOSITORY", Text: fmt.Sprintf("%q is no owner/name", full), Class: provision.Refused,
			Hints: []string{"export GITHUB_REPOSITORY=owner/name"}}
	}
	return owner, name, nil
}

// plain reports a name as GitHub allows them, which is one step of a path.
func plain(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("-_.", r) {
			return false
		}
	}
	return s != "" && s != "." && s != ".."
}

func repositoryID(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return 0, &provision.Problem{At: "GITHUB_REPOSITORY_ID", Text: fmt.Sprintf("%q is no repository's number", s), Class: provision.Refused,
			Hints: []string{"in a workflow it is always set; elsewhere leave it out, or see: gh api repos/OWNER/NAME --jq .id"}}
	}
	return id, nil
}

// apiURL is where the token may go. The variable is the runner's; a file that came
// with a project must not be able to have the token sent in the clear.
func apiURL(s string) (*url.URL, error) {
	if s == "" {
		s = publicAPI
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, &provision.Problem{At: "GITHUB_API_URL", Text: fmt.Sprintf("%q is no address", s), Class: provision.Refused,
			Hints: []string{"unset it: GitHub's own is " + publicAPI}}
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	here := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return nil, &provision.Problem{At: "GITHUB_API_URL", Text: fmt.Sprintf("would send the token to %q for all to read on the way", host), Class: provision.Refused,
			Hints: []string{"let it begin with https://"}}
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

func missing(name string, hints ...string) error {
	return &provision.Problem{Text: name + " is not set", Class: provision.Refused, Hints: hints}
}
