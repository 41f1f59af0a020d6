package kinds

import (
	"fmt"
	"net/http"

	"github.com/cfboot/cfboot/provision"
)

// exists marks a refusal as one for a name that is taken.
func exists(err error) error { return &provision.ExistsError{Err: plain(err)} }

// madeAs is a create's outcome. An answer without an id is a lost one: the
// resource may be there.
func madeAs[S any](id, zone string, err error, lacks ...string) (made[S], error) {
	if err == nil && id == "" {
		err = &provision.LostError{Err: fmt.Errorf("the answer has no id")}
	}
	return made[S]{ID: id, Zone: zone, Lacks: lacks}, err
}

// unlessGone takes a delete of what is not there for done.
func unlessGone(err error, codes ...int) error {
	if codeIs(err, codes...) || statusIs(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func changed(changes []provision.Change, settings ...string) bool {
	for _, c := range changes {
		for _, s := range settings {
			if c.Setting == s {
				return true
			}
		}
	}
	return false
}

func field(name string, value any) provision.BindingField {
	return provision.BindingField{Name: name, Value: value}
}

func fields(pairs ...any) []provision.BindingField {
	var out []provision.BindingField
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, field(pairs[i].(string), pairs[i+1]))
	}
	return out
}

func orDefault(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// some words a count that may be only the first page of one.
func some(n int, more bool, what string) string {
	switch {
	case n == 0:
		return ""
	case more:
		return fmt.Sprintf("more than %d %ss", n, what)
	}
	return plural(n, what)
}
