package kinds_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/google/go-cmp/cmp"
)

// Every type of record that users need: what it is made with, and with what it
// is changed in place.
var recordTypes = map[string][2]string{
	"A":          {`"name": "www", "content": "192.0.2.1"`, `"name": "www", "content": "192.0.2.2", "proxied": true`},
	"AAAA":       {`"name": "www", "content": "2001:db8::1"`, `"name": "www", "content": "100::", "proxied": true`},
	"CNAME":      {`"name": "www", "content": "@"`, `"name": "www", "content": "pages.dev", "ttl": 300`},
	"TXT":        {`"name": "@", "content": "v=spf1 -all"`, `"name": "@", "content": "\"v=spf1 include:a.example -all\""`},
	"MX":         {`"name": "@", "content": "mx1.mail.example", "priority": 10`, `"name": "@", "content": "mx1.mail.example", "priority": 0`},
	"NS":         {`"name": "sub", "content": "ns1.dns.example"`, `"name": "sub", "content": "ns2.dns.example."`},
	"PTR":        {`"name": "1.2.0.192.in-addr", "content": "a.example"`, `"name": "1.2.0.192.in-addr", "content": "b.example"`},
	"SRV":        {`"name": "_sip._tcp", "data": {"priority": 1, "weight": 2, "port": 5060, "target": "a.example"}`, `"name": "_sip._tcp", "data": {"priority": 0, "weight": 0, "port": 5061, "target": "B.example."}`},
	"CAA":        {`"name": "@", "data": {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}`, `"name": "@", "data": {"flags": 128, "tag": "issue", "value": ";"}`},
	"HTTPS":      {`"name": "@", "data": {"priority": 1, "target": ".", "value": "alpn=\"h3,h2\""}`, `"name": "@", "data": {"priority": 1, "target": ".", "value": "alpn=\"h2\""}`},
	"SVCB":       {`"name": "_x", "data": {"priority": 1, "target": "a.example", "value": ""}`, `"name": "_x", "data": {"priority": 2, "target": "b.example", "value": "port=\"8443\""}`},
	"URI":        {`"name": "_ftp._tcp", "data": {"weight": 1, "target": "ftp://a.example/Public/"}, "priority": 10`, `"name": "_ftp._tcp", "data": {"weight": 2, "target": "ftp://a.example/Public/"}, "priority": 10`},
	"TLSA":       {`"name": "_443._tcp", "data": {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "abcd"}`, `"name": "_443._tcp", "data": {"usage": 3, "selector": 0, "matching_type": 1, "certificate": "ef01"}`},
	"SMIMEA":     {`"name": "a._smimecert", "data": {"usage": 3, "selector": 0, "matching_type": 0, "certificate": "abcd"}`, `"name": "a._smimecert", "data": {"usage": 3, "selector": 0, "matching_type": 1, "certificate": "abcd"}`},
	"SSHFP":      {`"name": "www", "data": {"algorithm": 4, "type": 2, "fingerprint": "abcd"}`, `"name": "www", "data": {"algorithm": 4, "type": 2, "fingerprint": "ef01"}`},
	"DS":         {`"name": "sub", "data": {"key_tag": 1, "algorithm": 13, "digest_type": 2, "digest": "abcd"}`, `"name": "sub", "data": {"key_tag": 2, "algorithm": 13, "digest_type": 2, "digest": "ef01"}`},
	"DNSKEY":     {`"name": "sub", "data": {"flags": 257, "protocol": 3, "algorithm": 13, "public_key": "abcd"}`, `"name": "sub", "data": {"flags": 256, "protocol": 3, "algorithm": 13, "public_key": "abcd"}`},
	"CERT":       {`"name": "www", "data": {"type": 1, "key_tag": 1, "algorithm": 8, "certificate": "abcd"}`, `"name": "www", "data": {"type": 1, "key_tag": 2, "algorithm": 8, "certificate": "abcd"}`},
	"NAPTR":      {`"name": "www", "data": {"order": 1, "preference": 1, "flags": "s", "service": "SIP+D2U", "regex": "", "replacement": "_sip._udp.a.example"}`, `"name": "www", "data": {"order": 1, "preference": 2, "flags": "s", "service": "SIP+D2U", "regex": "", "replacement": "_sip._udp.a.example"}`},
	"LOC":        {`"name": "www", "data": {"lat_degrees": 52, "lat_minutes": 22, "lat_seconds": 23.5, "lat_direction": "N", "long_degrees": 4, "long_minutes": 53, "long_seconds": 32, "long_direction": "E", "altitude": -2, "size": 0, "precision_horz": 10000, "precision_vert": 10}`, `"name": "www", "data": {"lat_degrees": 52, "lat_minutes": 22, "lat_seconds": 24, "lat_direction": "N", "long_degrees": 4, "long_minutes": 53, "long_seconds": 32, "long_direction": "E", "altitude": 0, "size": 0, "precision_horz": 10000, "precision_vert": 10}`},
	"OPENPGPKEY": {`"name": "a._openpgpkey", "content": "abcd"`, `"name": "a._openpgpkey", "content": "efgh"`},
}

