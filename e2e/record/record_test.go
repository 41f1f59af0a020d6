package record

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

// TestAround: an exchange is written as it was, but for what could let somebody
// in, and lost answers are not written at all.
func TestAround(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(Folder, dir)
	s := httptest.NewServer(Around("here", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "lost") {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set(emulator.FailureHeader, "1")
		w.WriteHeader(http.StatusTeapot)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(append([]byte("heard "), body...)) // the client reads it all
	})))
	defer s.Close()
	for _, path := range []string{"/client/v4/a%2Fb?c=d", "/client/v4/lost", "/__emulator/state"} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Authorization": {"Bearer secret"}, "User-Agent": {"wrangler/4"}, "Cf-R2-Jurisdiction": {"eu"}, "Content-Type": {"text/plain"}}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		} else if !strings.HasSuffix(path, "lost") {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "here-*.ndjson"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret") {
		t.Errorf("the token was written: %s", data)
	}
	var e Exchange
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatalf("not one exchange: %v\n%s", err, data)
	}
	if e.Client != "wrangler" || e.Path != "a%2Fb" || e.Query != "c=d" || e.Request.Text != "body" || e.Status != 418 || e.Answer.Text != "heard body" || !e.MadeUp || e.Header.Get("Cf-R2-Jurisdiction") != "eu" {
		t.Errorf("got %+v", e)
	}
}
