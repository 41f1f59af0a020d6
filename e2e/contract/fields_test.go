package contract

import (
	"encoding/json"
	"mime"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"

	"github.com/cfboot/cfboot/e2e/record"
	"github.com/getkin/kin-openapi/openapi3"
)

// The schemas allow fields that they do not name, and require few. A misspelt
// field would therefore pass for a new one beside an absent one: what no
// document names is reported apart.

// requestSchema is the schema of a JSON request, nil without one.
func (op operation) requestSchema() *openapi3.Schema {
	if op.RequestBody == nil {
		return nil
	}
	return jsonSchema(op.RequestBody.Value.Content)
}

// answerSchema is the schema of a JSON answer, nil without one.
func (op operation) answerSchema(status int) *openapi3.Schema {
	r := op.Responses.Status(status)
	if r == nil {
		r = op.Responses.Default()
	}
	if r == nil || r.Value == nil {
		return nil
	}
	return jsonSchema(r.Value.Content)
}

func jsonSchema(c openapi3.Content) *openapi3.Schema {
	if c["application/json"] == nil || c["application/json"].Schema == nil {
		return nil
	}
	return c["application/json"].Schema.Value
}

// strangeParameters are the query's that the operation does not have.
func (x *exchange) strangeParameters() (out []finding) {
	for name := range x.input().GetQueryParams() {
		known := x.op.Parameters.GetByInAndName("query", name) != nil || x.op.item.Parameters.GetByInAndName("query", name) != nil ||
			slices.ContainsFunc(x.op.Parameters, func(p *openapi3.ParameterRef) bool { return deep(p.Value, name) })
		if !known {
			out = append(out, x.finding("request", "query "+name, undeclared))
		}
	}
	return out
}

// deep: name.exact is the field exact of the parameter name.
func deep(p *openapi3.Parameter, name string) bool {
	before, _, isField := strings.Cut(name, ".")
	return isField && p.In == "query" && p.Name == before
}

// strangeFields are the body's that the schema does not name.
func (x *exchange) strangeFields(side string, s *openapi3.Schema, b record.Body) (out []finding) {
	var v any
	if s == nil || json.Unmarshal([]byte(b.Text), &v) != nil {
		return nil
	}
	at := "body"
	if side == "answer" {
		at = strconv.Itoa(x.Status)
	}
	strange([]*openapi3.Schema{s}, v, at, func(at string) { out = append(out, x.finding(side, at, undeclared)) })
	return out
}

// strange reports the fields of a value that none of the schemas names. A schema
// that names no field at all takes any.
func strange(schemas []*openapi3.Schema, value any, at string, report func(at string)) {
	all := parts(schemas)
	switch v := value.(type) {
	case []any:
		var items []*openapi3.Schema
		for _, s := range all {
			items = appendRef(items, s.Items)
		}
		for _, item := range v {
			strange(items, item, at+"/*", report)
		}
	case map[string]any:
		named := slices.ContainsFunc(all, func(s *openapi3.Schema) bool { return len(s.Properties) > 0 })
		if !named {
			return
		}
		for name, field := range v {
			var schemas []*openapi3.Schema
			for _, s := range all {
				schemas = appendRef(schemas, s.Properties[name])
			}
			if len(schemas) > 0 {
				strange(schemas, field, at+"/"+name, report)
			} else if !slices.ContainsFunc(all, takesMore) {
				report(at + "/" + name)
			}
		}
	}
}

func takesMore(s *openapi3.Schema) bool {
	return s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
}

// parts are the schemas with those that they are put together from.
func parts(schemas []*openapi3.Schema) (out []*openapi3.Schema) {
	for _, s := range schemas {
		out = append(out, s)
		var inner []*openapi3.Schema
		for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
			for _, r := range refs {
				inner = appendRef(inner, r)
			}
		}
		out = append(out, parts(inner)...)
	}
	return out
}

func appendRef(to []*openapi3.Schema, r *openapi3.SchemaRef) []*openapi3.Schema {
	if r == nil || r.Value == nil {
		return to
	}
	return append(to, r.Value)
}

// metadata checks the parts of a multipart request that are JSON, such as a
// script's metadata; the validator takes no modules.
func (x *exchange) metadata() (out []finding) {
	kind, params, err := mime.ParseMediaType(x.Request.Type)
	if err != nil || kind != "multipart/form-data" || x.Request.Opaque || x.op.RequestBody == nil {
		return nil
	}
	content := x.op.RequestBody.Value.Content[kind]
	if content == nil {
		return []finding{x.finding("request", "body", "has an unexpected type "+kind)}
	}
	form, err := multipart.NewReader(strings.NewReader(x.Request.Text), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		return []finding{x.finding("request", "body", err.Error())}
	}
	for _, s := range parts([]*openapi3.Schema{content.Schema.Value}) {
		for name, field := range s.Properties {
			var v any
			if text := form.Value[name]; len(text) == 0 || field.Value.Type.Is("string") || json.Unmarshal([]byte(text[0]), &v) != nil {
				continue
			}
			out = append(out, x.findings("request", "body/"+name, field.Value.VisitJSON(v, openapi3.MultiErrors()))...)
			strange([]*openapi3.Schema{field.Value}, v, "body/"+name, func(at string) { out = append(out, x.finding("request", at, undeclared)) })
		}
	}
	return out
}
