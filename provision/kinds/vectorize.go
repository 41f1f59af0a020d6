package kinds

import (
	"context"
	"net/http"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/vectorize"
)

type vectorizeSettings struct {
	Binding     string `json:"binding,omitempty"`
	Dimensions  int    `json:"dimensions"`
	Metric      string `json:"metric"`
	Description string `json:"description,omitempty"`
}

var _ = register(kind[vectorizeSettings]{
	name:       "vectorize",
	permission: "Vectorize Write",
	page:       "{account}/ai/vectorize/{name}",
	tags:       tagging{kind: "vectorize_index"},
	schema: `{
	"description": "A Vectorize index. Nothing in it can be changed later; any change replaces it.",
	"required": ["dimensions", "metric"],
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["VECTORS"]},
		"dimensions": {"type": "integer", "minimum": 1, "maximum": 1536, "description": "Numbers in a vector; what the embedding model gives.", "examples": [768]},
		"metric": {"enum": ["cosine", "euclidean", "dot-product"], "description": "How far vectors are apart."},
		"description": {"type": "string", "description": "A note, kept with the index."}
	}
}`,
	example: Example{
		Made:     `{"binding": "VECTORS", "dimensions": 768, "metric": "cosine"}`,
		Replaced: `{"binding": "VECTORS", "dimensions": 1024, "metric": "cosine"}`,
	},
	naming:   naming{form(`^[a-z]+[a-z0-9_-]*[a-z0-9]+$`), "small letters, digits, - and _, beginning with a letter, at most 64 characters", 64},
	local:    []string{"binding"},
	replace:  []string{provision.NameSetting, "dimensions", "metric", "description"},
	defaults: map[string]any{"description": ""},
	store:    true,
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve:  func(provision.Spec, *vectorizeSettings, *resolution) error { return nil },
	read: func(ctx context.Context, c *Client, w wanted[vectorizeSettings]) (o provision.Observed, err error) {
		var index envelope[struct {
			Name        string    `json:"name"`
			Description string    `json:"description"`
			Created     time.Time `json:"created_on"`
			Config      struct {
				Dimensions float64 `json:"dimensions"`
				Metric     string  `json:"metric"`
			} `json:"config"`
		}]
		var info envelope[struct {
			Vectors int `json:"vectorCount"`
		}]
		service := vectorize.NewIndexService(c.options...)
		var g group
		g.Go(func() error {
			_, err := service.Get(ctx, w.Name, inAccount[vectorize.IndexGetParams](c), into(&index))
			return unlessGone(whole(err, index.Result.Name), noIndex...)
		})
		if w.WithData {
			g.Go(func() error {
				_, err := service.Info(ctx, w.Name, inAccount[vectorize.IndexInfoParams](c), into(&info))
				return unlessGone(err, noIndex...)
			})
		}
		if err := g.Wait(); err != nil || index.Result.Name == "" {
			return o, err
		}
		i := index.Result
		return provision.Observed{Exists: true, ID: i.Name, Name: i.Name, Created: i.Created, Data: some(info.Result.Vectors, false, "vector"), Settings: provision.Settings{
			"dimensions": i.Config.Dimensions, "metric": i.Config.Metric, "description": i.Description,
		}}, nil
	},
	create: func(ctx context.Context, c *Client, s step[vectorizeSettings]) (made[vectorizeSettings], error) {
		type config struct {
			Dimensions int    `json:"dimensions"`
			Metric     string `json:"metric"`
		}
		var e envelope[struct {
			Name string `json:"name"`
		}]
		_, err := vectorize.NewIndexService(c.options...).New(ctx, inAccount[vectorize.IndexNewParams](c), body(struct {
			Name        string `json:"name"`
			Description string `json:"description,omitempty"`
			Config      config `json:"config"`
		}{s.Name, s.S.Description, config{s.S.Dimensions, s.S.Metric}}), into(&e))
		if codeIs(err, 3002) || statusIs(err, http.StatusConflict) {
			return made[vectorizeSettings]{}, exists(err)
		}
		return madeAs[vectorizeSettings](e.Result.Name, "", err)
	},
	delete: func(ctx context.Context, c *Client, s step[vectorizeSettings]) error {
		var e envelope[any]
		_, err := vectorize.NewIndexService(c.options...).Delete(ctx, s.Name, inAccount[vectorize.IndexDeleteParams](c), into(&e))
		return unlessGone(err, noIndex...)
	},
	bind: func(e provision.Entry, s vectorizeSettings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"vectorize"}, Match: field("binding", s.Binding), Set: fields("index_name", e.Name)}}
	},
})

// noIndex are the codes for an index that is not there, or is being deleted.
var noIndex = []int{3000, 3005}
