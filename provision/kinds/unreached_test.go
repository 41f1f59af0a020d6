package kinds

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// through is a client whose requests go out by a transport of its own.
func through(t *testing.T, base string, rt http.RoundTripper) *Client {
	t.Helper()
	c, err := Connect(Connection{Token: testToken, Account: testAccount, BaseURL: base, Transport: rt, Project: "shop", Environment: provision.Production})
	if err != nil {
		t.Fatal(err)
	}
	k := &clock{t: time.Now()}
	c.transport.now, c.transport.sleep = k.now, k.sleep
	return c
}

// What keeps a request from Cloudflare is told by its kind, with what to do.
func TestWhatStandsInTheWay(t *testing.T) {
	quiet := func(s *httptest.Server) *httptest.Server {
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(s.Close)
		return s
	}
	secure := quiet(httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was spoken to") })))
	plaintext := quiet(httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	proxy := quiet(httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" && r.Method == http.MethodConnect {
			t.Error("the proxy was told the token")
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	})))
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	names := func(found bool) *http.Transport {
		return &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(addr)
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: !found}}
		}}
	}
	trusting := func(change func(*tls.Config)) *http.Transport {
		pool := x509.NewCertPool()
		pool.AddCert(secure.Certificate())
		conf := &tls.Config{RootCAs: pool, ServerName: "example.com"}
		change(conf)
		return &http.Transport{TLSClientConfig: conf}
	}
	for _, tt := range []struct {
		name, base string
		rt         http.RoundTripper
		hint       string
	}{
		{"no such name", "https://nowhere.example", names(false), `"nowhere.example" has no address`},
		{"no DNS server", "https://nowhere.example", names(true), "DNS server does not answer"},
		{"a clock that is behind", secure.URL, trusting(func(c *tls.Config) { c.Time = func() time.Time { return time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) } }), "this machine's clock says"},
		{"a clock that is ahead", secure.URL, trusting(func(c *tls.Config) { c.Time = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) } }), "this machine's clock says"},
		{"an unknown authority", secure.URL, &http.Transport{}, "SSL_CERT_FILE"},
		{"another server's certificate", secure.URL, trusting(func(c *tls.Config) { c.ServerName = "api.cloudflare.com" }), "another server answers there"},
		{"no TLS", strings.Replace(plaintext.URL, "http:", "https:", 1), &http.Transport{}, "speaks no TLS"},
		{"a proxy for TLS that wants a password", "https://api.cloudflare.com/client/v4", &http.Transport{Proxy: http.ProxyURL(at), OnProxyConnectResponse: proxyAnswer}, "HTTPS_PROXY=http://NAME:PASSWORD@"},
		{"a proxy that wants a password", "http://cloudflare.example/client/v4", &http.Transport{Proxy: http.ProxyURL(at)}, "HTTPS_PROXY=http://NAME:PASSWORD@"},
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				err := through(t, tt.base, tt.rt).ask(method)
				var p *provision.Problem
				var lost *provision.LostError
				if !errors.As(err, &p) || errors.As(err, &lost) || p.Class != provision.Failed || !strings.Contains(err.Error(), "Cloudflare cannot be reached") {
					t.Fatalf("%T %v", err, err)
				}
				if said := strings.Join(p.Hints, "\n"); !strings.Contains(said, tt.hint) {
					t.Errorf("%v: hints %q", err, said)
				}
			})
		}
	}
}

// The transport that is really used tells a proxy that wants a password from
// one that is broken.
func TestTheUsualTransportKnowsAProxysAnswer(t *testing.T) {
	tr := newTransport(Connection{Token: testToken}).base.(*http.Transport)
	if tr.OnProxyConnectResponse == nil {
		t.Fatal("it does not look at the proxy's answer")
	}
	answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader("HTTP/1.1 407 Who?\r\n\r\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.OnProxyConnectResponse(context.Background(), nil, nil, answer); !errors.Is(err, errProxy) {
		t.Errorf("%v", err)
	}
	answer.StatusCode = http.StatusOK
	if err := tr.OnProxyConnectResponse(context.Background(), nil, nil, answer); err != nil {
		t.Errorf("%v", err)
	}
}
