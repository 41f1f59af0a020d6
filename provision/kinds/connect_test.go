package kinds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

func TestConnectRefusesWhatIsNoAddress(t *testing.T) {
	for _, base := range []string{"api.cloudflare.com", "ftp://api.cloudflare.com", "https://", ":", "http://a b"} {
		_, err := Connect(Connection{Token: testToken, BaseURL: base})
		var p *provision.Problem
		if !errors.As(err, &p) || p.Class != provision.Refused || len(p.Hints) == 0 {
			t.Errorf("%q: %v", base, err)
		}
	}
	c, err := Connect(Connection{Token: testToken})
	if err != nil || c.base != DefaultBaseURL {
		t.Errorf("%v %v", c, err)
	}
}

func TestVerify(t *testing.T) {
	const status = `{"success":true,"errors":[],"messages":[{"code":10000,"message":"valid"}],"result":{"id":"1","status":%q}}`
	for _, tt := range []struct {
		name          string
		user, account string // answers of the two endpoints: status and body
		says          string // empty: it is valid
	}{
		{"active", "200 " + fmt.Sprintf(status, "active"), "", ""},
		{"expired", "200 " + fmt.Sprintf(status, "expired"), "", "the API token is expired"},
		{"disabled", "200 " + fmt.Sprintf(status, "disabled"), "", "the API token is disabled"},
		{"without a status", `200 {"success":true,"result":null}`, "", "the API token is of unknown status"},
		{"malformed", `400 {"success":false,"errors":[{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6111,"message":"Invalid format"}]}]}`, "", "not valid: Invalid request headers: Invalid format"},
		{"unknown", `401 {"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}`, `401 {"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}`, "not valid"},
		{"of an account", `401 {"success":false,"errors":[{"code":1000}]}`, "200 " + fmt.Sprintf(status, "active"), ""},
		{"of another address", `403 {"success":false,"errors":[{"code":9109,"message":"Cannot use the access token from location: 192.0.2.1"}]}`, "", "may not be used from this machine's address"},
		{"expired since", `200 {"success":true,"result":{"id":"1","status":"expired","expires_on":"2020-02-03T04:05:06Z"}}`, "", "is expired, since 2020-02-03 04:05 UTC"},
		{"of an account, expired", `401 {"success":false,"errors":[{"code":1000}]}`, "200 " + fmt.Sprintf(status, "expired"), "the API token is expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
				a := tt.user
				if strings.HasPrefix(r.URL.Path, "/accounts/") {
					a = tt.account
				}
				say(w, map[string]int{"200": 200, "400": 400, "401": 401, "403": 403}[a[:3]], a[4:])
			})
			err := c.Verify(context.Background())
			var p *provision.Problem
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (!errors.As(err, &p) || !strings.Contains(err.Error(), tt.says) || p.Class != provision.Refused || len(p.Hints) == 0):
				t.Errorf("%v", err)
			}
		})
	}
}

func TestFindAccount(t *testing.T) {
	page := func(total int, ids ...string) string {
		var list []string
		for _, id := range ids {
			list = append(list, fmt.Sprintf(`{"id":%q,"name":"Name of %s"}`, id, id))
		}
		return fmt.Sprintf(`{"success":true,"errors":[],"result":[%s],"result_info":{"total_count":%d}}`, strings.Join(list, ","), total)
	}
	for _, tt := range []struct {
		name  string
		pages []string // the last for ever, as the service has been seen to do
		found string
		says  string
		sent  int64
	}{
		{"one", []string{page(1, "a")}, "a", "", 1},
		{"none", []string{page(0)}, "", "shows no account", 1},
		{"two", []string{page(2, "a", "b")}, "", "Name of b", 1},
		{"on two pages", []string{page(2, "a"), page(2, "b")}, "", "Name of b", 2},
		{"the last page for ever", []string{page(3, "a"), page(3, "b")}, "", "Name of b", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			c, _, sent := talk(t, func(w http.ResponseWriter, _ *http.Request) {
				say(w, 200, tt.pages[min(n, len(tt.pages)-1)])
				n++
			})
			c.Account = ""
			err := c.FindAccount(context.Background())
			if c.Account != tt.found || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) || sent.Load() != tt.sent {
				t.Errorf("%q %v after %d requests", c.Account, err, sent.Load())
			}
		})
	}
}

