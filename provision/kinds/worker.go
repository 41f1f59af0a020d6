package kinds

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/workers"
)

type workerSettings struct{}

// App is the logical name of the Worker that is the project's own and bears its
// name, as the name in wrangler.jsonc does.
const App = "app"

// workerNames knows the Worker's rule for real names.
type workerNames struct{ naming }

var workerNaming = workerNames{naming{form(`^[a-z0-9_][a-z0-9_-]*$`), "small letters, digits, - and _, at most 62 characters", 62}}

// realName is the project's name for the Worker called app, with the
// environment's behind it: what wrangler calls it.
func (n workerNames) realName(in provision.Spec, logical string) string {
	if logical != App || in.Names[logical] != "" {
		return n.naming.realName(in, logical)
	}
	if in.Environment == provision.Production {
		return n.shorten(in.Project)
	}
	return n.shorten(in.Project + "-" + in.Environment)
}

var _ = register(kind[workerSettings]{
	name:       "worker",
	permission: "Workers Scripts Write",
	page:       "{account}/workers/services/view/{name}/production",
	tags:       tagging{kind: "worker", id: workerTagID},
	schema: `{
	"description": "A Worker: what routes, custom domains and queue consumers hang on. Its code comes from wrangler deploy; until the first one a placeholder answers 503. The Worker called app bears the project's own name.",
	"properties": {}
}`,
	naming:  workerNaming.naming,
	replace: []string{provision.NameSetting},
	upserts: true,
	clears:  []int{10064, 10142},
	// A Durable Object's storage dies with its Worker.
	store: true,
	calls: func(provision.Action, []provision.Change) int { return 1 },
	resolve: func(in provision.Spec, s *workerSettings, r *resolution) error {
		r.name = workerNaming.realName(in, in.Key.Name)
		if err := workerNaming.check(orDefault(in.Name, r.name)); err != nil {
			return &provision.SettingError{Path: "/name", Text: err.Error()}
		}
		return nil
	},
	read: func(ctx context.Context, c *Client, w wanted[workerSettings]) (o provision.Observed, err error) {
		var all []workflow
		var unlisted error
		var g group
		g.Go(func() (err error) {
			o, err = remember(c, "worker "+w.Name, func() (provision.Observed, error) { return c.script(ctx, w.Name, c.mark(w.Key)) })
			return err
		})
		if w.WithData {
			g.Go(func() error { all, unlisted = c.workflows(ctx); return nil })
		}
		if err := g.Wait(); err != nil || !o.Exists {
			return o, err
		}
		err = takesAlong(&o, all, unlisted)
		return o, err
	},
	create: func(ctx context.Context, c *Client, s step[workerSettings]) (made[workerSettings], error) {
		content, contentType, err := placeholderUpload(c.mark(s.Key))
		if err != nil {
			return made[workerSettings]{}, err
		}
		var e envelope[struct {
			ID  string `json:"id"`
			Tag string `json:"tag"`
		}]
		_, err = workers.NewScriptService(c.options...).Update(ctx, s.Name, inAccount[workers.ScriptUpdateParams](c), option.WithRequestBody(contentType, content), into(&e))
		if err == nil && e.Result.Tag != "" {
			c.past.workers.Store(s.Name, e.Result.Tag)
		}
		return madeAs[workerSettings](orDefault(e.Result.ID, s.Name), "", err)
	},
	delete: func(ctx context.Context, c *Client, s step[workerSettings]) error {
		remove := func(opts ...option.RequestOption) error {
			var e envelope[any]
			_, err := workers.NewScriptService(c.options...).Delete(ctx, s.Name, inAccount[workers.ScriptDeleteParams](c), append(opts, into(&e))...)
			return unlessGone(err, 10007, 10090)
		}
		for _, along := range s.With {
			if err := c.deleteWorkflow(ctx, along.Name); err != nil {
				return fmt.Errorf("its Workflow %s, which would outlive it: %w", along.Name, err)
			}
		}
		c.past.workers.Delete(s.Name) // one made anew has another id
		err := remove()
		var api *APIError
		if s.Data != "" && errors.As(err, &api) && certain(err) && !throttled(err) && !codeIs(err, 10064, 10142, 10000) && !statusIs(err, 401, 403) {
			// Refused for the storage, to lose which consent was given. Nothing
			// else is forced: it would take itself out of other Workers, too.
			err = remove(option.WithQuery("force", "true"))
		}
		return err
	},
})

// script reads what is bound to a Worker; that it answers at all shows that the
// Worker exists. Getting the script itself would send its code.
func (c *Client) script(ctx context.Context, name, mark string) (o provision.Observed, err error) {
	var e envelope[struct {
		Tags     []string `json:"tags"`
		Bindings []struct {
			Type       string `json:"type"`
			Name       string `json:"name"`
			ID         string `json:"id"`
			DatabaseID string `json:"database_id"`
			Namespace  string `json:"namespace_id"`
			Bucket     string `json:"bucket_name"`
			Queue      string `json:"queue_name"`
			Service    string `json:"service"`
			Script     string `json:"script_name"`
			Class      string `json:"class_name"`
		} `json:"bindings"`
	}]
	_, err = workers.NewScriptScriptAndVersionSettingService(c.options...).Get(ctx, name, inAccount[workers.ScriptScriptAndVersionSettingGetParams](c), into(&e))
	if err != nil {
		return o, unlessGone(err, 10007, 10090)
	}
	o = provision.Observed{Exists: true, ID: name, Name: name, Settings: provision.Settings{}, Ours: slices.Contains(e.Result.Tags, mark)}
	o.Mark = othersMark(mark, e.Result.Tags...)
	var objects []string
	for _, b := range e.Result.Bindings {
		if b.Type == "durable_object_namespace" {
			if b.Script == "" || b.Script == name {
				objects = append(objects, orDefault(b.Class, b.Name))
				continue
			}
		}
		for _, use := range []string{b.ID, b.DatabaseID, b.Namespace, b.Bucket, b.Queue, b.Service, b.Script} {
			if use != "" {
				o.Uses = append(o.Uses, use)
			}
		}
	}
	if len(objects) > 0 {
		o.Data = "the storage of the Durable Objects " + strings.Join(objects, ", ")
	}
	return o, nil
}

//go:embed placeholder.js
var placeholder []byte

// placeholderDate is the compatibility date of the placeholder, which uses
// nothing newer.
const placeholderDate = "2026-01-01"

// placeholderUpload is the form that uploads the placeholder, and its content
// type. The mark shows whose it is until the first deploy.
func placeholderUpload(mark string) (content []byte, contentType string, err error) {
	const module = "placeholder.js"
	metadata, err := json.Marshal(map[string]any{"main_module": module, "compatibility_date": placeholderDate, "tags": []string{mark}})
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	parts := []struct {
		name, file, kind string
		data             []byte
	}{
		{"metadata", "", "application/json", metadata},
		{module, module, "application/javascript+module", placeholder},
	}
	for _, p := range parts {
		disposition := fmt.Sprintf(`form-data; name=%q`, p.name)
		if p.file != "" {
			disposition += fmt.Sprintf(`; filename=%q`, p.file)
		}
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {p.kind}})
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(p.data); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
