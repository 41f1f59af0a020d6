package emulator

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// statement is one SQL statement with its parameters.
type statement struct {
	SQL    string `json:"sql"`
	Params []any  `json:"params"`
}

func (s *Server) queryDatabase(c *call) (*reply, error) { return s.runSQL(c, objectRows) }
func (s *Server) rawDatabase(c *call) (*reply, error)   { return s.runSQL(c, arrayRows) }

// runSQL runs the body's statements in one transaction: all or nothing.
func (s *Server) runSQL(c *call, shape rowShape) (*reply, error) {
	d, err := s.freeDatabase(c)
	if err != nil {
		return nil, err
	}
	statements, err := readStatements(c)
	if err != nil {
		return nil, err
	}
	results, err := s.transact(c, d, statements, shape)
	if err != nil {
		return nil, err
	}
	return ok(results)
}

// readStatements takes {sql, params} or {batch: [...]} apart.
func readStatements(c *call) ([]statement, error) {
	var in struct {
		statement
		Batch []statement `json:"batch"`
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.UseNumber()
	if err := decoder.Decode(&in); err != nil {
		return nil, errBadD1Body
	}
	given := in.Batch
	if in.SQL != "" || len(given) == 0 {
		given = append([]statement{in.statement}, given...)
	}
	var out []statement
	for _, g := range given {
		switch {
		case len(g.SQL) > maxSQL:
			return nil, refuse(http.StatusBadRequest, 7500, "statement too long: SQLITE_TOOBIG")
		case len(g.Params) > maxParams:
			return nil, refuse(http.StatusBadRequest, 7500, "too many SQL variables: SQLITE_ERROR")
		}
		parts := splitSQL(g.SQL)
		if len(parts) == 0 {
			return nil, refuse(http.StatusBadRequest, 7500, "No SQL statements detected.")
		}
		if len(parts) > 1 && len(g.Params) > 0 {
			return nil, refuse(http.StatusBadRequest, 7500, "A prepared SQL statement must contain only one statement.")
		}
		for _, sql := range parts {
			out = append(out, statement{sql, g.Params})
		}
	}
	for i := range out {
		if err := out[i].bind(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bind turns JSON values into SQLite's; D1 takes no objects.
func (st *statement) bind() error {
	st.Params = slices.Clone(st.Params)
	for i, p := range st.Params {
		switch v := p.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				st.Params[i] = n
				continue
			}
			f, err := v.Float64()
			if err != nil {
				return errBadD1Body
			}
			st.Params[i] = f
		case nil, string:
		case bool:
			st.Params[i] = int64(0)
			if v {
				st.Params[i] = int64(1)
			}
		default:
			return refuse(http.StatusBadRequest, 7400, "Invalid property: params => Invalid input")
		}
	}
	return nil
}

// ownTransaction are the words that would break out of the one transaction.
var ownTransaction = []string{"BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"}

// Limits of a statement: its length in bytes, and its parameters. guess: the code
// and the texts, which are SQLite's own.
const (
	maxSQL    = 100_000
	maxParams = 100
)

// queryLimit is how long one call may take.
const queryLimit = 30 * time.Second

// transact runs the statements and afterwards notes the database's new size.
// What changed the database gets a bookmark.
func (s *Server) transact(c *call, d *database, statements []statement, shape rowShape) ([]queryResult, error) {
	var results []queryResult
	writes := c.token.may(need{group: groupD1, write: true, account: d.Account})
	ctx, cancel := context.WithTimeout(c.Context(), queryLimit)
	defer cancel()
	err := s.sqlite.with(ctx, d.ID, func(conn *sql.Conn) error {
		var err error
		if results, err = runAll(ctx, conn, statements, shape, writes); err != nil {
			return err
		}
		return s.note(ctx, conn, d.ID, results)
	})
	if err != nil {
		return nil, sqlRefusal(err)
	}
	return results, nil
}

// note keeps the database's new size, and the state that it is in if it is another.
// The database is still locked, so that bookmarks come in the order of the changes.
func (s *Server) note(ctx context.Context, conn *sql.Conn, id string, results []queryResult) error {
	tables, size, err := measure(ctx, conn)
	if err != nil {
		return err
	}
	changed := false
	for i := range results {
		results[i].Meta.SizeAfter = size
		changed = changed || results[i].Meta.ChangedDB
	}
	return s.change(func(x *txn) error {
		d, has := s.databases.get(id)
		if !has {
			return nil
		}
		if d.Tables != tables || d.Size != size {
			next := *d
			next.Tables, next.Size = tables, size
			s.databases.put(x, &next)
		}
		if !changed {
			return nil
		}
		_, err := s.remember(x, conn, d, size)
		return err
	})
}

func runAll(ctx context.Context, conn *sql.Conn, statements []statement, shape rowShape, writes bool) ([]queryResult, error) {
	// Whatever becomes of the request: one that ends in the middle of these would leave
	// the connection in a state that the next one does not expect.
	own := context.WithoutCancel(ctx)
	if !writes {
		if _, err := conn.ExecContext(own, "PRAGMA query_only = 1"); err != nil {
			return nil, err
		}
		defer conn.ExecContext(own, "PRAGMA query_only = 0") //nolint:errcheck // the connection is closed if it failed
	}
	if _, err := conn.ExecContext(own, "BEGIN"); err != nil {
		return nil, err
	}
	var results []queryResult
	for _, st := range statements {
		if slices.Contains(ownTransaction, firstWord(st.SQL)) {
			return nil, errors.Join(refuse(http.StatusBadRequest, 7500,
				"not authorized: %s: SQLITE_AUTH", firstWord(st.SQL)), rollback(conn))
		}
		r, err := runOne(ctx, conn, st, shape)
		if err != nil {
			return nil, errors.Join(err, rollback(conn))
		}
		results = append(results, r)
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, errors.Join(err, rollback(conn))
	}
	return results, nil
}

// rollback ends the transaction even when the request's context is done.
func rollback(conn *sql.Conn) error {
	_, err := conn.ExecContext(context.Background(), "ROLLBACK")
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil // SQLite rolled back by itself
	}
	return err
}

type queryResult struct {
	Results json.RawMessage `json:"results"`
	Success bool            `json:"success"`
	Meta    queryMeta       `json:"meta"`
}

type queryMeta struct {
	ServedBy        string         `json:"served_by"`
	ServedByRegion  string         `json:"served_by_region"`
	ServedByPrimary bool           `json:"served_by_primary"`
	Timings         map[string]any `json:"timings"`
	Duration        float64        `json:"duration"` // ms
	Changes         int64          `json:"changes"`
	LastRowID       int64          `json:"last_row_id"`
	ChangedDB       bool           `json:"changed_db"`
	SizeAfter       int64          `json:"size_after"`
	RowsRead        int64          `json:"rows_read"`
	RowsWritten     int64          `json:"rows_written"`
}

// counters are SQLite's own tallies, read before and after a statement.
type counters struct{ total, changes, lastID, schema int64 }

func count(ctx context.Context, conn *sql.Conn) (n counters, err error) {
	err = conn.QueryRowContext(ctx, "SELECT total_changes(), changes(), last_insert_rowid()").
		Scan(&n.total, &n.changes, &n.lastID)
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&n.schema)
	}
	return n, err
}

