package kinds

import (
	"context"
	"fmt"
	"slices"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/turnstile"
	"github.com/cloudflare/cloudflare-go/v4/workers"
)

// A widget's secret is told by every answer about it and needed by one Worker. It
// goes from the one to the other and is kept nowhere between: what is recorded is
// that the Worker has a secret of that name, which is all that Cloudflare tells.
//
// So a secret that is found is not known to be the widget's, and never overwritten:
// where it is in the way of a new widget, or of one that was never on that Worker,
// nothing is done. It is taken away only where the state has it as that of a widget
// which goes, or is gone.
//
// The widget is recorded, without a secret, before its secret is put. A run that is
// cut off between the two leaves a Worker without one, which the next plan sees; one
// that is cut off right after leaves a record that waits for just this secret.

// gaveSecret reports whether what was last applied put just that secret there.
func gaveSecret(applied provision.Settings, s turnstileSettings) bool {
	return s.Secret != "" && applied["worker"] == s.Worker && applied["secret"] == s.Secret
}

// awaitsSecret reports whether the widget was already recorded as one whose secret
// goes there, and only that it was put is not.
func awaitsSecret(s step[turnstileSettings]) bool {
	last, known := s.Prior["secret"]
	return known && (last == nil || last == "") && s.Prior["worker"] == s.S.Worker
}

func secretInTheWay(s turnstileSettings) string {
	return fmt.Sprintf("the Worker %q has a secret %s already, which is not overwritten: take it away (npx wrangler secret delete %s --name %s), or give another \"secret\"",
		s.Worker, s.Secret, s.Secret, s.Worker)
}

// hasSecret reports whether a Worker has a secret of that name. One that does not
// exist has none.
func (c *Client) hasSecret(ctx context.Context, worker, name string) (bool, error) {
	names, err := remember(c, "secrets "+worker, func() ([]string, error) {
		var e envelope[[]struct {
			Name string `json:"name"`
		}]
		_, err := workers.NewScriptSecretService(c.options...).List(ctx, worker, inAccount[workers.ScriptSecretListParams](c), into(&e))
		var names []string
		for _, s := range e.Result {
			names = append(names, s.Name)
		}
		return names, unlessGone(err, noScript...)
	})
	return slices.Contains(names, name), err
}

// noScript are the codes for a Worker that is not there.
var noScript = []int{10007, 10090}

// makeRoom makes sure, before a widget is made, that its secret will find its
// place free. What stands there for a widget that is gone is taken away.
func (c *Client) makeRoom(ctx context.Context, s step[turnstileSettings]) error {
	if s.S.Worker == "" {
		return nil
	}
	if gaveSecret(s.Prior, s.S) {
		ctx, _ := watch(ctx) // whether this was carried out says nothing of the widget
		return c.deleteSecret(ctx, s.S)
	}
	_, err := c.vacancy(ctx, s, false)
	return err
}

// vacancy looks anew for a secret of that name. One that is there is an error,
// unless it may be the widget's.
func (c *Client) vacancy(ctx context.Context, s step[turnstileSettings], may bool) (taken bool, err error) {
	taken, err = c.unremembered().hasSecret(ctx, s.S.Worker, s.S.Secret)
	if err == nil && taken && !may {
		err = &provision.Problem{Text: secretInTheWay(s.S), Class: provision.Refused}
	}
	return taken, err
}

// giveSecret puts a widget's secret on its Worker. The secret may be known from
// an answer of this run.
func (c *Client) giveSecret(ctx context.Context, s step[turnstileSettings], secret string) error {
	c.past.secrets.Lock()
	defer c.past.secrets.Unlock()
	fresh, ok := c.past.secret.Load(s.ID)
	if ok {
		secret = fresh.(string) // of a widget for which room was made a moment ago
	} else if there, err := c.vacancy(ctx, s, awaitsSecret(s)); err != nil || there {
		return err
	}
	if secret == "" {
		var e envelope[widgetAnswer]
		_, err := turnstile.NewWidgetService(c.options...).Get(ctx, s.ID, inAccount[turnstile.WidgetGetParams](c), into(&e))
		if err != nil {
			return err
		}
		if secret = e.Result.Secret; secret == "" {
			return &provision.Problem{Text: "Cloudflare does not tell the widget's secret", Class: provision.Failed,
				Hints: []string{"the token may lack the permission \"Turnstile Sites Write\"", "or put it there by hand: npx wrangler secret put " + s.S.Secret + " --name " + s.S.Worker}}
		}
	}
	var e envelope[any]
	_, err := workers.NewScriptSecretService(c.options...).Update(ctx, s.S.Worker, inAccount[workers.ScriptSecretUpdateParams](c), body(struct {
		Name string `json:"name"`
		Text string `json:"text"`
		Type string `json:"type"`
	}{s.S.Secret, secret, "secret_text"}), into(&e))
	if err == nil {
		c.past.secret.Delete(s.ID)
	}
	return err
}

// takeSecret takes away what was put for a widget that goes. Before the widget,
// because what is gone has nobody who would take it away.
func (c *Client) takeSecret(ctx context.Context, s step[turnstileSettings]) error {
	if s.S.Worker == "" || s.S.Secret == "" {
		return nil
	}
	err := c.deleteSecret(ctx, s.S)
	if s.Action == provision.Delete && codeIs(err, undeployed) {
		return nil // nothing comes in its place, and it opens nothing any more
	}
	return err
}

// undeployed is the code for a Worker whose newest version serves nobody yet.
const undeployed = 10215

func (c *Client) deleteSecret(ctx context.Context, s turnstileSettings) error {
	c.past.secrets.Lock()
	defer c.past.secrets.Unlock()
	var e envelope[any]
	_, err := workers.NewScriptSecretService(c.options...).Delete(ctx, s.Worker, s.Secret, inAccount[workers.ScriptSecretDeleteParams](c), into(&e))
	return unlessGone(err, 10056, noScript[0], noScript[1])
}
