package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"unicode/utf8"

	"github.com/cfboot/cfboot/provision"
)

// source is the text of the file, without a byte order mark, and the way from a
// byte's offset to the place a person knows.
type source struct {
	file  string
	text  []byte
	lines []int // offset of each line's first byte
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func newSource(file string, src []byte) *source {
	s := &source{file: file, text: bytes.TrimPrefix(src, byteOrderMark), lines: []int{0}}
	for i, b := range s.text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// nowhere is the offset of what concerns the file as a whole.
const nowhere = -1

// place writes "file:line:column", both from 1, columns in characters as editors
// count them.
func (s *source) place(at int) string {
	if at == nowhere {
		return s.file
	}
	at = min(at, len(s.text))
	line := sort.SearchInts(s.lines, at+1)
	return fmt.Sprintf("%s:%d:%d", s.file, line, 1+utf8.RuneCount(s.text[s.lines[line-1]:at]))
}

// offset finds the byte at a line and a column counted in bytes, both from 1.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.text)
	}
	return min(s.lines[line-1]+max(column, 1)-1, len(s.text))
}

// report collects faults.
type report struct {
	source *source
	found  []fault
	told   map[string]bool // what production was told, by resource and id
}

// fault is one thing that is wrong, at an offset.
type fault struct {
	at    int
	text  string
	hints []string
}

func (r *report) add(at int, text string, hints ...string) {
	r.found = append(r.found, fault{at, text, hints})
}

// addIn adds a fault of one resource in one environment. id says what is wrong
// without saying where it shows: an environment is not told what production was
// told already.
func (r *report) addIn(environment string, about provision.Key, id string, f fault) {
	text := label(about) + ": " + f.text
	id = about.String() + "\x00" + id
	if environment == Production {
		r.told[id] = true
	} else {
		if r.told[id] {
			return
		}
		where := "environment " + word(environment)
		if environment == sampleEnvironment {
			where = "previews"
		}
		text = where + ": " + text
	}
	r.add(f.at, text, f.hints...)
}

// err is all that was found, in the order of the file, or nil.
func (r *report) err() error {
	slices.SortStableFunc(r.found, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
	})
	var errs []error
	for _, f := range r.found {
		errs = append(errs, problem(r.source.place(f.at), f.text, f.hints...))
	}
	return errors.Join(errs...)
}
