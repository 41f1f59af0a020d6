package cli

import (
	"errors"
	"fmt"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
)

// restore makes the state of a preview anew where it is lost: of an earlier
// version of it, or of what carries its tags and what the manifest makes of those.
// With all, what the manifest names is looked for also where nothing carries tags.
// What is there under the preview's names and is not provably its own is listed.
func (d *taking) restore(place state.Place, all bool) (recovered bool, left []string, err error) {
	tagged, allowed, err := d.client.Tagged(d.ctx, d.project.desired.Project, d.target.environment)
	if err != nil {
		return false, nil, err
	}
	for _, t := range tagged {
		if t.Tags.Lease == nil {
			return false, nil, refused(fmt.Sprintf("%s was not made as a preview, by the tags of %q, so it is not taken for one", d.target.environment, t.Name), "declare it, and make its state anew: "+d.again("state rebuild", d.target.environment))
		}
		if err := d.lessor(*t.Tags.Lease); err != nil {
			return false, nil, err
		}
	}
	if len(tagged) == 0 && !all {
		return false, nil, nil
	}
	if !allowed {
		d.view().Notice("warning: the token may not read resource tags, so what is left of %s can only be seen, not proved to be its own", d.target.environment)
	}
	desired := d.wanted()
	blank := blankState(d.project.desired.Project, d.target.environment, d.client.Account)
	lineage := ""
	if len(tagged) > 0 {
		lineage = tagged[0].Tags.Lineage // where there are several, the others come to light in the next round
	}
	made, err := provision.Rebuild(d.ctx, d.client, kinds.Traits(), desired, tagged, blank, lineage, d.client.Now())
	if err != nil {
		return false, nil, err
	}
	for _, c := range made.Unproven {
		left = append(left, fmt.Sprintf("%s %s: %s", c.Key, view.Line(c.Name), c.Text))
	}
	if made.State.Preview == nil {
		for _, e := range provision.Sorted(made.State.Entries) {
			left = append(left, fmt.Sprintf("%s %s: no tags say that it is a preview's", e.Key, view.Line(e.Name)))
		}
		return false, left, nil
	}
	if len(made.State.Entries) == 0 {
		return false, left, nil
	}
	return true, left, d.record(place, made.State)
}

// record puts a state that was made anew in the lost one's place, unless a version
// of that is left, which knows more.
func (d *taking) record(place state.Place, found provision.State) error {
	repair, err := place.OpenRebuild(d.runOptions("", d.target.environment, "preview"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repair.Close()) }()
	for k, e := range found.Entries {
		if k.Kind == "d1" {
			found.Preview.Note(provision.Filled{Key: k, ID: e.ID, Seed: lostSeed})
		}
	}
	_, sound, _ := repair.InUse()
	if left := repair.Newest(); !sound && left.State.Lineage == found.Lineage && left.State.Preview != nil {
		for k, e := range found.Entries {
			if _, knows := left.State.Entries[k]; !knows {
				left.State.Entries[k] = e
				delete(left.State.Intents, k)
			}
		}
		found = left.State
	}
	done, err := repair.Rebuild(found)
	if err != nil {
		return err
	}
	for _, w := range done.Warnings {
		d.view().Notice("warning: %s", w)
	}
	d.view().Notice("note: the state of %s was lost, and is made anew of %s that are its own", d.target.environment, counted(len(found.Entries), "resource"))
	return nil
}

// wanted is what the manifest would make for the preview, as far as it can be read.
func (d *taking) wanted() []provision.Resource {
	if d.project.manifest == nil {
		return nil
	}
	desired, err := d.project.manifest.Preview(d.target.environment, kinds.Catalog{})
	if err != nil {
		d.view().Notice("warning: what %s says of previews cannot be used, so only what carries tags is found: %v", manifestFile, err)
	}
	return desired.Resources
}
