package kinds_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/google/go-cmp/cmp"
)

const (
	widgets    = "accounts/" + account + "/challenges/widgets"
	secrets    = "accounts/" + account + "/workers/scripts/shop/secrets"
	withSecret = oneWorker + `, "form": {"kind": "turnstile", "domains": ["@"], "worker": "app"}`
	siteSecret = "TURNSTILE_SECRET_KEY"
)

// given lists the secrets of the Worker.
func (w *world) given(t testing.TB) string {
	t.Helper()
	var e struct{ Result []struct{ Name string } }
	if err := json.Unmarshal(w.call(t, "GET", secrets, ""), &e); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range e.Result {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// puts counts how often a secret was put.
func (w *world) puts() (n int) {
	for _, r := range w.server.Requests() {
		if r.Method == "PUT" && strings.HasSuffix(r.Path, "/secrets") {
			n++
		}
	}
	return n
}

// mend takes back the failures that were to come.
func (w *world) mend(t testing.TB) {
	t.Helper()
	resp := httptest.NewRecorder()
	w.server.ServeHTTP(resp, httptest.NewRequest("POST", "/__emulator/reset", nil))
	if resp.Code != 200 {
		t.Fatal(resp.Body)
	}
}

func (w *world) secretOf(t testing.TB, id string) string {
	t.Helper()
	var e struct{ Result struct{ Secret string } }
	if err := json.Unmarshal(w.call(t, "GET", widgets+"/"+id, ""), &e); err != nil || e.Result.Secret == "" {
		t.Fatal(err)
	}
	return e.Result.Secret
}

func TestAWidgetsSecretGoesToItsWorker(t *testing.T) {
	w := newWorld(t)
	w.reach(t, withSecret, "turnstile/form", provision.Create)
	id := idOf(t, w, "turnstile/form")
	if w.given(t) != siteSecret || w.puts() != 1 {
		t.Fatalf("the Worker has the secrets %q after %d calls", w.given(t), w.puts())
	}

	t.Log("taken away by hand")
	w.call(t, "DELETE", secrets+"/"+siteSecret, "")
	s := w.reach(t, withSecret, "turnstile/form", provision.Update)
	if len(s.Changes) != 1 || s.Changes[0].Setting != "secret" || !s.Changes[0].Drift || w.given(t) != siteSecret {
		t.Errorf("%+v, the Worker has %q", s.Changes, w.given(t))
	}

	t.Log("changed together with the widget")
	w.call(t, "DELETE", secrets+"/"+siteSecret, "")
	invisible := strings.Replace(withSecret, `"domains"`, `"mode": "invisible", "domains"`, 1)
	w.reach(t, invisible, "turnstile/form", provision.Update)
	if w.given(t) != siteSecret || idOf(t, w, "turnstile/form") != id {
		t.Errorf("the Worker has %q", w.given(t))
	}

	t.Log("replaced: the old one's secret opens nothing any more")
	before := w.puts()
	w.reach(t, strings.Replace(withSecret, `"domains"`, `"region": "china", "domains"`, 1), "turnstile/form", provision.Replace)
	if w.given(t) != siteSecret || w.puts() != before+1 || idOf(t, w, "turnstile/form") == id {
		t.Errorf("the Worker has %q after %d calls", w.given(t), w.puts()-before)
	}

	t.Log("gone by hand: likewise")
	w.call(t, "DELETE", widgets+"/"+idOf(t, w, "turnstile/form"), "")
	before = w.puts()
	w.reach(t, withSecret, "turnstile/form", provision.Create)
	if w.given(t) != siteSecret || w.puts() != before+1 {
		t.Errorf("the Worker has %q after %d calls", w.given(t), w.puts()-before)
	}

	t.Log("no longer wanted: the secret goes with it")
	w.reachWithout(t, oneWorker)
	if w.given(t) != "" {
		t.Errorf("the Worker has %q", w.given(t))
	}
	destroy(t, w)
}

// reachWithout applies what names fewer resources.
func (w *world) reachWithout(t testing.TB, resources string) {
	t.Helper()
	p := w.plan(t, resources, false)
	before := len(w.server.Requests())
	if err := w.apply(t, p); err != nil {
		t.Fatal(err)
	}
	if sent := len(w.server.Requests()) - before; sent != p.Calls() {
		t.Errorf("the plan promised %d calls, and %d were sent", p.Calls(), sent)
	}
	if again := w.plan(t, resources, false); !again.Empty() {
		t.Errorf("there is still something to do: %s", show(again))
	}
}

// A run that ends at any call of making a widget with its secret is finished by
// the next one: one widget, one secret.
func TestAWidgetWhoseRunEndedHalfway(t *testing.T) {
	lost := emulator.Failure{Method: "POST", Path: "/widgets$", After: true, Drop: true}
	for name, faults := range map[string][]emulator.Failure{
		"the widget refused":             {{Method: "POST", Path: "/widgets$", Status: 403}},
		"the widget not found again":     {lost, {Method: "GET", Path: "/widgets$", Status: 403}},
		"found, and its secret not told": {lost, {Method: "GET", Path: "/widgets/", Status: 403}},
		"the secret refused":             {{Method: "PUT", Path: "/secrets$", Status: 403}},
		"the secret put, the answer not": {{Method: "PUT", Path: "/secrets$", Status: 403, After: true}},
		"the Worker's secrets unknown":   {{Method: "GET", Path: "/secrets$", Status: 403}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.client(t)
			p := w.planWith(t, c, withSecret, false)
			for _, f := range faults {
				f.Count = -1
				if f.After {
					f.Count = 1
				}
				w.server.Fail(f)
			}
			if err := w.applyWith(t, c, p); err == nil {
				t.Error("the first run says nothing")
			}
			w.mend(t)
			if err := w.apply(t, w.plan(t, withSecret, false)); err != nil {
				t.Fatal(err)
			}
			if again := w.plan(t, withSecret, false); !again.Empty() {
				t.Fatalf("there is still something to do: %s", show(again))
			}
			if w.server.Count()["turnstile"] != 1 || w.given(t) != siteSecret {
				t.Errorf("%d widgets, the Worker has %q", w.server.Count()["turnstile"], w.given(t))
			}
			destroy(t, w)
		})
	}
}

// Taking away what was the secret of a widget that is gone says nothing of whether
// the next one was made.
func TestARefusedWidgetIsNotALostOne(t *testing.T) {
	w := newWorld(t)
	w.reach(t, withSecret, "turnstile/form", provision.Create)
	w.call(t, "DELETE", widgets+"/"+idOf(t, w, "turnstile/form"), "")
	time.Sleep(30 * time.Millisecond) // what was made a moment ago may only not be seen yet, which keeps the intent
	p := w.plan(t, withSecret, false)
	w.server.Fail(emulator.Failure{Method: "POST", Path: "/widgets$", Status: 403, Count: -1})
	err := w.apply(t, p)
	if st, _, serr := state.Read(w.path); err == nil || serr != nil || len(st.Intents) != 0 || w.given(t) != "" {
		t.Errorf("%v, %v, open intents %v, the Worker has %q", err, serr, st.Intents, w.given(t))
	}
	w.mend(t)
	w.reach(t, withSecret, "turnstile/form", provision.Create)
}

// What is ignored is not put back, whatever else changes.
func TestAWidgetsSecretCanBeIgnored(t *testing.T) {
	ignored := strings.Replace(withSecret, `"domains"`, `"ignore": ["secret"], "domains"`, 1)
	w := newWorld(t)
	w.reach(t, ignored, "turnstile/form", provision.Create)
	if w.given(t) != siteSecret {
		t.Errorf("made, the Worker has %q", w.given(t))
	}
	w.call(t, "DELETE", secrets+"/"+siteSecret, "")
	if p := w.plan(t, ignored, false); !p.Empty() {
		t.Errorf("there is something to do: %s", show(p))
	}
	w.reach(t, strings.Replace(ignored, `["@"]`, `["@", "localhost"]`, 1), "turnstile/form", provision.Update)
	if w.given(t) != "" {
		t.Errorf("the Worker has %q", w.given(t))
	}
}

// A secret that cfboot did not put there is neither overwritten nor taken away.
func TestASecretThatIsThereStays(t *testing.T) {
	const byHand = `{"name":"TURNSTILE_SECRET_KEY","text":"put-there-by-hand","type":"secret_text"}`
	refused := func(t *testing.T, w *world, resources string) {
		t.Helper()
		for range 2 { // and not only the first time
			p := w.plan(t, resources, false)
			err := w.apply(t, p)
			if err == nil || !strings.Contains(err.Error(), `the Worker "shop" has a secret TURNSTILE_SECRET_KEY already`) || w.puts() != 1 || w.given(t) != siteSecret {
				t.Errorf("%v; %d secrets put; the Worker has %q", err, w.puts(), w.given(t))
			}
		}
	}
	t.Run("before the plan", func(t *testing.T) {
		w := newWorld(t)
		w.reach(t, oneWorker, "worker/app", provision.Create)
		w.call(t, "PUT", secrets, byHand)
		if p := w.plan(t, withSecret, false); len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Text, "npx wrangler secret delete TURNSTILE_SECRET_KEY --name shop") {
			t.Errorf("conflicts: %+v", p.Conflicts)
		}
		refused(t, w, withSecret)
		if w.server.Count()["turnstile"] != 0 {
			t.Error("a widget was made")
		}
	})
	t.Run("since the plan", func(t *testing.T) {
		w := newWorld(t)
		w.reach(t, oneWorker, "worker/app", provision.Create)
		p := w.plan(t, withSecret, false)
		w.call(t, "PUT", secrets, byHand)
		if err := w.apply(t, p); err == nil || w.server.Count()["turnstile"] != 0 {
			t.Errorf("%v", err)
		}
		refused(t, w, withSecret)
	})
	t.Run("of a widget that was on no Worker", func(t *testing.T) {
		w := newWorld(t)
		none := strings.Replace(withSecret, `, "worker": "app"`, "", 1)
		w.reach(t, none, "turnstile/form", provision.Create)
		w.call(t, "PUT", secrets, byHand)
		refused(t, w, withSecret)
		w.reachWithout(t, none)
		w.reachWithout(t, oneWorker)
		if w.given(t) != siteSecret {
			t.Error("it was taken away with the widget")
		}
	})
	t.Run("under another name", func(t *testing.T) {
		w := newWorld(t)
		w.reach(t, strings.Replace(withSecret, `"worker": "app"`, `"worker": "app", "secret": "OTHER"`, 1), "turnstile/form", provision.Create)
		w.call(t, "PUT", secrets, byHand)
		p := w.plan(t, withSecret, false)
		if err := w.apply(t, p); err == nil || w.puts() != 2 {
			t.Errorf("%v, %d secrets put", err, w.puts())
		}
	})
}

