package e2e

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// askByHand asks as the dashboard would, and gives the answer.
func askByHand(ts *testscript.TestScript, c *cloud, method, path string) []byte {
	req := httptest.NewRequest(method, "/client/v4/"+path, nil)
	req.Header.Set("Authorization", "Bearer by-hand-01234567890123456789012345678901")
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, req)
	if w.Code >= 300 {
		ts.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// keepAnswer writes what Cloudflare answers into a file.
func keepAnswer(ts *testscript.TestScript, c *cloud, path, file string) {
	ts.Check(os.WriteFile(ts.MkAbs(file), askByHand(ts, c, "GET", path), 0o600))
}

// secretsOfWidgets makes $SECRETS a pattern for the secrets of all widgets.
func secretsOfWidgets(ts *testscript.TestScript, c *cloud) {
	const path = "accounts/" + testAccount + "/challenges/widgets"
	var list struct{ Result []struct{ Sitekey string } }
	ts.Check(json.Unmarshal(askByHand(ts, c, "GET", path), &list))
	var secrets []string
	for _, w := range list.Result {
		var one struct{ Result struct{ Secret string } }
		ts.Check(json.Unmarshal(askByHand(ts, c, "GET", path+"/"+w.Sitekey), &one))
		secrets = append(secrets, one.Result.Secret)
	}
	if len(secrets) == 0 || len(secrets[0]) < 30 {
		ts.Fatalf("%d widgets have secrets", len(secrets))
	}
	ts.Setenv("SECRETS", strings.Join(secrets, "|"))
}
