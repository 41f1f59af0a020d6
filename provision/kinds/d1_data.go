package kinds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// d1Holding is what a database holds. Where the rows could not be counted, rows
// is -1; where they are those of the first tables only, more is set.
type d1Holding struct {
	tables int
	rows   int
	more   bool
}

// text is empty for a database without tables. One with tables and no rows holds
// something: its schema.
func (h d1Holding) text(bytes int64) string {
	if h.tables == 0 {
		return ""
	}
	text := plural(h.tables, "table")
	switch {
	case h.rows < 0:
	case h.rows == 0 && !h.more:
		text += " without rows"
	default:
		text += " with " + some(h.rows, h.more, "row")
	}
	if bytes > 0 {
		text += " (" + size(bytes) + ")"
	}
	return text
}

// tablesCounted is how many tables have their rows counted.
const tablesCounted = 100

// countRows counts a database's tables and their rows in two questions; SQLite's
// tables and Cloudflare's own are left out. A large table may take longer to
// count than Cloudflare waits: then only the tables are known.
func (c *Client) countRows(ctx context.Context, id string) (h d1Holding, err error) {
	type row struct {
		Name string `json:"name"`
		Rows int    `json:"n"`
	}
	tables, err := query[row](ctx, c, id, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_cf\_%' ESCAPE '\'`)
	if err != nil || len(tables) == 0 || len(tables[0]) == 0 {
		return h, err
	}
	h.tables = len(tables[0])
	h.more = h.tables > tablesCounted
	var counts []string
	for _, t := range tables[0][:min(h.tables, tablesCounted)] {
		counts = append(counts, `SELECT count(*) AS n FROM "`+strings.ReplaceAll(t.Name, `"`, `""`)+`"`)
	}
	counted, err := query[row](ctx, c, id, counts...)
	var api *APIError
	if errors.As(err, &api) && api.parsed && !codeIs(err, 7404) && ctx.Err() == nil {
		h.rows = -1
		return h, nil
	}
	for _, result := range counted {
		for _, r := range result {
			h.rows += r.Rows
		}
	}
	return h, err
}

// query runs statements that only read, and gives the rows of each.
func query[R any](ctx context.Context, c *Client, id string, statements ...string) ([][]R, error) {
	type statement struct {
		SQL string `json:"sql"`
	}
	var in struct {
		Batch []statement `json:"batch"`
	}
	for _, s := range statements {
		in.Batch = append(in.Batch, statement{s})
	}
	var e envelope[[]struct {
		Results []R `json:"results"`
	}]
	if err := c.post(reading(ctx), "accounts/"+c.Account+"/d1/database/"+id+"/query", in, &e); err != nil {
		return nil, err
	}
	var out [][]R
	for _, r := range e.Result {
		out = append(out, r.Results)
	}
	return out, nil
}

// post sends what the SDK has no call for.
func (c *Client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, body, "application/json", out)
}

// Bounds of an export. The largest database has 10 GB
// (developers.cloudflare.com/d1/platform/limits), and its SQL is longer than it.
const (
	exportTime  = time.Hour
	exportBytes = 32 << 30
	exportPause = time.Second      // between two looks whether it is ready
	exportStall = 60 * time.Second // without a byte of the file
)

// exportDatabase has Cloudflare write the database as SQL and fetches that. The
// database answers nobody else meanwhile.
func exportDatabase(ctx context.Context, c *Client, s step[d1Settings], w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	address, err := c.exported(ctx, s.ID)
	if err != nil {
		return err
	}
	return c.fetch(ctx, address, w)
}

// exported asks for the export until it is ready, and returns where it lies.
func (c *Client) exported(ctx context.Context, id string) (string, error) {
	type options struct {
		NoSchema bool     `json:"no_schema"`
		NoData   bool     `json:"no_data"`
		Tables   []string `json:"tables"`
	}
	in := struct {
		Format   string  `json:"output_format"`
		Bookmark string  `json:"current_bookmark,omitempty"`
		Options  options `json:"dump_options"`
	}{Format: "polling", Options: options{Tables: []string{}}}
	for {
		var e envelope[struct {
			Status   string `json:"status"`
			Bookmark string `json:"at_bookmark"`
			Error    string `json:"error"`
			Result   struct {
				URL string `json:"signed_url"`
			} `json:"result"`
		}]
		// To begin an export twice is to have it twice, and harms nothing.
		switch err := c.post(reading(ctx), "accounts/"+c.Account+"/d1/database/"+id+"/export", in, &e); {
		case err != nil && unlessGone(err, 7404) == nil:
			return "", errors.Join(err, provision.ErrGone)
		case err != nil:
			return "", err
		}
		switch r := e.Result; {
		case r.Status == "complete" && r.Result.URL != "":
			return r.Result.URL, nil
		case r.Status == "error" || r.Error != "":
			return "", fmt.Errorf("the export failed: %s", orDefault(r.Error, "Cloudflare does not say why"))
		case r.Bookmark == "":
			return "", errors.New("the export was neither begun nor refused")
		default:
			in.Bookmark = r.Bookmark
		}
		if err := c.transport.pause(ctx, exportPause); err != nil {
			return "", err
		}
	}
}

// fetch downloads from a signed address, which is a credential by itself: it gets
// no token, is not followed elsewhere and stands in no error.
func (c *Client) fetch(ctx context.Context, address string, w io.Writer) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !strings.HasPrefix(c.base, u.Scheme+"://") {
		return errors.New("the address of the export is not one")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(exportStall, func() { cancel(errors.New("nothing came for a minute")) })
	defer stalled.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("the address of the export is not one")
	}
	req.Header.Set("User-Agent", c.transport.agent)
	resp, err := c.transport.base.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the export cannot be fetched: %w", plain(orCause(ctx, err)))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the export cannot be fetched: HTTP %d", resp.StatusCode)
	}
	in := &lively{from: resp.Body, alive: func() { stalled.Reset(exportStall) }}
	n, err := io.Copy(w, io.LimitReader(in, exportBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("the export broke off after %s: %w", size(n), orCause(ctx, err))
	case n > exportBytes:
		return fmt.Errorf("the export is longer than %s", size(exportBytes))
	case n == 0 || in.first == '<':
		return &provision.Problem{Text: "what came is not the export", Hints: []string{"check whether a proxy answers in Cloudflare's place"}}
	}
	return nil
}

func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	return err
}

// lively tells of every part that is read, and keeps the first byte.
type lively struct {
	from  io.Reader
	alive func()
	first byte
}

func (l *lively) Read(b []byte) (int, error) {
	n, err := l.from.Read(b)
	if n > 0 {
		l.alive()
		if l.first == 0 {
			l.first = b[0]
		}
	}
	return n, err
}
