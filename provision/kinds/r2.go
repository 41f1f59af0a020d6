package kinds

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/option"
	"github.com/cloudflare/cloudflare-go/v4/r2"
)

type r2Settings struct {
	Binding      string            `json:"binding,omitempty"`
	LocationHint string            `json:"location_hint,omitempty"`
	Jurisdiction string            `json:"jurisdiction,omitempty"`
	StorageClass string            `json:"storage_class,omitempty"`
	CORS         []r2CORSRule      `json:"cors,omitempty"`
	Lifecycle    []r2LifecycleRule `json:"lifecycle,omitempty"`
}

type r2CORSRule struct {
	ID             string   `json:"id,omitempty"`
	AllowedOrigins []string `json:"allowed_origins"`
	AllowedMethods []string `json:"allowed_methods"`
	AllowedHeaders []string `json:"allowed_headers,omitempty"`
	ExposeHeaders  []string `json:"expose_headers,omitempty"`
	MaxAgeSeconds  int      `json:"max_age_seconds,omitempty"`
}

type r2LifecycleRule struct {
	ID                        string  `json:"id"`
	Disabled                  bool    `json:"disabled,omitempty"`
	Prefix                    string  `json:"prefix,omitempty"`
	DeleteAfterDays           float64 `json:"delete_after_days,omitempty"`
	AbortMultipartAfterDays   float64 `json:"abort_multipart_after_days,omitempty"`
	InfrequentAccessAfterDays float64 `json:"infrequent_access_after_days,omitempty"`
}

