package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The emulator's account has the plan and lacks the products that the flags say,
// also where its folder knew better.
func TestEmulatorsAccount(t *testing.T) {
	data := t.TempDir()
	for _, tt := range []struct {
		flags []string
		code  string // in the answer about R2
	}{
		{nil, `"success":true`}, {[]string{"--without", "r2", "--plan", "free"}, `"code":10042`}, {nil, `"success":true`},
	} {
		out, in := io.Pipe()
		signals := make(chan os.Signal, 1)
		ended := make(chan int, 1)
		env := Env{Dir: data, Stdin: strings.NewReader(""), Stdout: in, Stderr: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now, Signals: signals}
		go func() {
			ended <- Main(env, append([]string{"emulator", "--json", "--quiet", "--addr", "127.0.0.1:0", "--data", data}, tt.flags...))
		}()
		var doc struct{ Settings map[string]string }
		if err := json.NewDecoder(out).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		req, err := http.NewRequest("GET", doc.Settings["CLOUDFLARE_API_BASE_URL"]+"/accounts/"+offlineAccount+"/r2/buckets", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+offlineToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body) // what came is compared
		_ = resp.Body.Close()
		if !strings.Contains(string(body), tt.code) {
			t.Errorf("%q: %s", tt.flags, body)
		}
		signals <- os.Interrupt
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("it does not end")
		}
	}
	for _, flags := range [][]string{{"--plan", "gold"}, {"--without", "pages"}} {
		env := Env{Dir: data, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now}
		if code := Main(env, append([]string{"emulator", "--addr", "127.0.0.1:0", "--data", data}, flags...)); code != exitRefused {
			t.Errorf("%q: exit %d", flags, code)
		}
	}
}
