package wrangler

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// element is one object of a section: an element of a list, or the section itself.
type element struct {
	*section
	path string
	o    *hujson.Object
	off  int   // of its first byte
	way  []int // to it
}

// binding is what the Worker's code calls it, or empty.
func (e element) binding() string {
	if e.label == "" {
		return ""
	}
	return textOf(e.o, e.label)
}

// named is the field that decides what is meant, and nil where none does.
func (e element) named() *hujson.Value {
	for _, name := range e.target {
		if v := memberOf(e.o, name); v != nil && literalText(v) != "" {
			return v
		}
	}
	return nil
}

// says names the element in a sentence.
func (e element) says() string {
	switch v := e.named(); {
	case e.binding() != "":
		return fmt.Sprintf("the binding %q of %s", e.binding(), e.path)
	case v != nil:
		return fmt.Sprintf("%q of %s", literalText(v), e.path)
	}
	return e.path
}

// element decides on one object of a section that names something.
func (r *deriver) element(e element) {
	if e.policy != outside {
		r.unknownFields(e)
	}
	kept := e.binding() != "" && slices.Contains(r.p.Keep, e.binding())
	to, given := r.p.Services[e.binding()]
	switch {
	case e.policy == elsewhere && e.binding() != "" && given:
		r.lead(e, to)
	case kept:
		r.scrub(e, e.scrub...)
	case e.policy == own:
		r.ownElement(e)
	case e.binding() != "" && slices.Contains(r.p.Drop, e.binding()):
		r.gone = append(r.gone, e.way)
	case e.policy == renamed:
		r.renamedElement(e)
	case e.policy == elsewhere:
		r.elsewhereElement(e)
	default:
		r.outsideElement(e)
	}
}

// unknownFields refuses what a newer wrangler may read as the name of something.
func (r *deriver) unknownFields(e element) {
	known := slices.Concat([]string{e.label}, e.target, e.also, e.scrub, strings.Fields(e.rest))
	for i := range e.o.Members {
		name, kind := nameOf(&e.o.Members[i]), e.o.Members[i].Value.Value.Kind()
		if !slices.Contains(known, name) && strings.ContainsRune(`"{[`, rune(kind)) {
			r.refuse(e.o.Members[i].Name.StartOffset, fmt.Sprintf("%s has %q, which is not known to this cfboot, and may name what is production's", e.says(), name),
				"leave it out, or look for a newer cfboot")
		}
	}
}

// ownElement decides on what cfboot makes.
func (r *deriver) ownElement(e element) {
	v := e.named()
	renamed, known := r.renamings(e)
	switch {
	case r.edited(e):
	case known && len(renamed) > 0:
		for v, name := range renamed {
			r.rewrite(v, name)
		}
	case known, e.binding() != "" && slices.Contains(r.p.Drop, e.binding()),
		e.label == "" && v != nil && slices.Contains(r.kept, literalText(v)): // production's own consumer takes what it is sent
		r.gone = append(r.gone, e.way)
		return
	default:
		hints := []string{`put it into cfboot.jsonc, so that each preview has its own: a resource of kind "` + e.kind + `"`}
		if b := e.binding(); b != "" {
			hints = []string{hints[0] + ` with "binding": "` + b + `"`, `or let previews use production's on purpose: "previews": {"shared": ["` + b + `"]}`}
		}
		r.refuse(e.off, e.says()+" would be production's in a preview, for no resource of cfboot.jsonc stands for it", hints...)
		return
	}
	r.scrub(e, e.scrub...)
	for _, name := range e.also {
		r.deadLetters(e, name)
	}
}

// renamings gives the preview's names for all that an element names; none where
// the preview leaves it out. An id is no name: it is known to an Edit, or not at all.
func (r *deriver) renamings(e element) (out map[*hujson.Value]string, known bool) {
	out = map[*hujson.Value]string{}
	for _, field := range e.target {
		v := memberOf(e.o, field)
		if v == nil || literalText(v) == "" {
			continue
		}
		renamed, ok := r.p.Names[e.kind+"/"+literalText(v)]
		if !ok {
			return nil, false
		}
		if known = true; renamed == "" {
			return nil, true
		}
		out[v] = renamed
	}
	return out, known
}

