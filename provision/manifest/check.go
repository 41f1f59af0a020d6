package manifest

import (
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// checker holds resource objects against the schemas of their kinds, each schema
// compiled when it is first needed.
type checker struct {
	catalog Catalog
	report  *report
	kinds   []string
	forms   map[string]*form
	sound   map[*value]bool // objects seen: environments share those they do not touch
}

func newChecker(c Catalog, r *report) *checker {
	return &checker{c, r, c.Kinds(), map[string]*form{}, map[*value]bool{}}
}

// check settles whether an entry is sound and reports what is wrong with it. An
// error means that the catalog is broken.
func (ch *checker) check(environment string, e *entry, base []member) error {
	sound, seen := ch.sound[e.value]
	if !seen {
		var err error
		if sound, err = ch.fits(environment, e, base); err != nil {
			return err
		}
		ch.sound[e.value] = sound
	}
	e.sound = sound && logicalForm().MatchString(e.key.Name)
	return nil
}

func (ch *checker) fits(environment string, e *entry, base []member) (bool, error) {
	if e.value.form == 'n' && environment != Production {
		return false, nil // what override found cannot be gone on with
	}
	nameless := provision.Key{Kind: "resource", Name: e.key.Name}
	if e.value.form != '{' {
		must := "must be an object, not "
		if environment != Production {
			must = "must be an object or null, not "
		}
		ch.report.addIn(environment, nameless, "form", fault{e.value.at, must + formName(e.value.form), []string{ch.example(e.key.Name)}})
		return false, nil
	}
	kind, ok := e.value.get("kind")
	if !ok {
		ch.report.addIn(environment, nameless, "kind", fault{e.at, `"kind" is missing`, ch.kindHints(environment, e.key.Name, base)})
		return false, nil
	}
	if kind.value.form != '"' || !slices.Contains(ch.kinds, kind.value.text) {
		hint := "known kinds: " + strings.Join(ch.kinds, ", ")
		text := "there is no kind " + quote(kind.value.text)
		if kind.value.form != '"' {
			text = `"kind" must be a string, not ` + formName(kind.value.form)
		} else if c, ok := closest(kind.value.text, ch.kinds); ok {
			hint = didYouMean(c)
		}
		ch.report.addIn(environment, nameless, "kind", fault{kind.value.at, text, []string{hint}})
		return false, nil
	}
	f, err := ch.form(e.key.Kind)
	if err != nil {
		return false, err
	}
	found := f.misfits(e.value)
	for _, m := range found {
		at := e.value.place(m.path)
		if m.key && len(m.path) > 0 {
			at = e.value.keyAt(m.path)
		}
		ch.report.addIn(environment, e.key, strings.Join(m.path, "/")+"\x00"+m.text, fault{at, m.text, m.hints})
	}
	return len(found) == 0, nil
}

// kindHints are for an object without a kind: in an environment it is more
// likely an override whose name is wrong.
func (ch *checker) kindHints(environment, name string, base []member) []string {
	var hints []string
	if environment != Production {
		var names []string
		for _, m := range base {
			names = append(names, m.name)
		}
		if c, ok := closest(name, names); ok {
			hints = append(hints, "to change "+quote(c)+", write that name")
		}
		hints = append(hints, "there is no "+quote(name)+` outside of "environments" to change; a new resource needs "kind"`)
	}
	return append(hints, ch.example(name))
}

func (ch *checker) example(name string) string {
	return "write " + quote(name) + `: {"kind": …}, with one of: ` + strings.Join(ch.kinds, ", ")
}

func (ch *checker) form(kind string) (*form, error) {
	if f, ok := ch.forms[kind]; ok {
		return f, nil
	}
	f, err := newForm(ch.catalog, kind)
	if err == nil {
		ch.forms[kind] = f
	}
	return f, err
}
