package emulator

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

const groupTurnstile = "Turnstile Sites"

// turnstileWidgets is Turnstile's control plane. Names are not unique, and every
// answer but a list's has the widget's secret in it.
type turnstileWidgets struct {
	s     *Server
	rows  *table[*widget]
	byAge *index[*widget]
}

// widget is a widget as it is kept; its ID is the sitekey.
type widget struct {
	row
	Account, Secret string
	Modified        time.Time
	widgetBody
}

// widgetBody is what a client may say of a widget.
type widgetBody struct {
	Name           string   `json:"name"`
	Domains        []string `json:"domains"`
	Mode           string   `json:"mode"`
	BotFightMode   bool     `json:"bot_fight_mode"`
	ClearanceLevel string   `json:"clearance_level"`
	EphemeralID    bool     `json:"ephemeral_id"`
	Offlabel       bool     `json:"offlabel"`
	Region         string   `json:"region"`
}

var _ = provide(func(s *Server) (string, func() []Resource) {
	w := &turnstileWidgets{s: s, rows: newTable(s.store, "turnstile", func() *widget { return new(widget) })}
	w.byAge = w.rows.by(func(x *widget) string { return key(x.Account, "") })
	const base = "accounts/{account}/challenges/widgets"
	s.on("POST", base, groupTurnstile, w.create)
	s.on("GET", base, groupTurnstile, w.list)
	s.on("GET", base+"/{sitekey}", groupTurnstile, w.get)
	s.on("PUT", base+"/{sitekey}", groupTurnstile, w.put)
	s.on("DELETE", base+"/{sitekey}", groupTurnstile, w.delete)
	s.on("POST", base+"/{sitekey}/rotate_secret", groupTurnstile, w.rotate)
	return "turnstile", w.resources
})

// guess: every code but 10404, and all texts; the rules themselves are documented.
var (
	errNoWidget     = refuse(http.StatusNotFound, 10404, "Widget not found")
	errWidgetBody   = refuse(http.StatusBadRequest, 10400, "Invalid request body")
	errWidgetName   = refuse(http.StatusBadRequest, 10400, "name must have 1 to 254 characters")
	errWidgetHosts  = refuse(http.StatusBadRequest, 10400, "domains must list 1 to 10 hosts")
	errWidgetMode   = refuse(http.StatusBadRequest, 10400, "mode must be non-interactive, invisible or managed")
	errWidgetLevel  = refuse(http.StatusBadRequest, 10400, "clearance_level must be no_clearance, jschallenge, managed or interactive")
	errWidgetRegion = refuse(http.StatusBadRequest, 10400, "region must be world or china, and cannot be changed")
	errWidgetFilter = refuse(http.StatusBadRequest, 10400, "filter must be name:VALUE or sitekey:VALUE")
)

func (in widgetBody) check() error {
	switch {
	case in.Name == "" || len([]rune(in.Name)) > 254:
		return errWidgetName
	case len(in.Domains) == 0 || len(in.Domains) > 10:
		return errWidgetHosts
	case !slices.Contains([]string{"non-interactive", "invisible", "managed"}, in.Mode):
		return errWidgetMode
	case !slices.Contains([]string{"no_clearance", "jschallenge", "managed", "interactive"}, in.ClearanceLevel):
		return errWidgetLevel
	case in.Region != "world" && in.Region != "china":
		return errWidgetRegion
	}
	return nil
}

// widgetKey makes a sitekey or a secret: both begin alike, and differ in length.
func widgetKey(length int) string {
	b := make([]byte, length)
	rand.Read(b) // never fails, see crypto/rand
	return ("0x4AAAAAAA" + base64.RawURLEncoding.EncodeToString(b))[:length]
}

func (w *turnstileWidgets) resources() []Resource {
	var out []Resource
	for _, x := range w.rows.rows {
		out = append(out, Resource{Kind: "turnstile", ID: x.ID, Name: x.Name, Account: x.Account})
	}
	return out
}

