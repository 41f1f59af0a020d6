package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
)

// manifestHead is a manifest without resources.
const manifestHead = `// What this project has on Cloudflare, taken over from wrangler.jsonc as it was.
// "cfboot plan" shows what would change, "cfboot apply" changes it.
{
  "$schema": %q,
  "name": %q,
  "resources": {
  }
}
`

// manifest writes what was found, as it is. What cannot be said in a manifest is
// left.
func (o *takeover) manifest(account string) ([]byte, error) {
	src := fmt.Appendf(nil, manifestHead, "./"+schemaFile, o.project)
	var err error
	if account != "" {
		if src, err = manifest.SetTop(src, "account", account); err != nil {
			return nil, err
		}
	}
	byKey := map[provision.Key]*finding{}
	for _, f := range o.found {
		byKey[f.wanted.Key] = f
	}
	for _, f := range o.inOrder() {
		if f.wanted.Key.Kind == "consumer" {
			continue
		}
		next, err := o.add(src, f, byKey[provision.Key{Kind: "consumer", Name: f.wanted.Key.Name}])
		if err != nil {
			o.leave(f.wanted.Key.String(), "", "a manifest cannot say it as it is: "+strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		src = next
	}
	return src, nil
}

// inOrder puts what is referred to first: dead-letter queues before the queues
// that use them.
func (o *takeover) inOrder() []*finding {
	rank := func(f *finding) int {
		switch k := f.wanted.Key; {
		case k.Kind == "worker":
			return 0
		case k.Kind == "route" || k.Kind == "domain":
			return 4
		case k.Kind == "queue" && slices.ContainsFunc(o.found, func(c *finding) bool { return c.wanted.Key.Name == k.Name && c.dead != "" }):
			return 3
		case k.Kind == "queue":
			return 2
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(o.found), func(a, b *finding) int { return rank(a) - rank(b) })
}

// add writes one finding, with its consumer where it has one, and makes sure
// that the manifest means just that.
func (o *takeover) add(src []byte, f, consumer *finding) ([]byte, error) {
	says := o.says(f)
	if consumer != nil {
		c := reportedSettings("consumer", consumer.seen.Settings, consumerProperties())
		if consumer.wanted.Settings["type"] == "worker" {
			c["worker"] = kinds.App
		}
		for _, dead := range o.found {
			if name := consumer.seen.Settings["dead_letter_queue"]; dead.wanted.Key.Kind == "queue" && dead.seen.Name == name {
				c["dead_letter_queue"] = dead.wanted.Key.Name
			}
		}
		says["consumer"] = c
	}
	for _, name := range []string{"", f.seen.Name} { // without "name" where the rule gives it
		if name != "" {
			says["name"] = name
		}
		next, err := manifest.AddResource(src, f.wanted.Key.Name, resourceText(f.wanted.Key.Kind, says))
		if err != nil {
			return nil, err
		}
		p, err := parseProject("", next, "")
		if err != nil {
			if name == "" {
				continue
			}
			return nil, err
		}
		i := slices.IndexFunc(p.desired.Resources, func(r provision.Resource) bool { return r.Key == f.wanted.Key })
		if p.desired.Resources[i].Name == f.seen.Name {
			return next, nil
		}
	}
	return nil, fmt.Errorf("its name is %q", f.seen.Name)
}

// says is what the manifest says of a finding: what wrangler.jsonc says, and
// what Cloudflare reports and is not the default.
func (o *takeover) says(f *finding) provision.Settings {
	kind := f.wanted.Key.Kind
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	_ = json.Unmarshal(kinds.Catalog{}.Schema(kind), &schema) // the catalog's own; the manifest reads it too
	out := provision.Settings{}
	if kind != "route" && kind != "domain" {
		out = reportedSettings(kind, f.seen.Settings, schema.Properties)
	}
	maps.Copy(out, f.fields)
	return out
}

func reportedSettings(kind string, seen provision.Settings, known map[string]any) provision.Settings {
	defaults := kinds.Traits()[kind].Defaults
	out := provision.Settings{}
	for name, v := range seen {
		if _, ok := known[name]; ok && v != nil && !reflect.DeepEqual(v, defaults[name]) && name != "worker" && name != "dead_letter_queue" {
			out[name] = v
		}
	}
	return out
}

// consumerProperties are the settings that a queue's consumer may have.
func consumerProperties() map[string]any {
	var schema struct {
		Properties struct {
			Consumer struct {
				Properties map[string]any `json:"properties"`
			} `json:"consumer"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(kinds.Catalog{}.Schema("queue"), &schema)
	return schema.Properties.Consumer.Properties
}

// resourceText writes one resource on one line, as people do.
func resourceText(kind string, says provision.Settings) []byte {
	parts := []string{`"kind": ` + string(jsonText(kind))}
	first := []string{"name", "binding"}
	names := slices.SortedFunc(maps.Keys(says), func(a, b string) int {
		if ia, ib := slices.Index(first, a), slices.Index(first, b); ia != ib && (ia >= 0 || ib >= 0) {
			if ia < 0 || ib >= 0 && ib < ia {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if inner, ok := says[name].(provision.Settings); ok {
			var all []string
			for _, n := range slices.Sorted(maps.Keys(inner)) {
				all = append(all, string(jsonText(n))+": "+string(jsonText(inner[n])))
			}
			parts = append(parts, string(jsonText(name))+": { "+strings.Join(all, ", ")+" }")
			continue
		}
		parts = append(parts, string(jsonText(name))+": "+string(jsonText(says[name])))
	}
	return []byte("{ " + strings.Join(parts, ", ") + " }")
}

// jsonText writes a value without escaping what only HTML minds.
func jsonText(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("cli: a setting is not JSON: " + err.Error()) // they come from JSON
	}
	return bytes.TrimSpace(b.Bytes())
}
