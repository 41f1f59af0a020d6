package objects

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// explain words a failure for people: what could not be done, why, what to try.
func (b *Bucket) explain(verb string, err error) error {
	p := &provision.Problem{At: "r2://" + b.c.Bucket, Text: "it was not possible to " + strings.TrimSpace(verb), Err: err, Class: provision.Refused}
	said := new(Error)
	if !errors.As(err, &said) {
		p.Class = provision.Failed
		p.Hints = b.unreached(err)
		return p
	}
	switch {
	case said.Code == "NoSuchBucket":
		p.Text, p.Err = "there is no such bucket", nil
		p.Hints = []string{"make it: cfboot state init", "or, if it is in a jurisdiction, name that: r2://" + b.c.Bucket + "?jurisdiction=eu"}
	case said.Code == "NotEntitled":
		p.Hints = []string{"R2 is not enabled in the account: enable it in the dashboard, under R2 object storage"}
	case said.Status == http.StatusUnauthorized, said.Code == "SignatureDoesNotMatch", said.Code == "InvalidAccessKeyId":
		p.Hints = []string{"the keys follow from CLOUDFLARE_API_TOKEN: see that it is valid and belongs to this account: cfboot doctor",
			"a token that was just made or changed takes up to a minute"}
	case said.Status == http.StatusForbidden:
		p.Hints = []string{fmt.Sprintf("give the token \"Workers R2 Storage Bucket Item Write\" on the bucket %q", b.c.Bucket),
			"a token that was just changed takes up to a minute"}
	case said.Status >= 500, said.Status == http.StatusTooManyRequests:
		p.Class = provision.Failed
		p.Hints = []string{"R2 did not answer as it should: run the same command again later"}
	default:
		p.Class = provision.Failed
		p.Hints = []string{"see what is wrong: cfboot doctor"}
	}
	return p
}

// unreached says what to try where there was no answer.
func (b *Bucket) unreached(err error) []string {
	host := b.c.Endpoint
	if u, uerr := url.Parse(b.c.Endpoint); uerr == nil {
		host = u.Host
	}
	var name *net.DNSError
	if errors.As(err, &name) && name.IsNotFound {
		return []string{fmt.Sprintf("%q has no address: check the network, the account id, and CFBOOT_R2_ENDPOINT if it is set", name.Name)}
	}
	return []string{fmt.Sprintf("check the network, a proxy (HTTPS_PROXY) and whether %s can be reached, and CFBOOT_R2_ENDPOINT if it is set", host)}
}

// A Call is one attempt at one request, as it can be shown: no secret is in it.
type Call struct {
	Method   string
	Path     string // with the query
	Status   int    // 0: there was no answer
	Took     time.Duration
	Attempt  int    // from 1
	Err      string // why there was no answer
	Request  string // body; only where Connection.Bodies asks for it
	Response string // likewise
}

// maxBody is how much of a body is shown, in bytes.
const maxBody = 4 << 10

func (b *Bucket) trace(req *http.Request, r request, a answer, attempt int, took time.Duration, err error) {
	if b.c.Trace == nil {
		return
	}
	c := Call{Method: req.Method, Path: req.URL.RequestURI(), Status: a.status, Took: took, Attempt: attempt}
	if a.status == 0 && err != nil {
		c.Err = err.Error()
	}
	if b.c.Bodies {
		c.Request, c.Response = shown(r.body), shown(a.body)
	}
	b.c.Trace(c)
}

func shown(body []byte) string {
	if len(body) <= maxBody {
		return string(body)
	}
	return fmt.Sprintf("%s… (%d bytes more)", strings.ToValidUTF8(string(body[:maxBody]), ""), len(body)-maxBody)
}
