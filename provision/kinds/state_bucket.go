package kinds

import (
	"context"
	"fmt"
	"net/http"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/r2"
)

// tagRole is on what cfboot makes for itself and not for a project: it stands in no
// project's state, so that none destroys it.
const (
	tagRole   = "cfboot.role"
	roleState = "state"
)

// A StateBucket says of a bucket for states whether it was there.
type StateBucket struct {
	Made bool
	Ours bool // cfboot made it, now or before, and its tags say so
}

// StateBucket makes the bucket that states are kept in, where it is not there yet,
// and tags it as such. One that is there is left as it is; one that belongs to a
// cfboot project is refused, because it would go with that.
func (c *Client) StateBucket(ctx context.Context, name, jurisdiction, location string) (b StateBucket, err error) {
	k := registry["r2"]
	key := provision.Key{Kind: "r2", Name: name}
	s := r2Settings{Jurisdiction: jurisdiction, LocationHint: location}
	var there envelope[struct {
		Name string `json:"name"`
	}]
	_, err = r2.NewBucketService(c.options...).Get(ctx, name, inAccount[r2.BucketGetParams](c), into(&there), s.within())
	if err = unlessGone(whole(err, there.Result.Name), 10006); err != nil {
		return b, explain(key, k, err)
	}
	if there.Result.Name != "" {
		b.Ours, err = c.statesOwn(ctx, k, name)
		return b, err
	}
	var made envelope[any]
	_, err = r2.NewBucketService(c.options...).New(ctx, inAccount[r2.BucketNewParams](c), body(struct {
		Name         string `json:"name"`
		LocationHint string `json:"locationHint,omitempty"`
	}{name, location}), into(&made), s.within())
	if codeIs(err, 10004, 10073) {
		return b, &provision.Problem{At: "r2/" + name, Text: "it was made by somebody else just now, or is in another jurisdiction", Err: plain(err), Class: provision.Refused,
			Hints: []string{"run the same command again, or choose another name"}}
	}
	if err != nil {
		return b, explain(key, k, err)
	}
	b.Made = true
	content := fmt.Appendf(nil, `{"resource_type":%q,"resource_id":%q,"tags":{%q:%q}}`, k.tags.kind, name, tagRole, roleState)
	var answer envelope[any]
	err = settleAbsent(ctx, c, func() error {
		return c.send(ctx, http.MethodPut, c.tagsPath(), content, "application/json", &answer)
	})
	b.Ours = err == nil // without tags it is no worse a place
	return b, nil
}

// statesOwn reads whose a bucket is that was there.
func (c *Client) statesOwn(ctx context.Context, k Kind, name string) (ours bool, err error) {
	set, err := c.tagSet(ctx, k.tags, name)
	if err != nil {
		return false, nil // tags that cannot be read say nothing
	}
	if t, projects := decodeTags(set.Tags); projects {
		return false, &provision.Problem{At: "r2/" + name, Text: fmt.Sprintf("the bucket is the project %s's own %s, and goes with it", t.Home(), t.Key), Class: provision.Refused,
			Hints: []string{"choose another one: cfboot state init r2://cfboot-state"}}
	}
	return set.Tags[tagRole] == roleState, nil
}
