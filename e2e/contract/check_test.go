package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/e2e/record"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// A finding is a difference between what was said and what a document has.
type finding struct {
	document string
	endpoint string // as the emulator registers it
	side     string // request or answer
	at       string // "query NAME", "body/a/*/b", "" for the whole
	text     string
}

func (f finding) String() string {
	return fmt.Sprintf("%s: %s of %s: %s: %s", f.document, f.side, f.endpoint, f.at, f.text)
}

// undeclared is what is said of a field or parameter that no document has.
const undeclared = "is not in the document"

// A checker holds exchanges against the documents.
type checker struct{ documents []*document }

// check says how an exchange with an endpoint differs from the documents that
// have it. Fields and parameters are strange when every document lacks them.
func (c checker) check(e record.Exchange, endpoint string, params []string) []finding {
	var out []finding
	var strange [][]finding
	for _, d := range c.documents {
		op, has := d.operations[shapeOf(endpoint)]
		if !has {
			continue
		}
		x := &exchange{e, d.name, endpoint, op, params, d.spec, len(strange) > 0}
		var s []finding
		if x.meansIt() {
			out = append(out, x.request()...)
			s = append(s, x.strangeParameters()...)
			s = append(s, x.strangeFields("request", op.requestSchema(), e.Request)...)
		}
		if !e.MadeUp {
			out = append(out, x.answer()...)
			s = append(s, x.strangeFields("answer", op.answerSchema(e.Status), e.Answer)...)
		}
		strange = append(strange, s)
	}
	return append(out, inAll(strange)...)
}

func shapeOf(endpoint string) string {
	method, path, _ := strings.Cut(endpoint, " ")
	return shape(method, path)
}

// inAll are the findings that each list has, under the first document's name.
func inAll(lists [][]finding) (out []finding) {
	if len(lists) == 0 {
		return nil
	}
	for _, f := range lists[0] {
		everywhere := true
		for _, l := range lists[1:] {
			everywhere = everywhere && slices.ContainsFunc(l, func(o finding) bool {
				o.document = f.document
				return o == f
			})
		}
		if everywhere {
			out = append(out, f)
		}
	}
	return out
}

// An exchange is a recorded one and the operation of a document that it is an
// example of.
type exchange struct {
	record.Exchange
	document string
	endpoint string
	op       operation
	params   []string
	spec     *openapi3.T
	// replaced: a newer document has the operation too. That one says what a value
	// in an answer may be, this one still what must be there.
	replaced bool
}

// meansIt: a test may make up a wrong request to see it refused.
func (x *exchange) meansIt() bool { return x.Client != record.ByHand || x.Status < 400 }

func (x *exchange) finding(side, at, text string) finding {
	return finding{x.document, x.endpoint, side, indexes.ReplaceAllString(at, "/*"), boundary.ReplaceAllString(text, "")}
}

var (
	indexes  = regexp.MustCompile(`/\d+\b`)
	boundary = regexp.MustCompile(`; boundary=\w+`)
)

// input is the request as the validator wants it.
func (x *exchange) input() *openapi3filter.RequestValidationInput {
	r := &http.Request{Method: x.Method, URL: &url.URL{Path: x.Path, RawQuery: x.Query}, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(x.Request.Text))}
	for name, v := range x.Header {
		r.Header[name] = v
	}
	r.Header.Set("Content-Type", asJSON(x.Request, x.op.RequestBody))
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: map[string]string{}, Options: &openapi3filter.Options{
		MultiError: true, SkipSettingDefaults: true, IncludeResponseStatus: x.Status < 400, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		ExcludeRequestBody: x.Request.Opaque || !isJSON(asJSON(x.Request, x.op.RequestBody))},
		Route: &routers.Route{Spec: x.spec, Path: x.op.path, PathItem: x.op.item, Method: x.Method, Operation: x.op.Operation}}
	i := 0
	for seg := range strings.SplitSeq(x.op.path, "/") {
		if name, isParam := strings.CutPrefix(seg, "{"); isParam {
			in.PathParams[strings.TrimSuffix(name, "}")] = x.params[i]
			i++
		}
	}
	return in
}

// asJSON is a request's content type. Both wrangler and Cloudflare's API take
// JSON without asking for its name: wrangler sends it as text/plain.
func asJSON(b record.Body, wanted *openapi3.RequestBodyRef) string {
	if wanted != nil && wanted.Value.Content["application/json"] != nil && json.Valid([]byte(b.Text)) {
		return "application/json"
	}
	return b.Type
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

func (x *exchange) request() []finding {
	err := openapi3filter.ValidateRequest(context.Background(), x.input())
	return append(x.findings("request", "", err), x.metadata()...)
}

// answer checks what documents say of: no document has answers of broken
// servers, and the official one's refusals are a success and a failure at once.
func (x *exchange) answer() []finding {
	if x.Answer.Opaque || x.Status >= 500 || x.Status >= 400 && x.document == official {
		return nil
	}
	in := x.input()
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: x.Status,
		Header: http.Header{"Content-Type": {x.Answer.Type}}, Body: io.NopCloser(strings.NewReader(x.Answer.Text)), Options: in.Options})
	return x.findings("answer", fmt.Sprint(x.Status), err)
}

// findings takes the validator's error apart.
func (x *exchange) findings(side, at string, err error) []finding {
	switch e := err.(type) {
	case nil:
		return nil
	case openapi3.MultiError:
		var out []finding
		for _, one := range e {
			out = append(out, x.findings(side, at, one)...)
		}
		return out
	case *openapi3filter.RequestError:
		at := "body"
		if p := e.Parameter; p != nil {
			at = p.In + " " + p.Name
		}
		if e.Err == nil {
			return []finding{x.finding(side, at, e.Reason)}
		}
		return x.findings(side, at, e.Err)
	case *openapi3filter.ResponseError:
		if e.Err == nil && x.replaced {
			return nil
		}
		if e.Err == nil {
			return []finding{x.finding(side, at, e.Reason)}
		}
		return x.findings(side, at, e.Err)
	case *openapi3.SchemaError:
		if e.SchemaField == "allOf" && e.Origin != nil {
			return x.findings(side, at, e.Origin) // whose pointer begins at the body too
		}
		if side == "answer" && x.replaced && e.SchemaField != "required" {
			return nil
		}
		return []finding{x.finding(side, strings.Join(append([]string{at}, e.JSONPointer()...), "/"), e.Reason)}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return x.findings(side, at, inner)
	}
	return []finding{x.finding(side, at, err.Error())}
}
