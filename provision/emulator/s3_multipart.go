package emulator

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// partedUpload is a multipart upload that is under way, with what its object will be.
type partedUpload struct {
	row
	Bucket, Key  string
	StorageClass string
	HTTP, Custom map[string]string
}

// part is a part of an upload; its bytes are a file under its id.
type part struct {
	row
	Upload string
	Number int
	Size   int64
	MD5    string // hex
}

// Limits of multipart uploads.
const (
	maxParts = 10000
	minPart  = 5 << 20 // bytes of each part but the last
)

// keepsFile says whether some record has the file.
func (s *Server) keepsFile(id string) bool {
	_, object := s.objects.get(id)
	_, part := s.parts.get(id)
	return object || part
}

func (s *Server) s3CreateUpload(c *s3Call, b *bucket) (answer, error) {
	var o object
	if err := o.describeS3(c.Header, b); err != nil {
		return answer{}, err
	}
	u := &partedUpload{row: row{ID: newID() + newID()}, Bucket: b.ID, Key: c.key, StorageClass: o.StorageClass, HTTP: o.HTTP, Custom: o.Custom}
	err := s.change(func(x *txn) error {
		old, _ := s.objectsByKey.one(b.ID, u.Key)
		if err := met(c.Header, old); err != nil {
			return err
		}
		s.uploads.put(x, u)
		return nil
	})
	return s3XML(struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Namespace             string   `xml:"xmlns,attr"`
		Bucket, Key, UploadId string
	}{Namespace: s3Namespace, Bucket: b.Name, Key: u.Key, UploadId: u.ID}), err
}

// theUpload finds the query's upload; the caller holds the lock.
func (s *Server) theUpload(c *s3Call, b *bucket) (*partedUpload, error) {
	u, has := s.uploads.get(c.query.Get("uploadId"))
	if !has || u.Bucket != b.ID || u.Key != c.key {
		return nil, errNoUpload
	}
	return u, nil
}

// freeUpload is theUpload for who holds no lock.
func (s *Server) freeUpload(c *s3Call, b *bucket) (*partedUpload, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.theUpload(c, b)
}

// s3UploadPart takes a part from the body, or out of another object.
func (s *Server) s3UploadPart(c *s3Call, b *bucket) (answer, error) {
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return answer{}, invalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	u, err := s.freeUpload(c, b)
	if err != nil {
		return answer{}, err
	}
	copied := c.Header.Get(copySource) != ""
	from, sums, err := s.partBody(c, copied)
	if err != nil {
		return answer{}, err
	}
	defer from.Close()
	w, err := s.receive(from, maxObject)
	if err != nil {
		return answer{}, err
	}
	p := &part{row: row{ID: w.id}, Upload: u.ID, Number: number, Size: w.size, MD5: hex.EncodeToString(w.md5)}
	err = s.change(func(x *txn) error {
		if _, err := s.theUpload(c, b); err != nil {
			return err
		}
		if old, has := s.partsByNumber.one(u.ID, partKey(number)); has {
			s.dropPart(x, old)
		}
		s.parts.put(x, p)
		return nil
	})
	if err != nil {
		s.files.remove(w.id)
		return answer{}, err
	}
	if copied {
		return s3XML(s3Copied{xml.Name{Local: "CopyPartResult"}, millis(p.Made), `"` + p.MD5 + `"`}), nil
	}
	a := s3Empty(http.StatusOK)
	a.header.Set("Etag", `"`+p.MD5+`"`)
	for name, sum := range sums() {
		a.header.Set(checksumHeader+name, sum)
	}
	return a, nil
}

// partBody opens what a part is made of; sums are its checksums once it is read.
func (s *Server) partBody(c *s3Call, copied bool) (from io.ReadCloser, sums func() map[string]string, err error) {
	if !copied {
		body, err := c.body()
		if err != nil {
			return nil, nil, err
		}
		return io.NopCloser(body), body.checked, nil
	}
	o, err := s.source(c)
	if err != nil {
		return nil, nil, err
	}
	at, size := int64(0), o.Size
	if text := c.Header.Get(copySource + "-Range"); text != "" {
		if at, size, _, err = parseRange(text, o.Size); err != nil {
			return nil, nil, err
		}
	}
	from, err = s.files.part(o.ID, at, size)
	return from, nil, err
}

