package kinds

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/turnstile"
)

type turnstileSettings struct {
	Binding        string   `json:"binding,omitempty"`
	Domains        []string `json:"domains"`
	Mode           string   `json:"mode,omitempty"`
	ClearanceLevel string   `json:"clearance_level,omitempty"`
	Region         string   `json:"region,omitempty"`
	BotFightMode   *bool    `json:"bot_fight_mode,omitempty"`
	EphemeralID    *bool    `json:"ephemeral_id,omitempty"`
	Offlabel       *bool    `json:"offlabel,omitempty"`
	Worker         string   `json:"worker,omitempty"` // logical name in the manifest, real name after
	Secret         string   `json:"secret,omitempty"` // the name of the secret, never its value
	// Mark is what the widget's name carries behind the name in the manifest. It
	// is a setting so that a widget that lost it, or was adopted, gets it again.
	Mark string `json:"marker,omitempty" schema:"-"`
}

// secretName is what the widget's secret is called on a Worker, as in
// Cloudflare's own examples.
const secretName = "TURNSTILE_SECRET_KEY"

var _ = register(kind[turnstileSettings]{
	name:       "turnstile",
	permission: "Turnstile Sites Write",
	page:       "?to=/:account/turnstile",
	schema: `{
	"description": "A Turnstile widget, which tells people from bots. Its secret is never kept by cfboot.",
	"required": ["domains"],
	"properties": {
		"binding": {"type": "string", "description": "The variable in which the Worker finds the sitekey.", "examples": ["TURNSTILE_SITE_KEY"]},
		"domains": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}, "description": "The hosts that may show it, each with all below it: @ is the domain, app one in it.", "examples": [["@", "localhost"]]},
		"mode": {"enum": ["managed", "non-interactive", "invisible"], "default": "managed", "description": "What a visitor sees of it; managed decides by itself whether to ask for a click."},
		"clearance_level": {"enum": ["no_clearance", "jschallenge", "managed", "interactive"], "default": "no_clearance", "description": "Which challenges of the zone's firewall a passed one spares."},
		"region": {"enum": ["world", "china"], "default": "world", "description": "Where it can be used. Changing it replaces the widget: sitekey and secret are new."},
		"bot_fight_mode": {"type": "boolean", "default": false, "description": "Costly challenges for bots. Enterprise only."},
		"ephemeral_id": {"type": "boolean", "default": false, "description": "Whether siteverify tells an ephemeral ID. Enterprise only."},
		"offlabel": {"type": "boolean", "default": false, "description": "Shows it without Cloudflare's branding. Enterprise only."},
		"worker": {"type": "string", "minLength": 1, "description": "Logical name of the Worker that gets the widget's secret. Left out: you put it there.", "examples": ["app"]},
		"secret": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "default": "TURNSTILE_SECRET_KEY", "description": "What the secret is called on that Worker. One of that name that is there already is never overwritten."}
	}
}`,
	example: Example{
		Made:     `{"binding": "TURNSTILE_SITE_KEY", "domains": ["@"]}`,
		Changed:  `{"binding": "TURNSTILE_SITE_KEY", "domains": ["@"], "clearance_level": "interactive"}`,
		Setting:  "clearance_level",
		Replaced: `{"binding": "TURNSTILE_SITE_KEY", "domains": ["@"], "region": "china"}`,
	},
	namesakes: true,
	local:     []string{"binding"},
	replace:   []string{"region"},
	defaults:  map[string]any{"clearance_level": "no_clearance", "region": "world", "bot_fight_mode": false, "ephemeral_id": false, "offlabel": false},
	settles:   []int{10007},
	calls:     widgetCalls,
	resolve:   resolveWidget,
	read:      readWidget,
	create: func(ctx context.Context, c *Client, s step[turnstileSettings]) (made[turnstileSettings], error) {
		if err := c.makeRoom(ctx, s); err != nil {
			return made[turnstileSettings]{}, err
		}
		var e envelope[widgetAnswer]
		_, err := turnstile.NewWidgetService(c.options...).New(ctx, inAccount[turnstile.WidgetNewParams](c), body(wireWidget(c, s, s.Settings, "region")), into(&e))
		if s.S.Worker != "" {
			if e.Result.Sitekey != "" && e.Result.Secret != "" {
				c.past.secret.Store(e.Result.Sitekey, e.Result.Secret)
			}
			return madeAs[turnstileSettings](e.Result.Sitekey, "", err, "secret")
		}
		return madeAs[turnstileSettings](e.Result.Sitekey, "", err)
	},
	update: func(ctx context.Context, c *Client, s step[turnstileSettings]) error {
		var e envelope[widgetAnswer]
		if slices.ContainsFunc(s.Step.Changes, ofWidget) {
			// A PUT sets everything, so what the manifest says nothing of is sent as it is.
			_, err := turnstile.NewWidgetService(c.options...).Update(ctx, s.ID, inAccount[turnstile.WidgetUpdateParams](c), body(wireWidget(c, s, merged(s.Prior, s.Settings, s.Step.Changes))), into(&e))
			if err != nil {
				return err
			}
		}
		if s.S.Worker == "" || s.S.Secret == "" || !s.changes("worker") && !s.changes("secret") {
			return nil
		}
		return c.giveSecret(ctx, s, e.Result.Secret)
	},
	delete: func(ctx context.Context, c *Client, s step[turnstileSettings]) error {
		if err := c.takeSecret(ctx, s); err != nil {
			return err
		}
		var e envelope[any]
		_, err := turnstile.NewWidgetService(c.options...).Delete(ctx, s.ID, inAccount[turnstile.WidgetDeleteParams](c), into(&e))
		return unlessGone(err, noWidget...)
	},
	bind: func(e provision.Entry, s turnstileSettings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"vars", s.Binding}, Set: fields("", e.ID)}}
	},
	chore: func(s turnstileSettings) Chore {
		if s.Worker != "" {
			return Chore{}
		}
		return Chore{Text: `its secret is put on no Worker: set "worker" in cfboot.jsonc, or read it in the dashboard under Turnstile and put it on one by hand`,
			Command: "npx wrangler secret put " + secretName}
	},
})

