package cli

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
)

// hide takes values out of whatever is shown from now on.
func (a *app) hide(values map[string]string) {
	for _, v := range values {
		for _, o := range []*outlet{a.out, a.err} {
			o.mu.Lock()
			if o.mask == nil {
				o.mask = kinds.NewMask()
			}
			o.mask.Add(v)
			o.mu.Unlock()
		}
	}
}

// dotenvLine is a line of a file in the form that wrangler reads .dev.vars in: the
// one of the npm package dotenv.
var dotenvLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("(?m)^\\s*(?:export\\s+)?([\\w.-]+)(?:\\s*=\\s*?|:\\s+?)" +
		"(\\s*'(?:\\\\'|[^'])*'|\\s*\"(?:\\\\\"|[^\"])*\"|\\s*`(?:\\\\`|[^`])*`|[^#\\r\\n]+)?\\s*(?:#.*)?$")
})

// dotenv reads such a file. What is no such line is no setting, and passed over.
func dotenv(text string) map[string]string {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	out := map[string]string{}
	for _, m := range dotenvLine().FindAllStringSubmatch(text, -1) {
		value := strings.TrimSpace(m[2])
		if len(value) >= 2 && strings.ContainsRune("'\"`", rune(value[0])) && value[len(value)-1] == value[0] {
			quote := value[0]
			value = value[1 : len(value)-1]
			if quote == '"' {
				value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
			}
		}
		out[m[1]] = value
	}
	return out
}

var secretLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`) })

// maxSecretInput is more than any list of secrets takes.
const maxSecretInput = 1 << 20

// secretLines reads NAME=VALUE, one a line; the value is all that follows. An
// error names the line and nothing that is in it.
func secretLines(in io.Reader) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(in, maxSecretInput))
	lines.Buffer(nil, maxSecretInput)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if _, twice := out[name]; twice || !secretLine().MatchString(line) {
			return nil, &provision.Problem{At: fmt.Sprintf("standard input, line %d", n), Text: "it is no NAME=VALUE, or its name stands twice", Class: provision.Refused,
				Hints: []string{"write one secret a line, the value as it is, without quotes"}}
		}
		out[name] = value
	}
	return out, lines.Err()
}
