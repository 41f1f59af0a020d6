package emulator

import (
	"cmp"
	"encoding/xml"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	metaHeader      = "X-Amz-Meta-"
	copySource      = "X-Amz-Copy-Source"
	createIfMissing = "Cf-Create-Bucket-If-Missing"
)

// s3Object serves what is about one object.
func (s *Server) s3Object(c *s3Call) (answer, error) {
	if len(c.key) > maxObjectKey {
		return answer{}, errObjectKey
	}
	q := c.query
	switch read := c.Method == http.MethodGet || c.Method == http.MethodHead; {
	case read && q.Has("uploadId"):
		return s.s3ListParts(c)
	case read:
		return s.s3GetObject(c)
	}
	b, err := s.mayBucket(c, true)
	if err == errNoBucket && c.Header.Get(createIfMissing) == "true" && (c.Method == http.MethodPut || q.Has("uploads")) {
		b, err = s.s3MissingBucket(c)
	}
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.Method == http.MethodPut && q.Has("uploadId"):
		return s.s3UploadPart(c, b)
	case c.Method == http.MethodPut && c.Header.Get(copySource) != "":
		return s.s3CopyObject(c, b)
	case c.Method == http.MethodPut:
		return s.s3PutObject(c, b)
	case c.Method == http.MethodPost && q.Has("uploads"):
		return s.s3CreateUpload(c, b)
	case c.Method == http.MethodPost && q.Has("uploadId"):
		return s.s3CompleteUpload(c, b)
	case c.Method == http.MethodDelete && q.Has("uploadId"):
		return s.s3AbortUpload(c, b)
	case c.Method == http.MethodDelete:
		return s.s3DeleteObject(c, b)
	}
	return answer{}, errNotAllowed
}

// s3MissingBucket makes the bucket of an upload, as R2's extension does.
func (s *Server) s3MissingBucket(c *s3Call) (b *bucket, err error) {
	if err := c.may(true, "", false); err != nil {
		return nil, err
	}
	err = s.change(func(x *txn) error {
		b, err = s.newBucket(x, c.account, c.place, c.bucket, "", "")
		return err
	})
	return b, err
}

// objectAt finds an object of a bucket that the caller may read.
func (s *Server) objectAt(c *s3Call, bucket, key string) (*object, error) {
	if err := c.may(false, bucket, true); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.bucketNamed(c, bucket)
	if err != nil {
		return nil, err
	}
	o, has := s.objectsByKey.one(b.ID, key)
	if !has {
		return nil, errNoObject
	}
	return o, nil
}

func (s *Server) s3GetObject(c *s3Call) (answer, error) {
	o, err := s.objectAt(c, c.bucket, c.key)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: http.StatusOK, header: o.s3Headers(c.Header)}
	switch status := fresh(c.Header, o); status {
	case http.StatusNotModified:
		a.status = status
		return a, nil
	case http.StatusPreconditionFailed:
		return answer{}, errCondition
	}
	for name := range c.query {
		if header, is := strings.CutPrefix(name, "response-"); is {
			a.header.Set(header, c.query.Get(name))
		}
	}
	from, size := int64(0), o.Size
	if c.Method == http.MethodHead {
		a.header.Set("Content-Length", strconv.FormatInt(size, 10))
		return a, nil
	}
	if text := c.Header.Get("Range"); text != "" {
		var partly bool
		if from, size, partly, err = parseRange(text, o.Size); err != nil {
			return answer{}, err
		}
		if partly {
			a.status = http.StatusPartialContent
			for name := range o.Checksums {
				a.header.Del(checksumHeader + name) // it is that of the whole
			}
			a.header.Set("Content-Range", "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(from+size-1, 10)+"/"+strconv.FormatInt(o.Size, 10))
		}
	}
	a.stream, err = s.files.part(o.ID, from, size)
	return a, err
}

