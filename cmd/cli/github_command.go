package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
)

// answer is what a command of cfboot said.
type answer = view.Document

// command runs a command of cfboot in this process, in the project's folder. The
// token goes in as a variable, like from a shell: arguments are shown in lists of
// processes.
func (s *step) command(words []string) (answer, int) {
	var out bytes.Buffer
	signals, end := s.relay()
	defer end()
	env := s.Env
	env.Dir, env.Stdin, env.Stdout, env.Stderr = s.path(s.in.dir), strings.NewReader(""), &out, s.Stderr
	env.Terminal, env.Color, env.Signals, env.LetGo = false, false, signals, nil
	env.Getenv = s.variable
	code := s.main(env, words)
	var got answer
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		got.Error = &view.ErrorDocument{Text: "cfboot " + strings.Join(words, " ") + ": its answer is no document", Class: classNames[0]}
		code = max(code, exitFailed)
	}
	return got, code
}

// variable is the environment of the command: that of the step, with its inputs in
// the places where cfboot looks, and without them where it does not.
func (s *step) variable(name string) string {
	switch {
	case name == tokenVariable:
		return s.in.token
	case name == "CLOUDFLARE_ACCOUNT_ID":
		return s.in.account
	case name == stateVariable && s.in.state != "":
		return s.in.state
	case name == "CI" && s.Getenv(name) == "":
		return "true"
	case strings.HasPrefix(name, "INPUT_"):
		return ""
	}
	return s.Getenv(name)
}

// planFile is where the plan goes, for other steps.
func (s *step) planFile() string {
	dir, ok := s.getenv("RUNNER_TEMP")
	if !ok {
		return ""
	}
	return filepath.Join(dir, "cfboot-plan-"+strings.Map(inFileName, s.in.environment())+".json")
}

func inFileName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
		return r
	}
	return '_'
}
