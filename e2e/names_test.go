package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/templates"
)

// TestNamesAreWranglers: what a pattern's resources are called is what wrangler
// itself would call them, <script>-<binding in small letters with - for _>, so
// that its automatic provisioning finds ours instead of making more.
func TestNamesAreWranglers(t *testing.T) {
	for _, p := range templates.Patterns() {
		files, err := templates.Render(p.Name, templates.Values{Name: "my-shop", Domain: "my-shop.example", Schema: "s"})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path != "cfboot.jsonc" {
				continue
			}
			// An environment has names of its own.
			src := strings.Replace(string(f.Data), `"resources": {`, `"environments": { "qa": {} }, "resources": {`, 1)
			m, err := manifest.Parse(f.Path, []byte(src), kinds.Catalog{})
			if err != nil {
				t.Fatal(err)
			}
			for env, script := range map[string]string{"": "my-shop", "qa": "my-shop-qa"} {
				d, err := m.Desired(env, kinds.Catalog{})
				if err != nil {
					t.Fatal(err)
				}
				bound := 0
				for _, r := range d.Resources {
					binding, _ := r.Local["binding"].(string)
					if r.Key.Kind == "worker" && r.Key.Name == kinds.App && r.Name != script {
						t.Errorf("%s: the Worker is called %q, wrangler deploys %q", p.Name, r.Name, script)
					}
					if binding == "" || !slices.Contains(provisioned, r.Key.Kind) {
						continue
					}
					bound++
					if want := script + "-" + strings.ReplaceAll(strings.ToLower(binding), "_", "-"); r.Name != want {
						t.Errorf("%s: %s is called %q, wrangler would call it %q", p.Name, r.Key, r.Name, want)
					}
				}
				if bound == 0 {
					t.Errorf("%s binds nothing", p.Name)
				}
			}
		}
	}
}

// provisioned are the kinds that wrangler makes by itself, and so names.
var provisioned = []string{"d1", "kv", "r2", "queue"}