var r2Naming = naming{form(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`), "3 to 63 small letters, digits and -, not at either end", 63}

var _ = register(kind[r2Settings]{
	name:       "r2",
	permission: "Workers R2 Storage Write",
	page:       "{account}/r2/{jurisdiction}/buckets/{name}",
	tags:       tagging{kind: "r2_bucket"},
	schema: `{
	"description": "An R2 bucket.",
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["STORAGE"]},
		"location_hint": {"enum": ["apac", "eeur", "enam", "weur", "wnam", "oc"], "description": "Where the bucket should live. Advice: changing it later has no effect."},
		"jurisdiction": {"enum": ["eu", "us", "fedramp"], "description": "Where the data must stay. Changing it replaces the bucket."},
		"storage_class": {"enum": ["Standard", "InfrequentAccess"], "default": "Standard", "description": "Storage class of newly uploaded objects."},
		"cors": {
			"type": "array", "description": "Which pages may read and write the bucket from a browser.",
			"items": {"type": "object", "additionalProperties": false, "required": ["allowed_origins", "allowed_methods"], "properties": {
				"id": {"type": "string"},
				"allowed_origins": {"type": "array", "items": {"type": "string"}, "minItems": 1, "examples": [["https://example.com"]]},
				"allowed_methods": {"type": "array", "items": {"enum": ["GET", "PUT", "POST", "DELETE", "HEAD"]}, "minItems": 1},
				"allowed_headers": {"type": "array", "items": {"type": "string"}},
				"expose_headers": {"type": "array", "items": {"type": "string"}},
				"max_age_seconds": {"type": "integer", "minimum": 0, "maximum": 86400}
			}}
		},
		"lifecycle": {
			"type": "array", "maxItems": 1000, "description": "What happens to objects as they age. The list is the whole of the bucket's rules: it takes the place of the rule that Cloudflare gives a new bucket, which aborts unfinished uploads after 7 days.",
			"items": {"type": "object", "additionalProperties": false, "required": ["id"], "properties": {
				"id": {"type": "string", "minLength": 1, "maxLength": 255},
				"disabled": {"type": "boolean", "default": false},
				"prefix": {"type": "string", "description": "Only objects whose key starts so.", "default": ""},
				"delete_after_days": {"type": "integer", "minimum": 1},
				"abort_multipart_after_days": {"type": "integer", "minimum": 1},
				"infrequent_access_after_days": {"type": "integer", "minimum": 1}
			}}
		}
	}
}`,
	naming:   r2Naming,
	local:    []string{"binding"},
	replace:  []string{provision.NameSetting, "jurisdiction"},
	hints:    []string{"location_hint"},
	defaults: map[string]any{"storage_class": "Standard", "jurisdiction": "default", "cors": []any{}, "lifecycle": []any{}},
	store:    true,
	settles:  []int{10006},
	calls: func(a provision.Action, changes []provision.Change) int {
		if a == provision.Delete {
			return 1
		}
		n := 0
		for _, s := range []string{"cors", "lifecycle"} {
			if changed(changes, s) {
				n++
			}
		}
		if a != provision.Update || changed(changes, "storage_class") {
			n++
		}
		return n
	},
	resolve: func(in provision.Spec, s *r2Settings, r *resolution) error {
		for i := range s.CORS {
			for j, m := range s.CORS[i].AllowedMethods {
				s.CORS[i].AllowedMethods[j] = strings.ToUpper(m)
			}
			for j, o := range s.CORS[i].AllowedOrigins {
				own, err := previewOrigin(in, o, fmt.Sprintf("/cors/%d/allowed_origins/%d", i, j))
				if err != nil {
					return err
				}
				s.CORS[i].AllowedOrigins[j] = own
			}
		}
		for i, l := range s.Lifecycle {
			if l.DeleteAfterDays+l.AbortMultipartAfterDays+l.InfrequentAccessAfterDays == 0 {
				return &provision.SettingError{Path: fmt.Sprintf("/lifecycle/%d", i), Text: fmt.Sprintf("the rule %q does nothing", l.ID),
					Hints: []string{"give it delete_after_days, abort_multipart_after_days or infrequent_access_after_days"}}
			}
		}
		return nil
	},
	read: readBucket,
	create: func(ctx context.Context, c *Client, s step[r2Settings]) (made[r2Settings], error) {
		var e envelope[struct {
			Name string `json:"name"`
		}]
		_, err := r2.NewBucketService(c.options...).New(ctx, inAccount[r2.BucketNewParams](c), body(struct {
			Name         string `json:"name"`
			LocationHint string `json:"locationHint,omitempty"`
			StorageClass string `json:"storageClass,omitempty"`
		}{s.Name, s.S.LocationHint, s.S.StorageClass}), into(&e), s.S.within())
		if codeIs(err, 10004, 10073) {
			return made[r2Settings]{}, exists(err)
		}
		return madeAs[r2Settings](e.Result.Name, "", err, "cors", "lifecycle")
	},
	update: updateBucket,
	delete: deleteBucket,
	bind: func(e provision.Entry, s r2Settings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		set := fields("bucket_name", e.Name)
		if s.Jurisdiction != "" && s.Jurisdiction != "default" {
			set = append(set, field("jurisdiction", s.Jurisdiction))
		}
		return []provision.Binding{{Section: []string{"r2_buckets"}, Match: field("binding", s.Binding), Set: set}}
	},
})

// within is the jurisdiction header: a bucket of another one cannot be seen.
func (s r2Settings) within() option.RequestOption {
	return option.WithHeader(r2Jurisdiction, orDefault(s.Jurisdiction, "default"))
}

const r2Jurisdiction = "cf-r2-jurisdiction"

// readBucket reads a bucket and those of its rules that are wanted or were set.
// The rules of one that is known to be ours are asked for at the same time.
func readBucket(ctx context.Context, c *Client, w wanted[r2Settings]) (o provision.Observed, err error) {
	type bucket struct {
		Name         string    `json:"name"`
		Created      time.Time `json:"creation_date"`
		StorageClass string    `json:"storage_class"`
		Jurisdiction string    `json:"jurisdiction"`
	}
	name := w.Name
	if w.ID != "" {
		name = w.ID
	}
	within := orDefault(w.S.Jurisdiction, "default")
	var b bucket
	var cors, lifecycle any
	var held r2Holding
	head := func() error {
		b, err = remember(c, "r2 "+within+" "+name, func() (bucket, error) {
			var e envelope[bucket]
			_, err := r2.NewBucketService(c.options...).Get(ctx, name, inAccount[r2.BucketGetParams](c), into(&e), w.S.within())
			return e.Result, unlessGone(whole(err, e.Result.Name), 10006)
		})
		return err
	}
	var g group
	if w.ID != "" {
		g.Go(head)
	} else if err := head(); err != nil || b.Name == "" {
		return o, err
	}
	if w.S.CORS != nil {
		g.Go(func() (err error) {
			cors, err = remember(c, "r2 cors "+within+" "+name, func() (any, error) { return c.bucketCORS(ctx, name, w.S) })
			return err
		})
	}
	if w.S.Lifecycle != nil {
		g.Go(func() (err error) {
			lifecycle, err = remember(c, "r2 lifecycle "+within+" "+name, func() (any, error) { return c.bucketLifecycle(ctx, name, w.S) })
			return err
		})
	}
	if w.WithData {
		g.Go(func() (err error) {
			held, err = c.countObjects(ctx, name, w.S)
			return unlessGone(err, 10006)
		})
	}
	if err := g.Wait(); err != nil || b.Name == "" {
		return o, err
	}
	o = provision.Observed{Exists: true, ID: b.Name, Name: b.Name, Created: b.Created, Data: held.String(), Emptying: held.emptying(), Settings: provision.Settings{
		"storage_class": orDefault(b.StorageClass, "Standard"),
		"jurisdiction":  orDefault(b.Jurisdiction, within),
	}}
	if cors != nil {
		o.Settings["cors"] = cors
	}
	if lifecycle != nil {
		o.Settings["lifecycle"] = lifecycle
	}
	return o, nil
}

// updateBucket sends what changed, at the same time where it may.
func updateBucket(ctx context.Context, c *Client, s step[r2Settings]) error {
	var g group
	if s.changes("storage_class") {
		g.Go(func() error {
			var e envelope[any]
			_, err := r2.NewBucketService(c.options...).Edit(ctx, s.Name, inAccount[r2.BucketEditParams](c), into(&e), s.S.within(),
				option.WithHeader("cf-r2-storage-class", orDefault(s.S.StorageClass, "Standard")))
			return err
		})
	}
	if s.changes("cors") {
		g.Go(func() error {
			var e envelope[any]
			service := r2.NewBucketCORSService(c.options...)
			if len(s.S.CORS) == 0 {
				_, err := service.Delete(ctx, s.Name, inAccount[r2.BucketCORSDeleteParams](c), into(&e), s.S.within())
				return unlessGone(err, 10059)
			}
			_, err := service.Update(ctx, s.Name, inAccount[r2.BucketCORSUpdateParams](c), body(wireCORS(s.S.CORS)), into(&e), s.S.within())
			return err
		})
	}
	if s.changes("lifecycle") {
		g.Go(func() error {
			var e envelope[any]
			_, err := r2.NewBucketLifecycleService(c.options...).Update(ctx, s.Name, inAccount[r2.BucketLifecycleUpdateParams](c), body(wireLifecycle(s.S.Lifecycle)), into(&e), s.S.within())
			return err
		})
	}
	return g.Wait()
}
