package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/wrangler"
	"github.com/google/go-cmp/cmp"
)

func TestLogicalName(t *testing.T) {
	for in, want := range map[string]string{
		"DB": "db", "MY_CACHE": "my-cache", "__X__": "x", "Ünïcode": "n-code", "😀": "", "": "", "-": "",
		"*.shop.example/api/*":    "shop-example-api",
		strings.Repeat("ab-", 20): strings.TrimSuffix(strings.Repeat("ab-", 12), "-"),
	} {
		if got := logicalName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// What a wrangler.jsonc names is found once, under a name of its own, whatever
// else is odd about it.
func TestTakeoverFinds(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		found     []string // key, real name, id
		left      []string
	}{
		{"nothing", `{"name": "shop"}`, []string{"worker/app shop "}, nil},
		{"names that meet", `{"name": "shop", "d1_databases": [{"binding": "APP", "database_name": "x"}], "kv_namespaces": [{"binding": "app", "id": "1"}, {"binding": "A-P_P", "id": "2"}], "r2_buckets": [{"binding": "APP_D1"}]}`,
			[]string{"worker/app shop ", "d1/app-d1 x ", "kv/app-kv shop-app 1", "kv/a-p-p shop-a-p-p 2", "r2/app-d1-r2 shop-app-d1 "}, nil},
		{"one queue in three places", `{"name": "shop", "queues": {"consumers": [{"queue": "shop-jobs", "dead_letter_queue": "shop-dead"}], "producers": [{"binding": "WORK", "queue": "shop-jobs"}]}}`,
			[]string{"worker/app shop ", "queue/work shop-jobs ", "consumer/work shop ", "queue/dead shop-dead "}, nil},
		{"pulled over HTTP", `{"name": "shop", "queues": {"consumers": [{"queue": "q", "type": "http_pull"}]}}`,
			[]string{"worker/app shop ", "queue/q q ", "consumer/q http_pull "}, nil},
		{"hostile ids and names", `{"name": "shop", "d1_databases": [{"binding": "A", "database_id": "../x"}], "r2_buckets": [{"binding": "B", "bucket_name": "../../y"}], "vectorize": [{"binding": "C", "index_name": "z?a=b"}]}`,
			[]string{"worker/app shop "}, []string{`d1 A: "../x" is no id`, `r2 B: "../../y" is no name`, `vectorize C: "z?a=b" is no name`}},
		{"values of other types", `{"name": "shop", "kv_namespaces": [{"binding": 1, "id": 2}], "queues": {"consumers": [{"queue": null}]}, "routes": [{"pattern": 7}]}`,
			[]string{"worker/app shop ", "kv/kv shop- ", "route/route  "}, []string{`queue: "" is no name`}},
		{"routes in every form", `{"name": "shop", "route": "Shop.Example/Path/*", "routes": [{"pattern": "www.shop.example", "custom_domain": true}]}`,
			[]string{"worker/app shop ", "route/shop-example-path shop.example/Path/* ", "domain/www-shop-example www.shop.example "}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := wrangler.Read([]byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			o := newTakeover(config.Environment(""))
			var found, left []string
			for _, f := range o.found {
				found = append(found, fmt.Sprintf("%s %s %s", f.wanted.Key, f.wanted.Name, f.wanted.ID))
			}
			for _, l := range o.left {
				left = append(left, l.What+": "+l.Why)
			}
			if d := cmp.Diff(tt.found, found); d != "" {
				t.Errorf("found (-want +got)\n%s", d)
			}
			if d := cmp.Diff(tt.left, left); d != "" {
				t.Errorf("left (-want +got)\n%s", d)
			}
		})
	}
}
