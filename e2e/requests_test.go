package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/templates"
)

// A request is one to a project that runs, and what it has to be answered with.
// {name} in its texts stands for what an earlier one has saved; {origin} is where
// the project answers, {receiver} a server that answers everything with 204, {ulid}
// an id that is new with each request, {today} the day in UTC.
type request struct {
	Note    string // why it is made
	Method  string // GET, if none
	Path    string
	Headers map[string]string
	Body    json.RawMessage   // text as it stands, anything else as JSON
	Form    map[string]string // in place of a body
	Cron    string            // in place of a path: what the clock calls

	// In place of a path, too: a connection is opened, Send sent, Meanwhile made, and
	// then messages are waited for until all of Has were among them.
	WebSocket string
	Send      json.RawMessage // text, anything else as JSON
	Meanwhile []request

	Status   statuses          // 200, if none; one of them, if several
	Has      texts             // in the answer
	Lacks    texts             // not in it
	Values   map[string]any    // by their place in it, such as data.0.id
	Answered map[string]string // headers of the answer, and what stands in them; empty: it is not there

	Save       map[string]string // what to keep under a name: a place in the answer, or "header NAME"
	After      float64           // seconds to wait before
	Eventually bool              // it is made again until it is answered so, for some seconds
	Times      int               // how often it is made; the last one counts
}

// statuses are written in JSON as one or a list.
type statuses []int

func (s *statuses) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '[' {
		*s = statuses{0}
		return json.Unmarshal(b, &(*s)[0])
	}
	return json.Unmarshal(b, (*[]int)(s))
}

// texts are written in JSON as one or a list.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = texts{""}
		return json.Unmarshal(b, &(*t)[0])
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// An asking is what stands in a file: what is asked of a pattern, or of what an
// option adds.
type asking struct {
	Before   [][]string        // commands in the project's folder, before it is served
	Vars     map[string]string // what .dev.vars has beside, or instead of, the example's
	Requests []request
	Extras   map[string]string // headers of whatever is asked of an option of this pattern
	Again    []asking          // as the project is served once more
	Unasked  map[string]string // operations of the OpenAPI document that are not asked for, and why
}

// askings are read once: those of every pattern, of one whose database a Workflow
// copies, of a single one, of an option.
type askings struct {
	every, backup   asking
	pattern, option map[string]asking
}

const askingsFolder = "testdata/patterns"

// readAskings reads every.json, backup.json, PATTERN.json and with/OPTION.json.
func readAskings() (askings, error) {
	all := askings{pattern: map[string]asking{}, option: map[string]asking{}}
	for glob, into := range map[string]map[string]asking{"*.json": all.pattern, "with/*.json": all.option} {
		files, err := filepath.Glob(filepath.Join(askingsFolder, glob))
		if err != nil {
			return all, err
		}
		for _, file := range files {
			a, err := readAsking(file)
			if err != nil {
				return all, err
			}
			into[strings.TrimSuffix(filepath.Base(file), ".json")] = a
		}
	}
	all.every, all.backup = all.pattern["every"], all.pattern["backup"]
	delete(all.pattern, "every")
	delete(all.pattern, "backup")
	return all, nil
}

