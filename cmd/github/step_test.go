package github

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// readOutputs reads GITHUB_OUTPUT as the runner does.
func readOutputs(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		name, end, ok := strings.Cut(lines[i], "<<")
		if !ok {
			t.Fatalf("line %q begins no output", lines[i])
		}
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			t.Fatalf("%s does not end", name)
		}
		out[name] = strings.Join(value, "\n")
	}
	return out
}

// A value that looks like the end of itself and like other outputs is a value.
func TestOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	s := Step{Getenv: func(k string) string { return map[string]string{"GITHUB_OUTPUT": path}[k] }}
	values := map[string]string{"url": "https://x.example", "empty": "", "lines": "a\nb\n\nc",
		"hostile": "x\nEOF\nghadelimiter\nurl<<cfboot_\nhttps://evil.example\ncfboot_"}
	for k, v := range values {
		if err := s.Output(k, v); err != nil {
			t.Fatal(err)
		}
	}
	got := readOutputs(t, path)
	if len(got) != len(values) {
		t.Errorf("got %q", got)
	}
	for k, v := range values {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	b, _ := os.ReadFile(path)
	ends := map[string]bool{}
	for _, line := range strings.Split(string(b), "\n") {
		if _, end, ok := strings.Cut(line, "<<cfboot_"); ok && end != "" {
			ends[end] = true
		}
	}
	if len(ends) != len(values) {
		t.Errorf("%d ends for %d values", len(ends), len(values))
	}
}

func TestLog(t *testing.T) {
	var log strings.Builder
	inside := true
	s := Step{Log: &log, Getenv: func(k string) string {
		if k == "GITHUB_ACTIONS" {
			return fmt.Sprint(inside)
		}
		return ""
	}}
	s.Hide("one\ntwo%")
	s.Hide("")
	s.Warning("a\n::set-output name=url::b%")
	want := "::add-mask::one\n::add-mask::two%25\n::warning title=cfboot::a%0A::set-output name=url::b%25\n"
	if log.String() != want {
		t.Errorf("got  %q\nwant %q", log.String(), want)
	}
	// Where nobody takes the line away, it would show what it hides.
	log.Reset()
	inside = false
	s.Hide("secret")
	if log.Len() != 0 {
		t.Errorf("got %q", log.String())
	}
}

// The summary stays within what GitHub shows.
func TestSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	s := Step{Getenv: func(k string) string { return map[string]string{"GITHUB_STEP_SUMMARY": path}[k] }}
	if err := s.Summary("# before"); err != nil {
		t.Fatal(err)
	}
	if err := s.Summary(strings.Repeat("→ a line\n", 200_000)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > maxSummary || len(b) < maxSummary/4 || !strings.HasPrefix(string(b), "# before\n") || !strings.Contains(string(b), "did not fit") {
		t.Errorf("%d bytes", len(b))
	}
}

func TestReadEvent(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Event
		fails      bool
	}{
		{"opened", `{"action":"opened","pull_request":{"number":7,"state":"open","head":{"sha":"abc","repo":{"id":1}},"base":{"repo":{"id":1}}}}`,
			Event{Name: "pull_request", Action: "opened", Number: 7, Head: "abc", State: Open}, false},
		{"closed", `{"action":"closed","pull_request":{"number":7,"state":"closed","head":{"sha":"abc","repo":{"id":1}},"base":{"repo":{"id":1}}}}`,
			Event{Name: "pull_request", Action: "closed", Number: 7, Head: "abc", State: Closed}, false},
		{"a fork", `{"pull_request":{"number":7,"state":"open","head":{"sha":"abc","repo":{"id":2}},"base":{"repo":{"id":1}}}}`,
			Event{Name: "pull_request", Number: 7, Head: "abc", State: Open, Fork: true}, false},
		{"a fork that was deleted", `{"pull_request":{"number":7,"state":"open","head":{"sha":"abc","repo":null},"base":{"repo":{"id":1}}}}`,
			Event{Name: "pull_request", Number: 7, Head: "abc", State: Open, Fork: true}, false},
		{"about none", `{"schedule":"0 * * * *"}`, Event{Name: "pull_request", State: Unknown}, false},
		{"no number", `{"pull_request":{"state":"open"}}`, Event{}, true},
		{"no JSON", `x`, Event{}, true},
	} {
		path := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(path, []byte(c.body), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadEvent(func(k string) string {
			return map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}[k]
		})
		if (err != nil) != c.fails || err == nil && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}