func TestEveryTypeOfRecord(t *testing.T) {
	var schema struct {
		Properties struct {
			Type struct {
				Enum []string
			}
		}
	}
	if err := json.Unmarshal(dnsSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, kind := range schema.Properties.Type.Enum {
		if _, ok := recordTypes[kind]; !ok {
			t.Errorf("the manifest may name %s records, and recordTypes has none", kind)
		}
	}
	for kind, r := range recordTypes {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before, after := fmt.Sprintf(`"r": {"kind": "dns", "type": %q, %s}`, kind, r[0]), fmt.Sprintf(`"r": {"kind": "dns", "type": %q, %s}`, kind, r[1])
			w.reach(t, before, "dns/r", provision.Create)
			id := idOf(t, w, "dns/r")
			w.reach(t, after, "dns/r", provision.Update)
			if now := idOf(t, w, "dns/r"); now != id {
				t.Errorf("the record was made anew: %s, %s", id, now)
			}
			destroy(t, w)
		})
	}
}

// Tags come and go, in whatever order they are given.
func TestRecordTags(t *testing.T) {
	w := newWorld(t)
	record := func(rest string) string {
		return `"r": {"kind": "dns", "type": "TXT", "name": "@", "content": "a"` + rest + `}`
	}
	w.reach(t, record(`, "tags": ["b:2", "a:1"]`), "dns/r", provision.Create)
	if p := w.plan(t, record(`, "tags": ["a:1", "b:2"]`), false); !p.Empty() {
		t.Errorf("another order is a change: %s", show(p))
	}
	w.reach(t, record(`, "tags": ["c:3"]`), "dns/r", provision.Update)
	w.reach(t, record(""), "dns/r", provision.Update)
	if b := w.call(t, "GET", "zones/"+w.zone+"/dns_records?tag=c:3", ""); strings.Contains(string(b), "c:3") {
		t.Errorf("the tag is still there: %s", b)
	}
}

