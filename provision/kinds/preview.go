package kinds

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// What is said of production's hosts means the preview's in a preview. Below the
// preview's host there is no certificate: the zone's covers one level. So a host
// in it stands beside it, www-pr-7.example.com for www.example.com. A wildcard and
// a name that no browser asks for (_dmarc) stay below.

// previewed is completed in a preview.
func previewed(in provision.Spec, name, path string, dotted bool) (string, error) {
	plain := in
	plain.Preview, plain.Domain = nil, in.Preview.Production
	host, err := completed(plain, name, path, dotted)
	if err != nil {
		return "", err
	}
	below, ours := within(host, in.Preview.Production)
	switch {
	case !ours:
		return host, nil
	case in.Domain == "":
		return "", &provision.SettingError{Path: path, Text: fmt.Sprintf("%q is not known in a preview, which answers on workers.dev", host), Hints: []string{
			`say your own subdomain: "previews": {"domain": "your-name.workers.dev"}`, `or leave the resource out: "previews": {"resources": {"` + in.Key.Name + `": null}}`}}
	case below == "":
		return in.Domain, nil
	case strings.HasPrefix(below, "*") || strings.HasPrefix(below, "_") || strings.Contains(below, "._"):
		return below + "." + in.Domain, nil
	}
	return strings.ReplaceAll(below, ".", "-") + "-" + in.Domain, nil
}

// within says whether a host is a domain or lies in it, and what stands before it.
func within(host, domain string) (below string, ok bool) {
	if domain == "" {
		return "", false
	}
	if host == domain {
		return "", true
	}
	return strings.CutSuffix(host, "."+domain)
}

// previewOrigin is the origin that stands for one of production's in a preview;
// any other is what it is.
func previewOrigin(in provision.Spec, origin, path string) (string, error) {
	scheme, rest, whole := strings.Cut(origin, "://")
	if in.Preview == nil || !whole {
		return origin, nil
	}
	host, port, ported := strings.Cut(rest, ":")
	if _, ours := within(strings.ToLower(host), in.Preview.Production); !ours {
		return origin, nil
	}
	host, err := previewed(in, host+".", path, true)
	if err != nil {
		return "", err
	}
	if ported {
		host += ":" + port
	}
	return scheme + "://" + host, nil
}

// ownDatabase refuses a preview that would work on the very database that
// production works on.
func ownDatabase(in provision.Spec, s *hyperdriveSettings) error {
	if in.Preview == nil || in.Preview.JSON == nil {
		return nil
	}
	var other hyperdriveSettings
	if err := json.Unmarshal(in.Preview.JSON, &other); err != nil {
		return err
	}
	if s.Scheme != other.Scheme || !strings.EqualFold(s.Host, other.Host) || s.Port != other.Port || s.Database != other.Database {
		return nil
	}
	name := in.Key.Name
	return &provision.SettingError{Text: fmt.Sprintf("a preview would work on production's database, %q on %s", s.Database, s.Host), Hints: []string{
		fmt.Sprintf(`give previews another one: "previews": {"resources": {%q: {"database": "…"}}}`, name),
		fmt.Sprintf(`or leave it out there: "previews": {"resources": {%q: null}}`, name),
		fmt.Sprintf(`or share it on purpose: "previews": {"shared": [%q]}`, in.Key.String())}}
}
