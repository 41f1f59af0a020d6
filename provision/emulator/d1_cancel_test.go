package emulator

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// ending is the context of a request that ends when it has been asked so often
// whether it does: at every point of the way of a statement, a driver's own included.
type ending struct {
	context.Context
	left   *atomic.Int64
	closed chan struct{}
}

func (e ending) Done() <-chan struct{} {
	if e.left.Add(-1) < 0 {
		return e.closed
	}
	return nil
}

func (e ending) Err() error {
	if e.left.Load() < 0 {
		return context.Canceled
	}
	return nil
}

// A request that ends while its statements run leaves the connection as the next
// one expects it: in no transaction, and writable.
func TestQueryThatIsLeft(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed := make(chan struct{})
	close(closed)
	work := []statement{{SQL: "SELECT 1"}, {SQL: "SELECT 2"}}
	left := 0
	for i := range 3000 {
		ctx := ending{t.Context(), new(atomic.Int64), closed}
		ctx.left.Store(int64(i % 30))
		if _, err := runAll(ctx, conn, work, objectRows, i%2 == 0); err != nil {
			left++
		}
		for _, sql := range []string{"CREATE TABLE IF NOT EXISTS t (a)", "BEGIN", "INSERT INTO t VALUES (1)", "ROLLBACK"} {
			if _, err := conn.ExecContext(t.Context(), sql); err != nil {
				t.Fatalf("after %d, which was asked %d times: %s: %v", i, i%30, sql, err)
			}
		}
	}
	if left == 0 {
		t.Error("no request ended early")
	}
}
