package wrangler

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tailscale/hujson"
)

// TestApplyRandom makes random edits in random documents.
func TestApplyRandom(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 200
	}
	random := rand.NewChaCha8([32]byte{1})
	for range n {
		choices := make([]byte, 600)
		random.Read(choices)
		checkRandom(t, choices)
		if t.Failed() {
			t.Fatalf("choices %q", choices)
		}
	}
}

// FuzzApplyRandom is the same, with the fuzzer making the choices.
func FuzzApplyRandom(f *testing.F) {
	random := rand.NewChaCha8([32]byte{2})
	for range 20 {
		choices := make([]byte, 300)
		random.Read(choices)
		f.Add(choices)
	}
	f.Fuzz(checkRandom)
}

func checkRandom(t *testing.T, choices []byte) {
	d := dice(choices)
	env, edits := randomEdits(&d)
	src := randomDocument(&d)
	want := modelOf(t, []byte(src))
	text := []byte(src)
	for _, e := range edits {
		touched := spansOf(t, text, env, e)
		out, err := Apply(text, env, []Edit{e})
		if err != nil {
			t.Fatalf("%v\nedit %+v\n%s", err, e, text)
		}
		want = modelEdit(want, env, e)
		if diff := cmp.Diff(want, modelOf(t, out)); diff != "" {
			t.Fatalf("edit %+v in env %q\n-want +got:\n%s\nbefore\n%s\nafter\n%s", e, env, diff, text, out)
		}
		checkBytes(t, text, out, touched, e)
		text = out
	}
	all, err := Apply([]byte(src), env, edits)
	if err != nil || !bytes.Equal(all, text) {
		t.Fatalf("together the edits give another text, error %v\n%s\nthan one by one\n%s", err, all, text)
	}
	if again, err := Apply(all, env, edits); err != nil || !bytes.Equal(again, all) {
		t.Fatalf("a second run changes, error %v\n%s\nto\n%s", err, all, again)
	}
}

var anyComment = regexp.MustCompile(`#\d+#`)

// checkBytes compares two texts apart from the spans an edit may touch: what
// was there is still there, in order, and so is every comment.
func checkBytes(t *testing.T, before, after []byte, touched []splice, e Edit) {
	t.Helper()
	fail := func(what string) {
		t.Helper()
		t.Fatalf("%s\nedit %+v\nbefore\n%s\nafter\n%s", what, e, before, after)
	}
	rest := spliced(before, touched)
	kept := func(b []byte) []byte { return b }
	if e.Remove { // its comma goes too, and space
		kept = func(b []byte) []byte { return bytes.Join(bytes.FieldsFunc(b, isGlue), nil) }
	}
	if !isSubsequence(kept(rest), kept(after)) {
		fail("bytes are lost")
	}
	inside := len(anyComment.FindAll(before, -1)) - len(anyComment.FindAll(rest, -1))
	comments := anyComment.FindAllString(string(after), -1)
	if !isSubsequence(anyComment.FindAllString(string(rest), -1), comments) || !isSubsequence(comments, anyComment.FindAllString(string(before), -1)) {
		fail("comments are lost, doubled or moved")
	}
	if inside == 0 && len(comments) != len(anyComment.FindAll(before, -1)) {
		fail("comments are lost")
	}
	if n := bytes.Count(before, []byte("\n")); n > 0 && n == bytes.Count(before, []byte("\r\n")) && bytes.Count(after, []byte("\n")) != bytes.Count(after, []byte("\r\n")) {
		fail("line feeds without carriage return among others")
	}
	if !bytes.Contains(before, []byte("\r")) && bytes.Contains(after, []byte("\r")) {
		fail("carriage returns where there were none")
	}
	if !trailingCommas(t, before) && trailingCommas(t, after) {
		fail("a trailing comma where there was none")
	}
}

func isGlue(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

func isSubsequence[E comparable](part, whole []E) bool {
	i := 0
	for j := 0; j < len(whole) && i < len(part); j++ {
		if whole[j] == part[i] {
			i++
		}
	}
	return i == len(part)
}

func trailingCommas(t *testing.T, src []byte) bool {
	v := hujsonOf(t, src)
	if v == nil {
		return false
	}
	for inner := range v.All() {
		switch c := inner.Value.(type) {
		case *hujson.Object:
			if n := len(c.Members); n > 0 && c.Members[n-1].Value.AfterExtra != nil {
				return true
			}
		case *hujson.Array:
			if n := len(c.Elements); n > 0 && c.Elements[n-1].AfterExtra != nil {
				return true
			}
		}
	}
	return false
}

// hujsonOf parses apart from the package. It is nil for a file of comments.
func hujsonOf(t *testing.T, src []byte) *hujson.Value {
	t.Helper()
	text := append(bytes.TrimPrefix(bytes.Clone(src), bom), '\n')
	if hujson.Extra(text).IsValid() {
		return nil
	}
	v, err := hujson.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return &v
}

// modelOf says what a text means. Numbers keep their text, in one form.
func modelOf(t *testing.T, src []byte) map[string]any {
	t.Helper()
	v := hujsonOf(t, src)
	if v == nil {
		return map[string]any{}
	}
	v.Standardize()
	dec := json.NewDecoder(bytes.NewReader(v.Pack()))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return canonical(out).(map[string]any)
}

// canonical makes numbers of the same value the same, through a float: the
// numbers of random documents fit one, or are all too large.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = canonical(e)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, canonical(e))
		}
		return out
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v
		}
		return f + 0 // no -0
	case int:
		return float64(v)
	}
	return v
}

