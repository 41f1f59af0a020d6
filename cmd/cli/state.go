package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newState() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at the record of what is owned, and repair it",
		Long: "The state is the record of what cfboot made: .cfboot/state.json, and\n" +
			".cfboot/state.ENV.json for every other environment. Beside it lie the version\n" +
			"before and, in .cfboot/history, the last 50. Or it is kept in an R2 bucket, where\n" +
			"\"state\" in cfboot.jsonc says so, for several machines and for CI (see: cfboot state\n" +
			"init, migrate). Apart from that bucket none of these commands changes anything at\n" +
			"Cloudflare.",
		Example: "  cfboot state list\n  cfboot state verify --env staging",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newStateList(), a.newStateShow(), a.newStateVerify(), a.newStateHistory(),
		a.newStateRemove(), a.newStateMove(), a.newStateProtect(), a.newStateUnprotect(),
		a.newStateRestore(), a.newStateRebuild(), a.newStateMark(), a.newStateUnlock(), a.newStateInit(), a.newStateMigrate())
	return cmd
}

// knownCommand refuses a word that is none of the commands below cmd.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return &provision.Problem{Text: fmt.Sprintf("there is no command %q%s", args[0], suggest(args[0], names)), Hints: []string{"see: " + cmd.CommandPath() + " --help"}}
}

// exactly wants just these arguments.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return &provision.Problem{Text: fmt.Sprintf("it takes %s, and %d were given", strings.Join(names, " "), len(args)), Hints: []string{"see: " + cmd.CommandPath() + " --help"}}
	}
}

func (a *app) newStateList() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what is recorded: keys, names, IDs, and creates of unknown outcome",
		Example: "  cfboot state list\n  cfboot state list --env staging --json",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateList(t) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateList(t target) error {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	st, exists, err := place.Read()
	if err != nil {
		return err
	}
	doc := a.describeState(place, st)
	if !exists {
		a.view().Print("Nothing is owned: there is no state at %s.", place)
		return nil
	}
	a.view().Print("%s (%s), account %s, serial %d", st.Project, st.Environment, st.Account, st.Serial)
	for _, e := range provision.Sorted(st.Entries) {
		a.doc.Resources = append(a.doc.Resources, view.Owned{Key: e.Key.String(), Name: e.Name, ID: e.ID, Zone: e.Zone, Adopted: e.Adopted, Protected: e.Protected})
		note := ""
		if e.Protected {
			note = "  (protected)"
		}
		a.view().Print("  %-22s %-34s %s%s", e.Key, e.Name, e.ID, note)
	}
	for _, k := range sortedKeys(st.Intents) {
		i := st.Intents[k]
		doc.Intents = append(doc.Intents, view.Begun{Key: k.String(), Name: i.Name, Run: i.Run, Time: i.Time})
		a.view().Print("  %-22s %-34s begun at %s, outcome unknown; cfboot apply finishes it", k, i.Name, i.Time.Format(time.RFC3339))
	}
	a.view().Print("%s, %s.", view.Count(len(st.Entries), "resource"), view.Count(len(st.Intents), "open intent"))
	return nil
}

// describeState puts a state into the answer and returns the part for details.
func (a *app) describeState(place state.Place, st provision.State) *view.StateDocument {
	a.doc.Project, a.doc.Environment, a.doc.Account = st.Project, st.Environment, st.Account
	a.doc.State = &view.StateDocument{File: a.shown(place.String()), Lineage: st.Lineage, Serial: st.Serial}
	return a.doc.State
}

func sortedKeys[T any](m map[provision.Key]T) []provision.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b provision.Key) int { return strings.Compare(a.String(), b.String()) })
}

func (a *app) newStateShow() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "show KEY",
		Short:   "Print all that is recorded of one resource, as JSON",
		Example: "  cfboot state show d1/db\n  cfboot state show kv/cache --env staging",
		Args:    exactly("KEY"),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateShow(t, args[0]) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateShow(t target, arg string) error {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	st, err := readState(place)
	if err != nil {
		return err
	}
	k, err := a.recorded(place, st, arg)
	if err != nil {
		return err
	}
	doc := a.describeState(place, st)
	into, v := &doc.Entry, any(st.Entries[k])
	if i, open := st.Intents[k]; open {
		into, v = &doc.Intent, i
	}
	text, err := pretty(v)
	if err != nil {
		return err
	}
	*into = text
	a.view().Print("%s", text)
	return nil
}

