// Package wrangler sets values in wrangler.jsonc and touches no other byte.
//
// A project's wrangler.jsonc belongs to the people who write it: the comments,
// the order, the indentation and the odd trailing comma are theirs. What cfboot
// adds are a few values it alone knows, such as the id of a database it has
// made. So the file is never decoded, changed and printed again. It is parsed
// into a syntax tree that knows the offset of every value, the tree is compared
// with what is wanted, and the difference is spliced into the bytes.
//
// An [Edit] says what is wanted: an element of a list, found by one of its
// fields (the D1 database whose binding is DB), or a key by its path. [Apply]
// takes all the edits of one environment. Each goes round a small loop: compare
// and collect splices, splice, parse again, until nothing differs. That the
// loop ends only when there is nothing left to do is why a second Apply changes
// nothing, and why what Apply returns always parses.
//
// Comparison is by meaning: 1.0 is 1, "\u0041" is "A". Where a value differs
// only its own bytes are replaced. What is new goes to the end of its list or
// object, laid out as its neighbours are. What is taken out goes with its comma
// and the line it leaves empty; comments outside of it always stay.
//
// [Update] does the same to a file, whole or not at all. [Read] looks without
// changing anything.
//
// [Derive] makes of a project's file the whole configuration of one preview, under
// a rule for every key that wrangler knows (section.go), and [CheckOwn] holds the
// result against what others have. A preview is a Worker of its own, not one of the
// previews that wrangler makes of a Worker by its "previews" block: those share
// the Worker's queues, crons, routes and all that is bound by an id, they are an
// open beta, and what is done to them is done to production's Worker. A Worker of
// its own needs nothing that is not in every plan, and is gone when it is deleted.
// [Runner] runs the real wrangler with it.
//
// Whatever makes the meaning of a file doubtful is an [*Error] with its place:
// a key that stands twice where an edit passes (wrangler silently takes the
// last), two elements that match, a second configuration file in the folder.
package wrangler

import (
	"bytes"
	"fmt"
	"slices"
)

// MaxSize is the largest file that is read or written, in bytes.
const MaxSize = 1 << 20

// maxPasses bounds the rounds one edit may take. Each round settles at least
// one level of the wanted value or shortens a list, so that real edits need
// two or three; the bound turns a fault in this package into an error.
const maxPasses = 200

// Edit is one wanted list element or value of wrangler.jsonc.
//
// With a Match, Section names a list of objects and Match the field by which
// one of them is found: the value of Match.Name equals Match.Value. If there is
// none, one is added at the end. In "routes", where a plain string stands for
// {"pattern": string}, a string matches by pattern too.
//
// Without a Match, Section names the object whose fields are set (an empty
// Section: the environment itself). A single field without a name sets the
// value of the key Section names: {Section: {"name"}, Set: {{"", "shop"}}}.
type Edit struct {
	Section []string // "d1_databases"; "queues", "producers"; "routes"
	Match   Field    // which element: {"binding", "DB"}; an empty Name: Section names the key itself
	Set     []Field  // what it must have, added in this order; its other fields stay
	Remove  bool     // take the element or key out, and nothing else; Set is ignored with a Match, refused without
}

// Field is a name and a value: a string, bool, integer, float64, []string,
// []any, map[string]string or map[string]any, to any depth.
//
// A map is merged into the object that is there, whose other keys stay. A list
// is the whole list, down to its last leaf, but elements that are there already
// keep their bytes and comments.
type Field struct {
	Name  string
	Value any
}

// Apply returns src with the edits made for the environment env: at top level
// if env is "", else under env.<name>, which is made if it is absent. An edit
// that is already true changes nothing, so that Apply(Apply(x)) is Apply(x).
// src is never written to; it is itself returned if nothing changes.
//
// Every error is an *Error, with File set to "wrangler.jsonc".
func Apply(src []byte, env string, edits []Edit) ([]byte, error) {
	out, err := apply(src, env, edits)
	if err != nil {
		err.File = "wrangler.jsonc"
		return nil, err
	}
	return out, nil
}

func apply(src []byte, env string, edits []Edit) ([]byte, *Error) {
	wishes, err := wishesOf(env, edits)
	if err != nil {
		return nil, err
	}
	if len(src) > MaxSize {
		return nil, errTooLarge()
	}
	body := bytes.TrimPrefix(src, bom)
	mark := src[:len(src)-len(body)]
	d, err := parse(body)
	if err != nil {
		return nil, err
	}
	if d.empty {
		if !slices.ContainsFunc(wishes, func(w wish) bool { return !w.remove }) {
			return src, nil
		}
		if d, err = d.withRoot(); err != nil {
			return nil, err
		}
	}
	for _, w := range wishes {
		if d, err = d.fulfil(w); err != nil {
			return nil, err
		}
	}
	if err := d.fulfilled(wishes); err != nil {
		return nil, err
	}
	if bytes.Equal(d.src, body) {
		return src, nil
	}
	if len(mark)+len(d.src) > MaxSize {
		return nil, errTooLarge()
	}
	return slices.Concat(mark, d.src), nil
}

// fulfil compares and splices until the wish holds.
func (d *document) fulfil(w wish) (*document, *Error) {
	for range maxPasses {
		splices, err := d.plan(w)
		if err != nil {
			return nil, err
		}
		if len(splices) == 0 {
			return d, nil
		}
		next, err := parse(spliced(d.src, splices))
		if err != nil {
			err.Msg = "editing " + w.String() + " would break the file: " + err.Msg
			return nil, err
		}
		d = next
	}
	return nil, &Error{Msg: fmt.Sprintf("editing %s does not settle after %d rounds", w, maxPasses)}
}

// fulfilled reports the first wish that a later one has undone.
func (d *document) fulfilled(wishes []wish) *Error {
	for _, w := range wishes {
		splices, err := d.plan(w)
		if err != nil {
			return err
		}
		if len(splices) > 0 {
			return &Error{
				Msg:   "two edits contradict each other: a later one undoes " + w.String(),
				Hints: []string{"name each binding, route and queue once in cfboot.jsonc"},
			}
		}
	}
	return nil
}