// parseRange reads a Range header of one range; others are as good as none.
func parseRange(text string, whole int64) (from, size int64, partly bool, err error) {
	text, is := strings.CutPrefix(text, "bytes=")
	first, last, two := strings.Cut(text, "-")
	if !is || !two || strings.Contains(text, ",") {
		return 0, whole, false, nil
	}
	a, errA := strconv.ParseInt(first, 10, 64)
	z, errZ := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && errZ == nil:
		a, z = max(whole-z, 0), whole-1
	case errA == nil && last == "":
		z = whole - 1
	case errA != nil || errZ != nil || z < a:
		return 0, whole, false, nil
	}
	if z = min(z, whole-1); a > z {
		return 0, 0, false, refuse(http.StatusRequestedRangeNotSatisfiable, 10039, "The requested range is not satisfiable")
	}
	return a, z - a + 1, true, nil
}

// s3Headers are the object's headers as S3 has them.
func (o *object) s3Headers(asked http.Header) http.Header {
	h := o.headers()
	h.Set("Accept-Ranges", "bytes")
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	if class := s3Class(o); class != "STANDARD" {
		h.Set("X-Amz-Storage-Class", class)
	}
	for name, value := range o.Custom {
		h.Set(metaHeader+name, mime.BEncoding.Encode("utf-8", value))
	}
	if strings.EqualFold(asked.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		for name, sum := range o.Checksums {
			h.Set(checksumHeader+name, sum)
		}
	}
	return h
}

// describeS3 takes the headers that S3 keeps with an object.
func (o *object) describeS3(h http.Header, b *bucket) error {
	o.describe(h)
	codings := slices.DeleteFunc(strings.Split(h.Get("Content-Encoding"), ","), func(c string) bool { return strings.TrimSpace(c) == "aws-chunked" })
	if delete(o.HTTP, "contentEncoding"); len(codings) > 0 && codings[0] != "" {
		o.HTTP["contentEncoding"] = strings.TrimSpace(strings.Join(codings, ","))
	}
	o.StorageClass = b.StorageClass
	switch h.Get("X-Amz-Storage-Class") {
	case "STANDARD":
		o.StorageClass = "Standard"
	case "STANDARD_IA":
		o.StorageClass = "InfrequentAccess"
	case "":
	default:
		return invalidArgument("x-amz-storage-class")
	}
	size := 0
	for name, values := range h {
		if short, is := strings.CutPrefix(name, metaHeader); is {
			value := strings.Join(values, ",")
			if plain, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
				value = plain
			}
			if o.Custom == nil {
				o.Custom = map[string]string{}
			}
			o.Custom[strings.ToLower(short)] = value
			size += len(short) + len(value)
		}
	}
	if size > maxObjectCustom {
		return errMetadata
	}
	return nil
}

func (s *Server) s3PutObject(c *s3Call, b *bucket) (answer, error) {
	body, err := c.body()
	if err != nil {
		return answer{}, err
	}
	w, err := s.receive(body, maxObject)
	if err != nil {
		return answer{}, err
	}
	o := w.object(b, c.key)
	o.Checksums = body.checked()
	if err := o.describeS3(c.Header, b); err != nil {
		s.files.remove(o.ID)
		return answer{}, err
	}
	if err := s.keep(o, c.Header); err != nil {
		return answer{}, err
	}
	a := s3Empty(http.StatusOK)
	a.header.Set("Etag", `"`+o.ETag+`"`)
	for name, sum := range o.Checksums {
		a.header.Set(checksumHeader+name, sum)
	}
	return a, nil
}

// s3DeleteObject has no conditions, and no error for what is not there.
func (s *Server) s3DeleteObject(c *s3Call, b *bucket) (answer, error) {
	err := s.change(func(x *txn) error { return s.dropUnlocked(x, b, c.key) })
	return s3Empty(http.StatusNoContent), err
}

