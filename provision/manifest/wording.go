package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// misfit is one way in which a resource object does not fit its kind.
type misfit struct {
	path  []string
	key   bool // it is the key at the path that is wrong, not its value
	text  string
	hints []string
	// A value that tells alternatives apart and is another's weighs more than a
	// slip inside the alternative that was meant.
	weight int
}

// misfits holds a resource object against the form and words what it finds, in
// no particular order.
func (f *form) misfits(object *value) []misfit {
	err := f.compiled.Validate(object.plain())
	if err == nil {
		return nil
	}
	failure, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []misfit{{text: err.Error()}}
	}
	out := (&wording{f, object}).explain(failure)
	for i := range out {
		if len(out[i].hints) == 0 {
			out[i].hints = []string{"change it, or leave it out"}
		}
	}
	return out
}

// wording puts validation failures into words. It goes by the kind of failure,
// never by the library's text.
type wording struct {
	form   *form
	object *value
}

func (w *wording) explain(e *jsonschema.ValidationError) []misfit {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		var out []misfit
		for _, c := range e.Causes {
			out = append(out, w.explain(c)...)
		}
		return out
	case *kind.AnyOf:
		return w.choose(e)
	case *kind.OneOf:
		if k.Subschemas == nil {
			return w.choose(e)
		}
		return w.one(e, "fits more than one of the forms it may have", w.about(e)...)
	case *kind.AdditionalProperties:
		return w.unknown(e, k.Properties)
	case *kind.Required:
		return w.missing(e, k.Missing, "")
	case *kind.DependentRequired:
		return w.missing(e, k.Missing, " next to "+quote(k.Prop))
	case *kind.PropertyNames:
		path := w.holder(e.InstanceLocation, k.Property)
		text := fmt.Sprintf("%sthe key %s is not allowed", prefix(path), quote(k.Property))
		for _, c := range e.Causes {
			if p, ok := c.ErrorKind.(*kind.Pattern); ok {
				text += "; keys must have the form " + p.Want
			}
		}
		return []misfit{{path: append(path, k.Property), key: true, text: text, hints: append(w.about(e), "write another key, or remove it")}}
	case *kind.UniqueItems:
		path := append(slices.Clone(e.InstanceLocation), strconv.Itoa(k.Duplicates[1]))
		text := fmt.Sprintf("%s repeats %s", dotted(path), dotted(append(slices.Clone(e.InstanceLocation), strconv.Itoa(k.Duplicates[0]))))
		return []misfit{{path: path, text: text, hints: []string{"remove one of the two"}}}
	case *kind.Enum:
		if len(e.InstanceLocation) == 2 && e.InstanceLocation[0] == ignoreKey {
			return []misfit{w.unignorable(e.InstanceLocation, k)}
		}
	case *kind.FalseSchema:
		return w.one(e, "is not allowed here", "remove it")
	}
	text, hints, weight := w.simple(e)
	out := w.one(e, text, hints...)
	out[0].weight = weight
	return out
}

