package emulator

import (
	"bytes"
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// transfers are the files of D1 imports and exports that are under way. On
// Cloudflare they lie in R2 behind signed addresses; here the emulator itself
// serves them, and forgets them when it closes.
type transfers struct {
	mu    sync.Mutex
	files map[string][]byte
	done  map[string]map[string]any // an import's result by its bookmark
}

// transferPath is where the files are, below controlPrefix.
const transferPath = "d1/"

func (s *Server) registerD1Transfer() {
	s.on("POST", "accounts/{account}/d1/database/{db}/export", groupD1, s.exportDatabase).free = true
	s.on("POST", "accounts/{account}/d1/database/{db}/import", groupD1, s.importDatabase).free = true
}

func (t *transfers) put(name string, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files == nil {
		t.files, t.done = map[string][]byte{}, map[string]map[string]any{}
	}
	t.files[name] = data
}

func (t *transfers) get(name string) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, has := t.files[name]
	return data, has
}

// serveTransfer takes uploads and gives downloads; the name is the credential.
func (s *Server) serveTransfer(w http.ResponseWriter, r *http.Request, path string) bool {
	name, is := strings.CutPrefix(path, transferPath)
	if !is {
		return false
	}
	if r.Method == http.MethodPut {
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "upload unreadable or too large", http.StatusRequestEntityTooLarge)
			return true
		}
		s.transfers.put(name, data)
		sum := md5.Sum(data)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		return true
	}
	data, has := s.transfers.get(name)
	if !has {
		http.NotFound(w, r)
		return true
	}
	w.Header().Set("Content-Type", "application/sql")
	_, err := w.Write(data)
	_ = err // the client has gone: nobody left to tell
	return true
}

// transferURL is a file's address as the client of the request can reach it.
func transferURL(r *http.Request, name string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + controlPrefix + transferPath + name
}

// freeDatabase finds the database for an endpoint that holds no lock.
func (s *Server) freeDatabase(c *call) (*database, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.theDatabase(c)
}

type dumpOptions struct {
	NoSchema bool     `json:"no_schema"`
	NoData   bool     `json:"no_data"`
	Tables   []string `json:"tables"`
}

// exportDatabase writes the database as SQL. It is complete at the first poll.
func (s *Server) exportDatabase(c *call) (*reply, error) {
	d, err := s.freeDatabase(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Format  string      `json:"output_format"`
		Options dumpOptions `json:"dump_options"`
	}
	if err := c.decode(&in, errBadD1Body); err != nil {
		return nil, err
	}
	if in.Format != "polling" || in.Options.NoSchema && in.Options.NoData {
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: output_format => must be polling, with schema or data")
	}
	var dump bytes.Buffer
	err = s.sqlite.with(c.Context(), d.ID, func(conn *sql.Conn) error { return writeDump(c.Context(), conn, &dump, in.Options) })
	if err != nil {
		return nil, sqlRefusal(err)
	}
	name := d.ID + "-" + newID() + ".sql"
	s.transfers.put(name, dump.Bytes())
	return ok(map[string]any{"type": "export", "status": "complete", "success": true, "at_bookmark": newID(), "messages": []string{},
		"result": map[string]string{"filename": name, "signed_url": transferURL(c.Request, name)}})
}

