package kinds

import (
	"errors"
	"net/http"

	"github.com/cfboot/cfboot/provision"
	"github.com/dustin/go-humanize"
)

// exists marks a refusal as one for a name that is taken.
func exists(err error) error { return &provision.ExistsError{Err: plain(err)} }

// madeAs is a create's outcome. An answer without an id is a lost one: the
// resource may be there.
func madeAs[S any](id, zone string, err error, lacks ...string) (made[S], error) {
	if err == nil && id == "" {
		err = &provision.LostError{Err: errNoID}
	}
	return made[S]{ID: id, Zone: zone, Lacks: lacks}, err
}

// unlessGone takes a refusal for not being there for none: a delete is done, and
// what was read is absent. A page that is not the API's says nothing of that, and
// neither do the codes for a path whose account or zone cannot be found.
func unlessGone(err error, codes ...int) error {
	var api *APIError
	switch {
	case codeIs(err, codes...):
		return nil
	case errors.As(err, &api) && api.parsed && api.Status == http.StatusNotFound && !codeIs(err, 7000, 7003):
		return nil
	}
	return err
}

// whole checks that an answer about one thing says which. Without its id nothing
// can be said of it, least of all that it is gone.
func whole(err error, id string) error {
	if err == nil && id == "" {
		return errNoID
	}
	return err
}

var errNoID = errors.New("the answer has no id")

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
	return humanize.Comma(int64(n)) + " " + what + "s"
}

// countPages is how many pages of a list are read to count what a store holds,
// and countPage how long each is.
const (
	countPages = 10
	countPage  = 1000
)

// some words a count that may be only the beginning of one.
func some(n int, more bool, what string) string {
	switch {
	case n == 0 && !more:
		return ""
	case more:
		return "more than " + plural(n, what)
	}
	return plural(n, what)
}

// size words a number of bytes.
func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// reported is the one setting of a store that Cloudflare may leave out of its
// answers. Left out, it says nothing, and least of all that the store has to be
// replaced.
func reported(setting, value string) provision.Settings {
	if value == "" {
		return provision.Settings{}
	}
	return provision.Settings{setting: value}
}
