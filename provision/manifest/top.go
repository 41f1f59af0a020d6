package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tailscale/hujson"
)

// The rules for what a manifest names itself, as the schema states them too.
const (
	projectPattern     = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	logicalPattern     = `^[a-z0-9]+(-[a-z0-9]+)*$`
	environmentPattern = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	accountPattern     = `^[0-9a-fA-F]{32}$`
	domainPattern      = `^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$`

	maxName        = 40  // project, pattern and logical names: the preview's host label holds two of them
	maxEnvironment = 20  // it becomes a part of every real name
	maxDomain      = 253 // RFC 1035, without the final dot
	maxLabel       = 63
)

var (
	projectForm     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(projectPattern) })
	logicalForm     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(logicalPattern) })
	environmentForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(environmentPattern) })
	accountForm     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(accountPattern) })
	domainForm      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(domainPattern) })
)

// reserved names are taken for production, or for no environment or every one.
var reserved = []string{Production, "all", "default", "none", "top"}

var (
	topKeys         = []string{"$schema", "name", "pattern", "account", "domain", "state", "resources", "secrets", "environments", "previews"}
	environmentKeys = []string{"domain", "account", "resources"}
)

// What stands in for a faulty value while the rest is checked, so that one fault
// is not told again in every name made from it.
const (
	standInName   = "project"
	standInDomain = "example.com"
)

// readTop reads everything but the resources' own settings.
func (m *Manifest) readTop(root *value, r *report) {
	m.declareAt = nowhere
	m.Name = standInName
	checkKeys(root, topKeys, r)
	if name, ok := root.get("name"); !ok {
		r.add(root.at, `"name", the name of the project, is missing`, `add "name": "my-project"`)
	} else if s, ok := text(name, r); ok {
		m.Name = s
		if !checkName(name.value.at, "the project name", s, projectForm(), maxName, r) {
			m.Name = standInName
		}
	}
	if schema, ok := root.get("$schema"); ok {
		text(schema, r)
	}
	if pattern, ok := root.get("pattern"); ok {
		if s, ok := text(pattern, r); ok {
			m.Pattern = s
			checkName(pattern.value.at, "the pattern", s, logicalForm(), maxName, r)
		}
	}
	m.Account = readAccount(root, r)
	m.Domain = readDomain(root, r)
	m.State, m.stateAt = readState(root, r)
	m.resources = readResources(root, r)
	m.readSecrets(root, r)
	if envs, ok := root.get("environments"); ok && object(envs, r) {
		m.declareAt = envs.at
		for _, e := range envs.value.members {
			m.readEnvironment(e, r)
		}
	}
	m.readPreviews(root, r)
}

func (m *Manifest) readEnvironment(e member, r *report) {
	named := checkName(e.at, "the environment", e.name, environmentForm(), maxEnvironment, r)
	if named && slices.Contains(reserved, e.name) {
		named = false
		hint := "choose another name, such as " + quote("staging")
		if e.name == Production {
			hint = "production is what stands outside of \"environments\"; set it there"
		}
		r.add(e.at, "an environment cannot be called "+quote(e.name), hint)
	}
	if !object(e, r) {
		return
	}
	checkKeys(e.value, environmentKeys, r)
	env := overlay{name: e.name, at: e.at, misnamed: !named, account: readAccount(e.value, r), domain: readDomain(e.value, r), resources: readResources(e.value, r)}
	if env.account == "" {
		env.account = m.Account
	}
	if env.domain == "" && m.Domain != "" {
		env.domain = e.name + "." + m.Domain
		if named && len(env.domain) > maxDomain {
			r.add(e.at, fmt.Sprintf("the host name %s has more than %d characters", quote(env.domain), maxDomain), `give the environment a "domain" of its own`)
		}
	}
	m.Environments = append(m.Environments, e.name)
	m.environments = append(m.environments, env)
}

// readResources gives the members of "resources", after checking their names.
func readResources(in *value, r *report) []member {
	res, ok := in.get("resources")
	if !ok || !object(res, r) {
		return nil
	}
	for _, m := range res.value.members {
		checkName(m.at, "the resource", m.name, logicalForm(), maxName, r)
	}
	return res.value.members
}

