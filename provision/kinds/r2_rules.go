package kinds

import (
	"context"

	"github.com/cloudflare/cloudflare-go/v4/r2"
)

// The API's form of a bucket's rules, which counts in seconds what people count
// in days.

type wireCORSRules struct {
	Rules []wireCORSRule `json:"rules"`
}

type wireCORSRule struct {
	ID      string `json:"id,omitempty"`
	Allowed struct {
		Methods []string `json:"methods"`
		Origins []string `json:"origins"`
		Headers []string `json:"headers,omitempty"`
	} `json:"allowed"`
	ExposeHeaders []string `json:"exposeHeaders,omitempty"`
	MaxAgeSeconds int      `json:"maxAgeSeconds,omitempty"`
}

func wireCORS(rules []r2CORSRule) wireCORSRules {
	out := wireCORSRules{Rules: []wireCORSRule{}}
	for _, r := range rules {
		w := wireCORSRule{ID: r.ID, ExposeHeaders: r.ExposeHeaders, MaxAgeSeconds: r.MaxAgeSeconds}
		w.Allowed.Methods, w.Allowed.Origins, w.Allowed.Headers = r.AllowedMethods, r.AllowedOrigins, r.AllowedHeaders
		out.Rules = append(out.Rules, w)
	}
	return out
}

// bucketCORS reads a bucket's rules in the manifest's form.
func (c *Client) bucketCORS(ctx context.Context, name string, s r2Settings) (any, error) {
	var e envelope[wireCORSRules]
	_, err := r2.NewBucketCORSService(c.options...).Get(ctx, name, inAccount[r2.BucketCORSGetParams](c), into(&e), s.within())
	if unlessGone(err, 10059, 10006) != nil {
		return nil, err
	}
	rules := []r2CORSRule{}
	for i, w := range e.Result.Rules {
		if i < len(s.CORS) && s.CORS[i].ID == "" {
			w.ID = "" // given by Cloudflare
		}
		rules = append(rules, r2CORSRule{ID: w.ID, AllowedOrigins: w.Allowed.Origins, AllowedMethods: w.Allowed.Methods,
			AllowedHeaders: w.Allowed.Headers, ExposeHeaders: w.ExposeHeaders, MaxAgeSeconds: w.MaxAgeSeconds})
	}
	return canonical(map[string]any{"rules": rules})["rules"], nil
}

type wireLifecycleRules struct {
	Rules []wireLifecycleRule `json:"rules"`
}

type wireLifecycleRule struct {
	ID         string `json:"id"`
	Enabled    bool   `json:"enabled"`
	Conditions struct {
		Prefix string `json:"prefix"`
	} `json:"conditions"`
	Delete  *wireTransition   `json:"deleteObjectsTransition,omitempty"`
	Abort   *wireTransition   `json:"abortMultipartUploadsTransition,omitempty"`
	Storage []wireClassChange `json:"storageClassTransitions,omitempty"`
}

type wireTransition struct {
	Condition wireAge `json:"condition"`
}

type wireClassChange struct {
	Condition    wireAge `json:"condition"`
	StorageClass string  `json:"storageClass"`
}

type wireAge struct {
	Type   string `json:"type"`
	MaxAge int    `json:"maxAge"` // seconds
}

const day = 24 * 60 * 60 // seconds

func age(days float64) wireAge { return wireAge{Type: "Age", MaxAge: int(days * day)} }

// days may have a fraction where the rule was made elsewhere.
func (a wireAge) days() float64 { return float64(a.MaxAge) / day }

func wireLifecycle(rules []r2LifecycleRule) wireLifecycleRules {
	out := wireLifecycleRules{Rules: []wireLifecycleRule{}}
	for _, r := range rules {
		w := wireLifecycleRule{ID: r.ID, Enabled: !r.Disabled}
		w.Conditions.Prefix = r.Prefix
		if r.DeleteAfterDays > 0 {
			w.Delete = &wireTransition{age(r.DeleteAfterDays)}
		}
		if r.AbortMultipartAfterDays > 0 {
			w.Abort = &wireTransition{age(r.AbortMultipartAfterDays)}
		}
		if r.InfrequentAccessAfterDays > 0 {
			w.Storage = []wireClassChange{{age(r.InfrequentAccessAfterDays), "InfrequentAccess"}}
		}
		out.Rules = append(out.Rules, w)
	}
	return out
}

// bucketLifecycle reads a bucket's rules in the manifest's form.
func (c *Client) bucketLifecycle(ctx context.Context, name string, s r2Settings) (any, error) {
	var e envelope[wireLifecycleRules]
	_, err := r2.NewBucketLifecycleService(c.options...).Get(ctx, name, inAccount[r2.BucketLifecycleGetParams](c), into(&e), s.within())
	if unlessGone(err, 10006) != nil {
		return nil, err
	}
	rules := []r2LifecycleRule{}
	for _, w := range e.Result.Rules {
		r := r2LifecycleRule{ID: w.ID, Disabled: !w.Enabled, Prefix: w.Conditions.Prefix}
		if w.Delete != nil {
			r.DeleteAfterDays = w.Delete.Condition.days()
		}
		if w.Abort != nil {
			r.AbortMultipartAfterDays = w.Abort.Condition.days()
		}
		if len(w.Storage) > 0 {
			r.InfrequentAccessAfterDays = w.Storage[0].Condition.days()
		}
		rules = append(rules, r)
	}
	return canonical(map[string]any{"rules": rules})["rules"], nil
}
