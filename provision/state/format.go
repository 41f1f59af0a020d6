package state

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/oklog/ulid/v2"
)

// Format and Version are what a state file says of itself. Version 2 has added
// "protected" and "marked" to entries, version 3 "preview" to the head; every
// version since 1 is read, and the next save writes the newest.
const (
	Format  = "cfboot-state"
	Version = 3
)

// document is the file, in the order in which it is written. The checksum is
// last and covers everything before it.
type document struct {
	header
	Entries  []json.RawMessage `json:"entries"` // sorted by key
	Intents  []json.RawMessage `json:"intents"` // sorted by key
	Checksum string            `json:"checksum"`
}

type header struct {
	Format      string `json:"format"`
	Version     int    `json:"version"`
	Lineage     string `json:"lineage"`
	Serial      int64  `json:"serial"`
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Account     string `json:"account"`

	Preview *provision.PreviewRecord `json:"preview,omitempty"`
}

// An encoder remembers each entry and intent in its written form, since a save
// changes one of thousands.
type encoder struct{ entries, intents map[provision.Key]written }

func newEncoder() encoder {
	return encoder{map[provision.Key]written{}, map[provision.Key]written{}}
}

// forget makes the encoder write k anew.
func (e encoder) forget(k provision.Key) {
	delete(e.entries, k)
	delete(e.intents, k)
}

// written is one piece of JSON twice: as the checksum sees it, and as the file
// holds it.
type written struct{ compact, indented []byte }

func writeOne(v any, indent string) (written, error) {
	compact, err := json.Marshal(v)
	if err != nil {
		return written{}, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, compact, indent, "  ")
	return written{compact, out.Bytes()}, err
}

func writeAll[T any](m map[provision.Key]T, known map[provision.Key]written) ([]written, error) {
	out := make([]written, 0, len(m))
	for _, k := range sortedKeys(m) {
		w, ok := known[k]
		if !ok {
			var err error
			if w, err = writeOne(m[k], "    "); err != nil {
				return nil, err
			}
			known[k] = w
		}
		out = append(out, w)
	}
	return out, nil
}

// encode writes st as a file's content.
func (e encoder) encode(st provision.State) ([]byte, error) {
	head, err := writeOne(header{Format, Version, st.Lineage, st.Serial, st.Project, st.Environment, st.Account, st.Preview}, "")
	if err != nil {
		return nil, err
	}
	entries, err := writeAll(st.Entries, e.entries)
	if err != nil {
		return nil, err
	}
	intents, err := writeAll(st.Intents, e.intents)
	if err != nil {
		return nil, err
	}
	size := 512 // for all but the lists
	for _, w := range slices.Concat(entries, intents) {
		size += len(w.indented) + len(",\n    ")
	}
	var out bytes.Buffer
	out.Grow(size)
	sum := sha256.New()
	out.Write(bytes.TrimSuffix(head.indented, []byte("\n}")))
	sum.Write(bytes.TrimSuffix(head.compact, []byte("}")))
	for _, list := range []struct {
		name   string
		values []written
	}{{"entries", entries}, {"intents", intents}} {
		fmt.Fprintf(&out, ",\n  %q: [", list.name)
		fmt.Fprintf(sum, ",%q:[", list.name)
		for i, w := range list.values {
			if i > 0 {
				out.WriteByte(',')
				sum.Write([]byte{','})
			}
			out.WriteString("\n    ")
			out.Write(w.indented)
			sum.Write(w.compact)
		}
		if len(list.values) > 0 {
			out.WriteString("\n  ")
		}
		out.WriteByte(']')
		sum.Write([]byte{']'})
	}
	sum.Write([]byte{'}'})
	fmt.Fprintf(&out, ",\n  \"checksum\": %q\n}\n", checksumText(sum.Sum(nil)))
	return out.Bytes(), nil
}

// checksum is over the document without its checksum and without white space
// between tokens, so that a change of line ends or of indentation is none.
func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return checksumText(sum[:])
}

func checksumText(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }

// intact reports whether data carries sum as its last member and sum fits the
// rest.
func intact(data []byte, sum string) bool {
	var compact bytes.Buffer
	compact.Grow(len(data))
	if json.Compact(&compact, data) != nil {
		return false
	}
	rest, found := bytes.CutSuffix(compact.Bytes(), []byte(`,"checksum":"`+sum+`"}`))
	return found && checksum(append(rest[:len(rest):len(rest)], '}')) == sum
}

func sortedKeys[T any](m map[provision.Key]T) []provision.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b provision.Key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// asRead returns v as it will be when it is read back from the file, and shares
// nothing with v.
func asRead[T any](v T) (T, error) {
	var out T
	b, err := json.Marshal(v)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

// clone copies st so deeply that nothing done to the copy is seen in st.
func clone(st provision.State) provision.State {
	entries, intents := st.Entries, st.Intents
	st.Preview = st.Preview.Clone()
	st.Entries = make(map[provision.Key]provision.Entry, len(entries))
	for k, e := range entries {
		e.Settings, e.Local, e.Refs = cloneSettings(e.Settings), cloneSettings(e.Local), slices.Clone(e.Refs)
		st.Entries[k] = e
	}
	st.Intents = make(map[provision.Key]provision.Intent, len(intents))
	for k, i := range intents {
		i.Settings, i.Local, i.Refs = cloneSettings(i.Settings), cloneSettings(i.Local), slices.Clone(i.Refs)
		st.Intents[k] = i
	}
	return st
}

func cloneSettings(s provision.Settings) provision.Settings {
	if s == nil {
		return nil
	}
	return provision.Settings(cloneValue(map[string]any(s)).(map[string]any))
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = cloneValue(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = cloneValue(x)
		}
		return out
	}
	return v // strings, numbers, booleans and null are values
}

// newID makes a ULID. Its time is only for sorting, so a clock that is far out
// does no harm.
func newID(now time.Time) string {
	ms := uint64(max(0, now.UnixMilli()))
	return ulid.MustNew(min(ms, ulid.MaxTime()), rand.Reader).String()
}