func runOne(ctx context.Context, conn *sql.Conn, st statement, shape rowShape) (queryResult, error) {
	before, err := count(ctx, conn)
	if err != nil {
		return queryResult{}, err
	}
	start := time.Now()
	rows, n, err := selectRows(ctx, conn, st, shape)
	if err != nil {
		return queryResult{}, err
	}
	took := float64(time.Since(start).Microseconds()) / 1000
	after, err := count(ctx, conn)
	if err != nil {
		return queryResult{}, err
	}
	meta := queryMeta{ServedBy: "emulator", ServedByRegion: "WEUR", ServedByPrimary: true,
		Timings: map[string]any{"sql_duration_ms": took}, Duration: took, LastRowID: after.lastID}
	meta.RowsWritten = after.total - before.total
	if meta.RowsWritten > 0 {
		meta.Changes = after.changes
	}
	meta.ChangedDB = meta.RowsWritten > 0 || after.schema != before.schema
	meta.RowsRead = n // guess: D1 counts the rows scanned; here those returned
	return queryResult{rows, true, meta}, nil
}

// selectRows runs a statement and encodes what it returns.
func selectRows(ctx context.Context, conn *sql.Conn, st statement, shape rowShape) (json.RawMessage, int64, error) {
	rows, err := conn.QueryContext(ctx, st.SQL, st.Params...)
	if err != nil {
		return nil, 0, err
	}
	if plain, needed := withoutTimes(rows, st.SQL); needed {
		if err := rows.Close(); err != nil {
			return nil, 0, err
		}
		if rows, err = conn.QueryContext(ctx, plain, st.Params...); err != nil {
			return nil, 0, err
		}
	}
	out, n, err := shape(rows)
	return out, n, errors.Join(err, rows.Err(), rows.Close())
}

