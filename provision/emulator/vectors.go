package emulator

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// vector is a vector of an index. Mutations are done when they are answered;
// on Cloudflare they come about seconds later.
type vector struct {
	row
	Index, Name string // Name is what the API calls its id
	Namespace   string
	Values      []float64
	Metadata    map[string]any
	Indexed     []string // properties that had a metadata index when it came
}

// Limits of Vectorize: vectors in one insertion, matches and ids.
// guess: they are the documentation's and may have changed.
const (
	maxVectorsAtOnce = 5000
	maxMatches       = 100
	maxVectorList    = 1000
)

// badVectors: guess: the code and the texts.
func badVectors(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, 40006, format, args...)
}

func (v *vectorizeIndexes) registerVectors(base string) {
	s := v.s
	v.vectors = newTable(s.store, "vector", func() *vector { return new(vector) })
	v.vectorsByName = v.vectors.by(func(x *vector) string { return key(x.Index, x.Name) })
	s.on("POST", base+"/insert", groupVectorize, func(c *call) (*reply, error) { return v.insert(c, false) })
	s.on("POST", base+"/upsert", groupVectorize, func(c *call) (*reply, error) { return v.insert(c, true) })
	s.on("POST", base+"/query", groupVectorize, v.query)
	s.on("POST", base+"/get_by_ids", groupVectorize, v.getVectors)
	s.on("POST", base+"/delete_by_ids", groupVectorize, v.deleteVectors)
	s.on("GET", base+"/list", groupVectorize, v.listVectors)
}

// mutated notes a mutation as the index's newest and answers its id.
func (v *vectorizeIndexes) mutated(c *call, i *vectorIndex) (*reply, error) {
	next := *i
	next.Mutation, next.Mutated = newUUID(), c.x.now
	v.rows.put(c.x, &next)
	return ok(map[string]string{"mutationId": next.Mutation})
}

// ndjson takes the vectors' lines out of a body: raw, or a form with one file.
func ndjson(c *call) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return c.body, nil
	}
	part, err := multipart.NewReader(bytes.NewReader(c.body), params["boundary"]).NextPart()
	if err != nil {
		return nil, badVectors("The form could not be read.")
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return nil, badVectors("The form could not be read.")
	}
	return data, nil
}

// insert adds vectors; one that is there already stays, or is replaced by upsert.
func (v *vectorizeIndexes) insert(c *call, replace bool) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	data, err := ndjson(c)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if len(lines) > maxVectorsAtOnce {
		return nil, badVectors("Too many vectors: %d, the limit is %d.", len(lines), maxVectorsAtOnce)
	}
	var indexed []string
	for _, e := range v.propertiesByName.within(i.ID) {
		indexed = append(indexed, e.row.Property)
	}
	for n, line := range lines {
		var in struct {
			ID        string         `json:"id"`
			Values    []float64      `json:"values"`
			Namespace string         `json:"namespace"`
			Metadata  map[string]any `json:"metadata"`
		}
		if err := json.Unmarshal(line, &in); err != nil || in.ID == "" || len(in.ID) > 64 || !i.fits(in.Values) {
			if c.query.Get("unparsable-behavior") == "discard" {
				continue
			}
			return nil, badVectors("Line %d is no vector with an id and %d values.", n+1, i.Dimensions)
		}
		next := &vector{row: row{ID: newID()}, Index: i.ID, Name: in.ID, Namespace: in.Namespace, Values: in.Values, Metadata: in.Metadata, Indexed: indexed}
		if old, has := v.vectorsByName.one(i.ID, in.ID); has {
			if !replace {
				continue
			}
			next.row = old.row
		}
		v.vectors.put(c.x, next)
	}
	return v.mutated(c, i)
}

// fits says whether values can be a vector of the index: they are as many, and
// of 32 bits.
func (i *vectorIndex) fits(values []float64) bool {
	return len(values) == i.Dimensions && !slices.ContainsFunc(values, func(v float64) bool { return math.Abs(v) > math.MaxFloat32 })
}

type idList struct {
	IDs []string `json:"ids"`
}

func (v *vectorizeIndexes) deleteVectors(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	var in idList
	if err := c.decode(&in, badVectors("The body has no ids.")); err != nil {
		return nil, err
	}
	for _, id := range in.IDs {
		if x, has := v.vectorsByName.one(i.ID, id); has {
			v.vectors.remove(c.x, x.ID)
		}
	}
	return v.mutated(c, i)
}

func (x *vector) show() map[string]any {
	out := map[string]any{"id": x.Name, "values": x.Values}
	if x.Namespace != "" {
		out["namespace"] = x.Namespace
	}
	if x.Metadata != nil {
		out["metadata"] = x.Metadata
	}
	return out
}