func TestCheckAccount(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404} {
		c, _, _ := talk(t, func(w http.ResponseWriter, _ *http.Request) {
			say(w, status, `{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}`)
		})
		var p *provision.Problem
		if err := c.CheckAccount(context.Background()); !errors.As(err, &p) || p.Class != provision.Refused || !strings.Contains(err.Error(), testAccount) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestZoneOfAHost(t *testing.T) {
	const here, there = testAccount, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	zone := func(id, name, account, status, kind string) string {
		return fmt.Sprintf(`{"id":%q,"name":%q,"status":%q,"type":%q,"account":{"id":%q,"name":"Their Shop"}}`, id, name, status, kind, account)
	}
	for _, tt := range []struct {
		name, host string
		zones      []string
		records    bool
		id, says   string
	}{
		{"its own", "shop.example", []string{zone("1", "shop.example", here, "active", "full")}, true, "1", ""},
		{"the longest", "a.b.shop.example", []string{zone("1", "shop.example", here, "active", "full"), zone("2", "b.shop.example", here, "active", "full")}, true, "2", ""},
		{"a wildcard's", "*.shop.example", []string{zone("1", "shop.example", here, "active", "full")}, true, "1", ""},
		{"of two accounts, ours", "shop.example", []string{zone("1", "shop.example", there, "active", "full"), zone("2", "shop.example", here, "active", "full")}, true, "2", ""},
		{"of two in ours, the active one", "shop.example", []string{zone("1", "shop.example", here, "moved", "full"), zone("2", "shop.example", here, "active", "full")}, true, "2", ""},
		{"another account's", "shop.example", []string{zone("1", "shop.example", there, "active", "full")}, true, "", "in another account (" + there + " Their Shop)"},
		{"pending", "shop.example", []string{zone("1", "shop.example", here, "pending", "full")}, true, "", "is pending"},
		{"nobody's", "shop.example", nil, true, "", "no zone"},
		{"a filter that is ignored", "shop.example", []string{zone("1", "other.example", here, "active", "full")}, true, "", "no zone"},
		{"records kept elsewhere", "shop.example", []string{zone("1", "shop.example", here, "active", "partial")}, true, "", "kept elsewhere"},
		{"records kept elsewhere, for a route", "shop.example", []string{zone("1", "shop.example", here, "active", "partial")}, false, "1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
				var list []string
				for _, z := range tt.zones {
					if strings.Contains(z, fmt.Sprintf(`"name":%q,"status"`, r.URL.Query().Get("name"))) || tt.name == "a filter that is ignored" {
						list = append(list, z)
					}
				}
				say(w, 200, `{"success":true,"errors":[],"result":[`+strings.Join(list, ",")+`]}`)
			})
			id, blocked, err := c.place(context.Background(), "", tt.host, tt.records)
			if err != nil || id != tt.id || (blocked == "") != (tt.says == "") || !strings.Contains(blocked, tt.says) {
				t.Errorf("%q %q %v", id, blocked, err)
			}
		})
	}
}

// A store that cannot be seen is not gone: what is gone is made again, or
// forgotten.
func TestNothingIsTakenForGone(t *testing.T) {
	ids := map[string]string{"consumer": "q/c", "worker": "shop", "r2": "shop-files"}
	for _, k := range All() {
		for name, answer := range map[string]string{
			"a page":            `404 <html>Not Found</html>`,
			"no route":          `404 {"success":false,"errors":[{"code":7003,"message":"Could not route to /accounts"}]}`,
			"nothing":           `200 `,
			"forbidden":         `403 {"success":false,"errors":[{"code":10000}]}`,
			"an empty result":   `200 {"success":true,"errors":[],"result":null}`,
			"an empty object":   `200 {"success":true,"errors":[],"result":{}}`,
			"of unknown fields": `200 {"success":true,"errors":[],"result":{"identifier":"1"}}`,
		} {
			isList := k.Name == "route" || k.Name == "domain"
			if answer[0] == '2' && (isList || k.Name == "worker" || name == "") && strings.Contains(answer, "success") {
				continue // lists may be empty or null; a Worker has no id
			}
			t.Run(k.Name+" "+name, func(t *testing.T) {
				c, _, _ := talk(t, func(w http.ResponseWriter, _ *http.Request) {
					say(w, map[byte]int{'2': 200, '4': 404}[answer[0]]-map[string]int{"forbidden": 1}[name], answer[4:])
				})
				id := orDefault(ids[k.Name], strings.Repeat("1", 32))
				queue := provision.Key{Kind: "queue", Name: "x"}
				seen, err := c.Observe(context.Background(), []provision.Wanted{{Key: provision.Key{Kind: k.Name, Name: "x"}, Name: "shop.example", ID: id, Zone: strings.Repeat("2", 32),
					Refs: map[provision.Key]provision.Entry{queue: {ID: strings.Repeat("3", 32), Name: "shop-x"}}}}, false)
				if err == nil {
					t.Errorf("%+v", seen)
				}
			})
		}
	}
}

// Where Cloudflare does not say where a store's data stays, that is no reason to
// replace the store.
func TestSilenceAboutAJurisdiction(t *testing.T) {
	for kind, answer := range map[string]string{
		"kv": `{"success":true,"result":{"id":"1","title":"shop-x"}}`,
		"d1": `{"success":true,"result":{"uuid":"1","name":"shop-x"}}`,
		"r2": `{"success":true,"result":{"name":"shop-x"}}`,
	} {
		c, _, _ := talk(t, func(w http.ResponseWriter, _ *http.Request) { say(w, 200, answer) })
		key := provision.Key{Kind: kind, Name: "x"}
		e := provision.Entry{Key: key, Name: "shop-x", ID: "1", Marked: provision.Marked, Settings: settings{"jurisdiction": "eu"}}
		p, err := provision.NewPlan(context.Background(), c, Traits(), []provision.Resource{{Key: key, Name: "shop-x", Settings: e.Settings}},
			provision.State{Account: testAccount, Entries: map[provision.Key]provision.Entry{key: e}}, false)
		if err != nil || len(p.Steps) != 1 || p.Steps[0].Action != provision.Keep {
			t.Errorf("%s: %+v %v", kind, p, err)
		}
	}
}