func readAsking(file string) (a asking, err error) {
	b, err := os.ReadFile(file)
	if err == nil {
		a, err = parseAsking(b)
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

// parseAsking refuses keys that it does not know, and requests that make no sense.
func parseAsking(b []byte) (a asking, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return a, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return a, errors.New("more stands behind it")
	}
	return a, a.check(map[string]bool{"origin": true, "receiver": true, "ulid": true, "today": true})
}

func (a asking) check(saved map[string]bool) error {
	for i, r := range a.Requests {
		if err := r.check(saved); err != nil {
			return fmt.Errorf("request %d (%s): %w", i+1, r, err)
		}
	}
	for i, again := range a.Again {
		if again.Unasked != nil || again.Again != nil || again.Extras != nil {
			return fmt.Errorf("again %d: unasked, extras and again stand outside", i+1)
		}
		if err := again.check(saved); err != nil {
			return fmt.Errorf("again %d: %w", i+1, err)
		}
	}
	return nil
}

func (r request) String() string {
	switch {
	case r.Cron != "":
		return "cron " + r.Cron
	case r.WebSocket != "":
		return "websocket " + r.WebSocket
	case r.Method == "":
		return "GET " + r.Path
	}
	return r.Method + " " + r.Path
}

var (
	names       = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	mentionedIn = regexp.MustCompile(`\{([a-z][A-Za-z0-9]*)\}`)
)

// check also notes what is saved, for those that come later.
func (r request) check(saved map[string]bool) error {
	kinds := 0
	for _, is := range []bool{r.Path != "", r.Cron != "", r.WebSocket != ""} {
		if is {
			kinds++
		}
	}
	socketOnly := r.Send != nil || r.Meanwhile != nil
	requestOnly := r.Method != "" || r.Body != nil || r.Form != nil
	switch {
	case kinds != 1:
		return errors.New("it has a path, or is a websocket, or a cron")
	case r.WebSocket == "" && socketOnly:
		return errors.New("send and meanwhile are a websocket's")
	case r.Path == "" && requestOnly:
		return errors.New("a method, body or form is a path's")
	case r.Body != nil && r.Form != nil:
		return errors.New("it has a body or a form, not both")
	case r.Cron == "" && !strings.HasPrefix(r.Path+r.WebSocket, "/"):
		return errors.New("its path begins with /")
	case r.Eventually && r.Times > 1:
		return errors.New("it is made a number of times or until it is answered, not both")
	}
	for _, m := range r.Meanwhile {
		if err := m.check(saved); err != nil {
			return fmt.Errorf("meanwhile %s: %w", m, err)
		}
	}
	// In a body {name} may be meant as it stands there, elsewhere never.
	for _, text := range slices.Concat([]string{r.Path, r.WebSocket}, slices.Collect(maps.Values(r.Headers))) {
		for _, m := range mentionedIn.FindAllStringSubmatch(text, -1) {
			if !saved[m[1]] {
				return fmt.Errorf("nothing before it saves %s", m[0])
			}
		}
	}
	for name := range r.Save {
		if !names.MatchString(name) {
			return fmt.Errorf("%q is no name to save under", name)
		}
		saved[name] = true
	}
	return nil
}

// Every pattern and every option is asked something when it runs, and nothing else is.
func TestPatternsAreAsked(t *testing.T) {
	all, err := readAskings()
	if err != nil {
		t.Fatal(err)
	}
	if len(all.every.Requests) == 0 || len(all.backup.Requests) == 0 {
		t.Error("every.json or backup.json asks nothing")
	}
	for _, p := range templates.Patterns() {
		if len(all.pattern[p.Name].Requests) == 0 {
			t.Errorf("%s/%s.json asks nothing of the pattern", askingsFolder, p.Name)
		}
		delete(all.pattern, p.Name)
	}
	for _, o := range templates.Options() {
		if len(all.option[o.Name].Requests) == 0 {
			t.Errorf("%s/with/%s.json asks nothing of the option", askingsFolder, o.Name)
		}
		delete(all.option, o.Name)
	}
	for name := range all.pattern {
		t.Errorf("%s/%s.json: there is no such pattern", askingsFolder, name)
	}
	for name := range all.option {
		t.Errorf("%s/with/%s.json: there is no such option", askingsFolder, name)
	}
}

func TestAskingsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"requests": [{"path": "/", "stauts": 200}]}`:                        "stauts",
		`{"requests": [{"path": "/"}]} {}`:                                    "more stands behind it",
		`{"requests": [{"status": 200}]}`:                                     "it has a path",
		`{"requests": [{"path": "/", "cron": "* * * * *"}]}`:                  "it has a path, or is",
		`{"requests": [{"path": "/", "send": "x"}]}`:                          "a websocket's",
		`{"requests": [{"websocket": "/", "method": "POST"}]}`:                "a path's",
		`{"requests": [{"path": "/", "body": 1, "form": {}}]}`:                "not both",
		`{"requests": [{"path": "x"}]}`:                                       "begins with /",
		`{"requests": [{"path": "/", "times": 2, "eventually": true}]}`:       "not both",
		`{"requests": [{"path": "/{id}"}]}`:                                   "request 1 (GET /{id}): nothing before it saves {id}",
		`{"requests": [{"path": "/", "headers": {"a": "{id}"}}]}`:             "saves {id}",
		`{"requests": [{"path": "/", "save": {"A b": "id"}}]}`:                "no name",
		`{"requests": [{"websocket": "/", "meanwhile": [{"path": "/{a}"}]}]}`: "meanwhile GET /{a}",
		`{"again": [{"unasked": {"GET /": "x"}}]}`:                            "again stand outside",
		`{"again": [{"requests": [{"path": "/{a}"}]}]}`:                       "again 1: request 1",
	} {
		if _, err := parseAsking([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	const good = `{"requests": [{"path": "/", "save": {"id": "data.id"}}, {"path": "/{id}", "has": ["a", "b"]}, {"cron": "* * * * *", "has": "a"}]}`
	if _, err := parseAsking([]byte(good)); err != nil {
		t.Error(err)
	}
}