func showWidget(x *widget, secret bool) any {
	out := map[string]any{"sitekey": x.ID, "name": x.Name, "domains": x.Domains, "mode": x.Mode, "bot_fight_mode": x.BotFightMode,
		"clearance_level": x.ClearanceLevel, "ephemeral_id": x.EphemeralID, "offlabel": x.Offlabel, "region": x.Region,
		"created_on": micros(x.Made), "modified_on": micros(x.Modified)}
	if secret {
		out["secret"] = x.Secret
	}
	return out
}

func (w *turnstileWidgets) create(c *call) (*reply, error) {
	x := &widget{row: row{ID: widgetKey(24)}, Account: c.account.ID, Secret: widgetKey(35), Modified: c.x.now,
		widgetBody: widgetBody{ClearanceLevel: "no_clearance", Region: "world"}}
	if err := c.decode(&x.widgetBody, errWidgetBody); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	w.rows.put(c.x, x)
	return ok(showWidget(x, true))
}

func (w *turnstileWidgets) list(c *call) (*reply, error) {
	all := slices.Clone(w.byAge.within(c.account.ID))
	if filter := c.query.Get("filter"); filter != "" {
		field, value, is := strings.Cut(filter, ":")
		if !is || field != "name" && field != "sitekey" {
			return nil, errWidgetFilter
		}
		all = slices.DeleteFunc(all, func(e entry[*widget]) bool {
			have := map[string]string{"name": e.row.Name, "sitekey": e.row.ID}[field]
			return !strings.Contains(strings.ToLower(have), strings.ToLower(value))
		})
	}
	// guess: without an order the oldest comes first.
	by := map[string]func(*widget) string{
		"name": func(x *widget) string { return x.Name }, "id": func(x *widget) string { return x.ID }, "sitekey": func(x *widget) string { return x.ID },
		"modified_on": func(x *widget) string { return micros(x.Modified) },
	}[c.query.Get("order")]
	if by != nil {
		slices.SortStableFunc(all, func(a, b entry[*widget]) int { return strings.Compare(by(a.row), by(b.row)) })
	}
	return paged(w.s, c, all, pageSize{25, 1000}, func(x *widget) any { return showWidget(x, false) })
}

func (w *turnstileWidgets) the(c *call) (*widget, error) {
	x, has := find(w.s, c, w.rows, c.params["sitekey"])
	if !has || x.Account != c.account.ID {
		return nil, errNoWidget
	}
	return x, nil
}

func (w *turnstileWidgets) get(c *call) (*reply, error) {
	x, err := w.the(c)
	if err != nil {
		return nil, err
	}
	return ok(showWidget(x, true))
}

// put sets everything; what is left out falls back to a new widget's, but for
// the region. guess: that it does.
func (w *turnstileWidgets) put(c *call) (*reply, error) {
	x, err := w.the(c)
	if err != nil {
		return nil, err
	}
	next := *x
	next.Modified, next.widgetBody = c.x.now, widgetBody{ClearanceLevel: "no_clearance", Region: x.Region}
	if err := c.decode(&next.widgetBody, errWidgetBody); err != nil {
		return nil, err
	}
	if next.Region != x.Region {
		return nil, errWidgetRegion
	}
	if err := next.check(); err != nil {
		return nil, err
	}
	w.rows.put(c.x, &next)
	return ok(showWidget(&next, true))
}

func (w *turnstileWidgets) delete(c *call) (*reply, error) {
	x, err := w.the(c)
	if err != nil {
		return nil, err
	}
	w.rows.remove(c.x, x.ID)
	return ok(showWidget(x, true))
}

func (w *turnstileWidgets) rotate(c *call) (*reply, error) {
	x, err := w.the(c)
	if err != nil {
		return nil, err
	}
	next := *x
	next.Secret, next.Modified = widgetKey(35), c.x.now
	w.rows.put(c.x, &next)
	return ok(showWidget(&next, true))
}
