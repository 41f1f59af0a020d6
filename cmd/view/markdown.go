package view

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// Code writes a text that others chose as code in Markdown, also in a cell of a
// table: nothing in it is markup, a mention, a link or a reference, and it stays on
// its line.
func Code(s string) string {
	s = Line(s)
	switch {
	case strings.TrimSpace(s) == "":
		return "—"
	case strings.Contains(s, "|"):
		// A bar ends the cell even within code, and may not be escaped in there
		// after a backslash; an entity is text wherever it stands.
		return "<code>" + entities(s) + "</code>"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || s[0] == ' ' && s[len(s)-1] == ' ' {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// Prose writes a sentence that others may have had a part in as plain text in
// Markdown. It stays on its line.
func Prose(s string) string { return entities(Line(s)) }

// entities writes all but letters, digits, blanks and commas as entities, which
// never have a meaning in Markdown or HTML. What GitHub would find in plain text
// afterwards, a mention or a reference, is taken apart.
func entities(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r > 0x7f, r == ' ' && i > 0 && s[i-1] != ' ':
			b.WriteRune(r)
		case strings.ContainsRune(",()'", r), r == '.' && i > 0 && s[i-1] != 'w' && s[i-1] != 'W' && (s[i-1] < '0' || s[i-1] > '9'):
			b.WriteRune(r) // but no list and no www.
		case r == '@' || r == '#':
			fmt.Fprintf(&b, "&#%d;&#8203;", r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// Address writes an address as a link in Markdown. What is no address of the web is
// shown as code.
func Address(s string) string {
	u, err := url.Parse(s)
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:/?=&%", r)
	}
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsFunc(s, func(r rune) bool { return !ok(r) }) {
		return Code(s)
	}
	return "<" + s + ">"
}

// MarkdownPlan writes what a plan does as a table, with its sum above.
func MarkdownPlan(p provision.Plan) string {
	var b strings.Builder
	b.WriteString(Prose(Summary(p)) + "\n")
	if p.Empty() {
		return b.String()
	}
	b.WriteString("\n| | resource | name | |\n|---|---|---|---|\n")
	for _, s := range p.Steps {
		if s.Action != provision.Keep {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Action.Symbol(), Code(s.Key.String()), Code(s.Name), strings.Join(notes(s), "<br>"))
		}
	}
	for _, c := range p.Conflicts {
		fmt.Fprintf(&b, "| `!` | %s | %s | **in conflict:** %s |\n", Code(c.Key.String()), Code(c.Name), Prose(c.Text))
	}
	if gone := lost(p); gone != nil {
		b.WriteString("\n**Lost without a backup:**")
		for _, s := range gone {
			fmt.Fprintf(&b, " %s (%s)", Code(s.Key.String()), Prose(s.Data))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// notes are what the last column says of a step.
func notes(s provision.Step) []string {
	out := []string{s.Action.String()}
	if s.Reason != "" {
		out = append(out, Prose(s.Reason))
	}
	if s.Data != "" {
		out = append(out, "**holds "+Prose(s.Data)+"**, "+map[bool]string{true: "backed up before", false: "without a backup"}[s.Backup])
	}
	for _, along := range s.With {
		out = append(out, Prose(goesAlong(along)))
	}
	if s.Unseen != "" {
		out = append(out, "**warning:** "+Prose(s.Unseen))
	}
	if s.Protected && s.Removes() {
		out = append(out, "**is protected**")
	}
	if s.Action == provision.Delete || s.Action == provision.Release {
		return out
	}
	for _, c := range s.Changes {
		note := ""
		if c.Drift {
			note = " (somebody else changed it)"
		}
		if c.Replaces {
			note += " (forces a replacement)"
		}
		out = append(out, fmt.Sprintf("%s: %s → %s%s", Code(c.Setting), Code(value(c.Old)), Code(value(c.New)), note))
	}
	return out
}

// The most that a picture may have and still be one.
const maxNodes = 80

// Mermaid draws which resource of a plan stands on which, as a block of Markdown;
// nothing where there is nothing to see, or too much.
func Mermaid(p provision.Plan) string {
	nodes := map[provision.Key]string{}
	var b strings.Builder
	for _, s := range p.Steps {
		if _, twice := nodes[s.Key]; twice {
			continue
		}
		id := fmt.Sprintf("n%d", len(nodes))
		nodes[s.Key] = id
		fmt.Fprintf(&b, "  %s[\"%s\"]:::%s\n", id, label(s.Key.String()+" · "+s.Name), s.Action)
	}
	if len(nodes) == 0 || len(nodes) > maxNodes {
		return ""
	}
	for _, s := range p.Steps {
		for _, ref := range append(s.Refs, s.PriorRefs...) {
			if to, ok := nodes[ref]; ok && to != nodes[s.Key] && !strings.Contains(b.String(), "  "+nodes[s.Key]+" --> "+to+"\n") {
				fmt.Fprintf(&b, "  %s --> %s\n", nodes[s.Key], to)
			}
		}
	}
	return "```mermaid\nflowchart LR\n" + b.String() +
		"  classDef create stroke:#2da44e,stroke-width:2px\n  classDef adopt stroke:#0969da,stroke-width:2px\n" +
		"  classDef update stroke:#bf8700,stroke-width:2px\n  classDef replace stroke:#cf222e,stroke-width:2px\n" +
		"  classDef delete stroke:#cf222e,stroke-dasharray:4\n  classDef release stroke-dasharray:4\n  classDef keep stroke:#8c959f\n```\n"
}

// label writes a text for the inside of a node, where Mermaid has codes of its own
// for characters: #35; is #.
func label(s string) string {
	var b strings.Builder
	for _, r := range Line(s) {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" -./·", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
