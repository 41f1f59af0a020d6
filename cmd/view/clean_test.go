package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

var hostile = []struct{ name, text, clean string }{
	{"plain", "my-saas-db", "my-saas-db"},
	{"letters of the world", "naïve 数据库 👩‍💻 نمونه", "naïve 数据库 👩‍💻 نمونه"},
	{"colour", "a\x1b[31mb\x1b[0m", "a�[31mb�[0m"},
	{"title of the window", "\x1b]0;owned\x07", "�]0;owned�"},
	{"one-byte escape", "a\u009b2Jb", "a�2Jb"},
	{"bytes that are no text", "a\xff\x9bb", "a��b"},
	{"overwriting", "safe\rrm -rf", "safe�rm -rf"},
	{"backspace and delete", "a\b\x7f", "a��"},
	{"direction", "a\u202etxt.exe\u2066\u2069", "a�txt.exe��"},
	{"hidden", "a\u200b\ufeff\u00ad\U000e0041b", "a����b"},
	{"line ends of other kinds", "a\u2028b\u2029c\u0085d\vd\fd", "a�b�c�d�d�d"},
	{"lines stay", "a\n\tb\n", "a\n\tb\n"},
	{"command", "::set-output name=x::y", ": :set-output name=x::y"},
	{"command after blanks", "  \t\u00a0::add-mask::x", "  \t\u00a0: :add-mask::x"},
	{"command on a later line", "a\n::error::b\n\n ::stop-commands::c", "a\n: :error::b\n\n : :stop-commands::c"},
	{"command after a return", "a\r::error::b\r\n::warning::c", "a�::error::b�\n: :warning::c"},
	{"command after a return at the start", "\r::error::b", "�::error::b"},
	{"an address is none", "at ::1", "at ::1"},
	{"older command", "see ##[add-path]/tmp and ##[set-env name=A]b", "see # #[add-path]/tmp and # #[set-env name=A]b"},
	{"Azure, TeamCity", "##vso[task.setvariable]x ##teamcity[buildStop]", "# #vso[task.setvariable]x # #teamcity[buildStop]"},
	{"headings are none", "## title ###[x", "## title ## #[x"},
}

func TestClean(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.clean, Clean(tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := Clean(Clean(tt.text)); again != Clean(tt.text) {
				t.Errorf("not the same twice: %q", again)
			}
		})
	}
	if got := Line("a\n::error::b\tc"); got != "a�::error::b�c" {
		t.Errorf("Line: %q", got)
	}
}

func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("ä", 100_000)
	if got := Line(long); utf8.RuneCountInString(got) > 350 || !strings.HasSuffix(got, "… (99700 characters more)") {
		t.Errorf("Line: %d bytes, ends %q", len(got), got[len(got)-40:])
	}
	if got := Clean(long + "\nb"); !strings.HasSuffix(got, "… (95000 characters more)\nb") {
		t.Errorf("Clean: %d bytes", len(got))
	}
}

// Wherever a text of others is printed, nothing of it steers and no line is
// forged; the JSON form is valid and says exactly the same.
func TestHostileTextIsPrinted(t *testing.T) {
	for _, tt := range hostile {
		plan := provision.Plan{Project: "shop", Environment: "production", Steps: []provision.Step{{
			Key: provision.Key{Kind: "d1", Name: "db"}, Name: tt.text, Reason: tt.text, Data: tt.text, Action: provision.Update,
			Changes: []provision.Change{{Setting: "a", Old: tt.text, New: []any{tt.text}}},
		}}, Conflicts: []provision.Conflict{{Key: provision.Key{Kind: "kv", Name: "c"}, Text: tt.text}}}
		failure := &provision.Problem{Text: tt.text, Hints: []string{tt.text}}
		var out, err bytes.Buffer
		v := View{Out: &out, Err: &err}
		v.Plan(plan)
		v.Notice("%s", tt.text)
		v.Print("%s", tt.text)
		v.Failure(failure)
		v.Event(provision.Event{Step: plan.Steps[0], Err: errors.New(tt.text)})
		v.Event(provision.Event{Step: plan.Steps[0], Part: "updated"})
		for _, text := range []string{out.String(), err.String()} {
			harmless(t, tt.name, text)
		}
		var doc bytes.Buffer
		want := Document{Plan: &PlanDocument{Plan: plan}, Error: &ErrorDocument{Text: tt.text}}
		if err := (View{Out: &doc, Err: io.Discard, JSON: true}).Document(want); err != nil {
			t.Fatal(err)
		}
		harmless(t, tt.name, doc.String())
		var got Document
		if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v\n%s", tt.name, err, doc.String())
		}
		if got.Error.Text != strings.ToValidUTF8(tt.text, "�") && tt.name != "bytes that are no text" {
			t.Errorf("%s: JSON says %q", tt.name, got.Error.Text)
		}
	}
}

// harmless checks printed text as a terminal and a CI system would read it.
func harmless(t testing.TB, name, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not valid text: %q", name, text)
	}
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") || strings.Contains(line, "##teamcity[") {
			t.Errorf("%s: a command: %q", name, line)
		}
	}
	for _, r := range text {
		if r != '\n' && r != '\t' && r != '\u200d' && r != '\u200c' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%s: %U in %q", name, r, text)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, tt := range hostile {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean := Clean(s)
		harmless(t, "Clean", clean)
		harmless(t, "Line", Line(s))
		if strings.Contains(Line(s), "\n") {
			t.Errorf("more than one line: %q", Line(s))
		}
		if len(s) < maxName && Clean(clean) != clean {
			t.Errorf("not the same twice: %q, %q", clean, Clean(clean))
		}
		var doc bytes.Buffer
		if err := (View{Out: &doc}).Document(Document{Project: s}); err != nil {
			t.Fatal(err)
		}
		harmless(t, "Document", doc.String())
		var got Document
		if err := json.Unmarshal(doc.Bytes(), &got); err != nil || got.Project != asJSON(s) {
			t.Errorf("%v: %q became %q", err, s, got.Project)
		}
	})
}

// asJSON is what any text becomes as JSON's.
func asJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}