// pretty is v as indented JSON, with no character escaped that need not be.
func pretty(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// readState reads a state that has to be there.
func readState(place state.Place) (provision.State, error) {
	st, exists, err := place.Read()
	if err == nil && !exists {
		err = &provision.Problem{At: place.String(), Text: "there is no state here, so nothing is known to be ours", Class: provision.Unusable,
			Hints: []string{"change into the project's folder, or name the environment: --env NAME"}}
	}
	return st, err
}

// recorded finds the key that a person wrote among those of a state.
func (a *app) recorded(place state.Place, st provision.State, arg string) (provision.Key, error) {
	var known []string
	for _, k := range append(sortedKeys(st.Entries), sortedKeys(st.Intents)...) {
		known = append(known, k.String())
	}
	if !slices.Contains(known, arg) {
		return provision.Key{}, &provision.Problem{At: a.shown(place.String()), Text: fmt.Sprintf("it has no %q%s", arg, suggest(arg, known)), Class: provision.Refused,
			Hints: []string{"see what there is: " + a.again("state list", st.Environment)}}
	}
	return provision.ParseKey(arg)
}

// again is a command for a hint, with the flags that lead to the same state.
func (a *app) again(command, environment string) string {
	command = "cfboot " + command
	if environment != "" && environment != provision.Production {
		command += " --env " + environment
	}
	if a.offline {
		command += " --offline"
	}
	return command
}

func (a *app) newStateVerify() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the state, its backup and its history",
		Long: "Reads every file that is kept of the state and says what is wrong where. It ends\n" +
			"with 5 where the state itself cannot be used; a bad backup is only shown.",
		Example: "  cfboot state verify\n  cfboot state verify --env staging --json",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateVerify(t) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateVerify(t target) error {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	files := place.Inspect()
	inUse := files[0]
	if st, _, err := place.Read(); err == nil {
		a.describeState(place, st)
		if inUse.Err == nil {
			inUse.Err = place.Check(st, "", t.env(), "")
			files[0] = inUse
		}
	} else {
		a.describeState(place, provision.State{})
	}
	if !inUse.Exists && inUse.Err == nil {
		a.view().Print("There is no state at %s, and nothing that shows that there was one.", place)
		return nil
	}
	bad := 0
	for _, f := range files {
		one := view.StateFile{Role: f.Role, File: a.shown(f.Path), Sound: f.Err == nil, Serial: f.Serial, Entries: f.Entries, Intents: f.Intents, Notes: f.Notes}
		if f.Err != nil {
			one.Error = view.Clean(f.Err.Error())
			bad++
		}
		a.doc.State.Files = append(a.doc.State.Files, one)
		a.view().Checked(one)
	}
	a.view().Print("%s checked, %d bad.", view.Count(len(files), "file"), bad)
	return inUse.Err
}

func (a *app) newStateHistory() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List the earlier versions of the state",
		Example: "  cfboot state history\n  cfboot state restore 41",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateHistory(t) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateHistory(t target) error {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	past, err := place.History()
	if err != nil {
		return err
	}
	st, exists, err := place.Read()
	if err != nil {
		a.view().Notice("warning: %v", err)
	}
	doc := a.describeState(place, st)
	for _, p := range past {
		doc.History = append(doc.History, view.StatePast{Serial: p.Serial, Time: p.Time.UTC(), Bytes: p.Size, File: a.shown(p.Path)})
		a.view().Print("  %6d  %s  %8d bytes", p.Serial, p.Time.UTC().Format(time.RFC3339), p.Size)
	}
	switch {
	case exists:
		a.view().Print("%s; in use is serial %d.", view.Count(len(past), "earlier version"), st.Serial)
	default:
		a.view().Print("%s; none is in use.", view.Count(len(past), "earlier version"))
	}
	return nil
}
