package emulator

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDatabases(t *testing.T) {
	c := open(t, Options{Now: newClock().now})
	c.run([]step{
		{method: "POST", path: "A/d1/database", body: `{"name":"db","primary_location_hint":"apac"}`, keep: map[string]string{"db": "uuid"},
			want: map[string]any{"name": "db", "version": "production", "num_tables": 0, "file_size": 12288,
				"running_in_region": "APAC", "created_at": "2026-11-23T12:00:00.000Z", "read_replication.mode": "disabled", "jurisdiction": nil}},
		{name: "duplicate", method: "POST", path: "A/d1/database", body: `{"name":"db"}`, status: 400, code: 7502},
		{name: "bad name", method: "POST", path: "A/d1/database", body: `{"name":"Db"}`, status: 400, code: 7400},
		{name: "bad hint", method: "POST", path: "A/d1/database", body: `{"name":"x","primary_location_hint":"mars"}`, status: 400, code: 7400},
		{name: "bad jurisdiction", method: "POST", path: "A/d1/database", body: `{"name":"x","jurisdiction":"de"}`, status: 400, code: 7400},
		{name: "not JSON", method: "POST", path: "A/d1/database", body: `{`, status: 400, code: 7400},
		{name: "jurisdiction", method: "POST", path: "A/d1/database", body: `{"name":"eu-db","jurisdiction":"eu"}`, want: map[string]any{"jurisdiction": "eu"}},
		{name: "by uuid", method: "GET", path: "A/d1/database/{db}", want: map[string]any{"uuid": "{db}"}},
		{name: "by name", method: "GET", path: "A/d1/database/db", want: map[string]any{"uuid": "{db}"}},
		{name: "fields", method: "GET", path: "A/d1/database/db?fields=uuid%2Cname", want: map[string]any{"uuid": "{db}", "name": "db", "version": nil}},
		{name: "missing", method: "GET", path: "A/d1/database/nope", status: 404, code: 7404},
		{name: "name is a search", method: "GET", path: "A/d1/database?name=db", want: map[string]any{"0.name": "db", "1.name": "eu-db"}},
		{name: "rows are slim", method: "GET", path: "A/d1/database?per_page=1", want: map[string]any{"0.name": "db", "0.file_size": nil, "1": nil}},
		{method: "PATCH", path: "A/d1/database/{db}", body: `{"read_replication":{"mode":"auto"}}`, want: map[string]any{"read_replication.mode": "auto"}},
		{method: "PUT", path: "A/d1/database/{db}", body: `{"read_replication":{"mode":"disabled"}}`, want: map[string]any{"read_replication.mode": "disabled"}},
		{name: "bad mode", method: "PUT", path: "A/d1/database/{db}", body: `{"read_replication":{"mode":"x"}}`, status: 400, code: 7400},
		{name: "empty patch", method: "PATCH", path: "A/d1/database/{db}", body: `{}`, status: 500, code: 7500},
		{method: "DELETE", path: "A/d1/database/{db}"},
		{name: "gone", method: "DELETE", path: "A/d1/database/{db}", status: 404, code: 7404},
		{name: "name is free again", method: "POST", path: "A/d1/database", body: `{"name":"db"}`},
	})
	info := c.do("GET", "A/d1/database?page=2&per_page=1", nil).Info
	want := map[string]any{"page": 2., "per_page": 1., "count": 1., "total_count": 2., "total_pages": 2.}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("result_info (-want +got):\n%s", diff)
	}
	past := c.do("GET", "A/d1/database?page=9", nil)
	if diff := cmp.Diff([]any{}, past.Result); diff != "" {
		t.Errorf("past the end (-want +got):\n%s", diff)
	}
}