// deadLetters decides on the queue for what failed for good.
func (r *deriver) deadLetters(e element, field string) {
	v := memberOf(e.o, field)
	if v == nil || r.previews(e.kind, literalText(v)) {
		return
	}
	renamed, known := r.p.Names[e.kind+"/"+literalText(v)]
	switch {
	case known && renamed != "":
		r.rewrite(v, renamed)
	case known:
		r.scrub(e, field)
	case r.setsField(e, field):
	default:
		r.refuse(v.StartOffset, fmt.Sprintf("%s of %s is %q, which no resource of cfboot.jsonc stands for", field, e.says(), literalText(v)),
			`put it into cfboot.jsonc, so that each preview has its own: a resource of kind "`+e.kind+`"`)
	}
}

// previews reports whether a name is already one of the preview's.
func (r *deriver) previews(kind, name string) bool {
	for old, renamed := range r.p.Names {
		if renamed == name && strings.HasPrefix(old, kind+"/") {
			return true
		}
	}
	return false
}

// edited reports whether an Edit of the preview says what an element is.
func (r *deriver) edited(e element) bool {
	return slices.ContainsFunc(r.p.Edits, func(edit Edit) bool {
		v := memberOf(e.o, edit.Match.Name)
		return v != nil && strings.Join(edit.Section, ".") == e.path && edit.Match.Name != "" && edit.Match.Value == literalText(v)
	})
}

// setsField reports whether an Edit sets a field of an element, once that has its new
// name.
func (r *deriver) setsField(e element, field string) bool {
	v := e.named()
	if v == nil {
		return false
	}
	name := literalText(v)
	if renamed := r.p.Names[e.kind+"/"+name]; renamed != "" {
		name = renamed
	}
	return slices.ContainsFunc(r.p.Edits, func(edit Edit) bool {
		return strings.Join(edit.Section, ".") == e.path && edit.Match.Value == name && slices.ContainsFunc(edit.Set, func(f Field) bool { return f.Name == field })
	})
}

// renamedElement gives what the deploy makes by itself a name of the preview's.
func (r *deriver) renamedElement(e element) {
	old, worker := r.worker, r.p.Worker
	switch e.path {
	case "analytics_engine_datasets":
		r.dataset(e)
		return
	case "workflows":
		if script := memberOf(e.o, "script_name"); script != nil && literalText(script) != r.worker {
			old, worker = literalText(script), r.p.Names["worker/"+literalText(script)]
			if worker == "" {
				r.refuse(script.StartOffset, fmt.Sprintf("%s is run by the Worker %q, which is production's", e.says(), old),
					`let previews use it on purpose: "previews": {"shared": ["`+e.binding()+`"]}`, "or leave script_name out, if the class is this Worker's own")
				return
			}
			r.rewrite(script, worker)
		} else if script != nil {
			r.rewrite(script, worker)
		}
	}
	if strings.HasPrefix(e.path, "exports.") && !r.export(e) {
		return
	}
	if !r.p.Crons {
		r.scrub(e, "schedules")
	}
	if v := e.named(); v != nil {
		r.rewrite(v, r.ofPreview(literalText(v), old, worker, e.longest))
	}
}

// export decides on one of the Worker's exports, and reports whether it is a
// workflow, whose name is the account's.
func (r *deriver) export(e element) bool {
	if v := memberOf(e.o, "container"); v != nil && r.containers[literalText(v)] != "" {
		r.rewrite(v, r.containers[literalText(v)])
	}
	r.transfer(e.o, "transfer_from")
	r.transfer(e.o, "transferred_to")
	return textOf(e.o, "type") == "workflow"
}

