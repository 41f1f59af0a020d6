package emulator

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// overview is all that exists, as GET state answers it and the page shows it.
type overview struct {
	Count     map[string]int    `json:"count"`
	Resources []Resource        `json:"resources"`
	Accounts  []accountOverview `json:"accounts"`
}

type accountOverview struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Subdomain string            `json:"subdomain,omitempty"`
	Products  []productOverview `json:"products"`
}

type productOverview struct {
	Kind  string `json:"kind"` // as in Count; also zone, workflow and durable_object
	Items []item `json:"items"`
}

type item struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Holds string `json:"holds,omitempty"` // what is in it, in words
	Notes string `json:"notes,omitempty"` // whose it is: comment and tags
}

// state collects all that exists.
func (s *Server) state() overview {
	out := overview{Count: s.Count(), Resources: s.Resources()}
	s.mu.RLock()
	defer s.mu.RUnlock()
	byAccount := map[string]map[string][]item{}
	add := func(account, kind string, i item) {
		if byAccount[account] == nil {
			byAccount[account] = map[string][]item{}
		}
		byAccount[account][kind] = append(byAccount[account][kind], i)
	}
	for _, r := range out.Resources {
		account := r.Account
		if z, has := s.zones.get(r.Zone); has {
			account = z.Account
		}
		add(account, r.Kind, item{r.ID, r.Name, s.holds(r), notes(r)})
	}
	for _, z := range s.zones.rows {
		add(z.Account, "zone", item{z.ID, z.Name, "", z.Status})
	}
	for _, f := range s.workflows.rows {
		add(f.Account, "workflow", item{f.ID, f.Name, "", f.Script + " " + f.Class})
	}
	for _, n := range s.doNamespaces.rows {
		add(n.Account, "durable_object", item{n.ID, n.Name, "", n.ScriptName})
	}
	for _, e := range s.accountsByAge.within("all") {
		out.Accounts = append(out.Accounts, accountOverview{e.row.ID, e.row.Name, e.row.Subdomain, sortedProducts(byAccount[e.row.ID])})
	}
	return out
}

func sortedProducts(byKind map[string][]item) []productOverview {
	out := []productOverview{}
	for kind, items := range byKind {
		slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
		out = append(out, productOverview{kind, items})
	}
	slices.SortFunc(out, func(a, b productOverview) int { return strings.Compare(a.Kind, b.Kind) })
	return out
}

// holds says what is in a resource.
func (s *Server) holds(r Resource) string {
	switch r.Kind {
	case "kv":
		return counted(len(s.kvKeysByName.within(r.ID)), "key")
	case "r2":
		for _, e := range s.bucketsByName.within(r.Account) {
			if e.row.Name == r.Name {
				return counted(len(s.objectsByKey.within(e.row.ID)), "object")
			}
		}
	case "queue":
		return counted(len(s.messagesByQueue.within(r.ID)), "message")
	case "worker":
		w, _ := s.scriptsByName.one(r.Account, r.Name)
		secrets := 0
		for _, b := range s.boundBy(w) {
			if isSecret(b) {
				secrets++
			}
		}
		return counted(len(s.versionsByScript.within(w.ID)), "version") + ", " + counted(secrets, "secret")
	}
	return ""
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// notes are a resource's comment and tags.
func notes(r Resource) string {
	var all []string
	if r.Comment != "" {
		all = append(all, r.Comment)
	}
	for k, v := range r.Tags {
		all = append(all, k+"="+v)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// pageRequests is how many requests the page shows.
const pageRequests = 100

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// pagePolicy lets the page load nothing and run nothing; its one style sheet is
// known by its hash.
var pagePolicy = func() string {
	_, rest, _ := strings.Cut(pageSource, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// servePage shows what there is to a person.
func (s *Server) servePage(w http.ResponseWriter) {
	all := s.Requests()
	last := slices.Clone(all[max(len(all)-pageRequests, 0):])
	slices.Reverse(last)
	rows := []pageRequest{}
	for i := range last {
		rows = append(rows, pageRequest{last[i].Start.Format("15:04:05.000"), last[i].Method, last[i].where(), last[i].outcome(), last[i].took(),
			last[i].Fault, last[i].Status == 0 || last[i].Status >= 400})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	err := page.Execute(w, map[string]any{"State": s.state(), "Requests": rows, "Total": len(all), "Faults": s.faults.list(), "Settings": s.settings()})
	_ = err // the client has gone: nobody left to tell
}

type pageRequest struct {
	At, Method, Where, Outcome, Took, Fault string
	Bad                                     bool
}
