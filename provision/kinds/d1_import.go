package kinds

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// importBytes is how long a file of SQL may be
// (developers.cloudflare.com/d1/best-practices/import-export-data).
const importBytes = 5 << 30

// importAnswer is what each call of an import answers.
type importAnswer struct {
	Status   string `json:"status"`
	Bookmark string `json:"at_bookmark"`
	Filename string `json:"filename"`
	Upload   string `json:"upload_url"`
	Error    string `json:"error"`
	Success  *bool  `json:"success"`
}

// Import runs a file of SQL in a database. It goes in as a whole or not at all
// (wrangler says so of the same calls); after an error nobody may know which, so
// whoever repeats it looks at what the database holds first.
func (c *Client) Import(ctx context.Context, database string, sql io.ReadSeeker) error {
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	sum := md5.New()
	length, err := io.Copy(sum, sql)
	switch {
	case err != nil:
		return err
	case length > importBytes:
		return &provision.Problem{Text: fmt.Sprintf("%s are more than can be put into a database at once", size(length)), Class: provision.Refused}
	}
	etag := hex.EncodeToString(sum.Sum(nil))
	begun, err := c.importStep(ctx, database, map[string]string{"action": "init", "etag": etag})
	if err != nil {
		return err
	}
	if begun.Upload != "" { // else the very file lies there already
		if _, err := sql.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := c.upload(ctx, begun.Upload, sql, length); err != nil {
			return err
		}
	}
	a, err := c.importStep(ctx, database, map[string]string{"action": "ingest", "etag": etag, "filename": begun.Filename})
	for pause := importPause / 8; ; pause = min(2*pause, importPause) {
		switch {
		case err != nil:
			return err
		case a.Error != "" && strings.Contains(a.Error, "Not currently importing"):
			return nil // it was over before it was asked for
		case a.Status == "error" || a.Error != "":
			return &ImportError{orDefault(a.Error, "Cloudflare does not say why")}
		case a.Status == "complete":
			return nil
		case a.Bookmark == "":
			return errors.New("the import was neither begun nor refused")
		}
		if err := c.transport.pause(ctx, pause); err != nil {
			return err
		}
		a, err = c.importStep(ctx, database, map[string]string{"action": "poll", "current_bookmark": a.Bookmark})
	}
}

// An ImportError says that the database did not take the SQL, so that it is as it
// was.
type ImportError struct{ why string }

func (e *ImportError) Error() string { return "the SQL was not taken: " + e.why }

// importPause is the longest between two looks whether it is done.
const importPause = time.Second

func (c *Client) importStep(ctx context.Context, database string, in map[string]string) (importAnswer, error) {
	if in["action"] != "ingest" {
		ctx = reading(ctx) // to ask twice changes nothing
	}
	var e envelope[importAnswer]
	err := c.post(ctx, "accounts/"+c.Account+"/d1/database/"+database+"/import", in, &e)
	return e.Result, err
}

// upload sends a file to a signed address, which is a credential by itself, as
// fetch gets one.
func (c *Client) upload(ctx context.Context, address string, body io.Reader, length int64) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !strings.HasPrefix(c.base, u.Scheme+"://") {
		return errors.New("the address to upload to is not one")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), io.NopCloser(body))
	if err != nil {
		return errors.New("the address to upload to is not one")
	}
	req.ContentLength = length
	req.Header.Set("User-Agent", c.transport.agent)
	resp, err := c.transport.base.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the SQL cannot be uploaded: %w", plain(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // only to end the connection well
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the SQL cannot be uploaded: HTTP %d", resp.StatusCode)
	}
	return nil
}

// A Holding is what a database holds, as far as it was counted.
type Holding struct{ Tables, Rows int }

// Holds counts a database's tables and their rows. known is false where the rows
// could not be counted.
func (c *Client) Holds(ctx context.Context, database string) (h Holding, known bool, err error) {
	held, err := c.countRows(ctx, database)
	return Holding{held.tables, held.rows}, held.rows >= 0, err
}
