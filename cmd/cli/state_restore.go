package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newStateRestore() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "restore [SERIAL|backup|copy]",
		Short: "Put an earlier version of the state back",
		Long: "Makes the backup, or a version of the history, the state again, also where the\n" +
			"state is damaged, empty or missing. Without an argument that is the newest sound\n" +
			"version. It shows which resources that changes, asks, and saves it under a new\n" +
			"serial. A damaged file stays beside it under another name. Of a state in a bucket\n" +
			"\"copy\" is the copy on this machine. No resource is touched: what was made or\n" +
			"deleted since that version, the next plan shows.",
		Example: "  cfboot state restore\n  cfboot state restore 41\n  cfboot state restore backup --env staging --yes",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("one SERIAL or backup")(cmd, args)
			}
			return nil
		},
		RunE: a.answering(func(cmd *cobra.Command, args []string) error { return a.stateRestore(t, args) }),
	}
	t.addEnvironment(cmd)
	t.addYes(cmd)
	return cmd
}

func (a *app) stateRestore(t target, args []string) (err error) {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	repair, err := place.OpenRepair(state.Options{Environment: t.env(), Command: "cfboot state restore", Now: a.Now, Stop: a.stopping.Done()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repair.Close()) }()
	chosen, err := a.chooseVersion(repair, t, args)
	if err != nil {
		return err
	}
	doc := a.describeState(place, chosen.State)
	doc.Restored = a.difference(repair, chosen)
	a.view().Restoring(*doc.Restored)
	if err := a.ask(t, "Put it back?"); err != nil {
		return err
	}
	done, err := repair.Restore(chosen)
	if err != nil {
		return err
	}
	for _, w := range done.Warnings {
		a.view().Notice("warning: %s", w)
	}
	doc.Serial = done.State.Serial
	if done.Kept != "" {
		doc.Restored.Kept = a.shown(done.Kept)
		a.view().Print("The damaged file is %s.", doc.Restored.Kept)
	}
	a.view().Print("Put back as serial %d. See what has changed since: %s", done.State.Serial, a.again("plan", t.env()))
	return nil
}

// chooseVersion finds the version that a person named.
func (a *app) chooseVersion(repair state.Repairer, t target, args []string) (state.Snapshot, error) {
	if len(args) == 0 {
		return repair.Newest(), nil
	}
	role, serial := "", int64(0)
	if args[0] == state.RoleBackup || args[0] == state.RoleCopy {
		role = args[0]
	} else {
		var err error
		if serial, err = strconv.ParseInt(args[0], 10, 64); err != nil || serial < 1 {
			return state.Snapshot{}, refused(fmt.Sprintf("%q is neither a serial nor \"backup\"", args[0]), "see what there is: "+a.again("state history", t.env()))
		}
	}
	if v, ok := repair.Find(role, serial); ok {
		return v, nil
	}
	if inUse, sound, _ := repair.InUse(); sound && role == "" && inUse.Serial == serial {
		return state.Snapshot{}, refused(fmt.Sprintf("serial %d is the one in use", serial))
	}
	return state.Snapshot{}, refused(fmt.Sprintf("there is no sound version %q", args[0]), "see what there is: "+a.again("state history", t.env()))
}

// difference compares a version with the state in use, or where that cannot be
// read, with the newest that can.
func (a *app) difference(repair state.Repairer, v state.Snapshot) *view.Restored {
	inUse, sound, broken := repair.InUse()
	r := &view.Restored{File: a.shown(v.Path), Serial: v.State.Serial}
	if broken != nil {
		r.Broken = view.Clean(broken.Error())
	}
	base := inUse
	if !sound {
		if newest := repair.Newest(); newest.State.Serial > v.State.Serial {
			base = newest.State
		}
	}
	r.Compared = base.Serial
	for _, e := range provision.Sorted(v.State.Entries) {
		had, ok := base.Entries[e.Key]
		one := view.Owned{Key: e.Key.String(), Name: e.Name, ID: e.ID, Zone: e.Zone}
		switch {
		case !ok:
			r.Again = append(r.Again, one)
		case had.ID != e.ID:
			r.Differs = append(r.Differs, view.Differing{Key: one.Key, Name: e.Name, Before: had.ID, After: e.ID})
		default:
			r.Same++
		}
	}
	for _, e := range provision.Sorted(base.Entries) {
		if _, stays := v.State.Entries[e.Key]; !stays {
			r.Lost = append(r.Lost, view.Owned{Key: e.Key.String(), Name: e.Name, ID: e.ID, Zone: e.Zone})
		}
	}
	r.Intents = len(v.State.Intents)
	return r
}

func (a *app) newStateUnlock() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Say who holds the state, and take a lock from a lost machine",
		Long: "A lock belongs to a process and ends with it, however it ends, so that of a dead\n" +
			"process is no lock and needs no unlocking. While the process lives on this machine\n" +
			"this refuses: stop the process instead. Only a lock held from another machine, on\n" +
			"a shared disk, can be taken away; should that run live after all, it saves nothing\n" +
			"more.",
		Example: "  cfboot state unlock\n  cfboot state unlock --env staging --yes",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateUnlock(t) }),
	}
	t.addEnvironment(cmd)
	t.addYes(cmd)
	return cmd
}

func (a *app) stateUnlock(t target) error {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	l, err := place.LookAtLock()
	if err != nil {
		return err
	}
	doc := a.describeState(place, provision.State{Environment: t.env()})
	doc.Lock = &view.Lock{Held: l.Held, PID: l.PID, Host: l.Host, Command: l.Command, Run: l.Run, Alive: l.Alive}
	if l.Known {
		doc.Lock.Since = &l.Since
	}
	if !l.Held {
		a.view().Print("Nobody holds %s.", a.shown(place.String()))
		switch {
		case l.Known && l.Lapsed:
			a.view().Print("The last run that did (%s, process %d on %s) has not refreshed its lock in time.\n"+
				"The next run takes it; there is nothing to unlock.", l.Command, l.PID, l.Host)
		case l.Known:
			a.view().Print("The last run that did (%s, process %d on %s) has ended without giving it back.\n"+
				"A lock ends with its process, so there is nothing to unlock.", l.Command, l.PID, l.Host)
		}
		return nil
	}
	if l.Known && !l.Alive {
		a.view().Print("%s holds %s: process %d on %s, run %s, since %s.", l.Command, a.shown(place.String()), l.PID, l.Host, l.Run, l.Since.Format(time.RFC3339))
		switch {
		case l.Here && isCopy(place):
			a.view().Print("That process has ended.")
		case l.Here:
			a.view().Print("That process has ended, and one that it started still holds the lock.")
		default:
			a.view().Print("That machine cannot be asked from here. If the run lives, it saves nothing more.")
		}
		if err := a.ask(t, "Take the lock away?"); err != nil {
			return err
		}
	}
	if err := place.Unlock(l); err != nil {
		return err
	}
	doc.Lock.Taken = true
	a.view().Print("Unlocked.")
	return nil
}
