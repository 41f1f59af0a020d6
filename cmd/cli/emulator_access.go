package cli

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/spf13/cobra"
)

// access is who may call the emulator, and where its S3 API is.
type access struct {
	tokens   []string
	s3       string
	slowKeys bool
}

func (x *access) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&x.tokens, "grant", nil, "a token that may call, such as \"name=ci,groups=D1 Write+DNS Read\"; none: any token, with all rights")
	cmd.Flags().StringVar(&x.s3, "s3-addr", "", "address to serve R2's S3 API on; it is under /__s3/ACCOUNT of the other one, too")
	cmd.Flags().BoolVar(&x.slowKeys, "r2-key-limit", false, "refuse a second write to an R2 object within a second, as R2 does")
}

// apply puts it into the options.
func (x *access) apply(o *emulator.Options) error {
	if x.slowKeys {
		o.R2KeyInterval = time.Second
	}
	for _, text := range x.tokens {
		t, err := emulator.ParseToken(text)
		if err != nil {
			return &provision.Problem{At: "--grant", Text: err.Error(), Class: provision.Refused,
				Hints: []string{`for example: cfboot emulator --grant "name=ci,groups=D1 Write+DNS Read,read-only"`}}
		}
		o.Tokens = append(o.Tokens, t)
	}
	return nil
}

// firstToken is what a caller may use.
func firstToken(s *emulator.Server) string {
	if all := s.Tokens(); len(all) > 0 {
		return all[0].Value
	}
	return offlineToken
}

// serveS3 serves the S3 API at the root of an address of its own, if there is one.
func serveS3(s *emulator.Server, addr string) (url string, stop func() error, err error) {
	if addr == "" {
		return "", func() error { return nil }, nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	h := &http.Server{Handler: s.S3(offlineAccount), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := h.Close()
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}, nil
}

// s3Settings are what AWS's clients read.
func s3Settings(s *emulator.Server, url string) [][2]string {
	if url == "" {
		return nil
	}
	id, secret := s.S3Keys(firstToken(s))
	return [][2]string{{"AWS_ENDPOINT_URL_S3", url}, {"AWS_ACCESS_KEY_ID", id}, {"AWS_SECRET_ACCESS_KEY", secret}, {"AWS_REGION", "auto"}}
}