func readAccount(in *value, r *report) string {
	m, ok := in.get("account")
	if !ok {
		return ""
	}
	s, ok := text(m, r)
	if ok && !accountForm().MatchString(s) {
		r.add(m.value.at, fmt.Sprintf("the account %s is not 32 hex digits", quote(s)),
			"copy the account id from the overview page of the Cloudflare dashboard, or leave \"account\" out")
	}
	return strings.ToLower(s)
}

func readDomain(in *value, r *report) string {
	m, ok := in.get("domain")
	if !ok {
		return ""
	}
	s, ok := text(m, r)
	if !ok {
		return ""
	}
	if why, hint := domainFault(s); why != "" {
		r.add(m.value.at, "the domain "+quote(s)+" "+why, hint)
		return standInDomain
	}
	return strings.ToLower(s)
}

// domainFault says why s is no host name, and what to write.
func domainFault(s string) (why, hint string) {
	bare := s
	if _, after, ok := strings.Cut(bare, "://"); ok {
		bare = after
	}
	bare, _, _ = strings.Cut(bare, "/")
	bare, _, _ = strings.Cut(bare, ":")
	bare = strings.TrimPrefix(strings.TrimSuffix(bare, "."), "*.")
	long := slices.ContainsFunc(strings.Split(s, "."), func(label string) bool { return len(label) > maxLabel })
	switch {
	case strings.ContainsFunc(s, func(c rune) bool { return c > 127 }):
		return "has characters beyond ASCII", "write its punycode form, in which such parts begin with xn--"
	case bare != s && domainForm().MatchString(bare):
		return "is more than a host name", "write " + quote(strings.ToLower(bare))
	case len(s) > maxDomain || long:
		return fmt.Sprintf("is too long: at most %d characters, %d between two dots", maxDomain, maxLabel), "use a shorter host name"
	case !domainForm().MatchString(s):
		return "is not a host name", "write one such as " + quote("example.com") + ": letters, digits and dashes, parted by dots"
	}
	return "", ""
}

// checkKeys reports the keys that an object may not have.
func checkKeys(v *value, allowed []string, r *report) {
	for _, m := range v.members {
		if !slices.Contains(allowed, m.name) {
			r.add(m.at, "unknown key "+quote(m.name), suggestion(m.name, allowed))
		}
	}
}

// checkName holds a name against its rule.
func checkName(at int, what, name string, form *regexp.Regexp, limit int, r *report) bool {
	if form.MatchString(name) && len(name) <= limit {
		return true
	}
	rule := "small letters, digits and single dashes"
	switch form {
	case projectForm():
		rule = "small letters, digits and dashes"
	case environmentForm():
		rule += ", a letter first"
	}
	hint := "write something like " + quote("my-name")
	if better := slug(name, limit); form.MatchString(better) {
		hint = "write " + quote(better)
	}
	r.add(at, fmt.Sprintf("%s %s is no valid name: %s, at most %d characters", what, quote(name), rule, limit), hint)
	return false
}

// slug is the valid name nearest to s; it may be empty.
func slug(s string, limit int) string {
	var b strings.Builder
	for _, c := range strings.ToLower(s) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= limit {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

// text gives a string member's content, or reports what it is instead.
func text(m member, r *report) (string, bool) {
	if m.value.form == '"' {
		return m.value.text, true
	}
	r.add(m.value.at, fmt.Sprintf("%s must be a string, not %s", quote(m.name), formName(m.value.form)), "write "+quote(m.name)+`: "…", or leave it out`)
	return "", false
}

func object(m member, r *report) bool {
	if m.value.form == '{' {
		return true
	}
	r.add(m.value.at, fmt.Sprintf("%s must be an object, not %s", quote(m.name), formName(m.value.form)), "write "+quote(m.name)+`: {…}`)
	return false
}

// formName names a form of JSON value in a sentence.
func formName(form hujson.Kind) string {
	switch form {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "true or false"
}
