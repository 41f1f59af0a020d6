package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const acct = DefaultAccount

// clock is a time that stands still until it is moved.
type clock struct{ at time.Time }

func newClock() *clock                    { return &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }
func (k *clock) now() time.Time           { return k.at }
func (k *clock) forward(by time.Duration) { k.at = k.at.Add(by) }

// cloud is an emulator and a client of it.
type cloud struct {
	t *testing.T
	*Server
	header http.Header
}

func open(t *testing.T, o Options) *cloud {
	t.Helper()
	s, err := Open("", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &cloud{t, s, http.Header{"Authorization": {"Bearer test"}}}
}

// got is an answer, taken apart.
type got struct {
	Status  int
	Success bool
	Errors  []apiError
	Result  any
	Info    map[string]any
	Raw     string
	Header  http.Header
}

// code is the first error's code, 0 without errors.
func (g got) code() int {
	if len(g.Errors) == 0 {
		return 0
	}
	return g.Errors[0].Code
}

// field walks into the result by dotted keys and indexes.
func (g got) field(path string) any {
	v := g.Result
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (g got) text(path string) string {
	s, _ := g.field(path).(string)
	return s
}

// list is the result as a list of one field's values.
func (g got) list(field string) []any {
	items, _ := g.Result.([]any)
	var out []any
	for _, item := range items {
		m, _ := item.(map[string]any)
		out = append(out, m[field])
	}
	return out
}

// do sends a request. A leading "A/" in the path is the account, "Z/" the zone
// example.com. The body is a string or bytes as they are, else JSON.
func (c *cloud) do(method, path string, body any, header ...string) got {
	c.t.Helper()
	r := httptest.NewRequest(method, apiPrefix+"/"+c.path(path), reader(c.t, body))
	for k, v := range c.header {
		r.Header[k] = v
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return parse(w.Result())
}

func (c *cloud) path(path string) string {
	if rest, is := strings.CutPrefix(path, "A/"); is {
		return "accounts/" + acct + "/" + rest
	}
	if rest, is := strings.CutPrefix(path, "Z/"); is {
		return "zones/" + c.zoneID("example.com") + "/" + rest
	}
	return path
}

func (c *cloud) zoneID(name string) string {
	c.t.Helper()
	if err := c.AddZone(name, ""); err != nil {
		c.t.Fatal(err)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	z, _ := c.zonesByName.one(name)
	return z.ID
}

func reader(t *testing.T, body any) io.Reader {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return strings.NewReader("")
	case string:
		return strings.NewReader(b)
	case []byte:
		return bytes.NewReader(b)
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(data)
}

func parse(r *http.Response) got {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return got{Status: r.StatusCode}
	}
	g := got{Status: r.StatusCode, Raw: string(data), Header: r.Header}
	var e struct {
		Success bool           `json:"success"`
		Errors  []apiError     `json:"errors"`
		Result  any            `json:"result"`
		Info    map[string]any `json:"result_info"`
	}
	if json.Unmarshal(data, &e) == nil {
		g.Success, g.Errors, g.Result, g.Info = e.Success, e.Errors, e.Result, e.Info
	}
	return g
}

// must is do, and the answer must be a success.
func (c *cloud) must(method, path string, body any, header ...string) got {
	c.t.Helper()
	g := c.do(method, path, body, header...)
	if g.Status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, g.Status, g.Raw)
	}
	return g
}

// step is one row of a table of requests: {name} in path and body is replaced
// by what an earlier row kept.
type step struct {
	name         string
	method, path string
	body         any
	header       []string
	status, code int               // code 0: success
	want         map[string]any    // fields of the result
	keep         map[string]string // name: field
	raw          string            // the whole body, when it is no envelope
}

// run sends the rows in order.
func (c *cloud) run(steps []step) {
	c.t.Helper()
	kept := map[string]string{}
	fill := func(text string) string {
		for k, v := range kept {
			text = strings.ReplaceAll(text, "{"+k+"}", v)
		}
		return text
	}
	for _, st := range steps {
		body := st.body
		if text, is := body.(string); is {
			body = fill(text)
		}
		g := c.do(st.method, fill(st.path), body, st.header...)
		name := st.name
		if name == "" {
			name = st.method + " " + st.path
		}
		if g.Status != cmpOr(st.status, 200) || g.code() != st.code {
			c.t.Errorf("%s: got %d code %d, want %d code %d: %s", name, g.Status, g.code(), cmpOr(st.status, 200), st.code, g.Raw)
			continue
		}
		if st.raw != "" && g.Raw != st.raw {
			c.t.Errorf("%s: got body %q, want %q", name, g.Raw, st.raw)
		}
		for field, want := range st.want {
			if text, is := want.(string); is {
				want = fill(text)
			}
			if n, is := want.(int); is {
				want = float64(n)
			}
			if diff := cmp.Diff(want, g.field(field)); diff != "" {
				c.t.Errorf("%s: field %s (-want +got):\n%s\nof %s", name, field, diff, g.Raw)
			}
		}
		for as, field := range st.keep {
			kept[as] = g.text(field)
			if kept[as] == "" {
				c.t.Errorf("%s: no %s to keep in %s", name, field, g.Raw)
			}
		}
	}
}

// worker is the code of a Worker that answers everything.
const worker = `export class Counter {}
export default { async fetch() { return new Response("hi") }, async queue(batch) {}, async scheduled() {} }`

// form builds a script upload: metadata and one module.
func form(t *testing.T, metadata any, code string) (body string, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part := func(name, filename, kind string, data []byte) {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name=%q`, name)
		if filename != "" {
			disposition += fmt.Sprintf(`; filename=%q`, filename)
		}
		h.Set("Content-Disposition", disposition)
		h.Set("Content-Type", kind)
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	part("metadata", "", "application/json", data)
	part("index.js", "index.js", "application/javascript+module", []byte(code))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// upload puts a script with extra metadata.
func (c *cloud) upload(name string, extra map[string]any) got {
	c.t.Helper()
	metadata := map[string]any{"main_module": "index.js", "compatibility_date": "2026-10-01"}
	for k, v := range extra {
		metadata[k] = v
	}
	body, kind := form(c.t, metadata, worker)
	return c.do("PUT", "A/workers/scripts/"+name, body, "Content-Type", kind)
}

// script uploads a plain Worker.
func (c *cloud) script(name string) {
	c.t.Helper()
	if g := c.upload(name, nil); g.Status != 200 {
		c.t.Fatalf("uploading %s: %s", name, g.Raw)
	}
}