func (v *vectorizeIndexes) getVectors(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	var in idList
	if err := c.decode(&in, badVectors("The body has no ids.")); err != nil {
		return nil, err
	}
	out := []any{}
	for _, id := range in.IDs {
		if x, has := v.vectorsByName.one(i.ID, id); has {
			out = append(out, x.show())
		}
	}
	return ok(out)
}

// listVectors lists ids. The cursor is the last id of the page before.
func (v *vectorizeIndexes) listVectors(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	all, count := v.vectorsByName.within(i.ID), min(max(c.number("count", 100), 1), maxVectorList)
	after, err := base64.RawURLEncoding.DecodeString(c.query.Get("cursor"))
	if err != nil {
		return nil, badVectors("The cursor is none.")
	}
	from := 0
	for len(after) > 0 && from < len(all) && all[from].row.Name <= string(after) {
		from++
	}
	page := all[from:min(from+count, len(all))]
	list := []any{}
	for _, e := range page {
		list = append(list, map[string]string{"id": e.row.Name})
	}
	out := map[string]any{"count": len(list), "totalCount": len(all), "isTruncated": from+len(page) < len(all), "vectors": list}
	if from+len(page) < len(all) {
		out["nextCursor"] = base64.RawURLEncoding.EncodeToString([]byte(page[len(page)-1].row.Name))
	}
	return ok(out)
}

// A match is a vector and how near it is.
type match struct {
	*vector
	score float64
}

func (v *vectorizeIndexes) query(c *call) (*reply, error) {
	i, err := v.the(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Vector         []float64      `json:"vector"`
		VectorID       string         `json:"vectorId"`
		TopK           int            `json:"topK"`
		ReturnValues   bool           `json:"returnValues"`
		ReturnMetadata string         `json:"returnMetadata"`
		Namespace      string         `json:"namespace"`
		Filter         map[string]any `json:"filter"`
	}
	if err := c.decode(&in, badVectors("The query could not be read.")); err != nil {
		return nil, err
	}
	if from, has := v.vectorsByName.one(i.ID, in.VectorID); has {
		in.Vector = from.Values
	}
	if in.TopK = cmpOr(in.TopK, 5); !i.fits(in.Vector) || in.TopK < 1 || in.TopK > maxMatches {
		return nil, badVectors("The query needs a vector of %d values, and topK from 1 to %d.", i.Dimensions, maxMatches)
	}
	var found []match
	for _, e := range v.vectorsByName.within(i.ID) {
		if (in.Namespace == "" || e.row.Namespace == in.Namespace) && e.row.passes(in.Filter) {
			found = append(found, match{e.row, score(i.Metric, in.Vector, e.row.Values)})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return nearer(i.Metric, a.score, b.score) })
	list := []any{}
	for _, m := range found[:min(in.TopK, len(found))] {
		out := m.show()
		out["score"] = m.score
		if !in.ReturnValues {
			delete(out, "values")
		}
		if in.ReturnMetadata != "all" && in.ReturnMetadata != "indexed" {
			delete(out, "metadata")
		}
		list = append(list, out)
	}
	return ok(map[string]any{"count": len(list), "matches": list})
}

// score is how near two vectors are, by the index's metric.
func score(metric string, a, b []float64) float64 {
	var dot, aa, bb, apart float64
	for i := range a {
		dot += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
		apart += (a[i] - b[i]) * (a[i] - b[i])
	}
	switch metric {
	case "euclidean":
		return math.Sqrt(apart)
	case "dot-product":
		return dot
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}

// nearer sorts the best match first: the smallest distance, or else the greatest
// likeness.
func nearer(metric string, a, b float64) int {
	if metric == "euclidean" {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(b, a)
}

// passes says whether a vector's metadata has what the filter asks for. Only
// properties that were indexed when the vector came can be filtered by.
// guess: of the filter's operators only equality is emulated, others match nothing.
func (x *vector) passes(filter map[string]any) bool {
	for property, want := range filter {
		if given, is := want.(map[string]any); is {
			want = given["$eq"]
		}
		if want == nil || !slices.Contains(x.Indexed, property) || x.property(property) != want {
			return false
		}
	}
	return true
}

// property finds a value in nested metadata by its dotted path.
func (x *vector) property(path string) any {
	var at any = x.Metadata
	for part := range strings.SplitSeq(path, ".") {
		within, is := at.(map[string]any)
		if !is {
			return nil
		}
		at = within[part]
	}
	switch at.(type) {
	case string, float64, bool:
		return at
	}
	return nil
}

// drop takes what an index holds away with it.
func (v *vectorizeIndexes) drop(c *call, i *vectorIndex) {
	for _, e := range slices.Clone(v.vectorsByName.within(i.ID)) {
		v.vectors.remove(c.x, e.row.ID)
	}
	for _, e := range slices.Clone(v.propertiesByName.within(i.ID)) {
		v.properties.remove(c.x, e.row.ID)
	}
	v.rows.remove(c.x, i.ID)
}
