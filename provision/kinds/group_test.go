package kinds

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

// A panic while reading is an error of what was read, never its absence.
func TestPanicWhileReading(t *testing.T) {
	c, _, _ := talk(t, nil)
	key := provision.Key{Kind: "panics", Name: "a"}
	registry["panics"] = Kind{read: func(context.Context, *Client, provision.Wanted, bool) (provision.Observed, error) {
		_, err := remember(c, "thing", func() (string, error) { panic("out of \x1b[31mrange") })
		return provision.Observed{}, err
	}}
	t.Cleanup(func() { delete(registry, "panics") })
	for range 2 {
		seen, err := c.Observe(context.Background(), []provision.Wanted{{Key: key, Name: "a"}}, false)
		var p *provision.Problem
		if seen != nil || !errors.As(err, &p) || !strings.Contains(err.Error(), "panics/a: cfboot itself failed: out of [31mrange") || len(p.Hints) != 1 {
			t.Errorf("%v: %+v", seen, err)
		}
	}
	registry["panics"] = Kind{read: func(context.Context, *Client, provision.Wanted, bool) (provision.Observed, error) { panic("plainly") }}
	if seen, err := c.Observe(context.Background(), []provision.Wanted{{Key: key, Name: "a"}}, false); seen != nil || err == nil {
		t.Errorf("%v: %v", seen, err)
	}
	var g group
	g.Go(func() error { panic("in a group") })
	if err := g.Wait(); err == nil || !strings.Contains(err.Error(), "in a group") {
		t.Error(err)
	}
	// Who waits for the same answer meanwhile gets the same error.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := remember(c, "other", func() (string, error) { panic("once") }); err == nil {
				t.Error("no error")
			}
		})
	}
	wg.Wait()
}
