package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/state"
	"pgregory.net/rapid"
)

const (
	tortureAccount = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	tortureDomain  = "shop.example"
)

// A clock runs as the real one does and jumps over every wait.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.advance(d)
	return ctx.Err()
}

// A place is where cases are played.
type place struct {
	connects bool          // the emulator is reached over the loopback, and else called
	dir      func() string // what is to hold the state
	settle   time.Duration // what a run waits before it looks again for something fresh; a lag, where there is one, is shorter
}

var (
	onDisk   = place{true, os.TempDir, 20 * time.Millisecond}
	inMemory = place{false, memoryDir, 4 * time.Millisecond}
)

// memoryDir is a directory in memory, where the system has one: with renames and
// locks as on a disk, and nothing to wait for. What a disk loses that is not
// synced is not this test's subject.
func memoryDir() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}

// A tortured world is an emulated Cloudflare with one project's state, and what
// others have there.
type tortured struct {
	t       *rapid.T
	place   place
	clock   *clock
	server  *emulator.Server
	url     string
	hangUp  func()
	zone    string
	path    string
	sent    []emulator.Request // by the latest run
	foreign []emulator.Resource
	squats  map[provision.Key][]emulator.Resource // of the foreign ones, those in the way of a resource
}

func newTortured(t *rapid.T, place place, lags bool) *tortured {
	w := &tortured{t: t, place: place, clock: &clock{}, url: "http://cloudflare.invalid", hangUp: func() {}, squats: map[provision.Key][]emulator.Resource{}}
	lag := time.Duration(0)
	if lags {
		lag = place.settle * 3 / 4
	}
	var err error
	w.server, err = emulator.Open("", emulator.Options{Accounts: []emulator.Account{{ID: tortureAccount, Name: "Shop"}},
		Zones: []emulator.Zone{{Name: tortureDomain, Account: tortureAccount}}, Lag: lag, Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(place.dir(), "torture")
	if err != nil {
		t.Fatal(err)
	}
	w.path = filepath.Join(dir, ".cfboot", "state.json")
	if place.connects {
		listener := httptest.NewServer(w.server)
		w.url, w.hangUp = listener.URL, listener.Close
	}
	var zones struct {
		Result []struct{ ID string }
	}
	_, body := w.byHand("GET", "zones?name="+tortureDomain, "", nil)
	if err := json.Unmarshal(body, &zones); err != nil || len(zones.Result) != 1 {
		t.Fatalf("zones: %s %v", body, err)
	}
	w.zone = zones.Result[0].ID
	return w
}

func (w *tortured) close() {
	w.hangUp()
	_ = w.server.Close()
	_ = os.RemoveAll(filepath.Dir(filepath.Dir(w.path)))
}

// dial is a run's way to Cloudflare, and ends it.
func (w *tortured) dial() (http.RoundTripper, func()) {
	if !w.place.connects {
		return called{w.server}, func() {}
	}
	t := &http.Transport{MaxIdleConnsPerHost: 30}
	return t, t.CloseIdleConnections
}

// called is a handler that is called without a connection. Where it hangs up,
// the answer is lost as it is on one.
type called struct{ handler http.Handler }

func (c called) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
	if req.Body == nil {
		req = req.Clone(req.Context())
		req.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, req)
	return w.Result(), nil
}

// byHand does what somebody else may do, as in the dashboard.
func (w *tortured) byHand(method, path, body string, header map[string]string) (int, []byte) {
	req := httptest.NewRequest(method, "/client/v4/"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer by-hand-0123456789012345678901234567890")
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, req)
	w.server.ResetRequests()
	return resp.Code, resp.Body.Bytes()
}

// settle makes something that is not ours and notes it.
func (w *tortured) settle(kind, name string, settings provision.Settings) bool {
	before := w.everything()
	inAccount, inZone := "accounts/"+tortureAccount+"/", "zones/"+w.zone+"/"
	send := func(method, path string, body any) int {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		code, _ := w.byHand(method, path, string(b), nil)
		return code
	}
	code := 0
	switch kind {
	case "d1":
		code = send("POST", inAccount+"d1/database", object{"name": name})
	case "kv":
		code = send("POST", inAccount+"storage/kv/namespaces", object{"title": name})
	case "r2":
		code = send("POST", inAccount+"r2/buckets", object{"name": name})
	case "queue":
		code = send("POST", inAccount+"queues", object{"queue_name": name})
	case "vectorize":
		code = send("POST", inAccount+"vectorize/v2/indexes", object{"name": name, "config": object{"dimensions": 3, "metric": "cosine"}})
	case "route":
		code = send("POST", inZone+"workers/routes", object{"pattern": name})
	case "dns":
		code = send("POST", inZone+"dns_records", object{"type": settings["type"], "name": name, "content": settings["content"], "ttl": 300, "priority": settings["priority"]})
	case "worker":
		code = w.upload(name, nil)
	}
	if code/100 != 2 {
		return false
	}
	w.clock.advance(time.Minute) // what cannot be seen yet, nobody could leave alone
	for _, r := range w.everything() {
		if !slices.ContainsFunc(before, func(b emulator.Resource) bool { return same(b, r) }) {
			w.foreign = append(w.foreign, r)
		}
	}
	return true
}

// upload puts a Worker there, or over what is there, as a deploy does.
func (w *tortured) upload(name string, bindings []object) int {
	metadata, err := json.Marshal(object{"main_module": "a.js", "compatibility_date": "2026-01-01", "bindings": bindings})
	if err != nil {
		w.t.Fatal(err)
	}
	const boundary = "torture"
	var b strings.Builder
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n%s\r\n", boundary, metadata)
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"a.js\"; filename=\"a.js\"\r\nContent-Type: application/javascript+module\r\n\r\nexport default {}\r\n--%[1]s--\r\n", boundary)
	code, _ := w.byHand("PUT", "accounts/"+tortureAccount+"/workers/scripts/"+name, b.String(), map[string]string{"Content-Type": "multipart/form-data; boundary=" + boundary})
	return code
}

