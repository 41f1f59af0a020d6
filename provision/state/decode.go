package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cfboot/cfboot/provision"
	"github.com/oklog/ulid/v2"
)

// A flaw says why bytes are no state, and where. Its text quotes nothing until
// the bytes have said that they are ours: nobody knows what somebody put there.
type flaw struct {
	text   string
	offset int64  // in bytes from the start; -1 where the text names the place
	hint   string // what to do, where restoring the file is not it
}

func (f *flaw) Error() string { return f.text }

func flawf(format string, args ...any) *flaw {
	return &flaw{text: fmt.Sprintf(format, args...), offset: -1}
}

// decode reads what encode writes and refuses everything else; the error is a
// *flaw.
func decode(data []byte) (provision.State, error) {
	for _, check := range []func([]byte) *flaw{checkText, checkHeader, checkMembers} {
		if f := check(data); f != nil {
			return provision.State{}, f
		}
	}
	var d document
	if err := strictly(data, &d); err != nil {
		return provision.State{}, typeFlaw("", err)
	}
	st := provision.State{Lineage: d.Lineage, Serial: d.Serial,
		Project: d.Project, Environment: d.Environment, Account: d.Account, Preview: d.Preview}
	var f *flaw
	if st.Entries, f = decodeAll("entries", d.Entries, func(e provision.Entry) provision.Key { return e.Key }); f != nil {
		return provision.State{}, f
	}
	if st.Intents, f = decodeAll("intents", d.Intents, func(i provision.Intent) provision.Key { return i.Key }); f != nil {
		return provision.State{}, f
	}
	if f := checkDocument(d, st); f != nil {
		return provision.State{}, f
	}
	if d.Checksum == "" || !intact(data, d.Checksum) {
		return provision.State{}, flawf("its checksum does not fit: it was edited by hand or damaged")
	}
	return st, nil
}

// checkText refuses what is no JSON object at all, or only the start of one.
func checkText(data []byte) *flaw {
	text := bytes.TrimLeft(data, " \t\r\n")
	var syntax *json.SyntaxError
	switch {
	case len(data) == 0:
		return flawf("it is empty: 0 bytes, where a state without entries has some hundred")
	case len(text) == 0:
		return flawf("it holds nothing but white space (%d bytes)", len(data))
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return flawf("it starts with a byte order mark, so another program wrote it")
	case text[0] == '<':
		return flawf("it is no state of cfboot: it starts like HTML or XML")
	case text[0] != '{':
		return flawf("it is no state of cfboot: it does not start like a JSON object")
	case !utf8.Valid(data):
		return &flaw{text: "it is not UTF-8 text", offset: invalidAt(data)}
	}
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(data)) && strings.Contains(err.Error(), "unexpected end"):
		return &flaw{text: "it is cut off: the JSON ends too early", offset: int64(len(data))}
	case errors.As(err, &syntax):
		return &flaw{text: "it is not valid JSON", offset: syntax.Offset - 1}
	}
	return flawf("it is not valid JSON: %v", err)
}

func invalidAt(data []byte) int64 {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return int64(i)
		}
		i += n
	}
	return -1
}

// checkHeader refuses other programs' JSON and versions that this program does
// not know, before anything else is read into it.
func checkHeader(data []byte) *flaw {
	var head struct{ Format, Version json.RawMessage }
	if err := json.Unmarshal(data, &head); err != nil {
		return flawf("it is not valid JSON: %v", err)
	}
	if string(head.Format) != `"`+Format+`"` {
		return flawf(`it is JSON, but no state of cfboot: "format" is not %q`, Format)
	}
	var version int
	if err := json.Unmarshal(head.Version, &version); err != nil || version < 1 {
		return flawf(`"version" is not a number from 1 up`)
	}
	if version > Version {
		return &flaw{text: fmt.Sprintf("it was made by a newer cfboot: its version is %d, and this one reads up to %d", version, Version),
			offset: -1, hint: "use the cfboot that made it, or a newer one; nothing was changed"}
	}
	return nil
}