// dropUnlocked deletes an object, if it is there and no rule keeps it.
func (s *Server) dropUnlocked(x *txn, b *bucket, key string) error {
	o, has := s.objectsByKey.one(b.ID, key)
	if !has {
		return nil
	}
	if now, still := s.buckets.get(b.ID); still && now.locks(o, x.now) {
		return errLocked
	}
	s.dropObject(x, o)
	return nil
}

// maxDelete is how many objects one request may delete.
const maxDelete = 1000

type s3Deleted struct{ Key string }

type s3NotDeleted struct{ Key, Code, Message string }

func (s *Server) s3DeleteObjects(c *s3Call, b *bucket) (answer, error) {
	data, err := c.smallBody(false)
	if err != nil {
		return answer{}, err
	}
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Quiet   bool
		Object  []struct{ Key string }
	}
	if xml.Unmarshal(data, &in) != nil || len(in.Object) == 0 || len(in.Object) > maxDelete {
		return answer{}, errXML
	}
	out := struct {
		XMLName   xml.Name `xml:"DeleteResult"`
		Namespace string   `xml:"xmlns,attr"`
		Deleted   []s3Deleted
		Error     []s3NotDeleted
	}{Namespace: s3Namespace}
	err = s.change(func(x *txn) error {
		for _, o := range in.Object {
			if err := s.dropUnlocked(x, b, o.Key); err != nil {
				out.Error = append(out.Error, s3NotDeleted{o.Key, s3Codes[errLocked.errors[0].Code], errLocked.errors[0].Message})
			} else if !in.Quiet {
				out.Deleted = append(out.Deleted, s3Deleted{o.Key})
			}
		}
		return nil
	})
	return s3XML(out), err
}

// source finds what a copy is of, if the conditions on it hold.
func (s *Server) source(c *s3Call) (*object, error) {
	plain, err := url.PathUnescape(strings.TrimPrefix(c.Header.Get(copySource), "/"))
	bucket, key, has := strings.Cut(plain, "/")
	if err != nil || !has || key == "" {
		return nil, invalidArgument("x-amz-copy-source")
	}
	o, err := s.objectAt(c, bucket, key)
	if err != nil {
		return nil, err
	}
	if fresh(conditions(c.Header, copySource+"-"), o) != 0 {
		return nil, errCondition
	}
	return o, nil
}

// conditions are those that stand under a prefix.
func conditions(h http.Header, prefix string) http.Header {
	out := http.Header{}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if v := h.Get(prefix + name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

type s3Copied struct {
	XMLName      xml.Name
	LastModified string
	ETag         string
}

func (s *Server) s3CopyObject(c *s3Call, b *bucket) (answer, error) {
	from, err := s.source(c)
	if err != nil {
		return answer{}, err
	}
	bytes, err := s.files.part(from.ID, 0, from.Size)
	if err != nil {
		return answer{}, errNoObject // it was overwritten since
	}
	defer bytes.Close()
	w, err := s.receive(bytes, maxObject)
	if err != nil {
		return answer{}, err
	}
	o := w.object(b, c.key)
	err = o.describeS3(c.Header, b)
	switch directive := cmp.Or(c.Header.Get("X-Amz-Metadata-Directive"), "COPY"); {
	case err != nil:
	case directive == "REPLACE":
	case directive == "COPY":
		o.HTTP, o.Custom = from.HTTP, from.Custom
	case directive == "MERGE":
		o.HTTP, o.Custom = merged(from.HTTP, o.HTTP), merged(from.Custom, o.Custom)
	default:
		err = invalidArgument("x-amz-metadata-directive")
	}
	if err != nil {
		s.files.remove(o.ID)
		return answer{}, err
	}
	if err := s.keep(o, conditions(c.Header, "Cf-Copy-Destination-")); err != nil {
		return answer{}, err
	}
	return s3XML(s3Copied{xml.Name{Local: "CopyObjectResult"}, millis(o.Made), `"` + o.ETag + `"`}), nil
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
