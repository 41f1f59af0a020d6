package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unasked says which operations of an OpenAPI document no request was made for that
// went well, but for those that a list excuses; and which of these need no excuse.
func unasked(document []byte, asked []answered, excused map[string]string) ([]string, error) {
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	if len(doc.Paths) == 0 {
		return nil, fmt.Errorf("the OpenAPI document has no paths")
	}
	var wrong []string
	known := map[string]bool{}
	for path, operations := range doc.Paths {
		for method := range operations {
			if !slices.Contains(methods, method) {
				continue // what all of them have in common
			}
			name := strings.ToUpper(method) + " " + path
			known[name] = true
			done := slices.ContainsFunc(asked, func(a answered) bool {
				return a.status < 400 && strings.EqualFold(a.method, method) && matches(path, a.path)
			})
			switch reason, is := excused[name]; {
			case is && done:
				wrong = append(wrong, name+" was asked for, and is excused still")
			case is && reason == "":
				wrong = append(wrong, name+" is excused without a reason")
			case !is && !done:
				wrong = append(wrong, name+" stands in /api/v1/doc, and was not asked for with success")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(excused)) {
		if !known[name] {
			wrong = append(wrong, name+" is excused, and does not stand in /api/v1/doc")
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

var methods = []string{"get", "put", "post", "patch", "delete", "head", "options"}

var parameters = regexp.MustCompile(`\\\{[^/]+?\\\}`)

// matches reports whether a path is one of a template such as /items/{id}.
func matches(template, path string) bool {
	pattern := parameters.ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
	return regexp.MustCompile("^" + pattern + "/?$").MatchString(path)
}

// checkUnasked holds what was asked against the project's own description.
func (a *asker) checkUnasked(t *testing.T, excused map[string]string) {
	got, err := a.requested(t.Context(), request{Path: "/api/v1/doc"})
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("/api/v1/doc: %d", got.status)
	}
	if err != nil {
		t.Error(err)
		return
	}
	wrong, err := unasked(got.body, a.asked, excused)
	if err != nil {
		t.Errorf("/api/v1/doc: %v", err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

func TestUnasked(t *testing.T) {
	const doc = `{"paths": {
		"/items": {"get": {}, "post": {}, "parameters": []},
		"/items/{id}": {"get": {}, "delete": {}},
		"/items/{id}/parts/{part}": {"get": {}},
		"/elsewhere": {"post": {}},
		"/later": {"post": {}}}}`
	asked := []answered{
		{"GET", "/items", 200}, {"POST", "/items", 422}, {"GET", "/items/7", 200},
		{"DELETE", "/items/7/parts/8", 204}, {"POST", "/elsewhere", 200},
	}
	got, err := unasked([]byte(doc), asked, map[string]string{
		"POST /elsewhere": "it needs an account", "GET /gone": "it needs an account", "POST /later": "", "DELETE /items/{id}": "never",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /gone is excused, and does not stand in /api/v1/doc",
		"GET /items/{id}/parts/{part} stands in /api/v1/doc, and was not asked for with success",
		"POST /elsewhere was asked for, and is excused still",
		"POST /items stands in /api/v1/doc, and was not asked for with success",
		"POST /later is excused without a reason",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if _, err := unasked([]byte(`{"paths": {}}`), nil, nil); err == nil {
		t.Error("a document without paths is taken for one of which all was asked")
	}
}