// checkMembers refuses an object that names a member twice, which JSON readers
// resolve each in their own way, and one of ours whose names are not spelled as
// we spell them.
func checkMembers(data []byte) *flaw {
	w := walker{dec: json.NewDecoder(bytes.NewReader(data))}
	w.dec.UseNumber()
	if f := w.value(false); f != nil {
		return f
	}
	return nil
}

type walker struct {
	dec  *json.Decoder
	path []string
}

// value reads one value. In free objects, which hold settings, names are not ours.
func (w *walker) value(free bool) *flaw {
	t, err := w.dec.Token()
	if err != nil {
		return &flaw{text: "it is not valid JSON", offset: w.dec.InputOffset()}
	}
	switch t {
	case json.Delim('{'):
		return w.object(free)
	case json.Delim('['):
		for i := 0; w.dec.More(); i++ {
			if f := w.at(fmt.Sprintf("[%d]", i), free); f != nil {
				return f
			}
		}
		_, err = w.dec.Token()
	}
	if err != nil {
		return &flaw{text: "it is not valid JSON", offset: w.dec.InputOffset()}
	}
	return nil
}

func (w *walker) object(free bool) *flaw {
	names := map[string]bool{}
	for w.dec.More() {
		t, err := w.dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return &flaw{text: "it is not valid JSON", offset: w.dec.InputOffset()}
		}
		if names[name] {
			return &flaw{text: fmt.Sprintf("%s stands twice", w.where("."+name)), offset: w.dec.InputOffset() - 1}
		}
		names[name] = true
		if !free && name != strings.ToLower(name) {
			return &flaw{text: fmt.Sprintf("%s is no member of a state", w.where("."+name)), offset: w.dec.InputOffset() - 1}
		}
		if f := w.at("."+name, free || name == "settings" || name == "local"); f != nil {
			return f
		}
	}
	if _, err := w.dec.Token(); err != nil {
		return &flaw{text: "it is not valid JSON", offset: w.dec.InputOffset()}
	}
	return nil
}

func (w *walker) at(step string, free bool) *flaw {
	w.path = append(w.path, step)
	f := w.value(free)
	w.path = w.path[:len(w.path)-1]
	return f
}

func (w *walker) where(step string) string {
	return printable(strings.TrimPrefix(strings.Join(w.path, "")+step, "."))
}

func decodeAll[T any](list string, raw []json.RawMessage, key func(T) provision.Key) (map[provision.Key]T, *flaw) {
	if raw == nil {
		return nil, flawf("%s is missing", list)
	}
	m := make(map[provision.Key]T, len(raw))
	for i, r := range raw {
		var v T
		at := fmt.Sprintf("%s[%d]", list, i)
		if err := strictly(r, &v); err != nil {
			return nil, typeFlaw(at, err)
		}
		if _, twice := m[key(v)]; twice {
			return nil, flawf("%s.key: %s stands twice", at, printable(key(v).String()))
		}
		m[key(v)] = v
	}
	return m, nil
}

// strictly decodes the one value in data and knows every member of it.
func strictly(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows its end")
	}
	return nil
}

// typeFlaw words an error of encoding/json by its place in the document.
func typeFlaw(at string, err error) *flaw {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		is, _, _ := strings.Cut(wrong.Value, " ")
		return flawf("%s is a JSON %s, which it cannot be", strings.TrimPrefix(at+"."+strings.TrimPrefix(wrong.Field, "header."), "."), is)
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		return flawf("%s is no member of a state", strings.TrimPrefix(at+"."+strings.Trim(name, `"`), "."))
	}
	if at == "" {
		return flawf("%s", text)
	}
	return flawf("%s: %s", at, text)
}

func checkDocument(d document, st provision.State) *flaw {
	if _, err := ulid.ParseStrict(d.Lineage); err != nil {
		return flawf("lineage is no ULID")
	}
	if d.Serial < 1 {
		return flawf("serial is %d, and a saved state starts at 1", d.Serial)
	}
	for _, m := range []struct{ name, value string }{
		{"project", d.Project}, {"environment", d.Environment}, {"account", d.Account},
	} {
		if m.value == "" {
			return flawf("%s is missing or empty", m.name)
		}
	}
	return checkResources(st)
}
