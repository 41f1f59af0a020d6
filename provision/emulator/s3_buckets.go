package emulator

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// s3Account serves what is about no bucket: the list of them.
func (s *Server) s3Account(c *s3Call) (answer, error) {
	if c.Method != http.MethodGet {
		return answer{}, errNotAllowed
	}
	if err := c.may(false, "", false); err != nil {
		return answer{}, err
	}
	return s.s3ListBuckets(c)
}

type s3BucketEntry struct {
	Name         string
	CreationDate string
}

type s3BucketList struct {
	XMLName               xml.Name `xml:"ListAllMyBucketsResult"`
	Namespace             string   `xml:"xmlns,attr"`
	Owner                 s3Owner
	Buckets               []s3BucketEntry `xml:"Buckets>Bucket"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	MaxKeys, KeyCount     int
}

type s3Owner struct{ ID, DisplayName string }

// s3ListBuckets takes the parameters of R2's extension, which may come in headers.
func (s *Server) s3ListBuckets(c *s3Call) (answer, error) {
	most, err := c.most("max-keys", "max-buckets")
	if err != nil {
		return answer{}, err
	}
	given := func(name string) string { return cmp.Or(c.Header.Get("Cf-"+name), c.query.Get(name)) }
	after, err := continued(given("continuation-token"), given("start-after"))
	if err != nil {
		return answer{}, err
	}
	id := c.account.ID
	out := s3BucketList{Namespace: s3Namespace, Owner: s3Owner{id, id}, MaxKeys: most}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.bucketsByName.within(id, c.place) {
		if e.row.Name <= after && after != "" || !strings.HasPrefix(e.row.Name, given("prefix")) || !s.seen(c.call, e.row.head()) {
			continue
		}
		if len(out.Buckets) == most {
			out.IsTruncated = true
			break
		}
		out.Buckets = append(out.Buckets, s3BucketEntry{e.row.Name, millis(e.row.Made)})
	}
	if out.KeyCount = len(out.Buckets); out.IsTruncated && out.KeyCount > 0 {
		out.NextContinuationToken = continuation(out.Buckets[out.KeyCount-1].Name)
	}
	a := s3XML(out)
	if out.IsTruncated {
		a.header.Set("Cf-Is-Truncated", "true")
		a.header.Set("Cf-Next-Continuation-Token", out.NextContinuationToken)
	}
	return a, nil
}

func continuation(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

// continued is where a list goes on behind.
func continued(token, after string) (string, error) {
	if token == "" {
		return after, nil
	}
	last, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", invalidArgument("continuation-token")
	}
	return string(last), nil
}

// s3Bucket serves what is about a bucket as a whole.
func (s *Server) s3Bucket(c *s3Call) (answer, error) {
	switch c.Method {
	case http.MethodPut:
		return s.s3CreateBucket(c)
	case http.MethodDelete:
		return s.s3DeleteBucket(c)
	}
	b, err := s.mayBucket(c, c.Method == http.MethodPost)
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.Method == http.MethodHead:
		a := s3Empty(http.StatusOK)
		a.header.Set("X-Amz-Bucket-Region", strings.ToLower(b.Location))
		return a, nil
	case c.Method == http.MethodPost && c.query.Has("delete"):
		return s.s3DeleteObjects(c, b)
	case c.Method != http.MethodGet:
		return answer{}, errNotAllowed
	case c.query.Has("location"):
		return s3XML(struct {
			XMLName   xml.Name `xml:"LocationConstraint"`
			Namespace string   `xml:"xmlns,attr"`
			Location  string   `xml:",chardata"`
		}{Namespace: s3Namespace, Location: b.Location}), nil
	case c.query.Has("uploads"):
		return s.s3ListUploads(c, b)
	}
	return s.s3ListObjects(c, b)
}

func (s *Server) s3CreateBucket(c *s3Call) (answer, error) {
	if err := c.may(true, "", false); err != nil {
		return answer{}, err
	}
	data, err := c.smallBody(false)
	if err != nil {
		return answer{}, err
	}
	var in struct{ LocationConstraint string }
	if len(data) > 0 && xml.Unmarshal(data, &in) != nil {
		return answer{}, errXML
	}
	hint := strings.ToLower(in.LocationConstraint)
	if slices.Contains([]string{"auto", "us-east-1"}, hint) {
		hint = ""
	}
	if hint != "" && !slices.Contains(locations, hint) {
		return answer{}, refuse(http.StatusBadRequest, s3InvalidRegion, "The specified location-constraint is not valid")
	}
	err = s.change(func(x *txn) error {
		_, err := s.newBucket(x, c.account, c.place, c.bucket, hint, "")
		return err
	})
	if err != nil {
		return answer{}, err
	}
	a := s3Empty(http.StatusOK)
	a.header.Set("Location", "/"+c.bucket)
	return a, nil
}

func (s *Server) s3DeleteBucket(c *s3Call) (answer, error) {
	if err := c.may(true, "", false); err != nil {
		return answer{}, err
	}
	err := s.change(func(x *txn) error {
		b, err := s.bucketNamed(c, c.bucket)
		if err != nil {
			return err
		}
		return s.dropBucket(x, b)
	})
	return s3Empty(http.StatusNoContent), err
}

type s3ObjectEntry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type s3Folder struct{ Prefix string }

// s3ObjectList is the answer of both versions of the list; what is empty belongs to
// the other one.
type s3ObjectList struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Namespace             string   `xml:"xmlns,attr"`
	Name, Prefix          string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              *int    `xml:",omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	IsTruncated           bool
	Contents              []s3ObjectEntry
	CommonPrefixes        []s3Folder
}

func (s *Server) s3ListObjects(c *s3Call, b *bucket) (answer, error) {
	q := c.query
	most, err := c.most("max-keys")
	if err != nil {
		return answer{}, err
	}
	second := q.Get("list-type") == "2"
	after := q.Get("marker")
	if second {
		if after, err = continued(q.Get("continuation-token"), q.Get("start-after")); err != nil {
			return answer{}, err
		}
	}
	encode := func(text string) string { return text }
	out := s3ObjectList{Namespace: s3Namespace, Name: b.Name, MaxKeys: most, EncodingType: q.Get("encoding-type")}
	if out.EncodingType == "url" {
		encode = func(text string) string { return strings.ReplaceAll(awsEscape(text), "%2F", "/") }
	}
	out.Prefix, out.Delimiter = encode(q.Get("prefix")), encode(q.Get("delimiter"))
	s.mu.RLock()
	page := s.list(b, listing{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), after: after, most: most})
	s.mu.RUnlock()
	for _, o := range page.objects {
		out.Contents = append(out.Contents, s3ObjectEntry{encode(o.Key), millis(o.Made), `"` + o.ETag + `"`, o.Size, s3Class(o)})
	}
	for _, f := range page.folders {
		out.CommonPrefixes = append(out.CommonPrefixes, s3Folder{encode(f)})
	}
	out.IsTruncated = page.more && most > 0
	if second {
		n := len(page.objects) + len(page.folders)
		out.KeyCount, out.ContinuationToken, out.StartAfter = &n, q.Get("continuation-token"), encode(q.Get("start-after"))
		if out.IsTruncated {
			out.NextContinuationToken = continuation(page.last)
		}
		return s3XML(out), nil
	}
	marker := encode(after)
	out.Marker = &marker
	if out.IsTruncated {
		out.NextMarker = encode(page.last)
	}
	return s3XML(out), nil
}

// s3Class is the storage class by S3's name.
func s3Class(o *object) string {
	if o.StorageClass == "InfrequentAccess" {
		return "STANDARD_IA"
	}
	return "STANDARD"
}
