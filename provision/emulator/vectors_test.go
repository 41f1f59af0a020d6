package emulator

import (
	"testing"
)

func TestVectors(t *testing.T) {
	c := open(t, Options{})
	const base = "A/vectorize/v2/indexes"
	for _, name := range []string{"cos", "far"} {
		metric := map[string]string{"cos": "cosine", "far": "euclidean"}[name]
		c.must("POST", base, `{"name":"`+name+`","config":{"dimensions":2,"metric":"`+metric+`"}}`)
	}
	const three = `{"id":"b","values":[0,1],"metadata":{"tag":"y"}}` + "\n" + `{"id":"a","values":[1,0],"metadata":{"tag":"x"},"namespace":"n"}` + "\n" + `{"id":"c","values":[9,9]}`
	c.run([]step{
		{name: "nothing yet", method: "GET", path: base + "/cos/info", want: map[string]any{"vectorCount": 0, "processedUpToMutation": nil}},
		{name: "index a property", method: "POST", path: base + "/cos/metadata_index/create", body: `{"propertyName":"tag","indexType":"string"}`, keep: map[string]string{"first": "mutationId"}},
		{name: "the property again", method: "POST", path: base + "/cos/metadata_index/create", body: `{"propertyName":"tag","indexType":"string"}`, status: 409, code: 40004},
		{name: "of no type", method: "POST", path: base + "/cos/metadata_index/create", body: `{"propertyName":"z","indexType":"date"}`, status: 400, code: 40026},
		{name: "its list", method: "GET", path: base + "/cos/metadata_index/list", want: map[string]any{"metadataIndexes.0.propertyName": "tag", "metadataIndexes.0.indexType": "string"}},
		{name: "insert", method: "POST", path: base + "/cos/insert", body: three, keep: map[string]string{"second": "mutationId"}},
		{name: "count them", method: "GET", path: base + "/cos/info", want: map[string]any{"vectorCount": 3, "processedUpToMutation": "{second}"}},
		{name: "insert keeps what is there", method: "POST", path: base + "/cos/insert", body: `{"id":"a","values":[0,7]}`},
		{name: "what is there", method: "POST", path: base + "/cos/get_by_ids", body: `{"ids":["a","nope"]}`, want: map[string]any{"0.values.0": 1, "0.metadata.tag": "x", "0.namespace": "n", "1": nil}},
		{name: "upsert replaces", method: "POST", path: base + "/cos/upsert", body: `{"id":"c","values":[1,1]}`},
		{name: "replaced", method: "POST", path: base + "/cos/get_by_ids", body: `{"ids":["c"]}`, want: map[string]any{"0.values.0": 1}},
		{name: "wrong length", method: "POST", path: base + "/cos/insert", body: `{"id":"d","values":[1]}`, status: 400, code: 40006},
		{name: "too great", method: "POST", path: base + "/cos/query", body: `{"vector":[1e300,1]}`, status: 400, code: 40006},
		{name: "no JSON", method: "POST", path: base + "/cos/insert", body: `x`, status: 400, code: 40006},
		{name: "bad lines discarded", method: "POST", path: base + "/cos/insert?unparsable-behavior=discard", body: "x\n" + `{"id":"d","values":[-1,0]}`},
		{name: "nearest first", method: "POST", path: base + "/cos/query", body: `{"vector":[1,0.1],"topK":2}`, want: map[string]any{"count": 2, "matches.0.id": "a", "matches.1.id": "c", "matches.0.values": nil, "matches.0.metadata": nil}},
		{name: "by a vector's id", method: "POST", path: base + "/cos/query", body: `{"vectorId":"b","topK":1,"returnValues":true,"returnMetadata":"all"}`, want: map[string]any{"matches.0.id": "b", "matches.0.score": 1, "matches.0.values.1": 1, "matches.0.metadata.tag": "y"}},
		{name: "filtered", method: "POST", path: base + "/cos/query", body: `{"vector":[1,0],"filter":{"tag":"y"}}`, want: map[string]any{"count": 1, "matches.0.id": "b"}},
		{name: "filtered by operator", method: "POST", path: base + "/cos/query", body: `{"vector":[1,0],"filter":{"tag":{"$eq":"x"}}}`, want: map[string]any{"count": 1, "matches.0.id": "a"}},
		{name: "in a namespace", method: "POST", path: base + "/cos/query", body: `{"vector":[1,0],"namespace":"n"}`, want: map[string]any{"count": 1}},
		{name: "wrong query", method: "POST", path: base + "/cos/query", body: `{"vector":[1,0,0]}`, status: 400, code: 40006},
		{name: "by distance", method: "POST", path: base + "/far/insert", body: three},
		{name: "the shortest first", method: "POST", path: base + "/far/query", body: `{"vector":[8,9],"topK":1}`, want: map[string]any{"matches.0.id": "c", "matches.0.score": 1}},
		{name: "without a metadata index", method: "POST", path: base + "/far/query", body: `{"vector":[1,0],"filter":{"tag":"x"}}`, want: map[string]any{"count": 0}},
		{name: "first page", method: "GET", path: base + "/cos/list?count=3", want: map[string]any{"vectors.0.id": "a", "vectors.2.id": "c", "isTruncated": true, "totalCount": 4}, keep: map[string]string{"cursor": "nextCursor"}},
		{name: "last page", method: "GET", path: base + "/cos/list?count=3&cursor={cursor}", want: map[string]any{"vectors.0.id": "d", "isTruncated": false, "nextCursor": nil}},
		{name: "delete some", method: "POST", path: base + "/cos/delete_by_ids", body: `{"ids":["a","b","nope"]}`},
		{name: "the others", method: "GET", path: base + "/cos/info", want: map[string]any{"vectorCount": 2}},
		{name: "drop the property", method: "POST", path: base + "/cos/metadata_index/delete", body: `{"propertyName":"tag"}`},
		{name: "drop it again", method: "POST", path: base + "/cos/metadata_index/delete", body: `{"propertyName":"tag"}`, status: 400, code: 40005},
		{name: "no such index", method: "GET", path: base + "/nope/list", status: 404, code: 3000},
		{name: "delete the index", method: "DELETE", path: base + "/cos"},
		{name: "make it again", method: "POST", path: base, body: `{"name":"cos","config":{"dimensions":2,"metric":"cosine"}}`},
		{name: "it is empty", method: "GET", path: base + "/cos/list", want: map[string]any{"count": 0}},
	})
	bound := func(index string) map[string]any {
		return map[string]any{"bindings": []any{map[string]any{"type": "vectorize", "name": "V", "index_name": index}}}
	}
	if g := c.upload("w", bound("cos")); g.Status != 200 {
		t.Errorf("binding an index: %s", g.Raw)
	}
	if g := c.upload("w", bound("nope")); g.code() != 10159 {
		t.Errorf("binding no index: %s, want 10159", g.Raw)
	}
}
