//go:build !windows

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// said is the token in every form that a server might say it back.
func said() map[string]string {
	escaped, percent := "", ""
	for _, c := range []byte(testToken) {
		escaped += fmt.Sprintf(`\u%04x`, c)
		percent += fmt.Sprintf("%%%02X", c)
	}
	return map[string]string{
		"plain": testToken, "hex": hex.EncodeToString([]byte(testToken)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(testToken))),
		"base64": base64.RawStdEncoding.EncodeToString([]byte(testToken)), "base64 URL": base64.RawURLEncoding.EncodeToString([]byte(testToken)),
		"query": url.QueryEscape(testToken), "percent": percent, "escaped": escaped, "HTML": strings.ReplaceAll(testToken, "-", "&#45;"),
		"base64 of the header": base64.StdEncoding.EncodeToString([]byte("Bearer " + testToken + ".")),
		"base64 of a login":    base64.StdEncoding.EncodeToString([]byte("u:" + testToken + "!!")),
	}
}

// core is what of a form has to be gone: of base64 all but its ends, where it
// shares digits with what stands beside it.
func core(name, form string) string {
	if strings.HasPrefix(name, "base64 of") {
		return form[16 : len(form)-8]
	}
	if strings.HasPrefix(name, "base64") {
		return form[:len(form)-2]
	}
	return form
}

// echoing answers as next does and says the token back wherever it can: in
// headers, beside every result, and with every third request in an error.
func echoing(next http.Handler, always bool) http.Handler {
	var n atomic.Int64
	var everything strings.Builder
	for name, form := range said() {
		fmt.Fprintf(&everything, "%s=%s\n", name, form)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, form := range said() {
			w.Header().Set("X-Echo-"+strings.ReplaceAll(name, " ", "-"), form)
		}
		w.Header().Set("X-Authorization", r.Header.Get("Authorization"))
		k := n.Add(1)
		switch {
		case always && k > 4:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"success": false, "errors": []any{map[string]any{"code": 1234, "message": everything.String()}}})
			return
		case k%3 == 0 && r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "text/html; token="+testToken)
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, "<html><pre>Authorization: %s\n%s</pre></html>", r.Header.Get("Authorization"), everything.String())
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		var envelope map[string]any
		if json.Unmarshal(body, &envelope) == nil && envelope != nil {
			envelope["messages"] = []any{map[string]any{"code": 1, "message": everything.String()}}
			// As it comes, and not as Go's encoder would have it.
			body, _ = json.Marshal(envelope)
			body = bytes.Replace(body, []byte(`"messages":[`), []byte(`"messages":["`+said()["escaped"]+`",`), 1)
		}
		w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	})
}

// TestTokenIsNeverShown: not on any output with -vv, not in any file, whatever
// the server says back.
func TestTokenIsNeverShown(t *testing.T) {
	bin := build(t)
	for _, always := range []bool{false, true} {
		for _, form := range [][]string{nil, {"--json"}} {
			t.Run(fmt.Sprintf("%v %v", always, form), func(t *testing.T) {
				t.Parallel()
				s := newStage(t, bin)
				s.http.Close()
				s.http = httptest.NewServer(echoing(s.server, always))
				var all strings.Builder
				run := func(want int, args ...string) {
					code, out := s.run(t, nil, append(args, form...)...)
					all.WriteString(out)
					if code != want && !always {
						t.Errorf("%q: exit %d\n%s", args, code, out)
					}
				}
				run(0, append(s.newArgs(), "-vv")...)
				if always {
					_ = os.MkdirAll(filepath.Join(s.dir, "shop"), 0o755)
				}
				run(0, s.in("plan", "--out", "plan.json", "-vv")...)
				run(0, s.in("apply", "--yes", "-vv")...)
				run(0, s.in("apply", "plan.json", "--yes", "-vv")...)
				files := 0
				look := func() {
					err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
						if err != nil || d.IsDir() {
							return err
						}
						files++
						b, err := os.ReadFile(path)
						lookFor(t, path, string(b))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
				look()
				run(0, s.in("destroy", "--yes", "-vv")...)
				look()
				lookFor(t, "output", all.String())
				if !always && files < 20 {
					t.Errorf("only %d files", files)
				}
				for _, want := range []string{"api: GET /client/v4/accounts", "[hidden]", "api:   answered"} {
					if !strings.Contains(all.String(), want) {
						t.Errorf("the trace says no %q:\n%.3000s", want, all.String())
					}
				}
			})
		}
	}
}

func lookFor(t *testing.T, place, text string) {
	t.Helper()
	for name, form := range said() {
		if at := strings.Index(text, core(name, form)); at >= 0 {
			t.Errorf("%s has the token (%s): …%s…", place, name, text[max(0, at-80):min(len(text), at+120)])
		}
	}
}

// TestTrace: -v is a line for every API call, and the answer stays one document.
func TestTrace(t *testing.T) {
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	s.server.ResetRequests()
	out, errs, code := s.apart(t, nil, nil, "plan", "-v", "--json")
	var doc map[string]any
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 {
		t.Fatalf("exit %d: %v\n%s", code, err, out)
	}
	lines := strings.Count(errs, "api: GET /client/v4/")
	if lines != len(s.server.Requests()) || strings.Contains(errs, "answered") || !strings.Contains(errs, " 200 in ") {
		t.Errorf("%d lines for %d requests:\n%s", lines, len(s.server.Requests()), errs)
	}
	if _, errs, _ := s.apart(t, nil, nil, "plan"); strings.Contains(errs, "api:") {
		t.Errorf("unasked:\n%s", errs)
	}
}

// TestNoFlagTakesTheToken: an argument is seen by everybody on the machine.
func TestNoFlagTakesTheToken(t *testing.T) {
	s := newStage(t, build(t))
	for _, command := range []string{"new", "plan", "apply", "destroy", "adopt", "render", "status", "state", "doctor", "emulator"} {
		if help := s.must(t, ".", command, "--help"); strings.Contains(help, "--token") || strings.Contains(help, "--api-token") {
			t.Errorf("%s:\n%s", command, help)
		}
	}
}

// apart runs a command in the project's folder with its two outputs apart.
func (s *stage) apart(t *testing.T, stdout io.Writer, extra []string, args ...string) (out, said string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = filepath.Join(s.dir, "shop")
	cmd.Env = append([]string{"HOME=" + s.dir, "CLOUDFLARE_API_BASE_URL=" + s.http.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + testToken}, extra...)
	cmd.Stdout, cmd.Stderr = &o, &e
	if stdout != nil {
		cmd.Stdout = stdout
	}
	s.mu.Lock()
	err := cmd.Start()
	s.process = cmd.Process
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}