// noWidget are the codes for a widget that is not there.
var noWidget = []int{10404, 10407}

// ofWidget tells a change of the widget itself from one of where its secret goes.
func ofWidget(c provision.Change) bool { return c.Setting != "worker" && c.Setting != "secret" }

// widgetCalls counts: with a Worker, whether it has such a secret is asked before
// the widget is made or the secret is put, and the secret is asked for where no
// answer has just told it.
func widgetCalls(a provision.Action, changes []provision.Change) int {
	n := 0
	given := changed(changes, "worker", "secret")
	switch {
	case a == provision.Create && given:
		return 3 // look for a secret, make, put
	case a == provision.Delete && given:
		return 2
	case a != provision.Update:
		return 1
	case given:
		n = 2 // look for a secret, put
	}
	return n + 1 // change the widget, which tells the secret, or only ask for it
}

// The longest name a widget may have, in characters; bytes are counted, to be safe.
const longestWidgetName = 254

// Names are not unique, and a widget has nothing else to carry a mark: so its name
// does, in brackets behind the one in the manifest, where a person reads it, too:
// "shop-signup [cfboot:shop/production/signup]". Nothing restricts the characters
// of a name. In plans and in the state it is "shop-signup".
func markedName(name, mark string) string { return name + " [" + mark + "]" }

// unmarkedName takes a name and its mark apart.
func unmarkedName(marked string) (name, mark string) {
	at := strings.LastIndex(marked, " [cfboot:")
	if at < 0 || !strings.HasSuffix(marked, "]") {
		return marked, ""
	}
	return marked[:at], marked[at+2 : len(marked)-1]
}

