// Package cli holds cfboot's commands, one to a file.
//
// Everything a command knows of the world it runs in comes through Env, so
// that whole runs can be played in one process, side by side. Main builds the
// command tree anew for each run, carries one command out and returns the exit
// code; exit.go has the table of codes.
package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/objects"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

// Env is the world a run takes place in.
type Env struct {
	Dir      string // working directory
	Stdin    io.Reader
	Stdout   io.Writer
	Stderr   io.Writer
	Getenv   func(string) string
	Now      func() time.Time
	Terminal bool // a person can be asked: input and standard error are a terminal
	Color    bool // standard output is a terminal that wants colour
	Signals  <-chan os.Signal
	LetGo    func() // gives the signals back to the system; may be nil
	Version  string
	Revision string // the commit it was built from, where that is known
}

// getenv treats a variable that is set but empty as unset.
func (e Env) getenv(name string) (string, bool) {
	v := e.Getenv(name)
	return v, v != ""
}

// path makes a user's path absolute, from the working directory.
func (e Env) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(e.Dir, p)
}

// shown is a path as a person in the working directory would name it.
func (e Env) shown(p string) string {
	rel, err := filepath.Rel(e.Dir, p)
	if err != nil || strings.HasPrefix(rel, "..") {
		return p
	}
	return rel
}

// Main carries out one command and returns its exit code.
func Main(env Env, args []string) int {
	app := &app{Env: env, out: &outlet{to: env.Stdout}, err: &outlet{to: env.Stderr}}
	if secrets := app.secrets(); secrets != nil {
		mask := kinds.NewMask(secrets...)
		app.out.mask, app.err.mask = mask, mask
	}
	app.Stdout, app.Stderr = app.out, app.err
	defer app.waits.Wait()
	defer app.follow()()
	root := app.root()
	root.SetArgs(args)
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	err := app.interrupted(errors.Join(app.execute(root, args), app.close()))
	// A flag that is wrong ends the parsing before the ones behind it.
	app.json = app.json || slices.Contains(args, "--json")
	return app.finish(err)
}

// close ends what was opened for the whole run.
func (a *app) close() (err error) {
	for _, c := range a.closers {
		err = errors.Join(err, c())
	}
	return err
}

// app is one run.
type app struct {
	Env
	ctx       context.Context // done: end what is under way
	stopping  context.Context // done: begin nothing more
	signalled atomic.Bool
	stepping  atomic.Bool // steps are being carried out
	relays    atomic.Bool // another run in this one heeds the signals, and says so
	out, err  *outlet     // what Stdout and Stderr are
	opened    state.Place // of the state that was opened; nil: none yet
	rescued   bool        // what could not be saved was shown
	json      bool
	typing    *bufio.Reader
	waiting   sync.Mutex
	until     time.Time      // nothing is sent before; under waiting
	waits     sync.WaitGroup // who shows it
	verbose   int
	offline   bool
	apiHost   string // where the token may go, too
	globalKey bool   // the Global API Key may be used
	account   string // of --account

	allowLocal bool                       // the state may be a file, in CI too
	buckets    map[string]*objects.Bucket // that were connected to, by address
	closers    []func() error             // called when the command has ended
	rehearsed  string                     // where the rehearsal's Cloudflare is
	rehearsals map[string]*offline        // that are running, by folder

	doc     view.Document
	answers bool // the command answers with doc; others print for themselves
	exit    int  // of a command that did what it should and still reports something
}

func (a *app) view() view.View {
	return view.View{Out: a.Stdout, Err: a.Stderr, JSON: a.json, Color: a.Color && !a.json}
}

// finish prints what is left to print and chooses the exit code.
func (a *app) finish(err error) int {
	code := a.exit
	if err != nil {
		code = exitCode(err)
	}
	if bundle := unsaved(err); bundle != nil && a.onlyRecord(err) {
		a.rescue(bundle)
	}
	if a.json && (a.answers || err != nil) {
		a.doc.OK, a.doc.Exit = err == nil, code
		if err != nil {
			a.doc.Error = &view.ErrorDocument{Text: view.Clean(err.Error()), Hints: view.Hints(err), Class: className(err)}
		}
		if werr := a.view().Document(a.doc); werr != nil && err == nil {
			err, code = werr, exitFailed
			a.view().Failure(err)
		}
	} else if err != nil {
		a.view().Failure(err)
	}
	if fault := a.out.fault(); fault != nil && err == nil {
		a.view().Failure(&provision.Problem{At: "standard output", Text: "the answer could not be written", Err: fault,
			Hints: []string{"what was done is done and recorded; make room where the output goes, and ask again"}})
		code = exitFailed
	}
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "cfboot",
		Short: "From nothing to a running Cloudflare project, and back",
		Long: "cfboot makes a Cloudflare project from a pattern: files, databases, buckets,\n" +
			"queues, DNS records and routes. It records what it made, so that a second run\n" +
			"changes nothing and destroy removes just that.\n\n" +
			"Connection: CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_BASE_URL,\n" +
			"as for wrangler. No account at hand: --offline.\n\n" + exitTable(),
		SilenceUsage: true, SilenceErrors: true,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			if v, ok := a.getenv("CFBOOT_OFFLINE"); ok && v != "0" && v != "false" {
				a.offline = true
			}
			a.doc.Offline = a.offline
			if f := cmd.Flags().Lookup("account"); f != nil {
				a.account = f.Value.String()
			}
			return nil
		},
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "answer with one JSON document")
	root.PersistentFlags().CountVarP(&a.verbose, "verbose", "v", "show every API call; twice (-vv): with what is sent and answered, without secrets")
	root.PersistentFlags().BoolVar(&a.offline, "offline", false, "rehearse against the built-in emulator, with no account (or CFBOOT_OFFLINE=1)")
	root.PersistentFlags().StringVar(&a.apiHost, "api-host", "", "host that CLOUDFLARE_API_BASE_URL may send the API token to, where that is neither Cloudflare nor this machine")
	root.PersistentFlags().BoolVar(&a.globalKey, "global-key", false, "use the Global API Key (CLOUDFLARE_API_KEY, CLOUDFLARE_EMAIL) where there is no token")
	root.AddCommand(a.newNew(), a.newPlan(), a.newApply(), a.newDestroy(), a.newAdopt(), a.newRender(), a.newStatus(), a.newDoctor(),
		a.newPreview(), a.newState(), a.newSecrets(), a.newPatterns(), a.newSchema(), a.newEmulator(), a.newGitHub(), a.newVersion())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &provision.Problem{Err: err, Hints: []string{"see: " + cmd.CommandPath() + " --help"}}
	})
	return root
}

// className is the class of an error for programs.
func className(err error) string {
	var p *provision.Problem
	if errors.As(err, &p) {
		return classNames[p.Class]
	}
	return classNames[provision.Failed]
}
