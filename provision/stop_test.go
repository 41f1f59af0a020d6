package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// many are resources of which none needs another.
func many(n int) (out []Resource) {
	for i := range n {
		out = append(out, Resource{Key: Key{"tag", fmt.Sprintf("%02d", i)}, Name: fmt.Sprintf("%02d-0", i), Settings: Settings{"to": []any{}}})
	}
	return out
}

func TestParallelBound(t *testing.T) {
	for _, n := range []int{0, 1, 3, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t)
				p, err := c.plan(many(9), false)
				if err != nil {
					t.Fatal(err)
				}
				c.before = func(call string) {
					if call == "Create" {
						time.Sleep(time.Second) // all that may be under way come to it
					}
				}
				o := c.options()
				o.Parallel = n
				if _, err := c.apply(p, o); err != nil {
					t.Error(err)
				}
				if want := min(max(n, 1), 9); c.top != want {
					t.Errorf("%d at once, want %d", c.top, want)
				}
			})
		})
	}
}

// stopAt runs nine creates, two at once, and ends them at the third in one way or
// the other.
func stopAt(t *testing.T, end func(stop chan struct{}, cancel func())) (*cloud, Result, error) {
	c := newCloud(t)
	p, err := c.plan(many(9), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	var creates atomic.Int64
	c.before = func(call string) {
		if call == "Create" && creates.Add(1) == 3 {
			end(stop, cancel)
		}
	}
	o := c.options()
	o.Parallel, o.Stop = 2, stop
	res, err := Apply(ctx, p, c.snapshot(), fakeTraits, c, c.rec, o)
	return c, res, err
}

// Whether it is stopped or cancelled: what is under way is finished and recorded,
// nothing more is begun, and the next run resumes.
func TestInterrupted(t *testing.T) {
	for name, end := range map[string]func(chan struct{}, func()){
		"stopped":   func(stop chan struct{}, _ func()) { close(stop) },
		"cancelled": func(_ chan struct{}, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			c, res, err := stopAt(t, end)
			if classOf(t, err) != Interrupted || res.Failed != 0 || res.Done < 3 || res.Done > 4 || res.Done+res.Skipped != 9 {
				t.Errorf("got %+v, %v", res, err)
			}
			var problem *Problem
			if errors.As(err, &problem); problem.Text != fmt.Sprintf("stopped with %d steps not begun", res.Skipped) || !slices.Contains(problem.Hints, resumeHint) {
				t.Errorf("worded as %q with the hints %q", problem, problem.Hints)
			}
			if len(c.rec.state.Entries) != res.Done || len(c.rec.state.Intents) != 0 {
				t.Errorf("kept %+v", c.rec.state)
			}
			c.before = nil
			c.revive()
			if err := c.run(many(9), false); err != nil || c.calls["Create"] != res.Skipped {
				t.Errorf("the next run made %d: %v", c.calls["Create"], err)
			}
		})
	}
}

func TestStoppedBeforeTheStart(t *testing.T) {
	c := newCloud(t)
	p, err := c.plan(many(3), false)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	o := c.options()
	o.Stop = stop
	c.revive()
	res, err := c.apply(p, o)
	if want := (Result{Skipped: 3}); res != want || classOf(t, err) != Interrupted || len(c.log) != 0 {
		t.Errorf("got %+v, %v, and did %v", res, err, c.log)
	}
}

// A stop that came too late to hold anything up is no interruption.
func TestStoppedAtTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		faults []fault
		class  Class
	}{
		"done":   {nil, -1},
		"failed": {[]fault{{"Create", 1, refused}}, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			p, err := c.plan(many(1), false)
			if err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			c.before = func(call string) {
				if call == "Create" {
					close(stop)
				}
			}
			o := c.options()
			o.Stop = stop
			c.revive(tt.faults...)
			if _, err := c.apply(p, o); classOf(t, err) != tt.class {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A replacement that was stopped between its two parts is not done; the next run
// finds it gone and makes it.
func TestStoppedInAReplacement(t *testing.T) {
	small := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "small", "to": []any{}}}
	big := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "big", "to": []any{}}}
	c := newCloud(t)
	if err := c.run([]Resource{small}, false); err != nil {
		t.Fatal(err)
	}
	p, err := c.plan([]Resource{big}, false)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	c.before = func(call string) {
		if call == "Delete" {
			close(stop)
		}
	}
	o := c.options()
	o.Stop = stop
	res, err := c.apply(p, o)
	if want := (Result{Skipped: 1}); res != want || classOf(t, err) != Interrupted || !c.snapshot().Empty() {
		t.Errorf("got %+v, %v, kept %+v", res, err, c.rec.state)
	}
	c.before = nil
	if err := c.run([]Resource{big}, false); err != nil || c.differs([]Resource{big}) != "" {
		t.Errorf("%v\n%s", err, c.differs([]Resource{big}))
	}
}

