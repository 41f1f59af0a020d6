package kinds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// What Cloudflare has just made may stay invisible for a while to what is to
// stand on it, and what it has just deleted may still be seen by what it stood
// on. Both look like refusals that no waiting would mend; which codes may mean
// it is said by each kind, and it is believed only of what this run has touched.

// settleTime is how long is waited in all, as the longest lag that has been seen.
const settleTime = 60 * time.Second

// settle repeats do while it fails with one of the codes and one of the keys, or
// with none given anything, was made or deleted by this run.
func settle(ctx context.Context, c *Client, codes []int, keys []provision.Key, do func() error) error {
	return settleWhile(ctx, c, settleTime, func(err error) bool { return codeIs(err, codes...) && c.past.recent(keys...) }, do)
}

// settleWhile repeats do for so long while its error may only mean that it came
// too soon.
func settleWhile(ctx context.Context, c *Client, long time.Duration, early func(error) bool, do func() error) error {
	var waited time.Duration
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := do()
		if err == nil || !early(err) || waited >= long {
			return err
		}
		if serr := c.transport.sleep(ctx, wait); serr != nil {
			return errors.Join(err, serr)
		}
		waited += wait
	}
}

// freshness is how long what was seen not to be there is believed to be still so.
const freshness = 10 * time.Second

// vacant makes sure that a create which would overwrite finds nothing there: a
// plan may be applied hours after it was made. What this run has only just seen
// to be absent is not asked for again.
func (k kind[S]) vacant(ctx context.Context, c *Client, s step[S]) error {
	if !k.upserts {
		return nil
	}
	if at, ok := c.past.absent.Load(place{k.name, s.Name}); ok && c.transport.now().Sub(at.(time.Time)) < freshness {
		return nil
	}
	w := provision.Wanted{Key: s.Key, Name: s.Name, Zone: s.Zone, Settings: s.Settings, Local: s.Local, Refs: s.Refs}
	o, err := k.read(ctx, c.unremembered(), wanted[S]{Wanted: w, S: s.S})
	switch {
	case err != nil:
		return err
	case o.Blocked != "":
		return &provision.Problem{Text: o.Blocked, Class: provision.Refused}
	case o.Exists && o.Owner != "":
		return exists(fmt.Errorf("%q has come into being since the plan was made (it belongs to %s)", s.Name, o.Owner))
	case o.Exists:
		return exists(fmt.Errorf("%q has come into being since the plan was made", s.Name))
	}
	return nil
}

// lostIf marks a create's error as that of one which may have been carried out.
func lostIf(unsure bool, err error) error {
	var lost *provision.LostError
	if !unsure || errors.As(err, &lost) {
		return err
	}
	return &provision.LostError{Err: plain(err)}
}

func concat(keys []provision.Key, more ...provision.Key) []provision.Key {
	return slices.Concat(keys, more)
}