func TestQueries(t *testing.T) {
	c := open(t, Options{})
	c.run([]step{
		{method: "POST", path: "A/d1/database", body: `{"name":"db"}`, keep: map[string]string{"db": "uuid"}},
		{name: "several statements", method: "POST", path: "A/d1/database/{db}/query",
			body: `{"sql":"create table t(id integer primary key, a text, at timestamp default current_timestamp); insert into t(a) values ('x;y'), ('z'); select a from t order by id -- ; end"}`,
			want: map[string]any{"0.success": true, "0.meta.changed_db": true, "1.meta.changes": 2, "1.meta.last_row_id": 2, "1.meta.rows_written": 2,
				"2.results": []any{map[string]any{"a": "x;y"}, map[string]any{"a": "z"}}, "2.meta.rows_read": 2, "2.meta.changed_db": false, "2.meta.changes": 0, "3": nil}},
		{name: "counted", method: "GET", path: "A/d1/database/{db}", want: map[string]any{"num_tables": 1}},
		{name: "params", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"select ?1 as i, ?2 as f, ?3 as s, ?4 as n, ?5 as b","params":[1,1.5,"s",null,true]}`,
			want: map[string]any{"0.results.0": map[string]any{"i": 1., "f": 1.5, "s": "s", "n": nil, "b": 1.}}},
		{name: "columns keep their order", method: "POST", path: "A/d1/database/{db}/raw", body: `{"sql":"select 2 as z, x'0102' as a"}`,
			want: map[string]any{"0.results.columns": []any{"z", "a"}, "0.results.rows": []any{[]any{2., []any{1., 2.}}}}},
		{name: "batch", method: "POST", path: "A/d1/database/{db}/query", body: `{"batch":[{"sql":"select ? as a","params":[1]},{"sql":"select ? as a","params":["2"]}]}`,
			want: map[string]any{"0.results.0.a": 1, "1.results.0.a": "2"}},
		{name: "all or nothing", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"create table m(a); insert into nope values (1)"}`, status: 400, code: 7500},
		{name: "nothing happened", method: "GET", path: "A/d1/database/{db}", want: map[string]any{"num_tables": 1}},
		{name: "constraint", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"insert into t(id) values (1)"}`, status: 400, code: 7500},
		{name: "no transaction of one's own", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"commit"}`, status: 400, code: 7500},
		{name: "no statement", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"-- nothing"}`, status: 400, code: 7500},
		{name: "params for two", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"select 1; select 2","params":[1]}`, status: 400, code: 7500},
		{name: "object as param", method: "POST", path: "A/d1/database/{db}/query", body: `{"sql":"select ?","params":[{}]}`, status: 400, code: 7400},
		{name: "trigger", method: "POST", path: "A/d1/database/{db}/query",
			body: `{"sql":"create trigger tr after insert on t begin update t set a = case when 1 then 'q' else '' end where id = new.id; end; insert into t(a) values ('w'); select a from t where id = 3"}`,
			want: map[string]any{"2.results.0.a": "q"}},
		{name: "missing database", method: "POST", path: "A/d1/database/nope/query", body: `{"sql":"select 1"}`, status: 404, code: 7404},
	})
	text := c.must("POST", "A/d1/database/db/query", `{"sql":"select at, at as b, 'x' as c from t where id = ?","params":[1]}`).text("0.results.0.at")
	if len(text) != len("2026-01-01 00:00:00") || text[10] != ' ' {
		t.Errorf("a timestamp came as %q, want SQLite's own text", text)
	}
}

func TestSplitSQL(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" ; ;-- x\n/* y */;", nil},
		{"select 1", []string{"select 1"}},
		{"select ';'; select \"a;\" ; select `b;`;select [c;]", []string{"select ';'", "select \"a;\"", "select `b;`", "select [c;]"}},
		{"select 'it''s;' ;", []string{"select 'it''s;'"}},
		{"create temp trigger x after insert on t begin select 1; select case 1 when 1 then 2 end; end; select 2",
			[]string{"create temp trigger x after insert on t begin select 1; select case 1 when 1 then 2 end; end", "select 2"}},
		{"begin; select 1; end", []string{"begin", "select 1", "end"}},
		{"select 'open", []string{"select 'open"}},
	} {
		if diff := cmp.Diff(test.want, splitSQL(test.in)); diff != "" {
			t.Errorf("splitSQL(%q) (-want +got):\n%s", test.in, diff)
		}
	}
}

func TestExportImport(t *testing.T) {
	c := open(t, Options{})
	from := "A/d1/database/" + c.must("POST", "A/d1/database", `{"name":"from"}`).text("uuid")
	to := "A/d1/database/" + c.must("POST", "A/d1/database", `{"name":"to"}`).text("uuid")
	c.must("POST", from+"/query", `{"sql":"create table t(a, \"b\"\"c\"); insert into t values ('it''s', x'00ff'), (null, 1.5); create index i on t(a); create view v as select a from t"}`)
	g := c.must("POST", from+"/export", `{"output_format":"polling","dump_options":{}}`)
	fetch := func(method, url string, body []byte) *http.Response {
		r := httptest.NewRequest(method, url, bytes.NewReader(body))
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w.Result()
	}
	dump, err := io.ReadAll(fetch("GET", g.text("result.signed_url"), nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum(dump)
	etag := hex.EncodeToString(sum[:])
	g = c.must("POST", to+"/import", `{"action":"init","etag":"`+etag+`"}`)
	if got := fetch("PUT", g.text("upload_url"), dump).Header.Get("ETag"); got != `"`+etag+`"` {
		t.Errorf("upload: ETag %s, want %s", got, etag)
	}
	c.run([]step{
		{name: "wrong etag", method: "POST", path: to + "/import", body: `{"action":"ingest","filename":"` + g.text("filename") + `","etag":"x"}`, status: 400, code: 7400},
		{method: "POST", path: to + "/import", body: `{"action":"ingest","filename":"` + g.text("filename") + `","etag":"` + etag + `"}`, keep: map[string]string{"b": "at_bookmark"}},
		{method: "POST", path: to + "/import", body: `{"action":"poll","current_bookmark":"{b}"}`, want: map[string]any{"status": "complete", "result.num_queries": 6, "result.meta.rows_written": 2, "result.meta.served_by_region": "WEUR"}},
		{name: "already uploaded", method: "POST", path: to + "/import", body: `{"action":"init","etag":"` + etag + `"}`, want: map[string]any{"upload_url": nil}},
		{name: "the same rows", method: "POST", path: to + "/raw", body: `{"sql":"select * from t"}`,
			want: map[string]any{"0.results.columns": []any{"a", `b"c`}, "0.results.rows": []any{[]any{"it's", []any{0., 255.}}, []any{nil, 1.5}}}},
		{name: "bad poll", method: "POST", path: to + "/import", body: `{"action":"poll","current_bookmark":"x"}`, status: 400, code: 7400},
		{name: "bad action", method: "POST", path: to + "/import", body: `{}`, status: 400, code: 7400},
		{name: "bad format", method: "POST", path: from + "/export", body: `{}`, status: 400, code: 7400},
	})
}
