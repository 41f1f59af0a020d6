package kinds

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/workers"
)

// Secrets lists the names of a Worker's secrets, sorted; nobody is told their
// values. A Worker that does not exist is a *provision.Problem.
func (c *Client) Secrets(ctx context.Context, worker string) ([]string, error) {
	var e envelope[[]struct {
		Name string `json:"name"`
	}]
	_, err := workers.NewScriptSecretService(c.options...).List(ctx, worker, inAccount[workers.ScriptSecretListParams](c), into(&e))
	if err != nil {
		return nil, secretProblem(worker, "", err)
	}
	var names []string
	for _, s := range e.Result {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names, nil
}

// PutSecret puts a secret on a Worker, in place of one of that name. Each makes a
// version of the Worker and deploys it. The value is in nothing that is shown.
func (c *Client) PutSecret(ctx context.Context, worker, name, value string) error {
	c.transport.mask.Add(value)
	var e envelope[any]
	_, err := workers.NewScriptSecretService(c.options...).Update(ctx, worker, inAccount[workers.ScriptSecretUpdateParams](c), body(struct {
		Name string `json:"name"`
		Text string `json:"text"`
		Type string `json:"type"`
	}{name, value, "secret_text"}), into(&e))
	return secretProblem(worker, name, err)
}

func secretProblem(worker, name string, err error) error {
	at := fmt.Sprintf("the Worker %q", worker)
	if name != "" {
		at = name + " on " + at
	}
	switch {
	case err == nil:
		return nil
	case codeIs(err, noScript...):
		return &provision.Problem{At: at, Text: "the Worker does not exist", Err: plain(err), Class: provision.Refused, Hints: []string{"make it: cfboot apply"}}
	case codeIs(err, undeployed):
		return &provision.Problem{At: at, Text: "its newest version serves nobody yet, and a secret needs one that does", Err: plain(err), Class: provision.Refused,
			Hints: []string{"deploy it: npm run deploy"}}
	}
	p := &provision.Problem{At: at, Err: explain(provision.Key{Kind: "worker", Name: worker}, registry["worker"], err)}
	if known := (*provision.Problem)(nil); errors.As(p.Err, &known) {
		p.Class = known.Class
	}
	return p
}