// writeDump writes the schema and rows so that they can be run again.
func writeDump(ctx context.Context, conn *sql.Conn, w *bytes.Buffer, o dumpOptions) error {
	w.WriteString("PRAGMA defer_foreign_keys=TRUE;\n")
	objects, err := schemaOf(ctx, conn)
	if err != nil {
		return err
	}
	wanted := func(o2 schemaObject) bool { return len(o.Tables) == 0 || slices.Contains(o.Tables, o2.table) }
	for _, kind := range []string{"table", "index", "trigger", "view"} {
		for _, object := range objects {
			if object.kind != kind || !wanted(object) {
				continue
			}
			if !o.NoSchema {
				w.WriteString(object.sql + ";\n")
			}
			if kind == "table" && !o.NoData {
				if err := writeRows(ctx, conn, w, object.name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type schemaObject struct{ kind, name, table, sql string }

func schemaOf(ctx context.Context, conn *sql.Conn) ([]schemaObject, error) {
	rows, err := conn.QueryContext(ctx, `SELECT type, name, tbl_name, sql FROM sqlite_master
		WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\' ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []schemaObject
	for rows.Next() {
		var o schemaObject
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.sql); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// writeRows lets SQLite itself quote the values.
func writeRows(ctx context.Context, conn *sql.Conn, w *bytes.Buffer, table string) error {
	probe, err := conn.QueryContext(ctx, "SELECT * FROM "+quoteIdentifier(table)+" LIMIT 0")
	if err != nil {
		return err
	}
	columns, err := probe.Columns()
	if closing := probe.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	var quoted, names []string
	for _, name := range columns {
		names = append(names, quoteIdentifier(name))
		quoted = append(quoted, "quote("+quoteIdentifier(name)+")")
	}
	rows, err := conn.QueryContext(ctx, "SELECT "+strings.Join(quoted, "||','||")+" FROM "+quoteIdentifier(table))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var values string
		if err := rows.Scan(&values); err != nil {
			return err
		}
		fmt.Fprintf(w, "INSERT INTO %s (%s) VALUES(%s);\n", quoteIdentifier(table), strings.Join(names, ","), values)
	}
	return rows.Err()
}

// importDatabase runs an uploaded file of SQL: init names where to put it,
// ingest runs it, poll tells how it went.
func (s *Server) importDatabase(c *call) (*reply, error) {
	d, err := s.freeDatabase(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Action   string `json:"action"`
		ETag     string `json:"etag"`
		Filename string `json:"filename"`
		Bookmark string `json:"current_bookmark"`
	}
	if err := c.decode(&in, errBadD1Body); err != nil {
		return nil, err
	}
	switch in.Action {
	case "init":
		name := d.ID + "-" + in.ETag + ".sql"
		out := map[string]any{"type": "import", "success": true, "filename": name, "messages": []string{}}
		if _, has := s.transfers.get(name); !has {
			out["upload_url"] = transferURL(c.Request, name)
		}
		return ok(out)
	case "ingest":
		return s.ingest(c, d, in.Filename, in.ETag)
	case "poll":
		s.transfers.mu.Lock()
		defer s.transfers.mu.Unlock()
		if result, has := s.transfers.done[in.Bookmark]; has {
			return ok(result)
		}
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: current_bookmark => Not currently importing anything.")
	}
	return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: action => must be init, ingest or poll")
}

// ingest runs the file at once; only a poll tells how it went.
func (s *Server) ingest(c *call, d *database, filename, etag string) (*reply, error) {
	data, has := s.transfers.get(filename)
	sum := md5.Sum(data)
	if !has || !strings.HasPrefix(filename, d.ID+"-") || hex.EncodeToString(sum[:]) != etag {
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: filename => no such upload, or its etag differs")
	}
	var statements []statement
	for _, text := range splitSQL(string(data)) {
		statements = append(statements, statement{SQL: text})
	}
	bookmark := newID()
	result := map[string]any{"type": "import", "success": true, "status": "complete", "at_bookmark": bookmark}
	results, err := s.transact(c, d, statements, objectRows)
	if err != nil {
		result["success"], result["status"], result["error"], result["messages"] = false, "error", err.Error(), []string{}
	} else {
		result["messages"] = []string{fmt.Sprintf("Processed %d queries.", len(statements))}
		result["result"] = map[string]any{"num_queries": len(statements), "final_bookmark": newID(), "meta": sumMeta(results)}
	}
	s.transfers.mu.Lock()
	s.transfers.done[bookmark] = result
	s.transfers.mu.Unlock()
	return ok(map[string]any{"type": "import", "success": true, "status": "active", "at_bookmark": bookmark, "messages": []string{"Starting import..."}})
}

// sumMeta adds up what the statements did.
func sumMeta(results []queryResult) queryMeta {
	sum := queryMeta{ServedBy: "emulator", ServedByRegion: "WEUR", ServedByPrimary: true}
	for _, r := range results {
		sum.Duration += r.Meta.Duration
		sum.Changes += r.Meta.Changes
		sum.RowsRead += r.Meta.RowsRead
		sum.RowsWritten += r.Meta.RowsWritten
		sum.ChangedDB = sum.ChangedDB || r.Meta.ChangedDB
		sum.LastRowID, sum.SizeAfter = r.Meta.LastRowID, r.Meta.SizeAfter
	}
	return sum
}
