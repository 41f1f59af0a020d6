package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

const (
	manifestFile = "cfboot.jsonc"
	wranglerFile = "wrangler.jsonc"
	ownDir       = ".cfboot"
	offlineDir   = ".cfboot/offline"
)

// target is what a command is about: which environment of which project, in
// which account.
type target struct {
	environment string
	account     string
	allow       []string
	confirm     int
	noBackup    bool
	yes         bool
}

func (t *target) addEnvironment(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.environment, "env", "", "environment (default: production)")
}

func (t *target) addAccount(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.account, "account", "", "account ID (default: CLOUDFLARE_ACCOUNT_ID, the manifest, or the only one)")
}

func (t *target) addYes(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.yes, "yes", false, "do it without asking")
}

func (t *target) addAllow(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&t.allow, "allow", nil, "allow what is not done otherwise: delete-data=NAME, with the store's real name, or delete-adopted")
	cmd.Flags().BoolVar(&t.noBackup, "no-backup", false, "do not save databases before they are deleted")
}

func (t *target) addConfirm(cmd *cobra.Command) {
	cmd.Flags().IntVar(&t.confirm, "confirm-delete", 0, "confirm that so many resources are deleted or replaced: `N`, exactly")
}

// addLocalState is for commands that are refused in CI where the state is a file.
func (a *app) addLocalState(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.allowLocal, "allow-local-state", false, "in CI: go on although the state is a file of this machine (or "+localVariable+"=1)")
}

func (t *target) env() string {
	if t.environment == "" {
		return provision.Production
	}
	return t.environment
}

func (t *target) check() error {
	for _, a := range t.allow {
		what, name, named := strings.Cut(a, "=")
		// Without a name it is refused later, when the names are known.
		if a != provision.DeleteData && a != provision.DeleteAdopted && (what != provision.DeleteData || !named || name == "") {
			return refused(fmt.Sprintf("there is nothing to allow under the name %q", a), "what may be allowed: "+provision.DeleteDataOf("NAME")+", "+provision.DeleteAdopted)
		}
	}
	return nil
}

// owning is the state to plan from: where deleting what was adopted is allowed,
// none of it is released.
func (t *target) owning(st provision.State) provision.State {
	if slices.Contains(t.allow, provision.DeleteAdopted) {
		return st.Own()
	}
	return st
}

// project is a folder with a manifest.
type project struct {
	dir      string
	manifest *manifest.Manifest
	desired  manifest.Desired
}

// openProject reads the manifest of the working directory.
func (a *app) openProject(dir, environment string) (*project, error) {
	path := filepath.Join(dir, manifestFile)
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &provision.Problem{At: path, Text: "there is no manifest here", Hints: []string{"change into a project's folder", "or begin one: cfboot new my-app --pattern saas"}}
	}
	if err != nil {
		return nil, err
	}
	return parseProject(dir, src, environment)
}

func parseProject(dir string, src []byte, environment string) (*project, error) {
	m, err := manifest.Parse(manifestFile, src, kinds.Catalog{})
	if err != nil {
		return nil, err
	}
	d, err := m.Desired(environment, kinds.Catalog{})
	if err == nil {
		err = ownBucket(m, d)
	}
	if err != nil {
		return nil, err
	}
	return &project{dir: dir, manifest: m, desired: d}, nil
}

// statePath is the file of a state on this machine. The rehearsal's lies apart,
// so that the two never meet.
func (a *app) statePath(dir, environment string) string {
	if a.offline {
		return state.Path(filepath.Join(dir, filepath.FromSlash(offlineDir)), environment)
	}
	return state.Path(filepath.Join(dir, ownDir), environment)
}
