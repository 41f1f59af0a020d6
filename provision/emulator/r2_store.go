package emulator

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"
)

// object is an R2 object. Its bytes are a file under its id, which is new with each
// write, so that an overwritten object is as fresh as a new one.
type object struct {
	row
	Bucket, Key  string
	Size         int64
	ETag         string // without quotes
	StorageClass string
	HTTP         map[string]string // by the names the API lists them under
	Custom       map[string]string // lower-case names
	Checksums    map[string]string // base64 by algorithm, such as CRC32
	Parts        int               // of a multipart upload, 0: none
}

// What R2 allows, in bytes.
const (
	maxObject       = 5 << 30   // in one upload
	maxRESTObject   = 300 << 20 // in one upload through the REST API; wrangler's limit
	maxObjectKey    = 1024
	maxObjectCustom = 8192
)

// httpMetadata are the headers R2 keeps with an object.
var httpMetadata = map[string]string{
	"contentType": "Content-Type", "contentDisposition": "Content-Disposition", "contentEncoding": "Content-Encoding",
	"contentLanguage": "Content-Language", "cacheControl": "Cache-Control", "cacheExpiry": "Expires",
}

var (
	errNoObject  = refuse(http.StatusNotFound, 10007, "The specified key does not exist.")
	errObjectKey = refuse(http.StatusBadRequest, 10020, "The specified object name is not valid.")
	errLarge     = refuse(http.StatusBadRequest, 100100, "Your proposed upload exceeds the maximum allowed object size.")
	errCondition = refuse(http.StatusPreconditionFailed, 10031, "At least one of the pre-conditions you specified did not hold.")
	errTooOften  = refuse(http.StatusTooManyRequests, 10058, "Reduce your concurrent request rate for the same object.")
	errLocked    = refuse(http.StatusForbidden, 10069, "The object is locked by the bucket's lock rules.")
	errBody      = refuse(http.StatusBadRequest, 10013, "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	errMetadata  = refuse(http.StatusBadRequest, 10012, "Your metadata headers exceed the maximum allowed metadata size.")
)

// written is a body that was stored and belongs to no record yet.
type written struct {
	id   string
	size int64
	md5  []byte
}

// receive stores a body as it comes, at most so many bytes of it, and tells sums of
// it. Whoever gets an error has nothing to remove.
func (s *Server) receive(body io.Reader, most int64, sums ...hash.Hash) (written, error) {
	w := written{id: newID()}
	sum := md5.New()
	to := []io.Writer{sum}
	for _, h := range sums {
		to = append(to, h)
	}
	size, err := s.files.write(w.id, io.TeeReader(io.LimitReader(body, most+1), io.MultiWriter(to...)))
	if err != nil {
		s.files.remove(w.id)
		if said := new(refusal); errors.As(err, &said) {
			return written{}, said
		}
		return written{}, errBody
	}
	if size > most {
		s.files.remove(w.id)
		return written{}, errLarge
	}
	w.size, w.md5 = size, sum.Sum(nil)
	return w, nil
}

// keep puts a stored body into a bucket as an object, if the bucket is there still
// and the conditions hold; else the body is dropped. It is a transaction of its own,
// for endpoints that hold no lock while the body comes.
func (s *Server) keep(o *object, conditions http.Header) error {
	err := s.change(func(x *txn) error {
		b, has := s.buckets.get(o.Bucket)
		if !has {
			return errNoBucket
		}
		old, _ := s.objectsByKey.one(o.Bucket, o.Key)
		if err := met(conditions, old); err != nil {
			return err
		}
		return s.replace(x, b, old, o)
	})
	if err != nil {
		s.files.remove(o.ID)
	}
	return err
}

// replace puts an object in the place of the old one, nil for none.
func (s *Server) replace(x *txn, b *bucket, old, o *object) error {
	if old != nil {
		if b.locks(old, x.now) {
			return errLocked
		}
		if x.now.Sub(old.Made) < s.o.R2KeyInterval {
			return errTooOften
		}
		s.dropObject(x, old)
	}
	s.objects.put(x, o)
	return nil
}

func (s *Server) dropObject(x *txn, o *object) {
	s.objects.remove(x, o.ID)
	x.afterwards(func() { s.files.remove(o.ID) })
}

// met says whether the conditions for a write hold, where old is what is there now,
// nil for nothing.
func met(h http.Header, old *object) error {
	etag, made := "", time.Time{}
	if old != nil {
		etag, made = old.ETag, old.Made.Truncate(time.Second)
	}
	if v := h.Get("If-Match"); v != "" && !matchesETag(v, etag) {
		return errCondition
	}
	if v := h.Get("If-None-Match"); v != "" && matchesETag(v, etag) {
		return errCondition
	}
	if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && made.After(t) {
		return errCondition
	}
	if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && old != nil && !made.After(t) {
		return errCondition
	}
	return nil
}

// matchesETag compares an ETag with a list of them; * is any there is.
func matchesETag(list, etag string) bool {
	if etag == "" {
		return false
	}
	for one := range strings.SplitSeq(list, ",") {
		one = strings.Trim(strings.TrimPrefix(strings.TrimSpace(one), "W/"), `"`)
		if one == "*" || one == etag {
			return true
		}
	}
	return false
}

// fresh says what a reader's conditions come to: 0 to be given the object, 304 or 412.
func fresh(h http.Header, o *object) int {
	made := o.Made.Truncate(time.Second)
	if v := h.Get("If-Match"); v != "" {
		if !matchesETag(v, o.ETag) {
			return http.StatusPreconditionFailed
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && made.After(t) {
		return http.StatusPreconditionFailed
	}
	if v := h.Get("If-None-Match"); v != "" {
		if matchesETag(v, o.ETag) {
			return http.StatusNotModified
		}
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !made.After(t) {
		return http.StatusNotModified
	}
	return 0
}

// locks says whether a lock rule of the bucket keeps the object as it is.
func (b *bucket) locks(o *object, now time.Time) bool {
	var in struct {
		Rules []struct {
			Enabled   bool   `json:"enabled"`
			Prefix    string `json:"prefix"`
			Condition struct {
				Type string    `json:"type"` // Age, Date or Indefinite
				Age  int64     `json:"maxAgeSeconds"`
				Date time.Time `json:"date"`
			} `json:"condition"`
		} `json:"rules"`
	}
	if len(b.Lock) == 0 || json.Unmarshal(b.Lock, &in) != nil {
		return false
	}
	for _, r := range in.Rules {
		if !r.Enabled || !strings.HasPrefix(o.Key, r.Prefix) {
			continue
		}
		switch r.Condition.Type {
		case "Indefinite":
			return true
		case "Age":
			if now.Sub(o.Made) < time.Duration(r.Condition.Age)*time.Second {
				return true
			}
		case "Date":
			if now.Before(r.Condition.Date) {
				return true
			}
		}
	}
	return false
}

// describe takes the headers that R2 keeps with an object.
func (o *object) describe(h http.Header) {
	o.HTTP = map[string]string{}
	for name, header := range httpMetadata {
		if v := h.Get(header); v != "" {
			o.HTTP[name] = v
		}
	}
}

// headers are an object's own, for whoever reads it.
func (o *object) headers() http.Header {
	h := http.Header{"Etag": {`"` + o.ETag + `"`}, "Last-Modified": {o.Made.UTC().Format(http.TimeFormat)}}
	for name, header := range httpMetadata {
		if v := o.HTTP[name]; v != "" {
			h.Set(header, v)
		}
	}
	return h
}

// object makes the record of a stored body.
func (w written) object(b *bucket, key string) *object {
	return &object{row: row{ID: w.id}, Bucket: b.ID, Key: key, Size: w.size, ETag: hex.EncodeToString(w.md5), StorageClass: b.StorageClass}
}
