package emulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// upload is a script upload: its metadata and its modules.
type upload struct {
	uploadMetadata
	modules []uploadedModule
}

type uploadedModule struct {
	module
	body []byte
}

type uploadMetadata struct {
	MainModule    string            `json:"main_module"`
	BodyPart      string            `json:"body_part"`
	Bindings      []binding         `json:"bindings"`
	KeepBindings  []string          `json:"keep_bindings"`
	KeepAssets    bool              `json:"keep_assets"`
	CompatDate    string            `json:"compatibility_date"`
	CompatFlags   []string          `json:"compatibility_flags"`
	Migrations    *migrations       `json:"migrations"`
	Tags          []string          `json:"tags"`
	Logpush       *bool             `json:"logpush"`
	Tails         json.RawMessage   `json:"tail_consumers"`
	Observability json.RawMessage   `json:"observability"`
	Placement     json.RawMessage   `json:"placement"`
	Limits        json.RawMessage   `json:"limits"`
	Assets        *assetsMetadata   `json:"assets"`
	Annotations   map[string]string `json:"annotations"`
}

type assetsMetadata struct {
	JWT    string          `json:"jwt"`
	Config json.RawMessage `json:"config"`
}

// invalidScript is the upload's validation error.
func invalidScript(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, 10021, format, args...)
}

// readUpload reads a multipart upload, or a bare service-worker script.
func readUpload(c *call) (*upload, error) {
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	up := &upload{}
	if kind != "multipart/form-data" {
		if !strings.Contains(kind, "javascript") {
			return nil, refuse(http.StatusBadRequest, 10001, "Content type required: multipart/form-data or application/javascript")
		}
		up.BodyPart = "script"
		up.modules = []uploadedModule{{module{Name: "script", Kind: kind}, c.body}}
		return up, up.check()
	}
	if err := up.readForm(c.body, params["boundary"]); err != nil {
		return nil, err
	}
	return up, up.check()
}

func (up *upload) readForm(body []byte, boundary string) error {
	bad := refuse(http.StatusBadRequest, 10001, "Content type required: the multipart body could not be read")
	parts, hasMetadata := multipart.NewReader(bytes.NewReader(body), boundary), false
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return bad
		}
		if name := part.FormName(); name != "metadata" {
			up.modules = append(up.modules, uploadedModule{module{name, part.Header.Get("Content-Type"), len(data)}, data})
			continue
		}
		if hasMetadata = true; json.Unmarshal(data, &up.uploadMetadata) != nil {
			return invalidScript("The uploaded metadata is not valid JSON.")
		}
	}
	if !hasMetadata {
		return invalidScript("The upload has no part named metadata.")
	}
	return nil
}

var compatDate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`) })

func (up *upload) check() error {
	main := up.MainModule
	if main == "" {
		main = up.BodyPart
	}
	if main == "" {
		if up.Assets != nil {
			return nil // a Worker of assets only
		}
		return invalidScript("The uploaded metadata names neither main_module nor body_part.")
	}
	i := slices.IndexFunc(up.modules, func(m uploadedModule) bool { return m.Name == main })
	if i < 0 {
		return invalidScript("No such module %q.", main)
	}
	if len(bytes.TrimSpace(up.modules[i].body)) == 0 {
		return refuse(http.StatusBadRequest, 10068, "The uploaded script has no registered event handlers.")
	}
	if up.CompatDate != "" && !compatDate().MatchString(up.CompatDate) {
		return invalidScript("Invalid compatibility date: %s", up.CompatDate)
	}
	return checkTags(up.Tags)
}

// Limits of a script's tags: how many, and the length of each in bytes.
const (
	maxScriptTags = 10
	maxScriptTag  = 1024
)

func checkTags(tags []string) error {
	if len(tags) > maxScriptTags {
		// guess: the code.
		return refuse(http.StatusForbidden, 10099, "A Worker may have at most %d tags.", maxScriptTags)
	}
	for _, t := range tags {
		if len(t) > maxScriptTag {
			return refuse(http.StatusBadRequest, 10099, "Tag is too large")
		}
		if strings.ContainsAny(t, ",&") {
			return refuse(http.StatusBadRequest, 10099, "Tags must not contain ',' or '&'.")
		}
	}
	return nil
}

// applyTo sets what belongs to the script rather than to the version.
func (up *upload) applyTo(w *script) {
	w.DeployedFrom = "api"
	if up.Tags != nil {
		w.Tags = up.Tags
	}
	if up.Logpush != nil {
		w.Logpush = *up.Logpush
	}
	if len(up.Tails) > 0 {
		w.Tails = up.Tails
	}
	if len(up.Observability) > 0 {
		w.Observability = up.Observability
	}
}

// keepAll takes a version's metadata for an upload that has only code.
func (up *upload) keepAll(v *version) {
	up.Bindings, up.CompatDate, up.CompatFlags = v.Bindings, v.CompatDate, v.CompatFlags
	up.Placement, up.Limits, up.KeepAssets = v.Placement, v.Limits, true
}

// etag identifies the code.
func (up *upload) etag() string {
	h := sha256.New()
	for _, m := range up.modules {
		h.Write([]byte(m.Name))
		h.Write([]byte{0})
		h.Write(m.body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// handlerNames are the events a Worker may answer.
var handlerNames = []string{"fetch", "scheduled", "queue", "email", "tail", "trace", "test"}

var handlerPatterns = func() []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, name := range handlerNames {
		// A method, a property, an assignment, or a name in braces.
		out = append(out, regexp.MustCompile(`(^|[^.\w$])["']?`+name+`["']?\s*[(:=]|[,{]\s*`+name+`\s*[,}]`))
	}
	return out
}()

// handlers finds out, without running it, what the code answers: it looks for
// the handlers' names where a handler could be defined.
func (up *upload) handlers() []string {
	out := []string{}
	for i, name := range handlerNames {
		for _, m := range up.modules {
			if strings.Contains(m.Kind, "javascript") && handlerPatterns[i].Match(m.body) {
				out = append(out, name)
				break
			}
		}
	}
	return out
}