// modelEdit does to maps what Apply does to bytes.
func modelEdit(root map[string]any, env string, e Edit) map[string]any {
	path := e.Section
	if env != "" {
		path = append([]string{"env", env}, path...)
	}
	return modelAt(root, path, e).(map[string]any)
}

func modelAt(v any, path []string, e Edit) any {
	if len(path) == 0 {
		return modelSet(v, e)
	}
	o, _ := v.(map[string]any)
	inner, ok := o[path[0]]
	if !ok && e.Remove {
		return v
	}
	if o == nil {
		o = map[string]any{}
	}
	o[path[0]] = modelAt(inner, path[1:], e)
	if o[path[0]] == nil && e.Remove {
		delete(o, path[0])
	}
	return o
}

// modelSet edits what the section holds; v is nil if it is absent.
func modelSet(v any, e Edit) any {
	if e.Match.Name == "" {
		if e.Set[0].Name == "" {
			return modelMerge(v, e.Set[0].Value, false)
		}
		return modelFields(v, e.Set)
	}
	list, _ := v.([]any)
	i := slices.IndexFunc(list, func(element any) bool {
		o, ok := element.(map[string]any)
		return ok && o[e.Match.Name] == e.Match.Value || element == e.Match.Value
	})
	if e.Remove {
		if i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
		return any(list)
	}
	fields := append([]Field{e.Match}, e.Set...)
	bare := e.Section[0] == "routes" && !slices.ContainsFunc(e.Set, func(f Field) bool { return f.Name != "pattern" })
	switch {
	case i < 0 && bare:
		return append(list, e.Match.Value)
	case i < 0:
		return append(list, modelFields(nil, fields))
	}
	if _, isString := list[i].(string); !isString || !bare {
		list[i] = modelFields(list[i], fields)
	}
	return list
}

func modelFields(v any, fields []Field) any {
	o, ok := v.(map[string]any)
	if !ok {
		o = map[string]any{}
	}
	for _, f := range fields {
		o[f.Name] = modelMerge(o[f.Name], f.Value, false)
	}
	return o
}

func modelMerge(have, want any, exact bool) any {
	w, ok := want.(map[string]any)
	h, same := have.(map[string]any)
	if !ok || !same || exact {
		return canonical(want)
	}
	for k, v := range w {
		h[k] = modelMerge(h[k], v, exact)
	}
	return h
}

// spansOf returns the bytes of text that an edit is about to replace or remove,
// as splices that remove them.
func spansOf(t *testing.T, text []byte, env string, e Edit) []splice {
	t.Helper()
	offset := len(text) - len(bytes.TrimPrefix(text, bom))
	span := func(v *hujson.Value) splice {
		return splice{v.StartOffset + offset, v.EndOffset + offset, ""}
	}
	v := hujsonOf(t, text)
	path := e.Section
	if env != "" {
		path = append([]string{"env", env}, path...)
	}
	for _, key := range path {
		inner := childOf(v, key)
		if inner == nil {
			return interior(v, span)
		}
		v = inner
	}
	if e.Match.Name == "" && e.Set[0].Name == "" {
		return []splice{span(v)}
	}
	if list, ok := v.Value.(*hujson.Array); ok {
		i := slices.IndexFunc(list.Elements, func(el hujson.Value) bool {
			if m := childOf(&el, e.Match.Name); m != nil {
				el = *m
			}
			lit, ok := el.Value.(hujson.Literal)
			return ok && lit.String() == e.Match.Value
		})
		if i < 0 {
			return interior(v, span)
		}
		v = &list.Elements[i]
		if _, isObject := v.Value.(*hujson.Object); e.Remove || !isObject {
			return []splice{span(v)}
		}
	}
	var out []splice
	for _, f := range e.Set {
		if m := childOf(v, f.Name); m != nil {
			out = append(out, span(m))
		}
	}
	return append(out, interior(v, span)...)
}

// interior is the space in an object or list that is empty, where new text has
// a layout of its own.
func interior(v *hujson.Value, span func(*hujson.Value) splice) []splice {
	if v == nil {
		return nil
	}
	empty := func(members int, extra hujson.Extra) bool {
		return members == 0 && len(bytes.TrimSpace(extra)) == 0
	}
	switch c := v.Value.(type) {
	case *hujson.Object:
		if !empty(len(c.Members), c.AfterExtra) {
			return nil
		}
	case *hujson.Array:
		if !empty(len(c.Elements), c.AfterExtra) {
			return nil
		}
	default:
		return nil
	}
	s := span(v)
	return []splice{{s.start + 1, s.end - 1, ""}}
}

func childOf(v *hujson.Value, key string) *hujson.Value {
	if v == nil {
		return nil
	}
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return nil
	}
	for i := range o.Members {
		if o.Members[i].Name.Value.(hujson.Literal).String() == key {
			return &o.Members[i].Value
		}
	}
	return nil
}