func partKey(number int) string { return fmt.Sprintf("%05d", number) }

func (s *Server) dropPart(x *txn, p *part) {
	s.parts.remove(x, p.ID)
	x.afterwards(func() { s.files.remove(p.ID) })
}

// dropUpload ends an upload with all its parts.
func (s *Server) dropUpload(x *txn, u *partedUpload) {
	for _, e := range slices.Clone(s.partsByNumber.within(u.ID)) {
		s.dropPart(x, e.row)
	}
	s.uploads.remove(x, u.ID)
}

func (s *Server) s3AbortUpload(c *s3Call, b *bucket) (answer, error) {
	err := s.change(func(x *txn) error {
		u, err := s.theUpload(c, b)
		if err != nil {
			return err
		}
		s.dropUpload(x, u)
		return nil
	})
	return s3Empty(http.StatusNoContent), err
}

// chosen are the parts that the request puts together, in its order.
func (s *Server) chosen(c *s3Call, b *bucket) (*partedUpload, []*part, error) {
	data, err := c.smallBody(true)
	if err != nil {
		return nil, nil, err
	}
	var in struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []struct {
			PartNumber int
			ETag       string
		}
	}
	if xml.Unmarshal(data, &in) != nil || len(in.Part) == 0 {
		return nil, nil, errXML
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, err := s.theUpload(c, b)
	if err != nil {
		return nil, nil, err
	}
	var parts []*part
	for i, p := range in.Part {
		if i > 0 && p.PartNumber <= in.Part[i-1].PartNumber {
			return nil, nil, refuse(http.StatusBadRequest, s3InvalidPartOrder, "The list of parts was not in ascending order.")
		}
		have, has := s.partsByNumber.one(u.ID, partKey(p.PartNumber))
		if !has || have.MD5 != strings.Trim(p.ETag, `"`) {
			return nil, nil, errNoPart
		}
		parts = append(parts, have)
	}
	for _, p := range parts[:len(parts)-1] {
		switch {
		case p.Size < minPart:
			return nil, nil, refuse(http.StatusBadRequest, 10011, "Your proposed upload is smaller than the minimum allowed object size.")
		case p.Size != parts[0].Size:
			return nil, nil, refuse(http.StatusBadRequest, 10048, "All non-trailing parts must have the same length.")
		}
	}
	if last := parts[len(parts)-1]; len(parts) > 1 && last.Size > parts[0].Size {
		return nil, nil, refuse(http.StatusBadRequest, 10048, "All non-trailing parts must have the same length.")
	}
	return u, parts, nil
}

// s3CompleteUpload makes the object of its parts.
func (s *Server) s3CompleteUpload(c *s3Call, b *bucket) (answer, error) {
	u, parts, err := s.chosen(c, b)
	if err != nil {
		return answer{}, err
	}
	w, err := s.joined(parts)
	if err != nil {
		return answer{}, err
	}
	o := w.object(b, u.Key)
	o.StorageClass, o.HTTP, o.Custom, o.Parts = u.StorageClass, u.HTTP, u.Custom, len(parts)
	o.ETag = partsETag(parts)
	err = s.change(func(x *txn) error {
		still, has := s.buckets.get(b.ID)
		if !has {
			return errNoBucket
		}
		if _, err := s.theUpload(c, b); err != nil {
			return err
		}
		old, _ := s.objectsByKey.one(b.ID, u.Key)
		if err := met(c.Header, old); err != nil {
			return err
		}
		s.dropUpload(x, u)
		return s.replace(x, still, old, o)
	})
	if err != nil {
		s.files.remove(o.ID)
		return answer{}, err
	}
	return s3XML(struct {
		XMLName                     xml.Name `xml:"CompleteMultipartUploadResult"`
		Namespace                   string   `xml:"xmlns,attr"`
		Location, Bucket, Key, ETag string
	}{Namespace: s3Namespace, Location: "/" + b.Name + "/" + u.Key, Bucket: b.Name, Key: u.Key, ETag: `"` + o.ETag + `"`}), nil
}

