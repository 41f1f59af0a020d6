package kinds

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The API cannot be asked for a namespace of one title, but it lists them in the
// order of their titles, and so a title's page is found by halving. What order
// that is, nobody says: each of those below is tried that the pages agree with,
// and where they agree with none all pages are read.

// kvOrders are the forms of a title by which the list may be sorted.
var kvOrders = []func(string) string{
	func(title string) string { return title },
	strings.ToUpper,
	strings.ToLower,
}

// kvPageSize is what wrangler asks for, too. That the service may give smaller
// pages is seen from the first.
const kvPageSize = 1000

type kvPage = envelope[[]kvNamespace]

// kvList is the account's namespaces, page by page, each read once in a run.
type kvList struct {
	page  func(n int) (kvPage, error)
	first kvPage
	pages int
}

// kvByTitle finds a namespace by its title; one without an id is none.
func (c *Client) kvByTitle(ctx context.Context, title string) (kvNamespace, error) {
	l := kvList{page: func(n int) (kvPage, error) {
		return remember(c, fmt.Sprintf("kv page %d", n), func() (kvPage, error) {
			return get[[]kvNamespace](ctx, c, "accounts/"+c.Account+"/storage/kv/namespaces", url.Values{
				"page": {fmt.Sprint(n)}, "per_page": {fmt.Sprint(kvPageSize)}, "order": {"title"}, "direction": {"asc"},
			})
		})
	}}
	var err error
	if l.first, err = l.page(1); err != nil {
		return kvNamespace{}, err
	}
	size, total := len(l.first.Result), l.first.Info.TotalCount
	ns, found := titled(l.first, title)
	switch {
	case found || size == 0 || size == total:
		return ns, nil
	case total < size:
		return l.walk(title)
	}
	l.pages = (total + size - 1) / size
	agrees := false
	for _, order := range kvOrders {
		ns, sorted, err := l.halve(title, order)
		if err != nil || ns.ID != "" {
			return ns, err
		}
		agrees = agrees || sorted
	}
	if agrees {
		return kvNamespace{}, nil
	}
	return l.scan(title)
}

func titled(p kvPage, title string) (kvNamespace, bool) {
	i := slices.IndexFunc(p.Result, func(n kvNamespace) bool { return n.Title == title })
	if i < 0 {
		return kvNamespace{}, false
	}
	return p.Result[i], true
}

// ends gives the first and the last of a page's titles, if it is sorted.
func ends(p kvPage, order func(string) string) (first, last string, sorted bool) {
	if len(p.Result) == 0 || !slices.IsSortedFunc(p.Result, func(a, b kvNamespace) int { return cmp.Compare(order(a.Title), order(b.Title)) }) {
		return "", "", false
	}
	return order(p.Result[0].Title), order(p.Result[len(p.Result)-1].Title), true
}

// halve looks for a title in a list that is sorted by order, and reports whether
// it is, as far as was seen.
func (l kvList) halve(title string, order func(string) string) (_ kvNamespace, sorted bool, err error) {
	want := order(title)
	_, above, sorted := ends(l.first, order) // what is at or before the pages in question
	if !sorted || want < above {
		return kvNamespace{}, sorted, nil
	}
	below, bounded := "", false // what is at or after them
	for low, high := 2, l.pages; low <= high; {
		mid := (low + high) / 2
		p, err := l.page(mid)
		if err != nil {
			return kvNamespace{}, false, err
		}
		if ns, ok := titled(p, title); ok {
			return ns, true, nil
		}
		first, last, sorted := ends(p, order)
		switch {
		case !sorted || first < above || bounded && last > below:
			return kvNamespace{}, false, nil
		case want == first || want == last:
			ns, err := l.scan(title) // titles that are alike may go on to either side
			return ns, true, err
		case want < first:
			high, below, bounded = mid-1, first, true
		case want > last:
			low, above = mid+1, last
		default:
			return kvNamespace{}, true, nil // between two titles of this page
		}
	}
	return kvNamespace{}, true, nil
}

// scan reads every page at once.
func (l kvList) scan(title string) (kvNamespace, error) {
	found := make([]kvNamespace, l.pages+1)
	var g group
	for n := 2; n <= l.pages; n++ {
		g.Go(func() error {
			p, err := l.page(n)
			found[n], _ = titled(p, title)
			return err
		})
	}
	err := g.Wait()
	if i := slices.IndexFunc(found, func(n kvNamespace) bool { return n.ID != "" }); i >= 0 {
		return found[i], nil
	}
	return kvNamespace{}, err
}

// walk reads page after page of a list that does not say how long it is, until
// one is empty or begins as one before it did.
func (l kvList) walk(title string) (kvNamespace, error) {
	seen := map[string]bool{l.first.Result[0].ID: true}
	for n := 2; ; n++ {
		p, err := l.page(n)
		if err != nil || len(p.Result) == 0 || seen[p.Result[0].ID] {
			return kvNamespace{}, err
		}
		if ns, ok := titled(p, title); ok {
			return ns, nil
		}
		seen[p.Result[0].ID] = true
	}
}