// What others keep under the same names stays as it is, whatever is done to ours.
func TestRecordsBesideOthers(t *testing.T) {
	w := newWorld(t)
	foreign := []string{
		`{"type":"MX","name":"@","content":"mx.other.example","priority":10}`,
		`{"type":"TXT","name":"@","content":"\"google-site-verification=1\""}`,
		`{"type":"TXT","name":"@","content":"v=spf1 include:other.example -all","comment":"cfboot:other/production/spf"}`,
		`{"type":"CAA","name":"@","data":{"flags":0,"tag":"issue","value":"pki.goog"}}`,
		`{"type":"A","name":"www","content":"192.0.2.9","proxied":true}`,
	}
	for _, r := range foreign {
		w.call(t, "POST", "zones/"+w.zone+"/dns_records", r)
	}
	list := func() map[string]any {
		var all struct{ Result []map[string]any }
		if err := json.Unmarshal(w.call(t, "GET", "zones/"+w.zone+"/dns_records?per_page=1000", ""), &all); err != nil {
			t.Fatal(err)
		}
		out := map[string]any{}
		for _, r := range all.Result {
			if comment, _ := r["comment"].(string); !strings.HasPrefix(comment, "cfboot:shop/") {
				out[r["id"].(string)] = r
			}
		}
		return out
	}
	before := list()
	if len(before) != len(foreign) {
		t.Fatalf("%d records of others", len(before))
	}
	ours := func(priority int, text string) string {
		return fmt.Sprintf(`"mx1": {"kind": "dns", "type": "MX", "name": "@", "content": "mx1.mail.example", "priority": %d},
			"mx2": {"kind": "dns", "type": "MX", "name": "@", "content": "mx2.mail.example", "priority": 20},
			"spf": {"kind": "dns", "type": "TXT", "name": "@", "content": %q},
			"dkim": {"kind": "dns", "type": "TXT", "name": "@", "content": "\"p=MIIB\" \"IjAN\""},
			"proof": {"kind": "dns", "type": "TXT", "name": "@", "content": "proof=2"},
			"caa": {"kind": "dns", "type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}},
			"www": {"kind": "dns", "type": "A", "name": "www", "content": "192.0.2.1"}`, priority, text)
	}
	w.reach(t, ours(10, "v=spf1 -all"), "dns/mx1", provision.Create)
	if n := w.server.Count()["dns"]; n != len(foreign)+7 {
		t.Errorf("%d records", n)
	}
	w.reach(t, ours(5, "v=spf1 -all"), "dns/mx1", provision.Update)
	w.reach(t, ours(5, "v=spf1 a -all"), "dns/spf", provision.Update)
	if diff := cmp.Diff(before, list()); diff != "" {
		t.Errorf("others' records changed (-before +after):\n%s", diff)
	}
	if err := w.apply(t, w.plan(t, "", true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, list()); diff != "" {
		t.Errorf("others' records changed (-before +after):\n%s", diff)
	}
}

func TestRecordsThatClash(t *testing.T) {
	for _, tt := range []struct{ name, theirs, ours, says string }{
		{"CNAME beside A", `{"type":"A","name":"www","content":"192.0.2.9"}`, `"type": "CNAME", "name": "www", "content": "@"`, `has a A record already ("192.0.2.9")`},
		{"AAAA beside CNAME", `{"type":"CNAME","name":"www","content":"a.example"}`, `"type": "AAAA", "name": "www", "content": "100::"`, `has a CNAME record already ("a.example")`},
		{"another CNAME", `{"type":"CNAME","name":"www","content":"a.example"}`, `"type": "CNAME", "name": "www", "content": "b.example"`, `has a CNAME record already`},
		{"the same TXT, quoted", `{"type":"TXT","name":"www","content":"\"a\""}`, `"type": "TXT", "name": "www", "content": "a"`, "exists already"},
		{"the same A, of other flags", `{"type":"A","name":"www","content":"192.0.2.9","proxied":true}`, `"type": "A", "name": "www", "content": "192.0.2.9"`, "exists already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.call(t, "POST", "zones/"+w.zone+"/dns_records", tt.theirs)
			p := w.plan(t, `"r": {"kind": "dns", `+tt.ours+`}`, false)
			if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0].Text, tt.says) {
				t.Errorf("conflicts: %+v", p.Conflicts)
			}
		})
	}
}

// What a wildcard or another host has is no clash.
func TestRecordsThatDoNotClash(t *testing.T) {
	w := newWorld(t)
	w.call(t, "POST", "zones/"+w.zone+"/dns_records", `{"type":"A","name":"*","content":"192.0.2.9"}`)
	w.call(t, "POST", "zones/"+w.zone+"/dns_records", `{"type":"TXT","name":"www","content":"a"}`)
	w.reach(t, `"r": {"kind": "dns", "type": "CNAME", "name": "www", "content": "@"}, "s": {"kind": "dns", "type": "TXT", "name": "*", "content": "a"}`, "dns/r", provision.Create)
}

func dnsSchema() []byte { return kinds.Catalog{}.Schema("dns") }
