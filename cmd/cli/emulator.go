package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/spf13/cobra"
)

func (a *app) newEmulator() *cobra.Command {
	var data, addr, plan string
	var zones, without, faults []string
	var o emulator.Options
	var quiet bool
	var who access
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Serve an emulated Cloudflare API on this machine",
		Long: "Serves Cloudflare's API on a port of this machine until it is interrupted. What\n" +
			"is made there is kept in the data folder; in a project that is the folder of the\n" +
			"offline rehearsal, so that other tools see what cfboot --offline has made.\n\n" +
			"A browser shows what exists, and the last requests, under /__emulator/. Faults\n" +
			"are given as KIND [METHOD] [PATH] [after] [count=N] [skip=N] [chance=P] [seed=N],\n" +
			"where PATH is a regular expression that begins with / or ^, \"after\" lets the\n" +
			"request have its effect first, and KIND is one of:\n\n" + emulator.FaultHelp(),
		Example: "  cfboot emulator\n  cfboot emulator --data ./cf --zone example.com --latency 150ms --jitter 50ms\n" +
			"  cfboot emulator --rate-limit 1200 --fault 'drop POST /d1/database$ after' --fault '503 chance=0.1 seed=7'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if data == "" {
				data = emulatorDir(a.Dir)
			}
			o.Accounts, o.Now = []emulator.Account{{ID: offlineAccount, Name: "Offline"}}, a.Now
			if !quiet {
				o.Log = a.Stderr
			}
			strikes, err := parseFaults(faults)
			if err == nil {
				err = who.apply(&o)
			}
			if err != nil {
				return err
			}
			// The data folder keeps its account, so that is told anew what it is.
			account := emulator.Account{ID: offlineAccount, Plan: plan, Without: without}
			return a.serve(a.path(data), addr, zones, account, o, who.s3, strikes)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder to keep it in (default: .cfboot/offline/cloudflare)")
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8799", "address to listen on")
	cmd.Flags().StringSliceVar(&zones, "zone", nil, "a zone that shall exist and be active")
	cmd.Flags().StringVar(&plan, "plan", emulator.PlanPaid, "the account's plan, with its limits: free, paid")
	cmd.Flags().StringSliceVar(&without, "without", nil, "a product that the account has not enabled: r2, queues")
	cmd.Flags().DurationVar(&o.Latency, "latency", 0, "wait before each answer")
	cmd.Flags().DurationVar(&o.Jitter, "jitter", 0, "wait at most so much more")
	cmd.Flags().DurationVar(&o.Lag, "lag", 0, "how long a new resource stays invisible")
	cmd.Flags().IntVar(&o.RateLimit, "rate-limit", 0, "calls in five minutes before all are refused; Cloudflare has 1200")
	cmd.Flags().StringArrayVar(&faults, "fault", nil, "a fault that strikes, as above")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "do not log requests")
	who.flags(cmd)
	return cmd
}

// parseFaults reads the faults of the command line.
func parseFaults(texts []string) ([]emulator.Failure, error) {
	var out []emulator.Failure
	for _, text := range texts {
		f, err := emulator.ParseFailure(text)
		if err != nil {
			return nil, &provision.Problem{At: "--fault", Text: err.Error(), Class: provision.Refused,
				Hints: []string{"for how they are written: cfboot emulator --help"}}
		}
		out = append(out, f)
	}
	return out, nil
}

func (a *app) serve(data, addr string, zones []string, account emulator.Account, o emulator.Options, s3 string, faults []emulator.Failure) error {
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		return err
	}
	s, err := emulator.Open(data, o)
	if errors.Is(err, emulator.ErrLocked) {
		return &provision.Problem{At: data, Text: "the data folder is in use by another process", Class: provision.Locked}
	}
	if err != nil {
		return err
	}
	if err := s.SetAccount(account); err != nil {
		return errors.Join(refused(err.Error(), "see: cfboot emulator --help"), s.Close())
	}
	for _, z := range zones {
		if err := s.AddZone(z, offlineAccount); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	for _, f := range faults {
		s.Fail(f)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	bucketURL, stopS3, err := serveS3(s, s3)
	if err != nil {
		return errors.Join(err, listener.Close(), s.Close())
	}
	v := a.view()
	settings := [][2]string{
		{"CLOUDFLARE_API_BASE_URL", fmt.Sprintf("http://%s/client/v4", listener.Addr())},
		{"CLOUDFLARE_API_TOKEN", firstToken(s)}, {"CLOUDFLARE_ACCOUNT_ID", offlineAccount},
	}
	settings = append(settings, s3Settings(s, bucketURL)...)
	a.doc.Settings = map[string]string{}
	for _, s := range settings {
		v.Print("export %s=%s", s[0], s[1])
		a.doc.Settings[s[0]] = s[1]
	}
	for i, t := range s.Tokens() {
		if i > 0 {
			v.Print("# token %s: %s", t.Name, t.Value)
		}
	}
	v.Print("# what exists, and the last requests: http://%s/__emulator/", listener.Addr())
	if a.json {
		// Printed now, because it serves until it is stopped.
		a.doc.OK, a.doc.Command = true, "emulator"
		if err := v.Document(a.doc); err != nil {
			return errors.Join(err, listener.Close(), stopS3(), s.Close())
		}
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	select {
	case err = <-served:
	case <-a.stopping.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = h.Shutdown(ctx)
	}
	return errors.Join(err, stopS3(), s.Close())
}
