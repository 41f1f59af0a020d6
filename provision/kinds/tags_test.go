package kinds

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

var (
	tagsEntry = provision.Entry{Key: provision.Key{Kind: "d1", Name: "db"}, Name: "shop-db", ID: "id-1"}
	tagsOurs  = provision.Tags{Lineage: "L", Project: "shop", Environment: "production", Key: tagsEntry.Key, Refs: []provision.Key{{Kind: "worker", Name: "b"}, {Kind: "kv", Name: "a"}}}
)

// Tags of others are kept, whatever they do meanwhile; what never had any is
// answered with an error in the beta, which is not asked for again and again.
func TestTagsAreMerged(t *testing.T) {
	const notFound = `{"success":false,"errors":[{"code":1001,"message":"resource not found: type=d1_database id=id-1"}],"result":null}`
	ours := map[string]string{"cfboot.env": "shop/production", "cfboot.key": "d1/db", "cfboot.state": "L", "cfboot.refs": "kv/a worker/b"}
	with := func(more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range ours {
			out[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		fresh  bool
		gets   []string // answers, the last one again and again; the status before a |
		puts   []int    // statuses
		match  string   // If-Match of the last PUT
		want   map[string]string
		sent   int
		marked provision.Mark
	}{
		{"fresh", true, nil, []int{200}, "", ours, 1, provision.Marked},
		{"never tagged, as a 500", false, []string{"500|" + notFound}, []int{200}, "", ours, 2, provision.Marked},
		{"never tagged, as a 404", false, []string{"404|" + notFound}, []int{200}, "", ours, 2, provision.Marked},
		{"others' tags", false, []string{`200|{"success":true,"result":{"tags":{"team":"blue"},"etag":"\"1\""}}`}, []int{200}, `"1"`, with("team", "blue"), 2, provision.Marked},
		{"tags of what it stood on before", false, []string{`200|{"success":true,"result":{"tags":{"cfboot.refs":"kv/old"}}}`}, []int{200}, "", ours, 2, provision.Marked},
		{"ours are there", false, []string{`200|{"success":true,"result":{"tags":{"cfboot.env":"shop/production","cfboot.key":"d1/db","cfboot.state":"L","cfboot.refs":"kv/a worker/b"}}}`}, nil, "", nil, 1, provision.Marked},
		{"somebody is faster", false, []string{`200|{"success":true,"result":{"tags":{},"etag":"\"1\""}}`, `200|{"success":true,"result":{"tags":{"team":"red"},"etag":"\"2\""}}`}, []int{412, 200}, `"2"`, with("team", "red"), 4, provision.Marked},
		{"not known yet", true, nil, []int{404, 404, 200}, "", ours, 3, provision.Marked},
		{"never known", true, nil, []int{404}, "", ours, 6, provision.MarkDenied},
		{"not allowed", true, nil, []int{403}, "", ours, 1, provision.MarkDenied},
		{"too many", true, nil, []int{400}, "", ours, 1, provision.MarkDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var last map[string]string
			gets, puts, match := 0, 0, ""
			c, k, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/accounts/"+testAccount+"/tags" {
					t.Errorf("%s %s", r.Method, r.URL.Path)
				}
				if r.Method == http.MethodGet {
					answer := tt.gets[min(gets, len(tt.gets)-1)]
					gets++
					status := map[string]int{"2": 200, "4": 404, "5": 500}[answer[:1]]
					say(w, status, answer[4:])
					return
				}
				var in struct {
					Type string            `json:"resource_type"`
					ID   string            `json:"resource_id"`
					Tags map[string]string `json:"tags"`
				}
				raw, _ := io.ReadAll(r.Body)
				if err := json.Unmarshal(raw, &in); err != nil || in.Type != "d1_database" || in.ID != "id-1" {
					t.Errorf("sent %s: %v", raw, err)
				}
				last, match = in.Tags, r.Header.Get("If-Match")
				status := tt.puts[min(puts, len(tt.puts)-1)]
				puts++
				say(w, status, map[bool]string{true: success, false: `{"success":false,"errors":[{"code":1001,"message":"refused"}],"result":null}`}[status == 200])
			})
			marked, err := c.Mark(context.Background(), tagsEntry, tagsOurs, tt.fresh)
			if err != nil || marked != tt.marked {
				t.Errorf("%q, %v", marked, err)
			}
			if d := cmp.Diff(tt.want, last); d != "" || match != tt.match {
				t.Errorf("If-Match %q, tags (-want +sent):\n%s", match, d)
			}
			if int(sent.Load()) != tt.sent || k.slept > 2*tagSettleTime {
				t.Errorf("%d requests in %s, want %d", sent.Load(), k.slept, tt.sent)
			}
		})
	}
}

