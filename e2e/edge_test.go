package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// edge WORKER   stands where Cloudflare's edge is, for whoever asks through
// $HTTPS_PROXY and trusts $SSL_CERT_FILE: every host leads to that Worker, as it
// is deployed when it is first asked for, run by workerd. Until it runs it answers
// 522, as the edge does of what is not ready.
func edge(ts *testscript.TestScript, neg bool, args []string) {
	e := &standIn{bundle: "http://127.0.0.1:" + ts.Getenv("PORT") + "/__emulator/bundle/" + ts.Getenv("CLOUDFLARE_ACCOUNT_ID") + "/" + args[0],
		folder: filepath.Join(ts.Getenv("WORK"), "edge"), port: ts.Getenv("DEVPORT"), inspect: ts.Getenv("INSPECTPORT")}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "WRANGLER_REGISTRY_PATH", "WRANGLER_CACHE_DIR", "CLOUDFLARE_CF_FETCH_ENABLED"} {
		e.env = append(e.env, name+"="+ts.Getenv(name))
	}
	certificate, authority, err := selfMade()
	ts.Check(err)
	file := filepath.Join(ts.Getenv("WORK"), "edge.pem")
	ts.Check(os.WriteFile(file, authority, 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.tunnel(w, r, certificate) }), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l) //nolint:errcheck // it ends with ErrServerClosed when closed
	ts.Defer(func() { _ = server.Close(); e.stop(); ts.Logf("the edge: %s", e.out.String()) })
	ts.Setenv("HTTPS_PROXY", "http://"+l.Addr().String())
	ts.Setenv("NO_PROXY", "127.0.0.1,localhost")
	ts.Setenv("SSL_CERT_FILE", file)
}

// standIn runs one Worker once it is asked for.
type standIn struct {
	bundle, folder, port, inspect string
	env                           []string

	mu      sync.Mutex
	process *exec.Cmd
	out     bytes.Buffer // read once it has ended
}

// tunnel is what a proxy does for https, but that it answers itself.
func (e *standIn) tunnel(w http.ResponseWriter, r *http.Request, certificate tls.Certificate) {
	if r.Method != http.MethodConnect {
		http.Error(w, "this is a proxy for https only", http.StatusBadRequest)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	l := &oneConn{conn: tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}), closed: make(chan struct{})}
	_ = http.Serve(l, http.HandlerFunc(e.answer)) //nolint:gosec // a test's
}

func (e *standIn) answer(w http.ResponseWriter, r *http.Request) {
	to := &url.URL{Scheme: "http", Host: "127.0.0.1:" + e.port}
	if err := e.start(); err != nil {
		http.Error(w, err.Error(), 530)
		return
	}
	if c, err := net.Dial("tcp", to.Host); err != nil {
		http.Error(w, "error code: 522", 522)
		return
	} else {
		_ = c.Close()
	}
	httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
}

// start runs the Worker, where it does not run yet.
func (e *standIn) start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process != nil {
		return nil
	}
	resp, err := http.Get(e.bundle)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("no such Worker: %d %v", resp.StatusCode, err)
	}
	if err := unpack(data, e.folder); err != nil {
		return err
	}
	cmd := exec.Command("wrangler", "dev", "--local", "--ip", "127.0.0.1", "--port", e.port, "--inspector-port", e.inspect, "--show-interactive-dev-session=false")
	for _, v := range e.env {
		if dirs, is := strings.CutPrefix(v, "PATH="); is {
			for _, d := range filepath.SplitList(dirs) {
				if _, err := os.Stat(filepath.Join(d, "wrangler")); err == nil {
					cmd.Path = filepath.Join(d, "wrangler")
					cmd.Err = nil
					break
				}
			}
		}
	}
	cmd.Dir, cmd.Env = e.folder, e.env
	cmd.Stdout, cmd.Stderr = &e.out, &e.out
	if err := cmd.Start(); err != nil {
		return err
	}
	e.process = cmd
	return nil
}

func (e *standIn) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process != nil {
		_ = e.process.Process.Signal(os.Interrupt)
		_ = e.process.Wait()
	}
}

// oneConn is a listener of one connection.
type oneConn struct {
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	var c net.Conn
	l.once.Do(func() { c = l.conn })
	if c != nil {
		return &told{c, l.closed, sync.Once{}}, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// told says when it is closed.
type told struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (t *told) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.Conn.Close()
}

// selfMade is a certificate for the test's hosts, and what trusts it.
func selfMade() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "edge"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"*.my-saas.example", "my-saas.example", "*.shop.example"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// writes N [FILE]   exactly so many requests since the last reset have written
// something; how many there were in all goes to the log
func writes(ts *testscript.TestScript, neg bool, args []string) {
	var all []struct {
		Method, Path string
		Status       int
	}
	ts.Check(json.Unmarshal(ask(ts, http.MethodGet, "http://127.0.0.1:"+ts.Getenv("PORT")+"/__emulator/requests"), &all))
	var found []string
	for _, r := range all {
		reads := r.Method == http.MethodGet || r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/query")
		if !reads {
			found = append(found, r.Method+" "+r.Path)
		}
	}
	ts.Logf("%d API calls, %d of them writes", len(all), len(found))
	if args[0] != "any" && len(found) != number(ts, args[0]) {
		ts.Fatalf("%d writes, want %s:\n%s", len(found), args[0], strings.Join(found, "\n"))
	}
}
