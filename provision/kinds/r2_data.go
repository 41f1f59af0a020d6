package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/r2"
)

// r2Holding is what a bucket holds, as far as it was counted.
type r2Holding struct {
	objects int
	bytes   int64
	more    bool
}

func (h r2Holding) String() string {
	text := some(h.objects, h.more, "object")
	if text == "" || h.bytes == 0 {
		return text
	}
	if h.more {
		return text + " (more than " + size(h.bytes) + ")"
	}
	return text + " (" + size(h.bytes) + ")"
}

// emptying is how many calls it takes to delete the objects: two for each page.
func (h r2Holding) emptying() int { return 2 * ((h.objects + countPage - 1) / countPage) }

// objectsPage is one page of a bucket's objects.
type objectsPage struct {
	keys  []string
	bytes int64
	more  bool
}

// objects lists the objects whose keys come after one.
func (c *Client) objects(ctx context.Context, bucket string, s r2Settings, after string) (p objectsPage, err error) {
	q := url.Values{"per_page": {fmt.Sprint(countPage)}}
	if after != "" {
		q.Set("start_after", after)
	}
	e, err := get[[]struct {
		Key  string `json:"key"`
		Size int64  `json:"size"`
	}](ctx, c, c.bucketPath(bucket)+"/objects", q, r2Jurisdiction, orDefault(s.Jurisdiction, "default"))
	for _, o := range e.Result {
		p.keys = append(p.keys, o.Key)
		p.bytes += o.Size
	}
	p.more = e.Info.Cursor != "" && len(p.keys) > 0
	return p, err
}

func (c *Client) bucketPath(bucket string) string {
	return "accounts/" + c.Account + "/r2/buckets/" + bucket
}

// countObjects counts a bucket's objects and their bytes, as far as countPages go.
func (c *Client) countObjects(ctx context.Context, bucket string, s r2Settings) (h r2Holding, err error) {
	after := ""
	for range countPages {
		p, err := c.objects(ctx, bucket, s, after)
		if err != nil {
			return r2Holding{}, err
		}
		h.objects += len(p.keys)
		h.bytes += p.bytes
		if h.more = p.more; !h.more {
			break
		}
		after = p.keys[len(p.keys)-1]
	}
	return h, nil
}

// emptyingPasses is how often a bucket is gone through, because objects may
// appear while it is emptied.
const emptyingPasses = 3

// deleteBucket deletes a bucket, which has to be empty. One that is known to hold
// something is emptied first: to lose that, consent was given. A run that is cut
// off in it has only fewer objects to delete the next time.
func deleteBucket(ctx context.Context, c *Client, s step[r2Settings]) error {
	remove := func() error {
		var e envelope[any]
		_, err := r2.NewBucketService(c.options...).Delete(ctx, s.Name, inAccount[r2.BucketDeleteParams](c), into(&e), s.S.within())
		return unlessGone(err, 10006)
	}
	if s.Data == "" {
		return remove()
	}
	appeared := 0
	for pass := range emptyingPasses {
		n, err := c.empty(ctx, s)
		switch {
		case codeIs(err, r2Locked):
			return c.locked(ctx, s, err)
		case err != nil:
			return unlessGone(err, 10006)
		}
		if pass > 0 {
			appeared = n
		}
		err = remove()
		switch {
		case err == nil || !statusIs(err, http.StatusConflict) && !codeIs(err, r2NotEmpty):
			return err
		case codeIs(err, r2Locked):
			return c.locked(ctx, s, err)
		case pass > 0 && n == 0:
			return &provision.Problem{Err: plain(err), Text: "the bucket has no objects any more, and still is not empty: there are unfinished multipart uploads in it", Hints: []string{
				"abort them with an S3 client: aws s3api list-multipart-uploads and abort-multipart-upload; R2 does so itself after 7 days, unless the bucket's lifecycle says otherwise",
				"then run the same command again: the bucket is still recorded"}}
		}
	}
	return &provision.Problem{Text: fmt.Sprintf("objects appear in the bucket while it is emptied: %s in the last of %d passes", plural(appeared, "object"), emptyingPasses), Hints: []string{
		"stop whatever writes to it, then run the same command again: the bucket is still recorded"}}
}

// The codes for a bucket that holds something and for objects that a lock keeps.
// The first is not verified, so a conflict by its status counts as well.
const (
	r2NotEmpty = 10008
	r2Locked   = 10069
)

// empty goes once through a bucket and deletes its objects, page by page.
func (c *Client) empty(ctx context.Context, s step[r2Settings]) (n int, err error) {
	for after := ""; ; {
		p, err := c.objects(ctx, s.Name, s.S, after)
		if err != nil || len(p.keys) == 0 {
			return n, err
		}
		keys, err := json.Marshal(p.keys)
		if err != nil {
			return n, err
		}
		// guess: as many keys as a page has are taken in one call.
		var e envelope[any]
		if err := c.send(ctx, http.MethodDelete, c.bucketPath(s.Name)+"/objects", keys, "application/json", &e, r2Jurisdiction, orDefault(s.S.Jurisdiction, "default")); err != nil {
			return n, err
		}
		n += len(p.keys)
		if !p.more {
			return n, nil
		}
		after = p.keys[len(p.keys)-1]
	}
}

// locked says what keeps a bucket's objects, and until when, where that can be
// found out.
func (c *Client) locked(ctx context.Context, s step[r2Settings], err error) error {
	p := &provision.Problem{Err: plain(err), Text: "a bucket lock keeps its objects", Hints: []string{
		"wait until it expires, or remove the rule in the dashboard: R2 > the bucket > Settings > Bucket lock rules",
		"then run the same command again: the bucket is still recorded"}}
	rules, lerr := get[struct {
		Rules []r2LockRule `json:"rules"`
	}](ctx, c, c.bucketPath(s.Name)+"/lock", nil, r2Jurisdiction, orDefault(s.S.Jurisdiction, "default"))
	if lerr != nil {
		return p
	}
	var kept []string
	for _, r := range rules.Result.Rules {
		if r.Enabled {
			kept = append(kept, r.String())
		}
	}
	if kept != nil {
		p.Text += ": " + strings.Join(kept, "; ")
	}
	return p
}

type r2LockRule struct {
	ID        string `json:"id"`
	Prefix    string `json:"prefix"`
	Enabled   bool   `json:"enabled"`
	Condition struct {
		Type   string  `json:"type"`
		MaxAge float64 `json:"maxAgeSeconds"`
		Date   string  `json:"date"`
	} `json:"condition"`
}

func (r r2LockRule) String() string {
	text := fmt.Sprintf("rule %q", r.ID)
	if r.Prefix != "" {
		text += fmt.Sprintf(" keeps what begins with %q", r.Prefix)
	} else {
		text += " keeps all"
	}
	switch {
	case r.Condition.Date != "":
		return text + " until " + r.Condition.Date
	case r.Condition.MaxAge > 0:
		return text + " for " + (time.Duration(r.Condition.MaxAge) * time.Second).String()
	}
	return text + " for ever"
}
