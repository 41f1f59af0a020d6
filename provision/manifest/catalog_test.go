package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/cfboot/cfboot/provision"
)

// plainCatalog is a small catalog that behaves as the real one does: schemas
// without "kind" and "name", real names made of project, environment and logical
// name, a queue whose consumer is a resource of its own.
type plainCatalog struct{}

func (plainCatalog) Kinds() []string { return []string{"d1", "queue", "record", "worker"} }

func (plainCatalog) Schema(kind string) []byte { return []byte(plainSchemas[kind]) }

func (plainCatalog) Ignorable(kind string) []string { return plainIgnorable[kind] }

var plainIgnorable = map[string][]string{"d1": {"location_hint", "replicas", "share"}, "queue": {"paused"}}

var plainSchemas = map[string]string{
	"d1": `{
		"description": "A D1 database.",
		"properties": {
			"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["DB"]},
			"location_hint": {"enum": ["wnam", "weur", "apac"], "description": "Where the primary should live."},
			"replicas": {"type": "integer", "minimum": 0, "maximum": 5, "default": 0},
			"share": {"type": "number", "exclusiveMinimum": 0},
			"migrations_dir": {"type": "string", "minLength": 1}
		}
	}`,
	"queue": `{
		"description": "A queue.",
		"type": "object",
		"properties": {
			"binding": {"type": "string", "examples": ["JOBS"]},
			"paused": {"type": "boolean"},
			"consumer": {
				"type": "object",
				"description": "Who takes the messages.",
				"properties": {
					"worker": {"type": "string", "description": "The logical name of a worker."},
					"dead_letter": {"type": "string"},
					"max_retries": {"type": "integer", "minimum": 0, "maximum": 100},
					"batch": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}, "timeout": {"type": "integer"}}}
				},
				"required": ["worker"]
			}
		}
	}`,
	"record": `{
		"description": "A DNS record.",
		"properties": {
			"host": {"type": "string", "format": "hostname"},
			"content": {"type": "string", "examples": ["192.0.2.1"], "description": "What the name stands for."},
			"ttl": {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 60}], "description": "Seconds, or \"auto\"."},
			"data": {"oneOf": [
				{"type": "object", "properties": {"type": {"const": "mx"}, "priority": {"type": "integer"}}, "required": ["type", "priority"]},
				{"type": "object", "properties": {"type": {"const": "srv"}, "port": {"type": "integer", "multipleOf": 2}}, "required": ["type", "port"]}
			]}
		},
		"required": ["content"]
	}`,
	"worker": `{
		"description": "A Worker.",
		"properties": {
			"routes": {"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true, "items": {"type": "string", "pattern": "^/", "examples": ["/api/*"]}},
			"service": {"type": "string", "description": "The logical name of a worker that it calls."},
			"tag": {"type": "string", "maxLength": 8},
			"mounts": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "object", "propertyNames": {"pattern": "^[A-Z]$"}}}},
			"vars": {"type": "object", "propertyNames": {"pattern": "^[A-Z_]+$"}, "additionalProperties": {"type": "string"}, "maxProperties": 2}
		},
		"dependentRequired": {"tag": ["routes"]}
	}`,
}

// settings are those of all kinds, enough to resolve by.
type settings struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Binding  string `json:"binding"`
	Host     string `json:"host"`
	Content  string `json:"content"`
	Service  string `json:"service"`
	Consumer *struct {
		Worker     string `json:"worker"`
		DeadLetter string `json:"dead_letter"`
		MaxRetries int    `json:"max_retries"`
	} `json:"consumer"`
	Replicas int      `json:"replicas"`
	Ignore   []string `json:"ignore"`
}

func (c plainCatalog) Resolve(in Spec) ([]provision.Resource, []Ref, error) {
	var s settings
	if err := json.Unmarshal(in.JSON, &s); err != nil {
		return nil, nil, err
	}
	if s.Kind != in.Key.Kind || s.Name != in.Name || s.Name != in.Names[in.Key.Name] {
		return nil, nil, fmt.Errorf("the spec contradicts itself: %+v", in)
	}
	name, err := realName(in)
	if err != nil {
		return nil, nil, err
	}
	own := provision.Resource{Key: in.Key, Name: name, Settings: provision.Settings{}, Local: provision.Settings{}, Ignore: s.Ignore}
	if s.Binding != "" {
		own.Local["binding"] = s.Binding
	}
	switch in.Key.Kind {
	case "d1":
		if s.Replicas > 0 {
			own.Settings["replicas"] = float64(s.Replicas)
		}
	case "record":
		return record(in, s, own)
	case "queue":
		return queue(in, s, own)
	case "worker":
		if s.Service != "" {
			to := provision.Key{Kind: "worker", Name: s.Service}
			return []provision.Resource{own}, []Ref{{From: in.Key, To: to, Path: "/service"}}, nil
		}
	}
	return []provision.Resource{own}, nil, nil
}

func record(in Spec, s settings, own provision.Resource) ([]provision.Resource, []Ref, error) {
	own.Name = s.Host
	if s.Host == "" {
		own.Name = in.Domain
	}
	if own.Name == "" {
		return nil, nil, &SettingError{Path: "/host", Text: "there is no domain to take it from", Hints: []string{`set "domain"`}}
	}
	own.Identity = own.Name + " " + s.Content
	return []provision.Resource{own}, nil, nil
}

func queue(in Spec, s settings, own provision.Resource) ([]provision.Resource, []Ref, error) {
	if s.Consumer == nil {
		return []provision.Resource{own}, nil, nil
	}
	key := provision.Key{Kind: "consumer", Name: in.Key.Name}
	// Many consumers may have one Worker, but a queue has one consumer.
	c := provision.Resource{Key: key, Name: s.Consumer.Worker, Identity: own.Name, Refs: []provision.Key{in.Key}}
	if s.Consumer.MaxRetries > 0 {
		c.Settings = provision.Settings{"max_retries": float64(s.Consumer.MaxRetries)}
	}
	refs := []Ref{{From: key, To: in.Key}, {From: key, To: provision.Key{Kind: "worker", Name: s.Consumer.Worker}, Path: "/consumer/worker"}}
	if s.Consumer.DeadLetter != "" {
		refs = append(refs, Ref{From: key, To: provision.Key{Kind: "queue", Name: s.Consumer.DeadLetter}, Path: "/consumer/dead_letter"})
	}
	return []provision.Resource{own, c}, refs, nil
}

var realForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

func realName(in Spec) (string, error) {
	production := in.Environment == provision.Production
	name := in.Project + "-" + in.Key.Name
	switch {
	case in.Name != "" && production:
		name = in.Name
	case in.Name != "":
		name = in.Name + "-" + in.Environment
	case !production:
		name = in.Project + "-" + in.Environment + "-" + in.Key.Name
	}
	if in.Name == "forbidden" {
		return "", errors.Join(&SettingError{Path: "/name", Text: "\"forbidden\" is not allowed"}, errors.New("it has no good name"))
	}
	if !realForm.MatchString(name) {
		return "", &SettingError{Path: "/name", Text: fmt.Sprintf("%q has more than 40 characters", name), Hints: []string{"shorten it"}}
	}
	return name, nil
}
