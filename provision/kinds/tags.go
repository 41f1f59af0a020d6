package kinds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// Resource tags (developers.cloudflare.com/resource-tagging, public beta) are
// kept apart from the resources, so one form serves all kinds that declare a
// type. The SDK's version 4 has no call for them.

// The tags of cfboot. An account holds 10,000 tags in all, so they are few.
const (
	tagLineage = "cfboot.state" // the lineage of the state that has its entry
	tagHome    = "cfboot.env"   // project/environment; what state rebuild asks for
	tagKey     = "cfboot.key"   // kind/name
	tagRefs    = "cfboot.refs"  // the keys it stands on, with spaces between
)

// tagging says how a kind's resources are tagged. Those in a zone are not: a DNS
// record has its comment, and whose a route is follows from its Worker.
type tagging struct {
	kind string                                                            // resource type
	id   func(ctx context.Context, c *Client, name string) (string, error) // of what has only its name for an id
}

// calls is how many it takes to put tags on what was just made, and on what is
// there, whose tags are read first.
func (t tagging) calls() (fresh, there int) {
	switch {
	case t.kind == "":
		return 0, 0
	case t.id != nil:
		return 1, 3
	}
	return 1, 2
}

// tagsPath is where the tags of an account's resources are.
func (c *Client) tagsPath() string { return "accounts/" + c.Account + "/tags" }

// Mark implements provision.Driver. Who is not allowed to tag learns it once: the
// rest of the run asks no more.
func (c *Client) Mark(ctx context.Context, e provision.Entry, t provision.Tags, fresh bool) (provision.Mark, error) {
	k, err := lookup(e.Key)
	if err != nil || k.tags.kind == "" {
		return provision.Unmarked, err
	}
	if c.past.untaggable.Load() {
		return provision.MarkDenied, nil
	}
	err = c.putTags(ctx, k.tags, e, t, fresh)
	switch {
	case err == nil:
		return provision.Marked, nil
	case statusIs(err, http.StatusUnauthorized, http.StatusForbidden):
		c.past.untaggable.Store(true)
		return provision.MarkDenied, nil
	case statusIs(err, http.StatusBadRequest, http.StatusNotFound, http.StatusPreconditionFailed) || neverTagged(err):
		// A type or a number of tags that is not allowed, or a resource that the
		// tags do not know: asking again in the next run would not help.
		return provision.MarkDenied, nil
	}
	return provision.Unmarked, explain(e.Key, k, fmt.Errorf("its tags could not be put: %w", plain(err)))
}

// putTags replaces the whole set, which is the only way there is. What was there
// is read first and kept; that it is still the same then is made sure of by its
// etag, where Cloudflare gives one.
func (c *Client) putTags(ctx context.Context, how tagging, e provision.Entry, t provision.Tags, fresh bool) error {
	id := e.ID
	if how.id != nil {
		err := settleAbsent(ctx, c, func() (err error) { id, err = how.id(ctx, c, e.Name); return err })
		if err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		have := tagSet{}
		if !fresh {
			var err error
			if have, err = c.tagSet(ctx, how, id); err != nil {
				return err
			}
		}
		all := maps.Clone(have.Tags)
		if all == nil {
			all = map[string]string{}
		}
		for _, may := range []string{tagRefs, tagClass, tagFrom, tagExpires} {
			delete(all, may)
		}
		maps.Copy(all, encodeTags(t))
		if maps.Equal(all, have.Tags) {
			return nil
		}
		content, err := json.Marshal(map[string]any{"resource_type": how.kind, "resource_id": id, "tags": all})
		if err != nil {
			return err
		}
		var header []string
		if have.Etag != "" {
			header = []string{"If-Match", have.Etag}
		}
		var answer envelope[any]
		err = settleAbsent(ctx, c, func() error {
			return c.send(ctx, http.MethodPut, c.tagsPath(), content, "application/json", &answer, header...)
		})
		if !statusIs(err, http.StatusPreconditionFailed) || attempt == 5 {
			return err
		}
		fresh = false // somebody was faster: merge with what they put
	}
}

// tagSettleTime is how long is waited for a fresh resource that the tags do not
// know yet. No source says how long that takes; tags are not worth more.
const tagSettleTime = 5 * time.Second

// settleAbsent waits for a resource that the tags do not know yet.
func settleAbsent(ctx context.Context, c *Client, do func() error) error {
	return settleWhile(ctx, c, tagSettleTime, func(err error) bool { return statusIs(err, http.StatusNotFound) || neverTagged(err) }, do)
}

// tagSet is a resource's tags as Cloudflare gives them.
type tagSet struct {
	Type string            `json:"type"`
	ID   string            `json:"id"`
	Name string            `json:"name"`
	Tags map[string]string `json:"tags"`
	Etag string            `json:"etag"`
}

