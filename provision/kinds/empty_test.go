package kinds_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

const bucketObjects = "accounts/" + account + "/r2/buckets/shop-x/objects"

// filled is a world with a bucket of so many objects.
func filled(t *testing.T, objects int) *world {
	t.Helper()
	w := newWorld(t)
	w.reach(t, `"x": {"kind": "r2"}`, "r2/x", provision.Create)
	for i := range objects {
		w.send(t, "PUT", fmt.Sprintf("%s/a%%2Fb%%20%04d", bucketObjects, i), "text/plain", []byte("b"))
	}
	w.server.ResetRequests()
	return w
}

// A bucket is emptied page by page and deleted, in as many calls as promised.
func TestABucketIsEmptied(t *testing.T) {
	for objects, calls := range map[int]int{1: 3, 1000: 3, 1001: 5, 2500: 7} {
		w := filled(t, objects)
		p := w.plan(t, "", true)
		if p.Calls() != calls {
			t.Errorf("%d objects: the plan promises %d calls, want %d", objects, p.Calls(), calls)
		}
		w.server.ResetRequests()
		if err := w.apply(t, p); err != nil {
			t.Fatal(err)
		}
		if sent := len(w.server.Requests()); sent != calls || len(w.left()) != 0 {
			t.Errorf("%d objects: %d calls, want %d; left %v", objects, sent, calls, w.left())
		}
	}
}

// Emptying that is cut off goes on where it was, and in another jurisdiction too.
func TestEmptyingGoesOn(t *testing.T) {
	w := newWorld(t)
	w.reach(t, `"x": {"kind": "r2", "jurisdiction": "eu"}`, "r2/x", provision.Create)
	for i := range 2100 {
		w.put(t, fmt.Sprintf("%s/k%d", bucketObjects, i), "eu")
	}
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: "/objects$", Skip: 1, Status: 403, Code: 10000, Count: -1})
	if err := w.apply(t, w.plan(t, "", true)); err == nil || idOf(t, w, "r2/x") == "" {
		t.Fatalf("not cut off: %v", err)
	}
	w.calm(t)
	p := w.plan(t, "", true)
	if s := stepOf(t, p, "r2/x"); s.Data != "1,100 objects (1.1 kB)" {
		t.Errorf("%+v", s)
	}
	if err := w.apply(t, p); err != nil || len(w.left()) != 0 {
		t.Errorf("%v, left %v", err, w.left())
	}
}

// What was not there when the plan was made was not consented to.
func TestABucketThatFillsAfterThePlanStays(t *testing.T) {
	w := filled(t, 0)
	p := w.plan(t, "", true)
	w.send(t, "PUT", bucketObjects+"/late", "text/plain", []byte("b"))
	err := problem(t, w.apply(t, p))
	if !strings.Contains(strings.Join(err.Hints, "\n"), "empty the bucket first") || idOf(t, w, "r2/x") == "" {
		t.Errorf("%v %q", err, err.Hints)
	}
	w.send(t, "GET", bucketObjects+"/late", "", nil)
}

// Whatever keeps a bucket, the error says which, and the bucket stays recorded.
func TestABucketThatCannotBeEmptied(t *testing.T) {
	for name, tt := range map[string]struct {
		before     func(t *testing.T, w *world)
		text, hint string
	}{
		"unfinished uploads": {func(t *testing.T, w *world) {
			w.server.Fail(emulator.Failure{Method: "DELETE", Path: "/buckets/shop-x$", Status: 409, Code: 10008, Message: "The bucket you tried to delete is not empty", Count: -1})
		}, "unfinished multipart uploads", "abort-multipart-upload"},
		"a lock, told of an object": {func(t *testing.T, w *world) {
			w.call(t, "PUT", "accounts/"+account+"/r2/buckets/shop-x/lock", `{"rules":[{"id":"legal","enabled":true,"prefix":"a/","condition":{"type":"Date","date":"2031-01-01T00:00:00Z"}},{"id":"off","enabled":false,"condition":{"type":"Indefinite"}}]}`)
			w.server.Fail(emulator.Failure{Method: "DELETE", Path: "/objects$", Status: 409, Code: 10069, Message: "locked", Count: -1})
		}, `a bucket lock keeps its objects: rule "legal" keeps what begins with "a/" until 2031-01-01T00:00:00Z`, "Bucket lock rules"},
		"a lock, told of the bucket": {func(t *testing.T, w *world) {
			w.call(t, "PUT", "accounts/"+account+"/r2/buckets/shop-x/lock", `{"rules":[{"id":"week","enabled":true,"condition":{"type":"Age","maxAgeSeconds":604800}},{"id":"all","enabled":true,"condition":{"type":"Indefinite"}}]}`)
			w.server.Fail(emulator.Failure{Method: "DELETE", Path: "/buckets/shop-x$", Status: 409, Code: 10069, Message: "locked", Count: -1})
		}, `rule "week" keeps all for 168h0m0s; rule "all" keeps all for ever`, "wait until it expires"},
		"a writer that goes on": {func(t *testing.T, w *world) {
			var n atomic.Int64
			w.server.OnRequest(func(r emulator.Request, phase string) {
				if phase == "before" && r.Method == "DELETE" && strings.HasSuffix(r.Path, "/buckets/shop-x") {
					w.send(t, "PUT", fmt.Sprintf("%s/late%d", bucketObjects, n.Add(1)), "text/plain", []byte("b"))
				}
			})
		}, "objects appear in the bucket while it is emptied: 1 object in the last of 3 passes", "stop whatever writes to it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := filled(t, 3)
			tt.before(t, w)
			err := problem(t, w.apply(t, w.plan(t, "", true)))
			if !strings.Contains(err.Error(), tt.text) || !strings.Contains(strings.Join(err.Hints, "\n"), tt.hint) || idOf(t, w, "r2/x") == "" {
				t.Errorf("%v %q", err, err.Hints)
			}
			if n := len(w.server.Requests()); n > 20 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