// simple words the failures of a single value.
func (w *wording) simple(e *jsonschema.ValidationError) (text string, hints []string, weight int) {
	got := ", not " + w.shown(e.InstanceLocation)
	sub := w.form.at(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return "must be " + expectation(k) + got, append([]string{howToWrite(k.Want)}, w.about(e)...), 0
	case *kind.Enum:
		hints := w.about(e)
		if s, ok := k.Got.(string); ok {
			if c, ok := closest(s, texts(k.Want)); ok {
				hints = append([]string{didYouMean(c)}, hints...)
			}
		}
		if len(hints) == 0 {
			hints = []string{"write " + show(k.Want[0])}
		}
		return "must be " + expectation(k) + got, hints, 10
	case *kind.Const:
		return "must be " + expectation(k) + got, []string{"write " + show(k.Want)}, 10
	case *kind.Minimum, *kind.Maximum, *kind.ExclusiveMinimum, *kind.ExclusiveMaximum:
		return "must be " + bounds(sub) + got, w.about(e), 0
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want) + got, w.about(e), 0
	case *kind.MinLength:
		if k.Got == 0 {
			return "must not be empty", w.about(e), 0
		}
		return "must have at least " + count(k.Want, "character") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.MaxLength:
		return "must have at most " + count(k.Want, "character") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.MinItems:
		if k.Got == 0 {
			return "must not be empty", w.about(e), 0
		}
		return "must have at least " + count(k.Want, "element") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.MaxItems:
		return "must have at most " + count(k.Want, "element") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.MinProperties:
		if k.Got == 0 {
			return "must not be empty", w.about(e), 0
		}
		return "must have at least " + count(k.Want, "key") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.MaxProperties:
		return "must have at most " + count(k.Want, "key") + ", not " + strconv.Itoa(k.Got), w.about(e), 0
	case *kind.Pattern:
		return fmt.Sprintf("must have the form %s%s", k.Want, got), w.about(e), 0
	case *kind.Format:
		return fmt.Sprintf("must be a valid %s%s", k.Want, got), w.about(e), 0
	}
	text = "does not fit what is allowed here"
	if keyword := e.ErrorKind.KeywordPath(); len(keyword) > 0 {
		text += " (" + strings.Join(keyword, "/") + ")"
	}
	return text, w.about(e), 0
}

// choose explains a value that fits none of several forms: the form it comes
// nearest to, or what the forms are where it is of another type altogether.
func (w *wording) choose(e *jsonschema.ValidationError) []misfit {
	var wanted []string
	var best []misfit
	least := 0
	for _, c := range e.Causes {
		if want := w.expected(c); want != "" && len(c.InstanceLocation) == len(e.InstanceLocation) {
			if !slices.Contains(wanted, want) {
				wanted = append(wanted, want)
			}
			continue
		}
		found := w.explain(c)
		weight := len(found)
		for _, m := range found {
			weight += m.weight
		}
		if best == nil || weight < least {
			best, least = found, weight
		}
	}
	if best != nil {
		return best
	}
	if len(wanted) == 0 {
		return w.one(e, "fits none of the forms it may have", w.about(e)...)
	}
	want := strings.Join(wanted, " or ")
	return w.one(e, "must be "+want+", not "+w.shown(e.InstanceLocation), append(w.about(e), "write "+want)...)
}

func (w *wording) one(e *jsonschema.ValidationError, text string, hints ...string) []misfit {
	return []misfit{{path: e.InstanceLocation, text: dotted(e.InstanceLocation) + " " + text, hints: hints}}
}

func (w *wording) unknown(e *jsonschema.ValidationError, keys []string) []misfit {
	allowed := slices.Sorted(maps.Keys(asObject(w.form.at(e.SchemaURL)["properties"])))
	var out []misfit
	for _, k := range keys {
		out = append(out, misfit{path: append(slices.Clone(e.InstanceLocation), k), key: true,
			text: prefix(e.InstanceLocation) + "unknown key " + quote(k), hints: []string{suggestion(k, allowed)}})
	}
	return out
}

// unignorable is for an element of "ignore" that is no setting of the kind, or
// none that Cloudflare keeps.
func (w *wording) unignorable(path []string, k *kind.Enum) misfit {
	allowed := texts(k.Want)
	if name, ok := k.Got.(string); ok && asObject(w.form.document["properties"])[name] != nil {
		return misfit{path: path, text: quote(name) + " cannot be ignored", hints: []string{"allowed here: " + strings.Join(allowed, ", ")}}
	}
	return misfit{path: path, text: "there is no setting " + show(k.Got) + " to ignore", hints: []string{suggestion(fmt.Sprint(k.Got), allowed)}}
}

func (w *wording) missing(e *jsonschema.ValidationError, keys []string, where string) []misfit {
	props := asObject(w.form.at(e.SchemaURL)["properties"])
	var out []misfit
	for _, k := range keys {
		hint := "add " + quote(k) + ": " + sample(asObject(props[k]))
		if about, ok := asObject(props[k])["description"].(string); ok {
			hint += " (" + about + ")"
		}
		out = append(out, misfit{path: e.InstanceLocation, text: prefix(e.InstanceLocation) + quote(k) + " is missing" + where, hints: []string{hint}})
	}
	return out
}

