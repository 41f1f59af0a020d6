package emulator

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
)

func (s *Server) registerR2Objects(base string) {
	s.on("GET", base+"/objects", groupR2, s.listObjects).items = true
	s.on("DELETE", base+"/objects", groupR2, s.deleteObjects).items = true
	s.on("GET", base+"/objects/{key...}", groupR2, s.getObject).items = true
	put := s.on("PUT", base+"/objects/{key...}", groupR2, s.putObject)
	put.items, put.free, put.stream = true, true, true
	s.on("DELETE", base+"/objects/{key...}", groupR2, s.deleteObject).items = true
}

func (s *Server) listObjects(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	q := c.query
	l := listing{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), after: q.Get("start_after"),
		most: min(max(c.number("per_page", 20), 1), 1000)}
	if cursor, err := base64.RawURLEncoding.DecodeString(q.Get("cursor")); err == nil && len(cursor) > 0 {
		l.after = string(cursor)
	}
	page := s.list(b, l)
	found := []any{}
	for _, o := range page.objects {
		found = append(found, showObject(o))
	}
	info := map[string]any{"is_truncated": page.more, "per_page": l.most, "cursor": ""}
	if page.more {
		info["cursor"] = base64.RawURLEncoding.EncodeToString([]byte(page.last))
	}
	if l.delimiter != "" {
		info["delimited"] = append([]string{}, page.folders...)
	}
	return &reply{result: found, info: info}, nil
}

func showObject(o *object) any {
	custom := o.Custom
	if custom == nil {
		custom = map[string]string{}
	}
	return map[string]any{"key": o.Key, "size": o.Size, "etag": o.ETag, "last_modified": millis(o.Made),
		"storage_class": o.StorageClass, "http_metadata": o.HTTP, "custom_metadata": custom, "ssec": false}
}

func (s *Server) theObject(c *call) (*bucket, *object, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, nil, err
	}
	o, has := s.objectsByKey.one(b.ID, c.params["key"])
	if !has {
		return nil, nil, errNoObject
	}
	return b, o, nil
}

func (s *Server) getObject(c *call) (*reply, error) {
	_, o, err := s.theObject(c)
	if err != nil {
		return nil, err
	}
	out := raw(cmp.Or(o.HTTP["contentType"], "application/octet-stream"), nil)
	out.header = o.headers()
	if out.status = fresh(http.Header{
		"If-None-Match": c.Header["If-None-Match"], "If-Modified-Since": c.Header["If-Modified-Since"]}, o); out.status != 0 {
		return out, nil
	}
	out.stream, err = s.files.part(o.ID, 0, o.Size)
	return out, err
}

// putObject takes no conditions: none are documented for it.
func (s *Server) putObject(c *call) (*reply, error) {
	b, err := s.freeBucket(c)
	if err != nil {
		return nil, err
	}
	key := c.params["key"]
	if key == "" || len(key) > maxObjectKey {
		return nil, errObjectKey
	}
	w, err := s.receive(c.Body, maxRESTObject)
	if err != nil {
		return nil, err
	}
	o := w.object(b, key)
	o.describe(c.Header)
	o.StorageClass = cmp.Or(c.Header.Get("Cf-R2-Storage-Class"), b.StorageClass)
	if err := s.keep(o, nil); err != nil {
		return nil, err
	}
	return ok(map[string]any{"key": o.Key, "etag": o.ETag, "size": strconv.FormatInt(o.Size, 10), "version": o.ID,
		"storage_class": o.StorageClass, "uploaded": millis(o.Made)})
}

// freeBucket finds the bucket for an endpoint that holds no lock.
func (s *Server) freeBucket(c *call) (*bucket, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.theBucket(c)
}

func (s *Server) deleteObject(c *call) (*reply, error) {
	b, o, err := s.theObject(c)
	if err != nil {
		return nil, err
	}
	if b.locks(o, c.x.now) {
		return nil, errLocked
	}
	s.dropObject(c.x, o)
	return ok(map[string]any{"key": o.Key})
}

// deleteObjects drops the keys of the body, or with ?prefix= all that begin so. One
// that is locked refuses the whole; guess: so do several.
func (s *Server) deleteObjects(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	var found []*object
	if prefix := c.query.Get("prefix"); prefix != "" {
		index := s.objectsByKey
		lo, hi := index.first(join(b.ID, prefix)), index.first(join(b.ID, prefix)+"\xff")
		for _, e := range slices.Clone(index.entries[lo:hi]) {
			found = append(found, e.row)
		}
	} else {
		var keys []string
		if err := c.decode(&keys, errBadR2Body); err != nil {
			return nil, err
		}
		for _, k := range keys {
			if o, has := s.objectsByKey.one(b.ID, k); has {
				found = append(found, o)
			}
		}
	}
	gone := []any{}
	for _, o := range found {
		if b.locks(o, c.x.now) {
			return nil, errLocked
		}
		s.dropObject(c.x, o)
		gone = append(gone, map[string]any{"key": o.Key})
	}
	return ok(gone)
}
