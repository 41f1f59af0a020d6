package emulator

import (
	"fmt"
	"strings"
	"testing"
)

func TestWidgets(t *testing.T) {
	c := open(t, Options{Now: newClock().now})
	const base = "A/challenges/widgets"
	c.run([]step{
		{method: "POST", path: base, body: `{"name":"form","domains":["shop.example"],"mode":"managed"}`, keep: map[string]string{"w": "sitekey", "secret": "secret"},
			want: map[string]any{"name": "form", "domains.0": "shop.example", "mode": "managed", "clearance_level": "no_clearance", "region": "world",
				"bot_fight_mode": false, "offlabel": false, "ephemeral_id": false, "created_on": "2026-11-23T12:00:00.000000Z"}},
		{name: "names are not unique", method: "POST", path: base, body: `{"name":"form","domains":["b.example"],"mode":"invisible","region":"china","offlabel":true}`, keep: map[string]string{"v": "sitekey"},
			want: map[string]any{"region": "china", "offlabel": true}},
		{name: "not JSON", method: "POST", path: base, body: `x`, status: 400, code: 10400},
		{name: "no name", method: "POST", path: base, body: `{"domains":["a"],"mode":"managed"}`, status: 400, code: 10400},
		{name: "long name", method: "POST", path: base, body: `{"name":"` + strings.Repeat("ä", 255) + `","domains":["a"],"mode":"managed"}`, status: 400, code: 10400},
		{name: "no domains", method: "POST", path: base, body: `{"name":"a","mode":"managed"}`, status: 400, code: 10400},
		{name: "many domains", method: "POST", path: base, body: `{"name":"a","mode":"managed","domains":["1","2","3","4","5","6","7","8","9","10","11"]}`, status: 400, code: 10400},
		{name: "bad mode", method: "POST", path: base, body: `{"name":"a","domains":["a"],"mode":"x"}`, status: 400, code: 10400},
		{name: "bad level", method: "POST", path: base, body: `{"name":"a","domains":["a"],"mode":"managed","clearance_level":"x"}`, status: 400, code: 10400},
		{name: "bad region", method: "POST", path: base, body: `{"name":"a","domains":["a"],"mode":"managed","region":"mars"}`, status: 400, code: 10400},
		{name: "a list has no secrets", method: "GET", path: base, want: map[string]any{"0.sitekey": "{w}", "0.secret": nil, "1.sitekey": "{v}", "2": nil}},
		{name: "one has", method: "GET", path: base + "/{w}", want: map[string]any{"secret": "{secret}", "name": "form"}},
		{name: "missing", method: "GET", path: base + "/0x0", status: 404, code: 10404},
		{name: "PUT sets everything", method: "PUT", path: base + "/{v}", body: `{"name":"Other","domains":["c.example"],"mode":"managed"}`,
			want: map[string]any{"name": "Other", "offlabel": false, "region": "china", "sitekey": "{v}"}},
		{name: "but the region", method: "PUT", path: base + "/{v}", body: `{"name":"Other","domains":["c.example"],"mode":"managed","region":"world"}`, status: 400, code: 10400},
		{name: "PUT needs all that POST does", method: "PUT", path: base + "/{v}", body: `{"name":"Other"}`, status: 400, code: 10400},
		{name: "PUT of none", method: "PUT", path: base + "/0x0", body: `{"name":"Other"}`, status: 404, code: 10404},
		{name: "filter", method: "GET", path: base + "?filter=name:oTHE", want: map[string]any{"0.sitekey": "{v}", "1": nil}},
		{name: "filter by sitekey", method: "GET", path: base + "?filter=sitekey:{w}", want: map[string]any{"0.sitekey": "{w}", "1": nil}},
		{name: "bad filter", method: "GET", path: base + "?filter=mode:managed", status: 400, code: 10400},
		{name: "order", method: "GET", path: base + "?order=name", want: map[string]any{"0.name": "Other", "1.name": "form"}},
		{name: "delete answers the widget", method: "DELETE", path: base + "/{v}", want: map[string]any{"sitekey": "{v}", "name": "Other"}},
		{name: "gone", method: "DELETE", path: base + "/{v}", status: 404, code: 10404},
		{name: "rotate none", method: "POST", path: base + "/{v}/rotate_secret", body: `{}`, status: 404, code: 10404},
	})
	list := c.must("GET", base, nil)
	id := list.text("0.sitekey")
	before, after := c.must("GET", base+"/"+id, nil).text("secret"), c.must("POST", base+"/"+id+"/rotate_secret", `{"invalidate_immediately":true}`).text("secret")
	if len(id) != 24 || len(before) != 35 || len(after) != 35 || before == after || c.must("GET", base+"/"+id, nil).text("secret") != after {
		t.Errorf("sitekey %s, secret %s, then %s", id, before, after)
	}
	if n := c.Count()["turnstile"]; n != 1 {
		t.Errorf("got %d widgets, want 1", n)
	}
}

func TestWidgetsComeInPages(t *testing.T) {
	c := open(t, Options{})
	const base = "A/challenges/widgets"
	for i := range 30 {
		c.must("POST", base, fmt.Sprintf(`{"name":"w%02d","domains":["a.example"],"mode":"managed"}`, i))
	}
	for query, want := range map[string]int{"": 25, "?page=2": 5, "?page=3": 0, "?per_page=1000": 30, "?per_page=20&page=2": 10} {
		g := c.must("GET", base+query, nil)
		if got := len(g.list("name")); got != want || g.Info["total_count"] != 30.0 {
			t.Errorf("%s: %d widgets, %v", query, got, g.Info)
		}
	}
}
