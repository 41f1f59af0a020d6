package kinds_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
)

// A file of SQL goes in as a whole or not at all, and the signed address that it
// goes to stands in no error.
func TestImport(t *testing.T) {
	const base = "accounts/" + account + "/d1/database"
	for _, tt := range []struct {
		name    string
		sql     string
		fail    *emulator.Failure
		rows    int // afterwards
		refused bool
		fails   bool
	}{
		{name: "plain", sql: "CREATE TABLE a (x);\nINSERT INTO a VALUES ('é;'), (2);", rows: 2},
		{name: "wrong", sql: "CREATE TABLE a (x);\nINSERT INTO nowhere VALUES (1);", refused: true, fails: true},
		{name: "its begin fails once", sql: "CREATE TABLE a (x); INSERT INTO a VALUES (1);", fail: &emulator.Failure{Method: "POST", Path: ".*/import", Status: 500, Count: 1}, rows: 1},
		{name: "the answer is lost", sql: "CREATE TABLE a (x); INSERT INTO a VALUES (1);", fail: &emulator.Failure{Method: "POST", Path: ".*/import", After: true, Drop: true, Skip: 1, Count: 1}, rows: 1, fails: true},
		{name: "it is not allowed", sql: "CREATE TABLE a (x); INSERT INTO a VALUES (1);", fail: &emulator.Failure{Method: "POST", Path: ".*/import", Status: 403, Code: 10000, Count: 9}, fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			id := jsonID(t, w.call(t, "POST", base, `{"name":"filled"}`))
			if tt.fail != nil {
				w.server.Fail(*tt.fail)
			}
			c := w.client(t)
			err := c.Import(context.Background(), id, strings.NewReader(tt.sql))
			var untaken *kinds.ImportError
			if (err != nil) != tt.fails || errors.As(err, &untaken) != tt.refused {
				t.Fatalf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "__emulator") {
				t.Errorf("the signed address is in the error: %v", err)
			}
			h, known, err := w.client(t).Holds(context.Background(), id)
			if err != nil || !known || h.Rows != tt.rows || (h.Tables == 0) != (tt.rows == 0) {
				t.Errorf("it holds %+v (%v, %v), want %d rows", h, known, err, tt.rows)
			}
		})
	}
}

func jsonID(t *testing.T, answer []byte) string {
	t.Helper()
	_, after, _ := bytes.Cut(answer, []byte(`"uuid":"`))
	id, _, _ := bytes.Cut(after, []byte(`"`))
	if len(id) == 0 {
		t.Fatalf("no id in %s", answer)
	}
	return string(id)
}