// joined writes the parts' bytes one behind the other.
func (s *Server) joined(parts []*part) (written, error) {
	var readers []io.Reader
	size := int64(0)
	for _, p := range parts {
		r, err := s.files.part(p.ID, 0, p.Size)
		if err != nil {
			return written{}, errNoPart // it was uploaded again since
		}
		defer r.Close()
		readers = append(readers, r)
		size += p.Size
	}
	return s.receive(io.MultiReader(readers...), size)
}

// partsETag is the sum of the parts' sums, and how many there are.
func partsETag(parts []*part) string {
	h := md5.New()
	for _, p := range parts {
		sum, err := hex.DecodeString(p.MD5)
		if err != nil {
			panic("emulator: a part's MD5 is no hex: " + p.MD5)
		}
		h.Write(sum)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(parts))
}

type s3PartEntry struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
}

func (s *Server) s3ListParts(c *s3Call) (answer, error) {
	b, err := s.mayBucket(c, false)
	if err != nil {
		return answer{}, err
	}
	most, err := c.most("max-parts")
	if err != nil {
		return answer{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, err := s.theUpload(c, b)
	if err != nil {
		return answer{}, err
	}
	out := struct {
		XMLName                                xml.Name `xml:"ListPartsResult"`
		Namespace                              string   `xml:"xmlns,attr"`
		Bucket, Key, UploadId                  string
		StorageClass                           string
		PartNumberMarker, NextPartNumberMarker int
		MaxParts                               int
		IsTruncated                            bool
		Part                                   []s3PartEntry
	}{Namespace: s3Namespace, Bucket: b.Name, Key: u.Key, UploadId: u.ID, MaxParts: most, StorageClass: s3Class(&object{StorageClass: u.StorageClass}),
		PartNumberMarker: c.number("part-number-marker", 0)}
	for _, e := range s.partsByNumber.within(u.ID) {
		p := e.row
		if p.Number <= out.PartNumberMarker {
			continue
		}
		if out.IsTruncated = len(out.Part) == most; out.IsTruncated {
			break
		}
		out.Part = append(out.Part, s3PartEntry{p.Number, millis(p.Made), `"` + p.MD5 + `"`, p.Size})
		out.NextPartNumberMarker = p.Number
	}
	return s3XML(out), nil
}

type s3UploadEntry struct{ Key, UploadId, Initiated, StorageClass string }

func (s *Server) s3ListUploads(c *s3Call, b *bucket) (answer, error) {
	most, err := c.most("max-uploads")
	if err != nil {
		return answer{}, err
	}
	q := c.query
	out := struct {
		XMLName                           xml.Name `xml:"ListMultipartUploadsResult"`
		Namespace                         string   `xml:"xmlns,attr"`
		Bucket, Prefix                    string
		KeyMarker, UploadIdMarker         string
		NextKeyMarker, NextUploadIdMarker string `xml:",omitempty"`
		MaxUploads                        int
		IsTruncated                       bool
		Upload                            []s3UploadEntry
	}{Namespace: s3Namespace, Bucket: b.Name, Prefix: q.Get("prefix"), KeyMarker: q.Get("key-marker"), UploadIdMarker: q.Get("upload-id-marker"), MaxUploads: most}
	s.mu.RLock()
	defer s.mu.RUnlock()
	passed := out.UploadIdMarker == ""
	for _, e := range s.uploadsByKey.within(b.ID) {
		u := e.row
		switch {
		case !strings.HasPrefix(u.Key, out.Prefix) || u.Key < out.KeyMarker:
			continue
		case u.Key == out.KeyMarker && (passed && out.UploadIdMarker == "" || !passed):
			passed = passed || u.ID == out.UploadIdMarker
			continue
		}
		if out.IsTruncated = len(out.Upload) == most; out.IsTruncated {
			break
		}
		out.Upload = append(out.Upload, s3UploadEntry{u.Key, u.ID, millis(u.Made), s3Class(&object{StorageClass: u.StorageClass})})
		out.NextKeyMarker, out.NextUploadIdMarker = u.Key, u.ID
	}
	return s3XML(out), nil
}