// A Worker with a version that is not deployed takes no secret; what is deleted
// does not wait for that.
func TestAWorkerThatTakesNoSecret(t *testing.T) {
	w := newWorld(t)
	w.reach(t, withSecret, "turnstile/form", provision.Create)
	w.call(t, "DELETE", secrets+"/"+siteSecret, "")
	w.server.Fail(emulator.Failure{Method: "PUT", Path: "/secrets$", Status: 400, Code: 10215})
	p := problem(t, w.apply(t, w.plan(t, withSecret, false)))
	if !strings.Contains(strings.Join(p.Hints, "\n"), "wrangler versions deploy") {
		t.Errorf("%v %q", p, p.Hints)
	}
	w.reach(t, withSecret, "turnstile/form", provision.Update)
	w.server.Fail(emulator.Failure{Method: "DELETE", Path: "/secrets/", Status: 400, Code: 10215})
	destroy(t, w)
}

// The widget's secret is in nothing that is shown or kept, however the server
// says it back.
func TestAWidgetsSecretIsNeverShown(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var seen strings.Builder
	connect := func() *kinds.Client {
		c, err := kinds.Connect(kinds.Connection{Token: w.token, Account: account, BaseURL: w.http.URL + "/client/v4", Project: "shop", Environment: provision.Production,
			Bodies: true, Trace: func(c kinds.Call) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintln(&seen, c.Path, c.Err, c.Request, c.Response)
			}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	run := func(resources string) string {
		c := connect()
		p := w.planWith(t, c, resources, false)
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(b)
		err = w.applyWith(t, c, p)
		fmt.Fprintln(&seen, err)
		return fmt.Sprint(err)
	}
	run(withSecret)
	id := idOf(t, w, "turnstile/form")
	secret := w.secretOf(t, id)
	w.call(t, "DELETE", secrets+"/"+siteSecret, "")
	w.server.Fail(emulator.Failure{Method: "PUT", Path: "/secrets$", Status: 400, Code: 1, Message: "the value " + secret + " is too long"})
	if err := run(withSecret); !strings.Contains(err, "the value [hidden] is too long") {
		t.Errorf("the error does not say why: %s", err)
	}
	w.call(t, "PUT", widgets+"/"+id, `{"name":"by hand","domains":["a.example"],"mode":"invisible"}`)
	run(withSecret)
	kept, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	for place, text := range map[string]string{"the output": seen.String(), "the state": string(kept)} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has it: …%s", place, text[max(0, strings.Index(text, secret)-200):])
		}
	}
	if !strings.Contains(seen.String(), `"secret":"[hidden]"`) || !strings.Contains(seen.String(), `"text":"[hidden]"`) {
		t.Error("the traces do not show where it stood")
	}
	if w.given(t) != siteSecret {
		t.Errorf("the Worker has %q", w.given(t))
	}
}

