package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// folder is where the documents stand beside the project's checkout.
const folder = "../../../shared/openapi"

// official is the name of the document that Cloudflare itself has published.
const official = "O24"

// A document is one of Cloudflare's OpenAPI documents.
type document struct {
	name string // as ENDPOINTS.md and the exceptions call it
	spec *openapi3.T
	// operations by method and path with its parameters' names left out.
	operations map[string]operation
}

// An operation is one of a document.
type operation struct {
	*openapi3.Operation
	path string
	item *openapi3.PathItem
}

// documents loads both, the newer first: a reconstruction of 2026, and the
// official one of August 2024, which knows patterns, lengths and more required
// fields, and less of what came later.
func documents(t *testing.T) []*document {
	t.Helper()
	var all []*document
	for _, d := range []struct{ name, file string }{{"R26", "cloudflare-2026.json"}, {official, "cloudflare-2024-08.json"}} {
		path := filepath.Join(folder, d.file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("Cloudflare's OpenAPI document is not beside this checkout: %v", err)
		}
		doc, err := load(d.name, path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, doc)
	}
	return all
}

func load(name, path string) (*document, error) {
	spec, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	d := &document{name, spec, map[string]operation{}}
	for path, item := range spec.Paths.Map() {
		typed(item.Parameters)
		for method, op := range item.Operations() {
			key := shape(method, path)
			if other, has := d.operations[key]; has {
				return nil, fmt.Errorf("%s %s and %s are the same", method, path, other.path)
			}
			d.operations[key] = operation{op, path, item}
			typed(op.Parameters)
		}
	}
	return d, nil
}

// shape is a method and path without the names of the parameters, which differ
// between the documents and the emulator.
func shape(method, path string) string {
	segs := strings.Split(strings.Trim(path, "/"), "/")
	for i, seg := range segs {
		if strings.HasPrefix(seg, "{") {
			segs[i] = "{}"
		}
	}
	return method + " /" + strings.Join(segs, "/")
}

// typed gives parameters without a type, which the validator reads as nothing,
// the one that all have on the wire.
func typed(parameters openapi3.Parameters) {
	for _, p := range parameters {
		s := p.Value.Schema
		if s != nil && s.Value.Type == nil && s.Value.AllOf == nil && s.Value.AnyOf == nil && s.Value.OneOf == nil {
			s.Value.Type = &openapi3.Types{"string"}
		}
	}
}
