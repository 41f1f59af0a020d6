package emulator

import (
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

const groupVectorize = "Vectorize"

// vectorizeIndexes is Vectorize: the indexes here, what they hold in vectors.go
// and metadata_indexes.go.
type vectorizeIndexes struct {
	s                *Server
	rows             *table[*vectorIndex]
	byName           *index[*vectorIndex]
	vectors          *table[*vector]
	vectorsByName    *index[*vector]
	properties       *table[*metadataIndex]
	propertiesByName *index[*metadataIndex]
}

// vectorIndex is an index as it is kept. What its owner set is immutable.
type vectorIndex struct {
	row
	Account, Name, Description, Metric string
	Dimensions                         int
	Mutation                           string // the newest one's id, "" before the first
	Mutated                            time.Time
}

var _ = provide(func(s *Server) (string, func() []Resource) {
	v := &vectorizeIndexes{s: s, rows: newTable(s.store, "vectorize", func() *vectorIndex { return new(vectorIndex) })}
	v.byName = v.rows.by(func(i *vectorIndex) string { return key(i.Account, i.Name) })
	const base = "accounts/{account}/vectorize/v2/indexes"
	s.on("POST", base, groupVectorize, v.create)
	s.on("GET", base, groupVectorize, v.list)
	s.on("GET", base+"/{index}", groupVectorize, v.get)
	s.on("GET", base+"/{index}/info", groupVectorize, v.info)
	s.on("DELETE", base+"/{index}", groupVectorize, v.delete)
	v.registerVectors(base + "/{index}")
	v.registerProperties(base + "/{index}")
	s.bindable["vectorize"] = v.checkBinding
	// guess: the id is the name, which is all that the API calls an index by.
	s.taggables["vectorize_index"] = func(c *call, id string) (string, bool) {
		i, has := v.byName.one(c.account.ID, id)
		return id, has && s.seen(c, i.head())
	}
	return "vectorize", v.resources
})

// The codes are the reference's; guess: the statuses of 3000, 3001 and 3003, and
// all texts.
var (
	errNoIndex      = refuse(http.StatusNotFound, 3000, "vectorize.index_not_found")
	errIndexName    = refuse(http.StatusBadRequest, 3001, "vectorize.index_name_invalid")
	errIndexExists  = refuse(http.StatusConflict, 3002, "vectorize.index_duplicate_name")
	errIndexConfig  = refuse(http.StatusBadRequest, 3003, "vectorize.index_config_invalid")
	indexName       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]+[a-z0-9_-]*[a-z0-9]+$`) })
	indexMetrics    = []string{"cosine", "euclidean", "dot-product"}
	indexDimensions = 1536
)

func (v *vectorizeIndexes) resources() []Resource {
	var out []Resource
	for _, r := range v.rows.rows {
		one := Resource{Kind: "vectorize", ID: r.Name, Name: r.Name, Account: r.Account}
		if t, has := v.s.tagSets.get(tagID("vectorize_index", r.Name)); has {
			one.Tags = t.Tags
		}
		out = append(out, one)
	}
	return out
}

type vectorIndexView struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Config      any    `json:"config"`
	Created     string `json:"created_on"`
	Modified    string `json:"modified_on"`
}

type vectorConfig struct {
	Dimensions int    `json:"dimensions"`
	Metric     string `json:"metric"`
}

// vectorPresets are the models for which an index may be made without saying
// more; the document of 2026 has their names. guess: the metric.
var vectorPresets = map[string]vectorConfig{
	"@cf/baai/bge-small-en-v1.5":     {384, "cosine"},
	"@cf/baai/bge-base-en-v1.5":      {768, "cosine"},
	"@cf/baai/bge-large-en-v1.5":     {1024, "cosine"},
	"openai/text-embedding-ada-002":  {1536, "cosine"},
	"cohere/embed-multilingual-v2.0": {768, "cosine"},
}

func showIndex(i *vectorIndex) any {
	made := i.Made.UTC().Format(time.RFC3339Nano)
	return vectorIndexView{i.Name, i.Description, vectorConfig{i.Dimensions, i.Metric}, made, made}
}

func (v *vectorizeIndexes) create(c *call) (*reply, error) {
	var in struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Config      struct {
			vectorConfig
			Preset string `json:"preset"`
		} `json:"config"`
	}
	if err := c.decode(&in, errIndexConfig); err != nil {
		return nil, err
	}
	if preset, has := vectorPresets[in.Config.Preset]; has {
		in.Config.vectorConfig = preset
	}
	switch _, taken := v.byName.one(c.account.ID, in.Name); {
	case len(in.Name) > 64 || !indexName().MatchString(in.Name):
		return nil, errIndexName
	case in.Config.Dimensions < 1 || in.Config.Dimensions > indexDimensions || !slices.Contains(indexMetrics, in.Config.Metric):
		return nil, errIndexConfig
	case taken:
		return nil, errIndexExists
	}
	if err := full(len(v.byName.within(c.account.ID)), c.account.limits().indexes, "Vectorize indexes"); err != nil {
		return nil, err
	}
	i := &vectorIndex{row: row{ID: newID()}, Account: c.account.ID, Name: in.Name, Description: in.Description, Metric: in.Config.Metric, Dimensions: in.Config.Dimensions}
	v.rows.put(c.x, i)
	return ok(showIndex(i))
}

func (v *vectorizeIndexes) list(c *call) (*reply, error) {
	out := []any{} // one page, whatever there is
	for _, e := range visible(v.s, c, v.byName.within(c.account.ID)) {
		out = append(out, showIndex(e.row))
	}
	return ok(out)
}

func (v *vectorizeIndexes) the(c *call) (*vectorIndex, error) {
	i, has := v.byName.one(c.account.ID, c.params["index"])
	if !has || !v.s.seen(c, i.head()) {
		return nil, errNoIndex
	}
	return i, nil
}

func (v *vectorizeIndexes) get(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	return ok(showIndex(i))
}

func (v *vectorizeIndexes) info(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"dimensions": i.Dimensions, "vectorCount": len(v.vectorsByName.within(i.ID)), "processedUpToDatetime": nil, "processedUpToMutation": nil}
	if i.Mutation != "" {
		out["processedUpToDatetime"], out["processedUpToMutation"] = millis(i.Mutated), i.Mutation
	}
	return ok(out)
}

func (v *vectorizeIndexes) delete(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	v.drop(c, i)
	v.s.removeTags(c.x, "vectorize_index", i.Name)
	return ok(nil)
}

// checkBinding refuses a binding to what does not exist. guess: the status.
func (v *vectorizeIndexes) checkBinding(c *call, b binding) error {
	if i, has := v.byName.one(c.account.ID, b.Index); !has || !v.s.seen(c, i.head()) {
		return refuse(http.StatusBadRequest, 10159, "Vectorize binding '%s' references index '%s' which was not found.", b.Name, b.Index)
	}
	return nil
}
