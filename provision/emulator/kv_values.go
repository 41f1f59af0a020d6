package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"
)

// kvKey is a key of a namespace; its value is a blob.
type kvKey struct {
	row
	Namespace, Name string
	Expiration      int64 // Unix seconds, 0: never
	Metadata        json.RawMessage
}

// Limits of KV, in bytes and in pairs of one bulk write.
const (
	maxKVKey      = 512
	maxKVValue    = 25 << 20
	maxKVMetadata = 1024
	maxKVBulk     = 10000
	minKVTTL      = 60 // seconds
)

func (s *Server) registerKVValues(base string) {
	s.on("GET", base+"/keys", groupKV, s.listKeys)
	s.on("GET", base+"/values/{key...}", groupKV, s.getValue)
	s.on("PUT", base+"/values/{key...}", groupKV, s.putValue)
	s.on("DELETE", base+"/values/{key...}", groupKV, s.deleteValue)
	s.on("GET", base+"/metadata/{key...}", groupKV, s.getMetadata)
	s.on("PUT", base+"/bulk", groupKV, s.bulkPut)
	s.on("DELETE", base+"/bulk", groupKV, s.bulkDelete)
	s.on("POST", base+"/bulk/delete", groupKV, s.bulkDelete)
	s.on("POST", base+"/bulk/get", groupKV, s.bulkGet)
}

func kvID(ns, name string) string   { return ns + "/" + name }
func kvBlob(ns, name string) string { return "kv/" + ns + "/" + name }

func errNoKey() *refusal { return refuse(http.StatusNotFound, 10009, "get: 'key not found'") }

// theKey finds a key that has not expired.
func (s *Server) theKey(c *call) (*kvKey, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	k, has := s.kvKeys.get(kvID(n.ID, c.params["key"]))
	if !has || k.expired(c.x.now) {
		return nil, errNoKey()
	}
	return k, nil
}

func (k *kvKey) expired(now time.Time) bool {
	return k.Expiration != 0 && k.Expiration <= now.Unix()
}