// deploy binds every Worker of ours to every store, as wrangler deploy does.
func (w *tortured) deploy() {
	entries := provision.Sorted(w.readState().Entries)
	var bindings []object
	for i, e := range entries {
		b := object{"name": fmt.Sprint("B", i)}
		switch e.Key.Kind {
		case "d1":
			b["type"], b["id"] = "d1", e.ID
		case "kv":
			b["type"], b["namespace_id"] = "kv_namespace", e.ID
		case "queue":
			b["type"], b["queue_name"] = "queue", e.Name
		default:
			continue
		}
		bindings = append(bindings, b)
	}
	for _, e := range entries {
		if e.Key.Kind == "worker" {
			if code := w.upload(e.Name, bindings); code != 200 {
				w.t.Fatalf("deploying %s: HTTP %d", e.Name, code)
			}
		}
	}
	w.clock.advance(time.Minute)
}

func same(a, b emulator.Resource) bool {
	return a.Kind == b.Kind && a.ID == b.ID && a.Zone == b.Zone && a.Name == b.Name && a.Comment == b.Comment
}

// neighbours are other people's resources with names like ours.
func (w *tortured) neighbours() {
	for _, kind := range []string{"d1", "kv", "r2", "queue", "vectorize", "worker"} {
		for _, name := range []string{"shop-old", "shop-db-old", "shop-jobs-v3"} {
			if !w.settle(kind, name, nil) {
				w.t.Fatalf("cannot make a neighbour: %s %s", kind, name)
			}
		}
	}
	txt := func(content string) provision.Settings { return provision.Settings{"type": "TXT", "content": content} }
	if !w.settle("route", "old."+tortureDomain+"/*", nil) || !w.settle("dns", tortureDomain, txt("v=three")) || !w.settle("dns", "mail."+tortureDomain, txt("v=one")) {
		w.t.Fatal("cannot make a neighbour")
	}
}

// everything is what exists, of whatever kind.
func (w *tortured) everything() []emulator.Resource { return w.server.Resources() }

// destroyByHand deletes something behind everybody's back; what Cloudflare
// refuses to delete stays.
func (w *tortured) destroyByHand(r emulator.Resource) {
	inAccount, inZone := "accounts/"+tortureAccount+"/", "zones/"+r.Zone+"/"
	path := map[string]string{
		"d1": inAccount + "d1/database/", "kv": inAccount + "storage/kv/namespaces/", "r2": inAccount + "r2/buckets/", "queue": inAccount + "queues/",
		"dns": inZone + "dns_records/", "route": inZone + "workers/routes/", "domain": inAccount + "workers/domains/",
		"worker": inAccount + "workers/scripts/", "vectorize": inAccount + "vectorize/v2/indexes/",
	}[r.Kind]
	if path == "" {
		return
	}
	w.byHand("DELETE", path+r.ID, "", nil)
	if r.Kind == "r2" {
		w.byHand("DELETE", path+r.ID, "", map[string]string{"Cf-R2-Jurisdiction": "eu"})
	}
	exist := w.everything()
	gone := func(f emulator.Resource) bool {
		return !slices.ContainsFunc(exist, func(e emulator.Resource) bool { return same(e, f) })
	}
	w.foreign = slices.DeleteFunc(w.foreign, gone)
	for k := range w.squats {
		w.squats[k] = slices.DeleteFunc(w.squats[k], gone)
	}
}

// fillByHand puts something into a store of ours.
func (w *tortured) fillByHand(e provision.Entry) bool {
	inAccount := "accounts/" + tortureAccount + "/"
	switch e.Key.Kind {
	case "kv":
		w.byHand("PUT", inAccount+"storage/kv/namespaces/"+e.ID+"/values/k", "v", nil)
	case "d1":
		w.byHand("POST", inAccount+"d1/database/"+e.ID+"/query", `{"sql":"CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)"}`, nil)
	case "r2":
		header := map[string]string{}
		if e.Settings["jurisdiction"] == "eu" {
			header["Cf-R2-Jurisdiction"] = "eu"
		}
		w.byHand("PUT", inAccount+"r2/buckets/"+e.ID+"/objects/o", "v", header)
	default:
		return false
	}
	return true
}

