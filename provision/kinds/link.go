package kinds

import (
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// Link is the dashboard's page for a resource, or empty where it has none that
// an id leads to.
func Link(account string, e provision.Entry) string {
	k := registry[e.Key.Kind]
	if k.page == "" {
		return ""
	}
	id, _, _ := strings.Cut(e.ID, "/")
	jurisdiction, _ := e.Settings["jurisdiction"].(string)
	return strings.NewReplacer("{account}", account, "{id}", id, "{name}", e.Name, "{jurisdiction}", orDefault(jurisdiction, "default")).Replace("https://dash.cloudflare.com/" + k.page)
}
