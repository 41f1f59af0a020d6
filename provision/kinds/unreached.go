package kinds

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// errProxy is a proxy that wants to know who asks.
var errProxy = errors.New("the proxy wants a name and a password (407 Proxy Authentication Required)")

// proxyAnswer looks at what a proxy says to being asked for a connection.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusProxyAuthRequired {
		return errProxy
	}
	return nil
}

// unreached words the failure of a request that never got to Cloudflare: by what
// stood in its way there is something else to try.
func (t *transport) unreached(err error) error {
	p := &provision.Problem{Text: "Cloudflare cannot be reached", Err: &unsentError{err}}
	var name *net.DNSError
	var invalid x509.CertificateInvalidError
	var untrusted x509.UnknownAuthorityError
	var other x509.HostnameError
	var plaintext tls.RecordHeaderError
	switch {
	case errors.Is(err, errProxy):
		p.Hints = []string{"give them with the proxy: HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT"}
	case errors.As(err, &name) && name.IsNotFound:
		p.Hints = []string{fmt.Sprintf("%q has no address: check the network, the DNS server, and CLOUDFLARE_API_BASE_URL if it is set", name.Name)}
	case errors.As(err, &name):
		p.Hints = []string{"the DNS server does not answer: check the network and what /etc/resolv.conf names"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		p.Hints = []string{clockHint(t.now(), invalid.Cert)}
	case errors.As(err, &untrusted):
		p.Hints = []string{"something between may read what is sent. Where that is your company's proxy, name its certificate: SSL_CERT_FILE=FILE"}
	case errors.As(err, &other):
		p.Hints = []string{"another server answers there: check CLOUDFLARE_API_BASE_URL, the proxy (HTTPS_PROXY) and whether the network wants a login first"}
	case errors.As(err, &plaintext):
		p.Hints = []string{"what answers there speaks no TLS: check CLOUDFLARE_API_BASE_URL and the proxy (HTTPS_PROXY)"}
	default:
		p.Hints = []string{"check the network, a proxy (HTTPS_PROXY), this machine's clock, and CLOUDFLARE_API_BASE_URL if it is set"}
	}
	return p
}

// clockHint tells a clock that is wrong from a certificate that has run out.
func clockHint(now time.Time, cert *x509.Certificate) string {
	const form = "2006-01-02 15:04 MST"
	if cert == nil {
		return "set this machine's clock right"
	}
	return fmt.Sprintf("the certificate is valid from %s to %s, and this machine's clock says %s: set it right, if it is wrong",
		cert.NotBefore.UTC().Format(form), cert.NotAfter.UTC().Format(form), now.UTC().Format(form))
}