type kvKeyView struct {
	Name       string          `json:"name"`
	Expiration int64           `json:"expiration,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
}

func (s *Server) listKeys(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	limit := c.number("limit", 1000)
	if limit < 10 || limit > 1000 {
		return nil, refuse(http.StatusBadRequest, 10026, "limit must be between 10 and 1000")
	}
	from := c.query.Get("prefix")
	if cursor := c.query.Get("cursor"); cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, 10024, "invalid list cursor")
		}
		from = string(last) + "\x00"
	}
	index := s.kvKeysByName
	end := index.first(join(n.ID, c.query.Get("prefix")) + "\xff")
	result, cursor := []kvKeyView{}, ""
	for at := index.first(join(n.ID, from)); at < end; at++ {
		k := index.entries[at].row
		if k.expired(c.x.now) || k.Name+"\x00" == from {
			continue
		}
		if len(result) == limit {
			cursor = base64.RawURLEncoding.EncodeToString([]byte(result[limit-1].Name))
			break
		}
		result = append(result, kvKeyView{k.Name, k.Expiration, k.Metadata})
	}
	return &reply{result: result, info: map[string]any{"count": len(result), "cursor": cursor}}, nil
}

func (s *Server) getValue(c *call) (*reply, error) {
	k, err := s.theKey(c)
	if err != nil {
		return nil, err
	}
	value, _ := s.store.blob(kvBlob(k.Namespace, k.Name))
	out := raw("application/octet-stream", value)
	if k.Expiration != 0 {
		out.header = http.Header{"Expiration": {strconv.FormatInt(k.Expiration, 10)}}
	}
	return out, nil
}

func (s *Server) getMetadata(c *call) (*reply, error) {
	k, err := s.theKey(c)
	if err != nil {
		return nil, err
	}
	if k.Metadata == nil {
		return ok(nil)
	}
	return ok(k.Metadata)
}

// pair is a key to be written.
type pair struct {
	Key        string          `json:"key"`
	Value      string          `json:"value"`
	Base64     bool            `json:"base64"`
	Expiration int64           `json:"expiration"`
	TTL        int64           `json:"expiration_ttl"`
	Metadata   json.RawMessage `json:"metadata"`
}

// putPair stores one pair, or says why Cloudflare would not.
func (s *Server) putPair(c *call, ns string, p pair) error {
	value := []byte(p.Value)
	if p.Base64 {
		plain, err := base64.StdEncoding.DecodeString(p.Value)
		if err != nil {
			return refuse(http.StatusBadRequest, 10012, "invalid base64 in value of key '%s'", p.Key)
		}
		value = plain
	}
	now := c.x.now.Unix()
	switch {
	case p.Key == "" || p.Key == "." || p.Key == "..":
		return refuse(http.StatusBadRequest, 10020, "key names must not be empty, '.' or '..'")
	case len(p.Key) > maxKVKey:
		return refuse(http.StatusRequestURITooLong, 10030, "UTF-8 encoded length of %d exceeds key length limit of %d.", len(p.Key), maxKVKey)
	case len(value) > maxKVValue:
		return refuse(http.StatusRequestEntityTooLarge, 10033, "Value length of %d exceeds limit of %d.", len(value), maxKVValue)
	case len(p.Metadata) > maxKVMetadata:
		return refuse(http.StatusRequestEntityTooLarge, 10033, "Metadata length of %d exceeds limit of %d.", len(p.Metadata), maxKVMetadata)
	case p.TTL != 0 && p.TTL < minKVTTL:
		return refuse(http.StatusBadRequest, 10034, "Invalid expiration_ttl of %d. Expiration TTL must be at least %d.", p.TTL, minKVTTL)
	case p.Expiration != 0 && p.Expiration < now+minKVTTL:
		return refuse(http.StatusBadRequest, 10035, "Invalid expiration of %d. Expiration times must be at least %d seconds in the future.", p.Expiration, minKVTTL)
	}
	if p.TTL != 0 {
		p.Expiration = now + p.TTL
	}
	k := &kvKey{row: row{ID: kvID(ns, p.Key)}, Namespace: ns, Name: p.Key, Expiration: p.Expiration}
	if len(p.Metadata) > 0 && !bytes.Equal(p.Metadata, []byte("null")) {
		k.Metadata = p.Metadata
	}
	s.kvKeys.put(c.x, k)
	c.x.putBlob(kvBlob(ns, p.Key), value)
	return nil
}

func (s *Server) putValue(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	p := pair{Key: c.params["key"], Value: string(c.body),
		Expiration: int64(c.number("expiration", 0)), TTL: int64(c.number("expiration_ttl", 0))}
	if kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); kind == "multipart/form-data" {
		if err := readKVForm(&p, c.body, params["boundary"]); err != nil {
			return nil, err
		}
	}
	if err := s.putPair(c, n.ID, p); err != nil {
		return nil, err
	}
	return ok(nil)
}

// readKVForm takes value and metadata from a multipart body.
func readKVForm(p *pair, body []byte, boundary string) error {
	bad := refuse(http.StatusBadRequest, 10012, "could not parse multipart body")
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return bad
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return bad
		}
		switch part.FormName() {
		case "value":
			p.Value = string(data)
		case "metadata":
			if !json.Valid(data) {
				return refuse(http.StatusBadRequest, 10025, "metadata must be valid json")
			}
			p.Metadata = data
		}
	}
}

// dropKey removes a key; a missing one is no error.
func (s *Server) dropKey(c *call, ns, name string) {
	s.kvKeys.remove(c.x, kvID(ns, name))
	c.x.removeBlob(kvBlob(ns, name))
}

func (s *Server) deleteValue(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	s.dropKey(c, n.ID, c.params["key"])
	return ok(nil)
}

type bulkView struct {
	Count        int      `json:"successful_key_count"`
	Unsuccessful []string `json:"unsuccessful_keys"`
}

func (s *Server) bulkPut(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	if err := c.decode(&pairs, errBadKVBody); err != nil {
		return nil, err
	}
	if len(pairs) > maxKVBulk {
		return nil, refuse(http.StatusBadRequest, 10028, "maximum of %d keys exceeded", maxKVBulk)
	}
	for _, p := range pairs {
		if err := s.putPair(c, n.ID, p); err != nil {
			return nil, err
		}
	}
	return ok(bulkView{len(pairs), []string{}})
}

func (s *Server) bulkDelete(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	var names []string
	if err := c.decode(&names, errBadKVBody); err != nil {
		return nil, err
	}
	for _, name := range names {
		s.dropKey(c, n.ID, name)
	}
	return ok(bulkView{len(names), []string{}})
}

func (s *Server) bulkGet(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Keys     []string `json:"keys"`
		Type     string   `json:"type"`
		Metadata bool     `json:"withMetadata"`
	}
	if err := c.decode(&in, errBadKVBody); err != nil {
		return nil, err
	}
	if len(in.Keys) == 0 {
		return nil, refuse(http.StatusBadRequest, 10029, "at least one key is required")
	}
	values := map[string]any{}
	for _, name := range in.Keys {
		k, has := s.kvKeys.get(kvID(n.ID, name))
		if !has || k.expired(c.x.now) {
			values[name] = nil
			continue
		}
		data, _ := s.store.blob(kvBlob(n.ID, name))
		var value any = string(data)
		if in.Type == "json" {
			if !json.Valid(data) {
				return nil, refuse(http.StatusBadRequest, 10012, "value of key '%s' is not json", name)
			}
			value = json.RawMessage(data)
		}
		if in.Metadata {
			value = map[string]any{"value": value, "metadata": k.Metadata}
		}
		values[name] = value
	}
	return ok(map[string]any{"values": values})
}