// withoutTimes rewrites a SELECT whose columns are declared as dates: the
// driver would parse their text into times, and D1 returns the text. A column
// that is an expression has no declared type.
func withoutTimes(rows *sql.Rows, query string) (string, bool) {
	word := firstWord(query)
	types, err := rows.ColumnTypes()
	if err != nil || word != "SELECT" && word != "WITH" && word != "VALUES" {
		return "", false
	}
	var names, columns []string
	found := false
	for i, t := range types {
		inner := fmt.Sprintf("c%d", i)
		names = append(names, inner)
		outer := `"` + strings.ReplaceAll(t.Name(), `"`, `""`) + `"`
		switch t.DatabaseTypeName() {
		case "DATE", "DATETIME", "TIMESTAMP":
			found = true
			inner = fmt.Sprintf("CASE typeof(%s) WHEN 'text' THEN %s||'' ELSE +%s END", inner, inner, inner)
		}
		columns = append(columns, inner+" AS "+outer)
	}
	return fmt.Sprintf("WITH plain(%s) AS (%s\n) SELECT %s FROM plain", strings.Join(names, ","), query,
		strings.Join(columns, ",")), found
}

// A rowShape encodes all rows of a result.
type rowShape func(*sql.Rows) (json.RawMessage, int64, error)

// objectRows encodes rows as /query does: one object each, columns in order.
func objectRows(rows *sql.Rows) (json.RawMessage, int64, error) {
	return encodeRows(rows, '{', '}', func(b *bytes.Buffer, name string) {
		b.Write(quoteJSON(name))
		b.WriteByte(':')
	})
}

// arrayRows encodes rows as /raw does: the columns, then an array each.
func arrayRows(rows *sql.Rows) (json.RawMessage, int64, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, 0, err
	}
	list, n, err := encodeRows(rows, '[', ']', func(*bytes.Buffer, string) {})
	if err != nil {
		return nil, 0, err
	}
	if columns == nil {
		columns = []string{}
	}
	out, err := json.Marshal(struct {
		Columns []string        `json:"columns"`
		Rows    json.RawMessage `json:"rows"`
	}{columns, list})
	return out, n, err
}

func encodeRows(rows *sql.Rows, open, end byte, name func(*bytes.Buffer, string)) (json.RawMessage, int64, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, 0, err
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	b := bytes.NewBufferString("[")
	n := int64(0)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, 0, err
		}
		if n > 0 {
			b.WriteByte(',')
		}
		n++
		b.WriteByte(open)
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			name(b, columns[i])
			b.Write(encodeValue(v))
		}
		b.WriteByte(end)
	}
	b.WriteByte(']')
	return b.Bytes(), n, rows.Err()
}

// encodeValue writes a SQLite value; a blob is an array of its bytes' numbers.
func encodeValue(v any) []byte {
	switch v := v.(type) {
	case []byte:
		numbers := make([]int, len(v))
		for i, b := range v {
			numbers[i] = int(b)
		}
		return quoteJSON(numbers)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return []byte("null")
		}
	case time.Time: // from RETURNING, which cannot be rewritten
		return quoteJSON(v.UTC().Format("2006-01-02 15:04:05.999999999"))
	}
	return quoteJSON(v)
}

func quoteJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return out
}

// measure counts a database's own tables and its bytes.
func measure(ctx context.Context, conn *sql.Conn) (tables int, size int64, err error) {
	err = conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table'
		AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\'`).Scan(&tables)
	if err != nil {
		return 0, 0, err
	}
	var pages, bytesEach int64
	if err = conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return 0, 0, err
	}
	err = conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&bytesEach)
	return tables, max(pages*bytesEach, emptyDatabase), err
}

// sqlRefusal turns what SQLite says into D1's answer.
func sqlRefusal(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused
	}
	if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "interrupted") {
		// guess: the text.
		return refuse(http.StatusBadRequest, 7500, "D1 DB exceeded its time limit of %v and was reset.", queryLimit)
	}
	text := err.Error()
	if strings.Contains(text, "attempt to write a readonly database") {
		// The token may read only.
		return refuse(http.StatusForbidden, 7403, "The given account is not valid or is not authorized to access this service")
	}
	if _, after, has := strings.Cut(text, "SQL logic error: "); has {
		text = after
	}
	if i := strings.LastIndex(text, " ("); i > 0 && strings.HasSuffix(text, ")") {
		text = text[:i]
	}
	if after, has := strings.CutPrefix(text, "constraint failed: "); has {
		return refuse(http.StatusBadRequest, 7500, "%s: SQLITE_CONSTRAINT", after)
	}
	return refuse(http.StatusBadRequest, 7500, "%s: SQLITE_ERROR", text)
}