// dataset gives an Analytics Engine dataset, which is made by the first row that
// is written, a name of the preview's. It is a table's, so it has no dashes.
func (r *deriver) dataset(e element) {
	suffix := "_" + strings.ReplaceAll(r.p.Environment, "-", "_")
	if v := e.named(); v != nil {
		r.rewrite(v, literalText(v)+suffix)
		return
	}
	if b := e.binding(); b != "" { // wrangler takes the binding's name
		r.sets = append(r.sets, Edit{Section: []string{e.path}, Match: Field{e.label, b}, Set: []Field{{"dataset", b + suffix}}})
	}
}

// elsewhereElement decides on what another Worker does.
func (r *deriver) elsewhereElement(e element) {
	v := e.named()
	if v == nil {
		return // a class of this very Worker
	}
	script := literalText(v)
	renamed, known := r.p.Names["worker/"+script]
	switch {
	case script == r.worker, script == r.p.Worker:
		r.lead(e, r.p.Worker)
	case known:
		r.lead(e, renamed)
	default:
		b := e.binding()
		r.refuse(e.off, fmt.Sprintf("%s leads to the Worker %q, which is production's", e.says(), script),
			`say where it leads in a preview: "previews": {"services": {"`+b+`": "…"}}, or null to leave it out`,
			`or let previews use production's on purpose: "previews": {"shared": ["`+b+`"]}`)
	}
}

// lead makes a binding lead to another Worker, or to none.
func (r *deriver) lead(e element, worker string) {
	v := e.named()
	if worker == "" || v == nil {
		r.gone = append(r.gone, e.way)
		return
	}
	r.rewrite(v, worker)
	r.scrub(e, e.scrub...)
}

// outsideElement refuses what is the account's and is not kept on purpose.
func (r *deriver) outsideElement(e element) {
	word := e.binding()
	if word == "" {
		if word, _, _ = strings.Cut(e.path, "."); slices.Contains(r.p.Keep, word) {
			return
		}
	}
	text := e.says() + " would be production's in a preview, and cfboot makes none of its own"
	if len(e.target) == 0 {
		text = e.says() + " reaches what production has in this account"
	}
	r.refuse(e.off, text, `let previews use it on purpose: "previews": {"shared": ["`+word+`"]}`)
}

// scrub takes fields out of an element.
func (r *deriver) scrub(e element, fields ...string) {
	for i := range e.o.Members {
		if slices.Contains(fields, nameOf(&e.o.Members[i])) {
			r.gone = append(r.gone, append(slices.Clone(e.way), i))
		}
	}
}

// ofPreview is the name that stands in a preview for one that begins with the name
// of production's Worker, or for any other.
func (r *deriver) ofPreview(name, old, worker string, longest int) string {
	out := name + "-" + r.p.Environment
	if rest, ok := strings.CutPrefix(name, old); ok && old != "" && (rest == "" || strings.ContainsRune("-_", rune(rest[0]))) {
		out = worker + rest
	}
	if longest == 0 || len(out) <= longest {
		return out
	}
	sum := sha256.Sum256([]byte(out)) // two long names stay apart
	digest := hex.EncodeToString(sum[:])[:10]
	return strings.TrimRight(out[:longest-len(digest)-1], "-_") + "-" + digest
}

// textOf is the content of a string member, or empty.
func textOf(o *hujson.Object, name string) string {
	if v := memberOf(o, name); v != nil {
		return literalText(v)
	}
	return ""
}

// literalText is the content of a string, or empty.
func literalText(v *hujson.Value) string {
	if lit, ok := v.Value.(hujson.Literal); ok && lit.Kind() == '"' {
		return unquoted(lit)
	}
	return ""
}

// objectsIn lists the elements of a list that are objects, in their places.
func objectsIn(v *hujson.Value) []*hujson.Object {
	var out []*hujson.Object
	if v == nil {
		return nil
	}
	if list, ok := v.Value.(*hujson.Array); ok {
		for i := range list.Elements {
			o, _ := list.Elements[i].Value.(*hujson.Object)
			if o == nil {
				o = &hujson.Object{}
			}
			out = append(out, o)
		}
	}
	return out
}
