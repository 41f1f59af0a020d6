package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
)

// What the emulator prints is what AWS's client needs.
func TestEmulatorServesS3(t *testing.T) {
	for _, tokens := range [][]string{nil, {"name=ci"}, {"name=ci,value=abc,groups=Workers R2 Storage Write"}} {
		who := access{tokens: tokens, slowKeys: true}
		o := emulator.Options{Accounts: []emulator.Account{{ID: offlineAccount}}}
		if err := who.apply(&o); err != nil {
			t.Fatal(err)
		}
		if o.R2KeyInterval != time.Second {
			t.Errorf("options: %+v", o)
		}
		s, err := emulator.Open("", o)
		if err != nil {
			t.Fatal(err)
		}
		url, stop, err := serveS3(s, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		env := map[string]string{}
		for _, setting := range s3Settings(s, url) {
			env[setting[0]] = setting[1]
		}
		client := s3.New(s3.Options{Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_S3"]), UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")})
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("state")}); err != nil {
			t.Errorf("%v: %v", tokens, err)
		}
		if err := errors.Join(stop(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestEmulatorFlagsRefused(t *testing.T) {
	for _, test := range []struct {
		who access
		at  string
	}{
		{access{tokens: []string{"color=red"}}, "--grant"},
		{access{tokens: []string{"from=everywhere"}}, "--grant"},
	} {
		var p *provision.Problem
		if err := test.who.apply(&emulator.Options{}); !errors.As(err, &p) || p.At != test.at || p.Class != provision.Refused || !strings.Contains(strings.Join(p.Hints, " "), "cfboot emulator") {
			t.Errorf("%+v: %v", test.who, err)
		}
	}
	if _, _, err := serveS3(nil, "nowhere:x"); err == nil {
		t.Error("an address that is none was served")
	}
	url, stop, err := serveS3(nil, "")
	if url != "" || stop() != nil || err != nil {
		t.Errorf("no address: %q %v", url, err)
	}
}