var widgetName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\x00-\x20]([^\x00-\x1f]*[^\x00-\x20])?$`) })

func resolveWidget(in provision.Spec, s *turnstileSettings, r *resolution) error {
	for i, d := range s.Domains {
		host, err := d, error(nil)
		if d != "localhost" { // it lies in no domain
			host, err = hostname(in, d, fmt.Sprintf("/domains/%d", i), true)
		}
		if err == nil && strings.Contains(host, "*") {
			err = &provision.SettingError{Path: fmt.Sprintf("/domains/%d", i), Text: fmt.Sprintf("%q: hosts below one are meant with it", d), Hints: []string{`leave the "*." out`}}
		}
		if err != nil {
			return err
		}
		s.Domains[i] = host
	}
	slices.Sort(s.Domains)
	s.Domains = slices.Compact(s.Domains)
	s.Mode = orDefault(s.Mode, "managed")
	switch {
	case s.Worker == "" && s.Secret != "":
		return &provision.SettingError{Path: "/secret", Text: "no Worker is named to put it on", Hints: []string{`"worker": "app"`}}
	case s.Binding != "" && s.Binding == orDefault(s.Secret, secretName):
		return &provision.SettingError{Path: "/binding", Text: fmt.Sprintf("%q is what the secret is called", s.Binding), Hints: []string{`"binding": "TURNSTILE_SITE_KEY"`}}
	case s.Worker != "":
		s.Secret = orDefault(s.Secret, secretName)
	}
	s.Mark = (&Client{project: in.Project, environment: in.Environment}).mark(in.Key)
	r.identity = s.Mark
	room := longestWidgetName - len(markedName("", s.Mark))
	naming := naming{widgetName, fmt.Sprintf("at most %d bytes, no control characters, no space at either end", room), room}
	r.name = naming.realName(in, in.Key.Name)
	if err := naming.check(orDefault(in.Name, r.name)); err != nil {
		return &provision.SettingError{Path: "/name", Text: err.Error()}
	}
	return referWorker(in, &s.Worker, r)
}

// widgetFields are what a widget is made and changed with, beside its name.
var widgetFields = []string{"domains", "mode", "clearance_level", "bot_fight_mode", "ephemeral_id", "offlabel"}

func wireWidget(c *Client, s step[turnstileSettings], settings provision.Settings, more ...string) map[string]any {
	wire := map[string]any{"name": markedName(s.Name, c.mark(s.Key))}
	for _, name := range slices.Concat(widgetFields, more) {
		if v := settings[name]; v != nil {
			wire[name] = v
		}
	}
	return wire
}

// merged is what shall be in force after an update.
func merged(prior, wanted provision.Settings, changes []provision.Change) provision.Settings {
	out := provision.Settings{}
	for _, from := range []provision.Settings{prior, wanted} {
		for name, v := range from {
			out[name] = v
		}
	}
	for _, c := range changes {
		out[c.Setting] = c.New // a default, where the manifest says nothing any more
	}
	return out
}

// widgetAnswer is a widget as Cloudflare tells of it. A list leaves the secret out.
type widgetAnswer struct {
	Sitekey        string    `json:"sitekey"`
	Secret         string    `json:"secret"`
	Name           string    `json:"name"`
	Domains        []string  `json:"domains"`
	Mode           string    `json:"mode"`
	ClearanceLevel string    `json:"clearance_level"`
	Region         string    `json:"region"`
	BotFightMode   *bool     `json:"bot_fight_mode"`
	EphemeralID    *bool     `json:"ephemeral_id"`
	Offlabel       *bool     `json:"offlabel"`
	Created        time.Time `json:"created_on"`
}

// readWidget reads one of ours by its id. One that is to be made is looked for by
// its mark: another one of its name is somebody else's.
func readWidget(ctx context.Context, c *Client, w wanted[turnstileSettings]) (o provision.Observed, err error) {
	var found widgetAnswer
	var given bool
	var g group
	g.Go(func() (err error) {
		if w.ID == "" {
			found, err = c.widgetMarked(ctx, c.mark(w.Key))
			return err
		}
		var e envelope[widgetAnswer]
		_, err = turnstile.NewWidgetService(c.options...).Get(ctx, w.ID, inAccount[turnstile.WidgetGetParams](c), into(&e))
		found = e.Result
		return unlessGone(whole(err, found.Sitekey), noWidget...)
	})
	if w.S.Worker != "" && w.S.Secret != "" {
		g.Go(func() (err error) { given, err = c.hasSecret(ctx, w.S.Worker, w.S.Secret); return err })
	}
	if err := g.Wait(); err != nil {
		return o, err
	}
	if found.Sitekey == "" {
		if given && w.ID == "" && !gaveSecret(w.Applied, w.S) {
			o.Blocked = secretInTheWay(w.S)
		}
		return o, nil
	}
	o = found.observed(c, w)
	if w.S.Worker != "" && w.S.Secret != "" {
		o.Settings["worker"], o.Settings["secret"] = w.S.Worker, ""
		if given {
			o.Settings["secret"] = w.S.Secret
		}
	}
	return o, nil
}

func (a widgetAnswer) observed(c *Client, w wanted[turnstileSettings]) provision.Observed {
	name, mark := unmarkedName(a.Name)
	slices.Sort(a.Domains)
	settings := canonical(turnstileSettings{Domains: a.Domains, Mode: a.Mode, ClearanceLevel: a.ClearanceLevel, Region: a.Region,
		BotFightMode: a.BotFightMode, EphemeralID: a.EphemeralID, Offlabel: a.Offlabel})
	settings["marker"] = mark
	return provision.Observed{Exists: true, ID: a.Sitekey, Name: name, Created: a.Created, Settings: settings,
		Ours: mark == c.mark(w.Key), Mark: othersMark(c.mark(w.Key), mark)}
}

// widgetPage is how many widgets are asked for at once: the most that the API's
// documentation allows.
const widgetPage = 1000

// widgetMarked finds a widget by its mark; one without a sitekey is none. Were
// there two, it is the older one.
func (c *Client) widgetMarked(ctx context.Context, mark string) (found widgetAnswer, err error) {
	all, err := remember(c, "widgets", func() ([]widgetAnswer, error) { return c.widgets(ctx) })
	for _, w := range all {
		if _, has := unmarkedName(w.Name); has == mark && (found.Sitekey == "" || w.Created.Before(found.Created)) {
			found = w
		}
	}
	return found, err
}

// widgets reads page after page, until one is not full and all that there are said
// to be are there, until one is empty, or until one begins as one before it did.
func (c *Client) widgets(ctx context.Context) (all []widgetAnswer, err error) {
	seen := map[string]bool{}
	for n := 1; ; n++ {
		e, err := get[[]widgetAnswer](ctx, c, "accounts/"+c.Account+"/challenges/widgets", url.Values{
			"page": {fmt.Sprint(n)}, "per_page": {fmt.Sprint(widgetPage)}, "order": {"created_on"}, "direction": {"asc"},
		})
		if err != nil || len(e.Result) == 0 || seen[e.Result[0].Sitekey] {
			return all, err
		}
		seen[e.Result[0].Sitekey] = true
		all = append(all, e.Result...)
		if len(e.Result) < e.Info.PerPage && len(all) >= e.Info.TotalCount {
			return all, nil
		}
	}
}
