package kinds

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// titleList serves a list of namespaces in the order given, size to a page. The
// total is what it says there are; negative: the truth.
func titleList(titles []string, size, total int) http.HandlerFunc {
	if total < 0 {
		total = len(titles)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		lo := min((page-1)*size, len(titles))
		e := envelope[[]kvNamespace]{Result: []kvNamespace{}}
		for i, title := range titles[lo:min(lo+size, len(titles))] {
			e.Result = append(e.Result, kvNamespace{ID: fmt.Sprintf("id%d", lo+i), Title: title})
		}
		e.Info.Page, e.Info.PerPage, e.Info.Count, e.Info.TotalCount = page, size, len(e.Result), total
		b, err := json.Marshal(struct {
			Success bool `json:"success"`
			envelope[[]kvNamespace]
		}{true, e})
		if err != nil {
			say(w, 500, "")
			return
		}
		say(w, 200, string(b))
	}
}

func sorted(titles []string, order func(string) string) []string {
	return slices.SortedStableFunc(slices.Values(titles), func(a, b string) int { return cmp.Compare(order(a), order(b)) })
}

func TestTitlesAreFoundByHalving(t *testing.T) {
	var titles []string
	for i := range 10_000 {
		titles = append(titles, fmt.Sprintf("%s-%05d", []string{"alpha", "Beta", "gamma_x", "Zeta", "shop"}[i%5], i))
	}
	for name, order := range map[string]func(string) string{"bytes": kvOrders[0], "upper": strings.ToUpper, "lower": strings.ToLower} {
		t.Run(name, func(t *testing.T) {
			list := sorted(titles, order)
			for _, want := range []string{list[0], list[99], list[100], list[5000], list[9899], list[9900], list[9999]} {
				c, _, sent := talk(t, titleList(list, 100, -1))
				ns, err := c.kvByTitle(context.Background(), want)
				if err != nil || ns.Title != want || ns.ID != fmt.Sprintf("id%d", slices.Index(list, want)) {
					t.Errorf("%s: %+v %v", want, ns, err)
				}
				if n := sent.Load(); n > 16 {
					t.Errorf("%s: %d pages of 100 were read", want, n)
				}
			}
			for _, absent := range []string{"", "!", "shop-", "shop-00004x", "beta-00006", "~", "ZETA-5"} {
				c, _, sent := talk(t, titleList(list, 100, -1))
				ns, err := c.kvByTitle(context.Background(), absent)
				if err != nil || ns.ID != "" {
					t.Errorf("%q: %+v %v", absent, ns, err)
				}
				if n := sent.Load(); n > 16 {
					t.Errorf("%q: %d pages of 100 were read", absent, n)
				}
			}
		})
	}
}

// A list in an order that nobody foresaw is read whole.
func TestTitlesInNoKnownOrder(t *testing.T) {
	var titles []string
	for i := range 2000 {
		titles = append(titles, fmt.Sprintf("t%05d", i))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(titles), func(i, j int) { titles[i], titles[j] = titles[j], titles[i] })
	for _, want := range []string{titles[0], titles[1999], titles[777]} {
		c, _, sent := talk(t, titleList(titles, 100, -1))
		if ns, err := c.kvByTitle(context.Background(), want); err != nil || ns.Title != want || sent.Load() > 20 {
			t.Errorf("%s: %+v %v after %d pages", want, ns, err, sent.Load())
		}
	}
	c, _, sent := talk(t, titleList(titles, 100, -1))
	if ns, err := c.kvByTitle(context.Background(), "t2"); err != nil || ns.ID != "" || sent.Load() != 20 {
		t.Errorf("%+v %v after %d pages", ns, err, sent.Load())
	}
}

// Whatever the titles, the size of a page and what the service says of the
// total: what is there is found, and what is not is not.
func TestTitlesOfAllSorts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		title := rapid.StringMatching(`[a-cA-C_-]{1,3}`)
		titles := rapid.SliceOfNDistinct(title, 1, 40, rapid.ID[string]).Draw(rt, "titles")
		order := rapid.SampledFrom(kvOrders).Draw(rt, "order")
		size := rapid.IntRange(1, 12).Draw(rt, "size")
		total := rapid.SampledFrom([]int{-1, 0}).Draw(rt, "total")
		c, _, _ := talk(t, titleList(sorted(titles, order), size, total))
		for _, want := range append(titles, "absent", "", "~") {
			ns, err := c.kvByTitle(context.Background(), want)
			if err != nil {
				rt.Fatal(err)
			}
			if (ns.Title == want && ns.ID != "") != slices.Contains(titles, want) {
				rt.Fatalf("%q: %+v", want, ns)
			}
		}
	})
}

// A service that gives its last page for ever, or errs on one, ends it.
func TestListsThatDoNotEnd(t *testing.T) {
	var n atomic.Int64
	c, _, sent := talk(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		titleList([]string{"a", "b"}, 2, 0)(w, &http.Request{URL: must(r.URL.Parse("?page=1"))})
	})
	if ns, err := c.kvByTitle(context.Background(), "z"); err != nil || ns.ID != "" || sent.Load() != 2 {
		t.Errorf("%+v %v after %d pages", ns, err, sent.Load())
	}
	c, _, _ = talk(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") != "1" {
			say(w, 400, `{"success":false,"errors":[{"code":1,"message":"no more"}]}`)
			return
		}
		titleList([]string{"a", "b", "c"}, 2, -1)(w, r)
	})
	if _, err := c.kvByTitle(context.Background(), "z"); err == nil {
		t.Error("a page that cannot be read is taken to be empty")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
