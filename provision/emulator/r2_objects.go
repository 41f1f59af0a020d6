package emulator

import (
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// object is an R2 object; its bytes are a blob.
type object struct {
	row
	Bucket, Key  string
	Size         int
	ETag         string
	StorageClass string
	HTTP         map[string]string // by the names the API lists them under
}

// httpMetadata are the headers R2 keeps with an object.
var httpMetadata = map[string]string{
	"contentType": "Content-Type", "contentDisposition": "Content-Disposition", "contentEncoding": "Content-Encoding",
	"contentLanguage": "Content-Language", "cacheControl": "Cache-Control", "cacheExpiry": "Expires",
}

func (s *Server) registerR2Objects(base string) {
	s.on("GET", base+"/objects", groupR2, s.listObjects)
	s.on("DELETE", base+"/objects", groupR2, s.deleteObjects)
	s.on("GET", base+"/objects/{key...}", groupR2, s.getObject)
	s.on("PUT", base+"/objects/{key...}", groupR2, s.putObject)
	s.on("DELETE", base+"/objects/{key...}", groupR2, s.deleteObject)
}

func r2Blob(bucket, key string) string { return "r2/" + bucket + "/" + key }

func errNoObject() *refusal {
	return refuse(http.StatusNotFound, 10007, "The specified key does not exist.")
}

func (s *Server) listObjects(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	q := c.query
	prefix, delimiter, per := q.Get("prefix"), q.Get("delimiter"), min(max(c.number("per_page", 20), 1), 1000)
	after := q.Get("start_after")
	if cursor, err := base64.RawURLEncoding.DecodeString(q.Get("cursor")); err == nil && len(cursor) > 0 {
		after = string(cursor)
	}
	index := s.objectsByKey
	at := index.first(join(b.ID, prefix))
	if after != "" {
		at = max(at, index.first(join(b.ID, after)+"\x00\xff"))
	}
	end := index.first(join(b.ID, prefix) + "\xff")
	found, folders, last, more := []any{}, []string{}, "", false
	for ; at < end; at++ {
		o := index.entries[at].row
		if folder, _, inside := strings.Cut(o.Key[len(prefix):], delimiter); delimiter != "" && inside {
			folder = prefix + folder + delimiter
			if !slices.Contains(folders, folder) && folder > after {
				folders = append(folders, folder)
			}
			last = o.Key
			continue
		}
		if more = len(found) == per; more {
			break
		}
		found = append(found, showObject(o))
		last = o.Key
	}
	info := map[string]any{"is_truncated": more, "per_page": per, "cursor": ""}
	if more {
		info["cursor"] = base64.RawURLEncoding.EncodeToString([]byte(last))
	}
	if delimiter != "" {
		info["delimited"] = folders
	}
	return &reply{result: found, info: info}, nil
}

func showObject(o *object) any {
	return map[string]any{"key": o.Key, "size": o.Size, "etag": o.ETag, "last_modified": millis(o.Made),
		"storage_class": o.StorageClass, "http_metadata": o.HTTP, "custom_metadata": map[string]string{}, "ssec": false}
}

func (s *Server) theObject(c *call) (*object, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	o, has := s.objectsByKey.one(b.ID, c.params["key"])
	if !has {
		return nil, errNoObject()
	}
	return o, nil
}

func (s *Server) getObject(c *call) (*reply, error) {
	o, err := s.theObject(c)
	if err != nil {
		return nil, err
	}
	body, _ := s.store.blob(r2Blob(o.Bucket, o.Key))
	out := raw(cmp.Or(o.HTTP["contentType"], "application/octet-stream"), body)
	out.header = http.Header{"Etag": {`"` + o.ETag + `"`}, "Last-Modified": {o.Made.UTC().Format(http.TimeFormat)}}
	for name, header := range httpMetadata {
		if v := o.HTTP[name]; v != "" {
			out.header.Set(header, v)
		}
	}
	if match := c.Header.Get("If-None-Match"); match != "" && strings.Contains(match, o.ETag) {
		out.status, out.raw = http.StatusNotModified, []byte{}
	}
	return out, nil
}

func (s *Server) putObject(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	sum := md5.Sum(c.body)
	// The id is new each time, so that an overwritten object is as fresh as a new one.
	o := &object{row: row{ID: newID()}, Bucket: b.ID, Key: c.params["key"], Size: len(c.body),
		ETag: hex.EncodeToString(sum[:]), StorageClass: cmp.Or(c.Header.Get("Cf-R2-Storage-Class"), b.StorageClass),
		HTTP: map[string]string{}}
	for name, header := range httpMetadata {
		if v := c.Header.Get(header); v != "" {
			o.HTTP[name] = v
		}
	}
	if old, has := s.objectsByKey.one(b.ID, o.Key); has {
		s.objects.remove(c.x, old.ID)
	}
	s.objects.put(c.x, o)
	c.x.putBlob(r2Blob(b.ID, o.Key), c.body)
	return ok(map[string]any{"key": o.Key, "etag": o.ETag, "size": strconv.Itoa(o.Size), "version": o.ID,
		"storage_class": o.StorageClass, "uploaded": millis(c.x.now)})
}

func (s *Server) dropObject(c *call, o *object) {
	s.objects.remove(c.x, o.ID)
	c.x.removeBlob(r2Blob(o.Bucket, o.Key))
}

func (s *Server) deleteObject(c *call) (*reply, error) {
	o, err := s.theObject(c)
	if err != nil {
		return nil, err
	}
	s.dropObject(c, o)
	return ok(map[string]any{"key": o.Key})
}

// deleteObjects drops the keys of the body, or with ?prefix= all that begin so.
func (s *Server) deleteObjects(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	gone := []any{}
	drop := func(o *object) {
		gone = append(gone, map[string]any{"key": o.Key})
		s.dropObject(c, o)
	}
	if prefix := c.query.Get("prefix"); prefix != "" {
		index := s.objectsByKey
		lo, hi := index.first(join(b.ID, prefix)), index.first(join(b.ID, prefix)+"\xff")
		for _, e := range slices.Clone(index.entries[lo:hi]) {
			drop(e.row)
		}
		return ok(gone)
	}
	var keys []string
	if err := c.decode(&keys, errBadR2Body); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if o, has := s.objectsByKey.one(b.ID, k); has {
			drop(o)
		}
	}
	return ok(gone)
}
