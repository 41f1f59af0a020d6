package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
)

// bindingSetting is the local setting that names a resource in the Worker's code.
const bindingSetting = "binding"

var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`) })

// reservedWords cannot be the name of a variable in an ES module (ECMA-262,
// §12.7.2 and §13.1.1).
const reservedWords = "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
	"false finally for function if implements import in instanceof interface let new null package private protected public return static " +
	"super switch this throw true try typeof var void while with yield"

// checkBindings reports binding names that JavaScript does not allow and those
// that are taken twice.
func (st *stage) checkBindings() {
	first := map[string]*placed{}
	for _, p := range st.placed {
		binding, ok := p.Local[bindingSetting].(string)
		if !ok || binding == "" {
			continue
		}
		at := bindingAt(p.from)
		word := slices.Contains(strings.Fields(reservedWords), binding)
		if word || !identifier().MatchString(binding) {
			text := "the binding " + quote(binding) + " is no JavaScript name: letters, digits, _ and $, no digit first"
			if word {
				text = "the binding " + quote(binding) + " is a word that JavaScript reserves"
			}
			st.tell(p.from, "binding", fault{at, text, []string{"write " + quote(bindingName(binding, p.Key.Name))}})
		}
		if other, taken := first[binding]; taken {
			st.tell(p.from, "binding "+binding+" "+other.Key.String(), fault{at, fmt.Sprintf("the binding %s is that of %s, too (%s)", quote(binding), label(other.Key),
				st.report.source.place(bindingAt(other.from))), []string{`give one of the two another "binding"`}})
			continue
		}
		first[binding] = p
	}
}

func bindingAt(e *entry) int {
	if m, ok := e.value.get(bindingSetting); ok {
		return m.value.at
	}
	return e.at
}

// bindingName is the valid binding nearest to s, else to the logical name, in
// capitals as is usual.
func bindingName(s, logical string) string {
	word := slug(s, maxName)
	if word == "" {
		word = logical
	}
	name := strings.ToUpper(strings.ReplaceAll(word, "-", "_"))
	if !identifier().MatchString(name) {
		return "_" + name
	}
	return name
}

// claim is one resource's hold on what may exist only once.
type claim struct {
	stage *stage
	*placed
}

// at is where the name is said, else where the resource is.
func (c claim) at() int {
	if m, ok := c.from.value.get("name"); ok {
		return m.value.at
	}
	return c.from.at
}

// once is what may exist only once in an account, among resources of its kind.
func (c claim) once() provision.Key {
	if c.Identity != "" {
		return provision.Key{Kind: c.Key.Kind, Name: c.Identity}
	}
	return provision.Key{Kind: c.Key.Kind, Name: c.Name}
}

// checkNames reports resources of one kind that would be the same at Cloudflare,
// mostly by their real names, within an environment and between any two.
// Environments that name different accounts do not meet.
func checkNames(stages []*stage, r *report) {
	taken := map[provision.Key][]claim{}
	told := map[string]bool{}
	for _, st := range stages {
		for _, p := range st.placed {
			c := claim{st, p}
			once := c.once()
			if once.Name == "" {
				continue
			}
			for _, other := range taken[once] {
				if meet(st, other.stage) {
					tellName(other, c, told, r)
					break
				}
			}
			taken[once] = append(taken[once], c)
		}
	}
}

// called names the stage's environment in a sentence.
func (st *stage) called() string {
	if st.preview != nil {
		return "a preview"
	}
	return st.environment
}

func meet(a, b *stage) bool { return a.account == "" || b.account == "" || a.account == b.account }

// tellName reports that two resources would be the same, once for each pair of
// objects.
func tellName(first, second claim, told map[string]bool, r *report) {
	id := first.from.key.String() + " " + second.from.key.String()
	if first.from.key == second.from.key {
		id += " " + second.stage.environment
	}
	if told[id] {
		return
	}
	told[id] = true
	one, two := label(first.Key), label(second.Key)
	hints := []string{`give one of the two a "name" of its own, or another logical name`}
	if second.Identity != "" {
		hints = []string{"make one of the two differ, or take it out"}
	}
	if first.stage != second.stage {
		one += " in " + first.stage.called()
		two += " in " + second.stage.called()
		inside, end := fmt.Sprintf(`"environments": {%s: {"resources": {%s: `, quote(second.stage.environment), quote(second.from.key.Name)), "}}}"
		if second.stage.preview != nil {
			inside, end = fmt.Sprintf(`"previews": {"resources": {%s: `, quote(second.from.key.Name)), "}}"
		}
		hints = []string{"make it another one there: " + inside + `{…}` + end, "or leave it out there: " + inside + "null" + end}
	}
	text := "%s would have the same real name, %s, as %s (%s)"
	if second.Identity != "" {
		text = "%s would be the same at Cloudflare, %s, as %s (%s)"
	}
	r.add(second.at(), fmt.Sprintf(text, two, quote(second.once().Name), one, r.source.place(first.at())), hints...)
}