// Who may not tag is told so once in a run.
func TestTaggingIsDeniedOnce(t *testing.T) {
	c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, 403, `{"success":false,"errors":[{"code":10000,"message":"feature gate"}],"result":null}`)
	})
	for range 3 {
		if marked, err := c.Mark(context.Background(), tagsEntry, tagsOurs, true); marked != provision.MarkDenied || err != nil {
			t.Errorf("%q, %v", marked, err)
		}
	}
	o := provision.Observed{Key: tagsEntry.Key, Exists: true, ID: "id-1"}
	if err := c.tagged(context.Background(), registry["d1"], &o); err != nil || o.Tags != nil {
		t.Errorf("%+v, %v", o, err)
	}
	if n := sent.Load(); n > 2 { // one, and once more because valid tokens are refused now and then
		t.Errorf("%d requests", n)
	}
	if _, allowed, err := c.Tagged(context.Background(), "shop", "production"); allowed || err != nil {
		t.Errorf("listing: %v, %v", allowed, err)
	}
}

// A failure that may pass is an error: the next run tries again.
func TestTaggingFails(t *testing.T) {
	c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) })
	if marked, err := c.Mark(context.Background(), tagsEntry, tagsOurs, true); marked != provision.Unmarked || err == nil {
		t.Errorf("%q, %v", marked, err)
	}
}

// All pages are read, what is somebody else's is left out, and a cursor that
// comes again ends it.
func TestTaggedPages(t *testing.T) {
	one := func(kind, id, key string) string {
		return `{"type":"` + kind + `","id":"` + id + `","name":"n-` + id + `","tags":{"cfboot.env":"shop/production","cfboot.state":"L","cfboot.key":"` + key + `"}}`
	}
	var asked []string
	c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("cursor"))
		if d := cmp.Diff([]string{"cfboot.env=shop/production"}, q["tag"]); d != "" {
			t.Error(d)
		}
		switch q.Get("cursor") {
		case "":
			say(w, 200, `{"success":true,"result":[`+one("d1_database", "1", "d1/db")+`,`+one("kv_namespace", "2", "d1/wrong")+`],"result_info":{"cursors":{"after":"c1"}}}`)
		case "c1":
			say(w, 200, `{"success":true,"result":[`+one("worker", "3", "worker/app")+`,{"type":"queue","id":"4","tags":{"cfboot.env":"shop/production"}}],"result_info":{"cursor":"c2"}}`)
		default:
			say(w, 200, `{"success":true,"result":[],"result_info":{"cursor":"c2"}}`)
		}
	})
	got, allowed, err := c.Tagged(context.Background(), "shop", "production")
	if err != nil || !allowed {
		t.Fatal(allowed, err)
	}
	tags := func(kind, name string) provision.Tags {
		return provision.Tags{Lineage: "L", Project: "shop", Environment: "production", Key: provision.Key{Kind: kind, Name: name}}
	}
	want := []provision.Tagged{{Tags: tags("d1", "db"), Name: "n-1", ID: "1"}, {Tags: tags("worker", "app"), Name: "n-3"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"", "c1", "c2"}, asked); d != "" {
		t.Errorf("asked for:\n%s", d)
	}
}

func FuzzDecodeTags(f *testing.F) {
	f.Add("shop/production", "d1/db", "L", "kv/a worker/b")
	f.Add("a/b/c", "d1", "", " ")
	f.Fuzz(func(t *testing.T, home, key, lineage, refs string) {
		got, ours := decodeTags(map[string]string{tagHome: home, tagKey: key, tagLineage: lineage, tagRefs: refs})
		if !ours {
			return
		}
		again, ok := decodeTags(encodeTags(got))
		if !ok || again.Home() != got.Home() || again.Key != got.Key || again.Lineage != got.Lineage || len(again.Refs) != len(got.Refs) {
			t.Errorf("%+v became %+v", got, again)
		}
	})
}
