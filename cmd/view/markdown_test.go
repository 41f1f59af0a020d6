package view

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

var evil = []string{
	"plain-name", "a|b", `a\|b`, `a\`, "`", "``x``", "a`b", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
	"</details></code>", "| a | b |\n|---|---|", "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", "@everyone", "#1", "GH-1",
	"https://evil.example", "www.evil.example", "a@b.example", "**bold** _it_ ~~no~~", "<!-- cfboot:a:b -->", "--> <b>", "&lt;b&gt;", "$$x$$", "$`x`$",
	"a\n\n# heading", "a\r\nb", "\x1b[31mred", "::set-output name=url::x", "a\u202eb", "```\nend\n```", "\"];\n  click n0 \"javascript:alert(1)\"", "end",
	" x ", "", "<a|b>@me#1", ":::class", "%%{init: {}}%%", "style n0 fill:red",
}

// A code span in CommonMark: a run of backticks, and the next run of that length.
var span = regexp.MustCompile("^(`+)[^`](?:.*[^`])?(`+)$|^(`+) .* (`+)$")

func TestCode(t *testing.T) {
	for _, s := range evil {
		got := Code(s)
		if strings.ContainsAny(got, "\n\r\x1b|") {
			t.Errorf("%q: leaves its cell: %q", s, got)
		}
		if inner, ok := strings.CutPrefix(got, "<code>"); ok {
			inner = strings.TrimSuffix(inner, "</code>")
			if strings.ContainsAny(inner, "<>`*_[]!@|\\") {
				t.Errorf("%q: markup is left: %q", s, got)
			}
			continue
		}
		if got == "—" {
			continue
		}
		m := span.FindStringSubmatch(got)
		if m == nil {
			t.Errorf("%q: is no code: %q", s, got)
			continue
		}
		fence := m[1] + m[3]
		inner := strings.TrimSuffix(strings.TrimPrefix(got, fence), fence)
		if fence != m[2]+m[4] || regexp.MustCompile("(^|[^`])"+fence+"([^`]|$)").MatchString(inner) {
			t.Errorf("%q: the code ends early: %q", s, got)
		}
	}
}

func TestProse(t *testing.T) {
	for _, s := range evil {
		got := Prose(s)
		if strings.ContainsAny(regexp.MustCompile(`&#\d+;`).ReplaceAllString(got, ""), "<>`*_[]!@#|\\:~$&\n\r\x1b") || strings.Contains(got, "www.") {
			t.Errorf("%q: %q", s, got)
		}
	}
	if got := Prose("11 to create. It's"); got != "11 to create. It's" {
		t.Errorf("got %q", got)
	}
}

func TestAddress(t *testing.T) {
	for s, want := range map[string]string{
		"https://pr-7.my-saas.example":    "<https://pr-7.my-saas.example>",
		"http://127.0.0.1:8787/x?a=b":     "<http://127.0.0.1:8787/x?a=b>",
		"javascript:alert(1)":             "`javascript:alert(1)`",
		"https://x.example> <script>":     "`https://x.example> <script>`",
		"https://user:pw@x.example":       "`https://user:pw@x.example`",
		"https://x.example/](https://y)":  "`https://x.example/](https://y)`",
		"ftp://x.example":                 "`ftp://x.example`",
		"":                                "—",
		"https://x.example\n\n# h":        "`https://x.example��# h`",
		"https://github.com@evil.example": "`https://github.com@evil.example`",
	} {
		if got := Address(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func planOf(name string) provision.Plan {
	db, app := provision.Key{Kind: "d1", Name: name}, provision.Key{Kind: "worker", Name: "app"}
	return provision.Plan{Project: name, Environment: name, Steps: []provision.Step{
		{Action: provision.Create, Key: db, Name: name, Reason: name},
		{Action: provision.Update, Key: app, Name: "app", Refs: []provision.Key{db}, Changes: []provision.Change{{Setting: name, Old: name, New: []any{name}, Drift: true}}},
		{Action: provision.Delete, Key: provision.Key{Kind: "kv", Name: "old"}, Name: name, Data: name, With: []provision.Key{{Kind: "workflow", Name: name}}, Unseen: name},
		{Action: provision.Keep, Key: provision.Key{Kind: "r2", Name: "files"}, Name: "files"},
	}, Conflicts: []provision.Conflict{{Key: db, Name: name, Text: name}}}
}

// Whatever the names are, the table has its rows and columns and nothing beside
// them, and the picture its nodes and arrows.
func TestMarkdownPlan(t *testing.T) {
	for _, s := range evil {
		table, picture := MarkdownPlan(planOf(s)), Mermaid(planOf(s))
		rows := 0
		for _, line := range strings.Split(table, "\n") {
			if strings.HasPrefix(line, "|") {
				rows++
				if n := strings.Count(line, "|"); n != 5 {
					t.Errorf("%q: %d bars in %q", s, n, line)
				}
			}
		}
		if rows != 6 {
			t.Errorf("%q: %d rows in:\n%s", s, rows, table)
		}
		lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
		want := []string{"```mermaid", "flowchart LR", "  n0[", "  n1[", "  n2[", "  n3[", "  n1 --> n0", "  classDef"}
		if len(lines) != len(want)+7 {
			t.Errorf("%q: %d lines in:\n%s", s, len(lines), picture)
			continue
		}
		for i, w := range want {
			if !strings.HasPrefix(lines[i], w) {
				t.Errorf("%q: line %d is %q, want %q…", s, i, lines[i], w)
			}
		}
		if !regexp.MustCompile(`^  n0\["(?:[A-Za-z0-9 \-./·]|#\d+;)*"\]:::create$`).MatchString(lines[2]) {
			t.Errorf("%q: node %q", s, lines[2])
		}
	}
}

func TestMarkdownPlanReads(t *testing.T) {
	got := MarkdownPlan(provision.Plan{Steps: []provision.Step{
		{Action: provision.Create, Key: provision.Key{Kind: "d1", Name: "db"}, Name: "shop-db", Calls: 2},
		{Action: provision.Update, Key: provision.Key{Kind: "queue", Name: "jobs"}, Name: "shop-jobs", Calls: 1, Changes: []provision.Change{{Setting: "delay", Old: 1, New: 2}}},
	}})
	want := "1 to create, 1 to update. 3 API calls.\n\n| | resource | name | |\n|---|---|---|---|\n" +
		"| `+` | `d1/db` | `shop-db` | create |\n| `~` | `queue/jobs` | `shop-jobs` | update<br>`delay`: `1` → `2` |\n"
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}
