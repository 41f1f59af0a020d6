package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/spf13/cobra"
)

// usualBucket is where states are kept when nothing else is said.
const usualBucket = "r2://cfboot-state"

func (a *app) newStateInit() *cobra.Command {
	var t target
	var location, jurisdiction string
	cmd := &cobra.Command{
		Use:   "init [r2://BUCKET/PREFIX]",
		Short: "Make the R2 bucket that states are kept in, and say so in the manifest",
		Long: "Makes the bucket where there is none, looks whether the token can read and write\n" +
			"objects in it, says which permissions a token needs, and writes \"state\" into\n" +
			"cfboot.jsonc. Without an address it is the manifest's, or " + usualBucket + ", which\n" +
			"any number of projects share. The bucket is no project's resource, and none\n" +
			"destroys it. A state that is here already is moved there by cfboot state migrate.",
		Example: "  cfboot state init\n  cfboot state init r2://my-team-state --location weur\n  cfboot state init r2://my-team-state/web --jurisdiction eu --yes",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			w, err := a.whereabouts(a.Dir, "")
			if err != nil {
				return err
			}
			if w.bucket, err = addressOf(args, w.bucket, jurisdiction); err != nil {
				return err
			}
			return a.stateInit(t, w, location)
		}),
	}
	cmd.Flags().StringVar(&location, "location", "", "where the bucket should live, in a new one: weur, eeur, enam, wnam, apac, oc")
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "where the data must stay: eu, us, fedramp")
	t.addAccount(cmd)
	t.addYes(cmd)
	return cmd
}

// addressOf is the bucket that is meant: as named, as the manifest has it, or the
// usual one.
func addressOf(args []string, known manifest.Bucket, jurisdiction string) (manifest.Bucket, error) {
	address := usualBucket
	switch {
	case len(args) == 1:
		address = args[0]
	case known.Name != "":
		address = known.String()
	}
	b, err := bucketAt(address)
	if err != nil || jurisdiction == "" {
		return b, err
	}
	if b.Jurisdiction != "" && b.Jurisdiction != jurisdiction {
		return b, refused(fmt.Sprintf("the address says the jurisdiction %s, and --jurisdiction %s", b.Jurisdiction, jurisdiction))
	}
	b.Jurisdiction = jurisdiction
	return bucketAt(b.String())
}

// bucketAt reads the address of a bucket.
func bucketAt(address string) (manifest.Bucket, error) {
	b, err := manifest.ParseBucket(address)
	var f *manifest.SettingError
	if errors.As(err, &f) {
		return b, refused(f.Text, f.Hints...)
	}
	if err == nil && b.Name == "" {
		err = refused(fmt.Sprintf("%q is no bucket", address), "name one: "+usualBucket)
	}
	return b, err
}

func (a *app) stateInit(t target, w whereabouts, location string) error {
	a.sayOffline()
	doc := &view.StateInit{Address: w.bucket.String(), Bucket: w.bucket.Name}
	a.doc.StateInit = doc
	client, _, err := a.connectForBucket(a.Dir, w)
	if err != nil {
		return err
	}
	a.doc.Account = client.Account
	a.view().Print("States are to be kept in %s, in the account %s.", w.bucket, client.Account)
	if err := a.ask(t, "Make the bucket, if it is not there, and use it?"); err != nil {
		return err
	}
	made, err := client.StateBucket(a.ctx, w.bucket.Name, w.bucket.Jurisdiction, location)
	if err != nil {
		return err
	}
	doc.Made = made.Made
	switch {
	case made.Made:
		a.view().Print("Made the bucket %q.", w.bucket.Name)
	case made.Ours || a.offline:
		a.view().Print("The bucket %q is there already.", w.bucket.Name)
	default:
		a.view().Print("The bucket %q is there already, made by somebody else; it stays as it is.", w.bucket.Name)
	}
	if err := a.usable(w); err != nil {
		return err
	}
	doc.Permission = fmt.Sprintf("Workers R2 Storage Bucket Item Write, on the bucket %s", w.bucket.Name)
	a.view().Print("For the state alone a token needs: %s.", doc.Permission)
	return a.pinState(w, doc)
}

// usable looks whether objects can be read and written.
func (a *app) usable(w whereabouts) error {
	b, err := a.bucket(a.Dir, w)
	if err != nil {
		return err
	}
	base := w.bucket.Prefix
	if base != "" {
		base += "/"
	}
	if _, err := b.List(base+"v1/none/", ""); err != nil {
		return err
	}
	return b.MayWrite(base + "v1/none.json")
}

// pinState writes into the manifest where the state is, unless one is here that has
// to be moved first.
func (a *app) pinState(w whereabouts, doc *view.StateInit) error {
	path := filepath.Join(a.Dir, manifestFile)
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		a.view().Print("There is no %s here. In a project's, write: \"state\": %q", manifestFile, w.bucket)
		return nil
	}
	if err != nil {
		return err
	}
	_, now, err := manifest.Whereabouts(manifestFile, src)
	if err != nil {
		return err
	}
	elsewhere := now.Name != "" && now != w.bucket
	if now == w.bucket {
		a.view().Print("%s says so already.", manifestFile)
		return nil
	}
	if here, err := a.localStates(); err != nil || len(here) > 0 || elsewhere {
		if err != nil {
			return err
		}
		a.doc.Next = []string{a.again("state migrate --to "+w.bucket.String(), "")}
		a.view().Print("\nNext, to move the state there:\n  %s", a.doc.Next[0])
		return nil
	}
	doc.Written = true
	return a.writeState(path, src, w.bucket)
}

// withStateSet is the manifest with "state" set to a bucket that may be it.
func withStateSet(src []byte, b manifest.Bucket) ([]byte, error) {
	changed, err := manifest.SetTop(src, "state", b.String())
	if err != nil {
		return nil, err
	}
	// What else is wrong with it is told elsewhere; but not the project's own bucket.
	var p *provision.Problem
	if _, err := parseProject("", changed, ""); errors.As(err, &p) && p.Class == provision.Refused {
		return nil, err
	}
	return changed, nil
}

// writeState sets "state" in the manifest, and nothing else.
func (a *app) writeState(path string, src []byte, b manifest.Bucket) error {
	changed, err := withStateSet(src, b)
	if err == nil {
		err = writeFile(path, changed, 0o644)
	}
	if err == nil {
		a.view().Print("%s says so now: \"state\": %q", manifestFile, b)
	}
	return err
}
