package cli

import (
	"bytes"
	"fmt"
	"os/exec"
	"path"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// checkGit looks whether git tracks what stands in .cfboot: the state is one
// machine's, and in a clone it would own what the other copy owns.
func (d *doctor) checkGit() {
	git, err := exec.LookPath("git")
	if err != nil {
		d.skip("git", "git is not installed")
		return
	}
	// No program of the repository's own is run, and its index is not refreshed.
	cmd := exec.CommandContext(d.ctx, git, "-c", "core.fsmonitor=false", "--no-optional-locks", "ls-files", "-z", "--", ownDir)
	cmd.Dir = d.Dir
	out, err := cmd.Output()
	if err != nil {
		d.skip("git", "there is no git repository here")
		return
	}
	var tracked []string
	for name := range bytes.SplitSeq(bytes.TrimRight(out, "\x00"), []byte{0}) {
		if s := string(name); s != "" && s != path.Join(ownDir, ".gitignore") {
			tracked = append(tracked, s)
		}
	}
	if tracked == nil {
		d.ok("git", "nothing in %s is tracked", ownDir)
		return
	}
	first := strings.Join(tracked[:min(len(tracked), 3)], ", ")
	if more := len(tracked) - 3; more > 0 {
		first += fmt.Sprintf(" and %d more", more)
	}
	d.fail("git", &provision.Problem{Text: "git tracks " + first + ": a clone would own what this copy owns",
		Hints: []string{"git rm -r --cached " + ownDir + " && echo " + ownDir + "/ >> .gitignore"}})
}