// A name that lost its mark, or was never ours, gets it.
func TestAWidgetsMark(t *testing.T) {
	const form = `"form": {"kind": "turnstile", "domains": ["@", "localhost", "APP"], "name": "Sign up [x]"}`
	w := newWorld(t)
	w.reach(t, form, "turnstile/form", provision.Create)
	id := idOf(t, w, "turnstile/form")
	called := func() string {
		var e struct{ Result struct{ Name string } }
		if err := json.Unmarshal(w.call(t, "GET", widgets+"/"+id, ""), &e); err != nil {
			t.Fatal(err)
		}
		return e.Result.Name
	}
	const marked = "Sign up [x] [cfboot:shop/production/form]"
	if called() != marked || entries(t, w)[provision.Key{Kind: "turnstile", Name: "form"}].Name != "Sign up [x]" {
		t.Errorf("it is called %q", called())
	}
	for _, name := range []string{"Sign up [x]", "Mine", "Sign up [x] [cfboot:till/production/form]", " [cfboot:]"} {
		w.call(t, "PUT", widgets+"/"+id, fmt.Sprintf(`{"name":%q,"domains":["app.shop.example","localhost","shop.example"],"mode":"managed"}`, name))
		s := w.reach(t, form, "turnstile/form", provision.Update)
		for _, c := range s.Changes {
			if !c.Drift {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if called() != marked {
			t.Errorf("it is called %q", called())
		}
	}
}

// A change leaves as it is what the manifest says nothing of.
func TestAWidgetsOtherSettingsStay(t *testing.T) {
	const form = `"form": {"kind": "turnstile", "domains": ["@"], "mode": %q}`
	w := newWorld(t)
	w.reach(t, fmt.Sprintf(form, "managed"), "turnstile/form", provision.Create)
	id := idOf(t, w, "turnstile/form")
	w.call(t, "PUT", widgets+"/"+id, `{"name":"shop-form [cfboot:shop/production/form]","domains":["shop.example"],"mode":"managed","offlabel":true,"clearance_level":"jschallenge"}`)
	w.reach(t, fmt.Sprintf(form, "invisible"), "turnstile/form", provision.Update)
	if b := string(w.call(t, "GET", widgets+"/"+id, "")); !strings.Contains(b, `"offlabel":true`) || !strings.Contains(b, `"clearance_level":"jschallenge"`) || !strings.Contains(b, `"mode":"invisible"`) {
		t.Error(b)
	}
	t.Log("what it no longer says goes back to what is usual")
	w.reach(t, strings.Replace(fmt.Sprintf(form, "invisible"), `"mode"`, `"clearance_level": "interactive", "mode"`, 1), "turnstile/form", provision.Update)
	w.reach(t, fmt.Sprintf(form, "invisible"), "turnstile/form", provision.Update)
	if b := string(w.call(t, "GET", widgets+"/"+id, "")); !strings.Contains(b, `"offlabel":true`) || !strings.Contains(b, `"clearance_level":"no_clearance"`) {
		t.Error(b)
	}
}

// What has no name of its own is found again by its mark, or by what it says: of
// records of one name and of widgets of one name exactly the wanted ones remain,
// and others' stay as they are, whichever create's answer is lost, and whether the
// same run looks or a later one.
func TestLostAnswersWhereNamesAreNotUnique(t *testing.T) {
	const records, ours = `"a1": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.1"},
		"a2": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.2"},
		"t1": {"kind": "dns", "type": "TXT", "name": "@", "content": "proof=1"},
		"t2": {"kind": "dns", "type": "TXT", "name": "@", "content": "proof=2"}`, `"one": {"kind": "turnstile", "name": "form", "domains": ["@"]}, "two": {"kind": "turnstile", "name": "form", "domains": ["app"]}`
	for _, tt := range []struct {
		name, resources, create, look, list string
		wanted                              int
		strangers                           []string
	}{
		{"dns", records, "/dns_records$", "/dns_records", "zones/ZONE/dns_records", 4, []string{
			`{"type":"A","name":"www","content":"192.0.2.9"}`,
			`{"type":"A","name":"www","content":"192.0.2.8","comment":"cfboot:till/production/a1"}`,
			`{"type":"TXT","name":"@","content":"v=spf1 -all"}`,
			`{"type":"TXT","name":"@","content":"proof=11"}`}},
		{"turnstile", ours, "/widgets$", "/widgets", widgets, 2, []string{
			`{"name":"form","domains":["shop.example"],"mode":"managed"}`,
			`{"name":"form [cfboot:till/production/one]","domains":["shop.example"],"mode":"managed"}`,
			`{"name":"form [cfboot:shop/staging/one]","domains":["shop.example"],"mode":"managed"}`,
			`{"name":"form [cfboot:shop/production/one] too","domains":["shop.example"],"mode":"managed"}`}},
	} {
		for lost := range tt.wanted {
			for _, later := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d %v", tt.name, lost, later), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					list := strings.Replace(tt.list, "ZONE", w.zone, 1)
					for _, s := range tt.strangers {
						w.call(t, "POST", list, s)
					}
					all := func() map[string]any {
						var e struct{ Result []map[string]any }
						if err := json.Unmarshal(w.call(t, "GET", list+"?per_page=100", ""), &e); err != nil {
							t.Fatal(err)
						}
						out := map[string]any{}
						for _, r := range e.Result {
							id, _ := r["id"].(string)
							if id == "" {
								id = r["sitekey"].(string)
							}
							out[id] = r
						}
						return out
					}
					before := all()
					c := w.client(t)
					p := w.planWith(t, c, tt.resources, false)
					w.server.Fail(emulator.Failure{Method: "POST", Path: tt.create, Skip: lost, After: true, Drop: true})
					if later {
						w.server.Fail(emulator.Failure{Method: "GET", Path: tt.look, Status: 403, Count: -1})
					}
					if err := w.applyWith(t, c, p); (err != nil) != later {
						t.Fatal(err)
					}
					w.mend(t)
					if later {
						if st, _, err := state.Read(w.path); err != nil || len(st.Intents) != 1 {
							t.Fatalf("%d open intents, %v", len(st.Intents), err)
						}
						if err := w.apply(t, w.plan(t, tt.resources, false)); err != nil {
							t.Fatal(err)
						}
					}
					if again := w.plan(t, tt.resources, false); !again.Empty() {
						t.Fatalf("there is still something to do: %s", show(again))
					}
					after := all()
					if len(after) != len(before)+tt.wanted {
						t.Errorf("%d are there, want %d", len(after), len(before)+tt.wanted)
					}
					if err := w.apply(t, w.plan(t, "", true)); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(before, all()); diff != "" {
						t.Errorf("others' changed (-before +after):\n%s", diff)
					}
				})
			}
		}
	}
}