// changeByHand changes a setting of one of ours.
func (w *tortured) changeByHand(e provision.Entry) {
	inAccount, inZone := "accounts/"+tortureAccount+"/", "zones/"+e.Zone+"/"
	switch e.Key.Kind {
	case "d1":
		w.byHand("PATCH", inAccount+"d1/database/"+e.ID, `{"read_replication":{"mode":"auto"}}`, nil)
	case "kv":
		w.byHand("PUT", inAccount+"storage/kv/namespaces/"+e.ID, `{"title":"renamed by hand `+e.ID+`"}`, nil)
	case "r2":
		header := map[string]string{}
		if e.Settings["jurisdiction"] == "eu" {
			header["Cf-R2-Jurisdiction"] = "eu"
		}
		w.byHand("PUT", inAccount+"r2/buckets/"+e.ID+"/lifecycle", `{"rules":[]}`, header)
		w.byHand("DELETE", inAccount+"r2/buckets/"+e.ID+"/cors", "", header)
	case "queue":
		w.byHand("PATCH", inAccount+"queues/"+e.ID, `{"settings":{"delivery_delay":60}}`, nil)
	case "consumer":
		queue, id, _ := strings.Cut(e.ID, "/")
		if e.Settings["type"] == "worker" {
			w.byHand("PUT", inAccount+"queues/"+queue+"/consumers/"+id, fmt.Sprintf(`{"type":"worker","script_name":%q,"settings":{"batch_size":50}}`, e.Name), nil)
		}
	case "dns":
		w.byHand("PATCH", inZone+"dns_records/"+e.ID, `{"ttl":300,"proxied":false,"comment":"by hand"}`, nil)
	case "route":
		w.byHand("PUT", inZone+"workers/routes/"+e.ID, fmt.Sprintf(`{"pattern":%q,"script":"shop-old"}`, e.Name), nil)
	case "domain":
		w.byHand("PUT", inAccount+"workers/domains", fmt.Sprintf(`{"hostname":%q,"service":"shop-old","zone_id":%q,"environment":"production"}`, e.Name, e.Zone), nil)
	}
}

// readState insists on a state that can be read.
func (w *tortured) readState() provision.State {
	st, exists, err := state.Read(w.path)
	if err != nil {
		w.t.Fatalf("the state cannot be read: %v", err)
	}
	if !exists {
		return provision.State{}
	}
	return st
}

// check asserts what holds after every run, however it ended: the state can be
// read, what is not ours is as it was, and all else that exists is known to the
// state, once for each key.
func (w *tortured) check(after string) {
	st := w.readState()
	exist := w.everything()
	for _, f := range w.foreign {
		if !slices.ContainsFunc(exist, func(e emulator.Resource) bool { return same(e, f) }) {
			w.t.Fatalf("after %s: what is not ours was touched: %+v", after, f)
		}
	}
	for _, q := range w.sent {
		for _, f := range w.foreign {
			if q.Method != "GET" && slices.Contains(strings.Split(q.Path, "/"), f.ID) && f.ID != tortureAccount {
				w.t.Fatalf("after %s: %s %s was sent, which is not ours", after, q.Method, q.Path)
			}
		}
	}
	held := map[provision.Key]emulator.Resource{}
	for _, r := range w.ours() {
		k, known := keeper(st, r)
		if !known {
			w.t.Fatalf("after %s: nobody knows of %+v\nentries %v\nintents %v", after, r, st.Entries, st.Intents)
		}
		if other, double := held[k]; double {
			w.t.Fatalf("after %s: %s stands for two: %+v and %+v", after, k, other, r)
		}
		held[k] = r
	}
}

// ours lists what exists and is not foreign.
func (w *tortured) ours() []emulator.Resource {
	return slices.DeleteFunc(w.everything(), func(r emulator.Resource) bool {
		return slices.ContainsFunc(w.foreign, func(f emulator.Resource) bool { return f.Kind == r.Kind && f.ID == r.ID && f.Zone == r.Zone })
	})
}

// keeper finds the key under which the state knows a resource: by its id, or as
// what an open intent was making.
func keeper(st provision.State, r emulator.Resource) (provision.Key, bool) {
	for k, e := range st.Entries {
		_, consumer, _ := strings.Cut(e.ID, "/")
		if k.Kind == r.Kind && (e.ID == r.ID || consumer == r.ID && k.Kind == "consumer") {
			return k, true
		}
	}
	for k, i := range st.Intents {
		name := i.Name
		switch k.Kind {
		case "dns":
			name = fmt.Sprint(i.Settings["type"], " ", i.Name)
		case "consumer":
			name = fmt.Sprint(i.Local["queue"], "/", i.Name)
		}
		if k.Kind == r.Kind && name == r.Name {
			return k, true
		}
	}
	return provision.Key{}, false
}
