package kinds

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// widgetPages serves so many widgets, size to a page, and says what info makes of
// the truth. Past the end it answers as past does: with nothing, or something again.
func widgetPages(total, size int, info func(e *envelope[[]widgetAnswer]), past func(page, pages int) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		pages := (total + size - 1) / size
		if page > pages && past != nil {
			page = past(page, pages)
		}
		e := envelope[[]widgetAnswer]{Result: []widgetAnswer{}}
		for i := min((page-1)*size, total); i < min(page*size, total); i++ {
			e.Result = append(e.Result, widgetAnswer{Sitekey: fmt.Sprintf("0x%d", i), Name: fmt.Sprintf("form [cfboot:shop/production/w%d]", i)})
		}
		e.Info.Page, e.Info.PerPage, e.Info.Count, e.Info.TotalCount = page, size, len(e.Result), total
		if info != nil {
			info(&e)
		}
		b, err := json.Marshal(struct {
			Success bool `json:"success"`
			envelope[[]widgetAnswer]
		}{true, e})
		if err != nil {
			say(w, 500, "")
			return
		}
		say(w, 200, string(b))
	}
}

// Every widget is seen, however a list comes in pages, and no list is read for ever.
func TestWidgetsAreAllSeen(t *testing.T) {
	for name, tt := range map[string]struct {
		total, size int
		info        func(*envelope[[]widgetAnswer])
		past        func(page, pages int) int
		calls       int64
	}{
		"none":                          {0, 1000, nil, nil, 1},
		"one page":                      {20, 1000, nil, nil, 1},
		"the page size is not granted":  {60, 25, nil, nil, 3},
		"the last page is full":         {50, 25, nil, nil, 3},
		"nor is it told":                {60, 25, func(e *envelope[[]widgetAnswer]) { e.Info.PerPage = 1000 }, nil, 3},
		"nothing is told":               {60, 25, func(e *envelope[[]widgetAnswer]) { e.Info = envelope[[]widgetAnswer]{}.Info }, nil, 4},
		"the total is that of the page": {60, 25, func(e *envelope[[]widgetAnswer]) { e.Info.TotalCount = len(e.Result) }, nil, 3},
		"the total is too large":        {60, 25, func(e *envelope[[]widgetAnswer]) { e.Info.TotalCount = 1000 }, nil, 4},
		"past the end comes the last":   {50, 25, nil, func(_, pages int) int { return pages }, 3},
		"past the end comes the first":  {50, 25, nil, func(int, int) int { return 1 }, 3},
		"past the end all comes anew":   {50, 25, nil, func(page, pages int) int { return (page-1)%pages + 1 }, 3},
		"the same, and nothing is told": {50, 25, func(e *envelope[[]widgetAnswer]) { e.Info = envelope[[]widgetAnswer]{}.Info }, func(int, int) int { return 1 }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			for i := 0; i < tt.total; i += 13 {
				c, _, sent := talk(t, widgetPages(tt.total, tt.size, tt.info, tt.past))
				w, err := c.widgetMarked(t.Context(), fmt.Sprintf("cfboot:shop/production/w%d", i))
				if err != nil || w.Sitekey != fmt.Sprintf("0x%d", i) || sent.Load() != tt.calls {
					t.Errorf("%d: %+v %v after %d calls", i, w, err, sent.Load())
				}
			}
			c, _, sent := talk(t, widgetPages(tt.total, tt.size, tt.info, tt.past))
			if w, err := c.widgetMarked(t.Context(), "cfboot:shop/production/w"); err != nil || w.Sitekey != "" || sent.Load() != tt.calls {
				t.Errorf("%+v %v after %d calls", w, err, sent.Load())
			}
		})
	}
}

// Of two with the same mark it is always the older one.
func TestTheOlderOfTwoWidgets(t *testing.T) {
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		c, _, _ := talk(t, func(w http.ResponseWriter, r *http.Request) {
			say(w, 200, fmt.Sprintf(`{"success":true,"result":[{"sitekey":"0x%d","name":"a [cfboot:s/p/w]","created_on":"2026-01-0%dT00:00:00Z"},
				{"sitekey":"0x%d","name":"b [cfboot:s/p/w]","created_on":"2026-01-0%dT00:00:00Z"}],"result_info":{"per_page":1000,"total_count":2}}`, order[0], order[0], order[1], order[1]))
		})
		if w, err := c.widgetMarked(t.Context(), "cfboot:s/p/w"); err != nil || w.Sitekey != "0x1" || w.Created.Day() != 1 || w.Created.Month() != time.January {
			t.Errorf("%v: %+v %v", order, w, err)
		}
	}
}

func TestMarkedNames(t *testing.T) {
	for _, tt := range []struct{ marked, name, mark string }{
		{"form [cfboot:shop/production/form]", "form", "cfboot:shop/production/form"},
		{"a [b] [cfboot:shop/production/form]", "a [b]", "cfboot:shop/production/form"},
		{"a [cfboot:x] [cfboot:shop/production/form]", "a [cfboot:x]", "cfboot:shop/production/form"},
		{"form", "form", ""},
		{"", "", ""},
		{"[cfboot:shop/production/form]", "[cfboot:shop/production/form]", ""},
		{"form [cfboot:shop/production/form] too", "form [cfboot:shop/production/form] too", ""},
		{"form [other:shop/production/form]", "form [other:shop/production/form]", ""},
	} {
		if name, mark := unmarkedName(tt.marked); name != tt.name || mark != tt.mark || mark != "" && markedName(name, mark) != tt.marked {
			t.Errorf("%q: %q and %q", tt.marked, name, mark)
		}
	}
}