// Cancelled while it waits to look again for a create whose answer was lost: the
// intent stays, and nothing is sent.
func TestCancelledWhileSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		p, err := c.plan([]Resource{boxA}, false)
		if err != nil {
			t.Fatal(err)
		}
		c.revive(fault{"Create", 1, lost})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		o := c.options()
		o.Settle = time.Hour
		_, err = Apply(ctx, p, c.snapshot(), fakeTraits, c, c.rec, o)
		if classOf(t, err) != Interrupted || !errors.Is(err, context.DeadlineExceeded) || len(c.rec.state.Intents) != 1 || c.calls["Create"] != 1 {
			t.Errorf("got %v after %v", err, c.log)
		}
	})
}

// An open intent that is old enough to be seen is not waited for, a fresh one at
// most as long as what is fresh may stay invisible.
func TestWaitForWhatIsFresh(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		0: 10 * time.Second, 15 * time.Second: 4 * time.Second, time.Hour: 0, -time.Hour: 10 * time.Second,
	} {
		t.Run(age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t)
				c.begin(boxA, false, 0, age)
				p, err := c.plan(nil, false)
				if err != nil {
					t.Fatal(err)
				}
				at := c.now.Add(time.Second)
				o := c.options()
				o.Settle, o.Now = 10*time.Second, func() time.Time { return at }
				began := time.Now()
				if _, err := c.apply(p, o); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(began); got != want {
					t.Errorf("waited %v, want %v", got, want)
				}
			})
		})
	}
}

func TestReportedEvents(t *testing.T) {
	small := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "small", "to": []any{}}}
	big := Resource{Key: store, Name: "s-0", Settings: Settings{"class": "big", "to": []any{}}}
	gone, unwanted, bound := Key{"tag", "gone"}, Key{"tag", "unwanted"}, Key{"tag", "bound"}
	adopted, wrong := Key{"tag", "adopted"}, Key{"tag", "wrong"}
	tag := func(k Key, binding string) Resource {
		return Resource{Key: k, Name: k.Name + "-0", Settings: Settings{"to": []any{}}, Local: Settings{"binding": binding}}
	}
	c := newCloud(t)
	if err := c.run([]Resource{small, boxA, tag(gone, ""), tag(unwanted, ""), tag(bound, "A"), tag(adopted, "")}, false); err != nil {
		t.Fatal(err)
	}
	delete(c.items, c.rec.state.Entries[gone].ID)
	delete(c.rec.state.Entries, adopted)
	blue := boxA
	blue.Settings = Settings{"color": "blue", "to": []any{}}
	p, err := c.plan([]Resource{big, blue, tag(bound, "B"), tag(adopted, ""), plain, tag(wrong, "")}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.revive(fault{"Create", 3, refused})
	o := c.options()
	o.Parallel = 1 // in the order of the plan, so that the last create is the third
	got := map[Key][]string{}
	var at atomic.Int32
	o.Report = func(e Event) {
		if at.Add(1) != 1 || e.Took <= 0 {
			t.Errorf("%s is reported beside another, or took %v", e.Step.Key, e.Took)
		}
		defer at.Add(-1)
		part := e.Part
		if e.Err != nil {
			part += "failed"
		}
		got[e.Step.Key] = append(got[e.Step.Key], part)
	}
	res, err := c.apply(p, o)
	want := map[Key][]string{
		box: {"updated"}, plain.Key: {"created"}, store: {"deleted", "replaced"}, wrong: {"failed"},
		gone: {"recorded"}, unwanted: {"deleted"}, bound: {"recorded"}, adopted: {"adopted"},
	}
	if d := cmp.Diff(want, got); d != "" || classOf(t, err) != Partial {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if want := (Result{Done: 7, Failed: 1}); res != want {
		t.Errorf("got %+v", res)
	}
}