// holder is the path to the object that holds a key. The library keeps it in
// memory that it writes over, so it may say the wrong one.
func (w *wording) holder(said []string, key string) []string {
	path := slices.Clone(said)
	v := w.object
	for _, p := range path {
		if v = v.child(p); v == nil {
			break
		}
	}
	if _, ok := v.get(key); ok {
		return path
	}
	var find func(v *value, at []string) []string
	find = func(v *value, at []string) []string {
		if _, ok := v.get(key); ok {
			return at
		}
		for _, m := range v.members {
			if p := find(m.value, append(slices.Clone(at), m.name)); p != nil {
				return p
			}
		}
		for i, e := range v.elements {
			if p := find(e, append(slices.Clone(at), strconv.Itoa(i))); p != nil {
				return p
			}
		}
		return nil
	}
	return find(w.object, []string{})
}

// shown is what stands at a path, for the end of a sentence.
func (w *wording) shown(path []string) string {
	return show(walk(w.object.plain(), path))
}

// about is what the schema tells of the setting that failed: its description, an
// example, its default.
func (w *wording) about(e *jsonschema.ValidationError) []string {
	sub := w.form.at(e.SchemaURL)
	var out []string
	if text, ok := sub["description"].(string); ok {
		out = append(out, text)
	}
	if examples, ok := sub["examples"].([]any); ok && len(examples) > 0 {
		out = append(out, "for example "+show(examples[0]))
	}
	if v, ok := sub["default"]; ok {
		out = append(out, "leave it out and it is "+show(v))
	}
	return out
}

// expected is what a failure of one value says it must be, in a list of several
// possibilities, or empty.
func (w *wording) expected(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Minimum, *kind.Maximum, *kind.ExclusiveMinimum, *kind.ExclusiveMaximum:
		return "a number " + bounds(w.form.at(e.SchemaURL))
	case *kind.Pattern:
		return "of the form " + k.Want
	case *kind.Format:
		return "a valid " + k.Want
	}
	return expectation(e.ErrorKind)
}

// expectation is what a failure of a value as a whole says it must be, or empty.
func expectation(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		var words []string
		for _, t := range k.Want {
			words = append(words, typeNames[t])
		}
		return strings.Join(words, " or ")
	case *kind.Const:
		return show(k.Want)
	case *kind.Enum:
		var words []string
		for _, v := range k.Want {
			words = append(words, show(v))
		}
		if len(words) == 1 {
			return words[0]
		}
		return "one of " + strings.Join(words, ", ")
	}
	return ""
}

var typeNames = map[string]string{
	"string": "a string", "number": "a number", "integer": "a whole number", "boolean": "true or false",
	"object": "an object", "array": "a list", "null": "null",
}

func howToWrite(types []string) string {
	switch types[0] {
	case "string":
		return `write it in double quotes: "…"`
	case "number", "integer":
		return "write a number without quotes, such as 10"
	case "boolean":
		return "write true or false, without quotes"
	case "array":
		return "write it in square brackets: […]"
	case "object":
		return "write it in braces: {…}"
	}
	return "write null"
}

// bounds words the range of a number's schema.
func bounds(sub map[string]any) string {
	var words []string
	low, hasLow := sub["minimum"]
	high, hasHigh := sub["maximum"]
	if hasLow && hasHigh {
		return fmt.Sprintf("between %v and %v", low, high)
	}
	for _, b := range []struct{ key, word string }{
		{"minimum", "at least"}, {"exclusiveMinimum", "more than"}, {"maximum", "at most"}, {"exclusiveMaximum", "less than"},
	} {
		if v, ok := sub[b.key]; ok {
			words = append(words, fmt.Sprintf("%s %v", b.word, v))
		}
	}
	return strings.Join(words, " and ")
}