// tagSet reads one resource's tags. What never had any is said not to be found,
// even with status 500 (a known limit of the beta), or has none.
func (c *Client) tagSet(ctx context.Context, how tagging, id string) (tagSet, error) {
	e, err := get[tagSet](ctx, c, c.tagsPath(), url.Values{"resource_type": {how.kind}, "resource_id": {id}})
	if statusIs(err, http.StatusNotFound) || neverTagged(err) {
		return tagSet{}, nil
	}
	return e.Result, err
}

// neverTagged reports whether the error is the tags' word for a resource that
// they do not know.
func neverTagged(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.parsed && strings.HasSuffix(api.Path, "/tags") && strings.Contains(api.Message, "resource not found")
}

// tagged says by its tags whose a resource is that was found by its name. Where
// tags cannot be read they say nothing.
func (c *Client) tagged(ctx context.Context, k Kind, o *provision.Observed) error {
	if k.tags.kind == "" || !o.Exists || c.past.untaggable.Load() {
		return nil
	}
	id := o.ID
	if k.tags.id != nil {
		var err error
		switch id, err = k.tags.id(ctx, c, o.Name); {
		case statusIs(err, http.StatusNotFound):
			return nil // too fresh for that
		case err != nil:
			return err
		}
	}
	set, err := c.tagSet(ctx, k.tags, id)
	if statusIs(err, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden) {
		return nil
	}
	if t, ours := decodeTags(set.Tags); ours {
		o.Tags = &t
	}
	return err
}

// Tagged lists what carries the tags of an environment, as its tags say. allowed
// is false where the token may not read tags.
func (c *Client) Tagged(ctx context.Context, project, environment string) (all []provision.Tagged, allowed bool, err error) {
	home := provision.Tags{Project: project, Environment: environment}.Home()
	return c.taggedBy(ctx, tagHome+"="+home, func(t provision.Tags) bool { return t.Home() == home })
}

// Previews lists what carries the tags of any preview of a project.
func (c *Client) Previews(ctx context.Context, project string) (all []provision.Tagged, allowed bool, err error) {
	return c.taggedBy(ctx, tagClass+"="+classPreview, func(t provision.Tags) bool {
		return t.Lease != nil && t.Project == project && t.Environment != provision.Production
	})
}

// taggedBy lists what a filter finds and wanted takes.
func (c *Client) taggedBy(ctx context.Context, filter string, wanted func(provision.Tags) bool) (all []provision.Tagged, allowed bool, err error) {
	q := url.Values{"tag": {filter}}
	seen := map[string]bool{}
	for {
		e, err := get[[]tagSet](ctx, c, c.tagsPath()+"/resources", q)
		if statusIs(err, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		for _, set := range e.Result {
			t, ours := decodeTags(set.Tags)
			k, known := registry[t.Key.Kind]
			if !ours || !known || k.tags.kind != set.Type || !wanted(t) {
				continue
			}
			one := provision.Tagged{Tags: t, Name: set.Name, ID: set.ID}
			if k.tags.id != nil {
				one.ID = ""
			}
			all = append(all, one)
		}
		next := orDefault(e.Info.Cursors.After, e.Info.Cursor)
		if next == "" || seen[next] {
			return all, true, nil
		}
		seen[next] = true
		q.Set("cursor", next)
	}
}

func encodeTags(t provision.Tags) map[string]string {
	out := map[string]string{tagLineage: t.Lineage, tagHome: t.Home(), tagKey: t.Key.String()}
	var refs []string
	for _, k := range t.Refs {
		refs = append(refs, k.String())
	}
	slices.Sort(refs)
	if len(refs) > 0 {
		out[tagRefs] = strings.Join(refs, " ")
	}
	encodeLease(out, t.Lease)
	return out
}

// decodeTags reads what encodeTags writes; others' tags are not ours.
func decodeTags(tags map[string]string) (t provision.Tags, ours bool) {
	home := strings.Split(tags[tagHome], "/")
	key, err := provision.ParseKey(tags[tagKey])
	if len(home) != 2 || err != nil || tags[tagLineage] == "" {
		return t, false
	}
	t = provision.Tags{Lineage: tags[tagLineage], Project: home[0], Environment: home[1], Key: key}
	for _, ref := range strings.Fields(tags[tagRefs]) {
		if k, err := provision.ParseKey(ref); err == nil {
			t.Refs = append(t.Refs, k)
		}
	}
	t.Lease = decodeLease(tags)
	return t, true
}

// workerTagID is the Worker's own id, which its name does not tell: the upload's
// answer says it ("tag"), and GET workers/workers/{id or name}.
func workerTagID(ctx context.Context, c *Client, name string) (string, error) {
	if id, known := c.past.workers.Load(name); known {
		return id.(string), nil
	}
	a, err := get[struct {
		ID string `json:"id"`
	}](ctx, c, "accounts/"+c.Account+"/workers/workers/"+url.PathEscape(name), nil)
	return a.Result.ID, whole(err, a.Result.ID)
}