// Nobody's widget is adopted for its name; one that is given by its id is, and
// marked.
func TestWidgetsAreAdoptedByTheirID(t *testing.T) {
	const form = `"form": {"kind": "turnstile", "domains": ["@"]}`
	w := newWorld(t)
	var made struct{ Result struct{ Sitekey string } }
	if err := json.Unmarshal(w.call(t, "POST", widgets, `{"name":"shop-form","domains":["shop.example"],"mode":"managed"}`), &made); err != nil {
		t.Fatal(err)
	}
	adopt := func(id string) ([]provision.Adoption, error) {
		ids := map[provision.Key]string{}
		if id != "" {
			ids[provision.Key{Kind: "turnstile", Name: "form"}] = id
		}
		return provision.Adoptions(t.Context(), w.client(t), kinds.Traits(), desired(t, form), ids,
			provision.State{Project: "shop", Environment: provision.Production, Account: account}, time.Now())
	}
	if _, err := adopt(""); err == nil {
		t.Error("it was adopted for its name")
	}
	got, err := adopt(made.Result.Sitekey)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Entry.ID != made.Result.Sitekey || !got[0].Entry.Adopted || len(got[0].Later.Changes) != 1 || got[0].Later.Changes[0].Setting != "marker" {
		t.Errorf("%+v", got)
	}
	w.call(t, "PUT", widgets+"/"+made.Result.Sitekey, `{"name":"shop-form [cfboot:till/production/form]","domains":["shop.example"],"mode":"managed"}`)
	if _, err := adopt(made.Result.Sitekey); err == nil || !strings.Contains(err.Error(), "till/production/form") {
		t.Errorf("another project's: %v", err)
	}
}
