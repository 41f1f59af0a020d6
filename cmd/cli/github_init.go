package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/templates"
	"github.com/spf13/cobra"
)

func (a *app) newGitHubInit() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write the workflows that make and remove a preview for every pull request",
		Long: "Writes three workflows into .github/workflows of the repository that the project\n" +
			"is in: cfboot-preview.yml makes and updates a pull request's preview,\n" +
			"cfboot-cleanup.yml removes it when that is closed, cfboot-sweep.yml removes what\n" +
			"was forgotten, every six hours. They have the permissions they need and no more,\n" +
			"and use actions by commit. A project that was made from a pattern has them. A file\n" +
			"that is there and different is left alone, unless --force is given.",
		Example: "  cfboot github init\n  cfboot github init --force",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runGitHubInit(force) }),
	}
	cmd.Flags().BoolVar(&force, "force", false, "write over files that are different")
	return cmd
}

func (a *app) runGitHubInit(force bool) error {
	p, err := a.openProject(a.Dir, "")
	if err != nil {
		return err
	}
	top, err := a.repositoryTop()
	if err != nil {
		return err
	}
	w, err := a.projectWorkflow(top)
	if err != nil {
		return err
	}
	files, err := templates.Workflows(templates.Values{Name: p.desired.Project, Workflow: w})
	if err != nil {
		return err
	}
	if err := a.writeWorkflows(top, files, force); err != nil {
		return err
	}
	a.doc.Project = p.desired.Project
	if p.manifest.State.Name == "" {
		a.view().Notice("note: %s names no bucket for the state, and a runner's own files go with it: cfboot state init", manifestFile)
		a.doc.Next = []string{"cfboot state init"}
	}
	a.doc.Next = append(a.doc.Next, "gh secret set "+tokenVariable, "gh secret set CLOUDFLARE_ACCOUNT_ID", "git add .github && git commit")
	a.view().Print("\nNext:\n  %s", strings.Join(a.doc.Next, "\n  "))
	return nil
}

// repositoryTop is the folder of the git repository that the project is in.
func (a *app) repositoryTop() (string, error) {
	for dir := a.Dir; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, ".git"))
		switch {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case dir == filepath.Dir(dir):
			a.view().Notice("note: this is no git repository yet; taking the project's folder for its top")
			return a.Dir, nil
		}
	}
}

// inWorkflow is a folder's path that needs no quoting anywhere in a workflow.
var inWorkflow = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
})

// projectWorkflow looks at what the project is.
func (a *app) projectWorkflow(top string) (templates.Workflow, error) {
	rel, err := filepath.Rel(top, a.Dir)
	if err != nil {
		return templates.Workflow{}, err
	}
	w := templates.Workflow{Dir: filepath.ToSlash(rel)}
	if w.Dir == "." {
		w.Dir = ""
	} else if !inWorkflow().MatchString(w.Dir) {
		return w, refused(fmt.Sprintf("the project's folder in the repository is %q, which does not fit into a workflow", w.Dir), "letters, digits, . _ - and / do: rename it")
	}
	folders := []string{w.Dir}
	if w.Dir != "" {
		folders = append(folders, "") // a repository of several projects installs at its top
	}
	has := func(dir, name string) bool {
		info, err := os.Stat(filepath.Join(top, filepath.FromSlash(dir), name))
		return err == nil && info.Mode().IsRegular()
	}
	for _, dir := range folders {
		for _, name := range []string{".nvmrc", ".node-version"} {
			if w.NodeFile == "" && has(dir, name) {
				w.NodeFile = path.Join(dir, name)
			}
		}
	}
	if !has(w.Dir, "package.json") {
		return a.workflow(w), nil
	}
	w.Install, w.InstallDir, w.Build = "npm install", w.Dir, templates.Usual.Build
	for _, dir := range folders {
		for _, m := range installers {
			if has(dir, m.lock) {
				w.Install, w.InstallDir, w.Build = m.install, dir, m.build
				return a.workflow(w), nil
			}
		}
	}
	return a.workflow(w), nil
}

// installers are known by their lock files.
var installers = []struct{ lock, install, build string }{
	{"package-lock.json", templates.Usual.Install, templates.Usual.Build},
	{"pnpm-lock.yaml", "corepack enable && pnpm install --frozen-lockfile", "pnpm run --if-present build"},
	{"yarn.lock", "corepack enable && yarn install --frozen-lockfile", ""},
}

// releaseForm is the version of a release.
var releaseForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$`) })

// workflow puts in which cfboot it is: a release by its commit and its binary; what
// was built from a commit by that, which the action then builds as well.
func (a *app) workflow(w templates.Workflow) templates.Workflow {
	revision := a.Revision
	if info, ok := debug.ReadBuildInfo(); ok && revision == "" {
		set := map[string]string{}
		for _, s := range info.Settings {
			set[s.Key] = s.Value
		}
		if set["vcs.modified"] == "false" && strings.HasPrefix(info.Main.Path, "github.com/cfboot/") {
			revision = set["vcs.revision"]
		}
	}
	own, _, _ := strings.Cut(templates.Own, "@")
	released := releaseForm().MatchString(a.Version)
	if released {
		w.Release = a.Version
	}
	switch {
	case revision != "" && released:
		w.Action = own + "@" + revision + " # v" + a.Version
	case revision != "":
		w.Action = own + "@" + revision
	case released:
		w.Action = own + "@v" + a.Version
	default:
		w.Action = templates.Own
	}
	return w
}

// writeWorkflows writes what is missing, or nothing at all where something is
// different and may not be written over.
func (a *app) writeWorkflows(top string, files []templates.File, force bool) error {
	var different []string
	for _, f := range files {
		there, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(f.Path)))
		status := "written"
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case bytes.Equal(there, f.Data):
			status = "unchanged"
		case !force:
			status = "different"
			different = append(different, f.Path)
		}
		a.doc.Files = append(a.doc.Files, view.File{Path: f.Path, Status: status})
	}
	if different != nil {
		for i, f := range a.doc.Files {
			if f.Status == "written" {
				a.doc.Files[i].Status = "left out"
			}
		}
		return &provision.Problem{At: different[0], Text: fmt.Sprintf("it is there, and not as it would be written%s; nothing was", also(len(different)-1)), Class: provision.Refused,
			Hints: []string{"to write over it: cfboot github init --force", "what would change is then shown by: git diff .github"}}
	}
	for i, f := range files {
		if a.doc.Files[i].Status == "written" {
			if err := writeFile(filepath.Join(top, filepath.FromSlash(f.Path)), f.Data, f.Mode); err != nil {
				return err
			}
		}
		a.view().Print("%-9s %s", a.doc.Files[i].Status, f.Path)
	}
	return nil
}

func also(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (nor %s more)", view.Count(n, "file"))
}
