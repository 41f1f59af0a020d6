package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// A reply is what an endpoint answers: a result that goes into the envelope,
// or raw bytes that do not.
type reply struct {
	status   int // 0: 200
	result   any
	info     any // result_info
	messages []any
	raw      []byte // with contentType: the whole answer, without an envelope
	kind     string
	header   http.Header
	stream   *content // instead of raw
}

// content is bytes that are sent as they are read, and closed afterwards.
type content struct {
	io.ReadCloser
	size int64
}

// ok answers 200 with the result.
func ok(result any) (*reply, error) { return &reply{result: result}, nil }

// raw answers bytes as they are.
func raw(contentType string, body []byte) *reply {
	if body == nil {
		body = []byte{}
	}
	return &reply{raw: body, kind: contentType}
}

// A refusal is an answer with success:false. Those that say the same each time
// are package variables; they are never changed.
type refusal struct {
	status int
	errors []apiError
}

type apiError struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Chain   []apiError `json:"error_chain,omitempty"`
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d: %d %s", r.status, r.errors[0].Code, r.errors[0].Message)
}

// refuse builds a refusal with one error.
func refuse(status, code int, format string, args ...any) *refusal {
	return &refusal{status, []apiError{{Code: code, Message: fmt.Sprintf(format, args...)}}}
}

// because adds a reason to the error's chain, where DNS and the authentication
// put what is really wrong.
func (r *refusal) because(code int, format string, args ...any) *refusal {
	e := &r.errors[0]
	e.Chain = append(e.Chain, apiError{Code: code, Message: fmt.Sprintf(format, args...)})
	return r
}

// and adds a second error beside the first.
func (r *refusal) and(code int, message string) *refusal {
	r.errors = append(r.errors, apiError{Code: code, Message: message})
	return r
}

type envelope struct {
	Success  bool       `json:"success"`
	Errors   []apiError `json:"errors"`
	Messages []any      `json:"messages"`
	Result   any        `json:"result"`
	Info     any        `json:"result_info,omitempty"`
}

// An answer is a reply or refusal as it goes over the wire.
type answer struct {
	status int
	code   int // of the first error, 0 without one
	kind   string
	body   []byte
	header http.Header
	stream *content
}

// render turns what an endpoint said into an answer.
func render(r *reply, err error) answer {
	if err != nil {
		return renderError(err)
	}
	if r.kind != "" {
		return answer{status: cmpOr(r.status, http.StatusOK), kind: r.kind, body: r.raw, header: r.header, stream: r.stream}
	}
	e := envelope{Success: true, Errors: []apiError{}, Messages: r.messages, Result: r.result, Info: r.info}
	if e.Messages == nil {
		e.Messages = []any{}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return renderError(fmt.Errorf("encoding the answer: %w", err))
	}
	return answer{status: cmpOr(r.status, http.StatusOK), kind: "application/json", body: body, header: r.header}
}

func renderError(err error) answer {
	ref, isRefusal := err.(*refusal)
	if !isRefusal {
		ref = refuse(http.StatusInternalServerError, 10001, "emulator: %v", err)
	}
	body, err := json.Marshal(envelope{Errors: ref.errors, Messages: []any{}})
	if err != nil {
		body = []byte(`{"success":false,"errors":[],"messages":[],"result":null}`)
	}
	return answer{status: ref.status, code: ref.errors[0].Code, kind: "application/json", body: body}
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

// pageInfo is the page style of result_info.
type pageInfo struct {
	Page       int `json:"page"`
	PerPage    int `json:"per_page"`
	Count      int `json:"count"`
	TotalCount int `json:"total_count"`
	TotalPages int `json:"total_pages"`
}

// pageSize is what a list gives by default and at most.
type pageSize struct{ usual, most int }

// paged answers one page of the entries; past the end it is empty. Only the
// page's own records are looked at.
func paged[R record](s *Server, c *call, all []entry[R], size pageSize, show func(R) any) (*reply, error) {
	all = visible(s, c, all)
	page, per := c.number("page", 1), c.number("per_page", size.usual)
	page, per = max(page, 1), min(max(per, 1), size.most)
	if c.repeatLastPage {
		page = min(page, max((len(all)+per-1)/per, 1))
	}
	lo := min((page-1)*per, len(all))
	hi := min(lo+per, len(all))
	part := all[lo:hi]
	if c.query.Get("direction") == "desc" {
		part = slices.Clone(all[len(all)-hi : len(all)-lo])
		slices.Reverse(part)
	}
	result := make([]any, 0, len(part))
	for _, e := range part {
		result = append(result, show(e.row))
	}
	info := pageInfo{page, per, len(result), len(all), (len(all) + per - 1) / per}
	return &reply{result: result, info: info}, nil
}

// visible leaves out of a list what lag still hides and what a fault leaves out.
func visible[R record](s *Server, c *call, all []entry[R]) []entry[R] {
	if c.lag <= 0 && !c.omitNewest {
		return all
	}
	var newest uint64
	for _, e := range all {
		newest = max(newest, e.row.head().Seq)
	}
	var out []entry[R]
	for _, e := range all {
		if h := e.row.head(); s.seen(c, h) && !(c.omitNewest && h.Seq == newest) {
			out = append(out, e)
		}
	}
	return out
}

// seen says whether a record is old enough to be visible.
func (s *Server) seen(c *call, r *row) bool {
	return c.lag <= 0 || c.x.now.Sub(r.Made) >= c.lag
}

// find gets a record by id, if it exists and lag does not hide it.
func find[R record](s *Server, c *call, t *table[R], id string) (R, bool) {
	r, has := t.get(id)
	if !has || !s.seen(c, r.head()) {
		var none R
		return none, false
	}
	return r, true
}

// number reads a whole number from the query; nonsense counts as absent.
func (c *call) number(name string, otherwise int) int {
	n, err := strconv.Atoi(c.query.Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// decode reads a JSON body, whatever its Content-Type says (wrangler sends
// text/plain). The refusal for a body that is not JSON is the product's own.
func (c *call) decode(into any, bad *refusal) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return bad
	}
	return nil
}
