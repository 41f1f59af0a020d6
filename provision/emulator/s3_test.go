package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	miniokeys "github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	keyID = "00000000000000000000000000000aaa"
	value = "cfut_all"
)

// s3Cloud is an emulator, in a directory, with AWS's own client.
type s3Cloud struct {
	*cloud
	s3  *s3.Client
	url string
}

func openS3(t *testing.T, o Options) *s3Cloud {
	t.Helper()
	o.Tokens = append(o.Tokens, Token{ID: keyID, Value: value})
	s, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.S3(acct))
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &s3Cloud{cloud: &cloud{t, s, http.Header{"Authorization": {"Bearer " + value}}}, url: server.URL}
	c.s3 = c.client(server.URL, keyID, digest(value))
	return c
}

// client is AWS's, with a token's keys.
func (c *s3Cloud) client(url, id, secret string, edit ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{Region: "auto", BaseEndpoint: aws.String(url), UsePathStyle: true, RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}, edit...)
}

// failed checks status and code of an error from AWS's client.
func failed(t *testing.T, name string, err error, status int, code string) {
	t.Helper()
	var answer *awshttp.ResponseError
	var said smithy.APIError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != status {
		t.Errorf("%s: got %v, want %d", name, err, status)
		return
	}
	if code != "" && (!errors.As(err, &said) || said.ErrorCode() != code) {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

func (c *s3Cloud) put(key, body string, edit ...func(*s3.PutObjectInput)) (string, error) {
	in := &s3.PutObjectInput{Bucket: aws.String("state"), Key: aws.String(key), Body: strings.NewReader(body)}
	for _, f := range edit {
		f(in)
	}
	out, err := c.s3.PutObject(c.t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

func (c *s3Cloud) get(key string, edit ...func(*s3.GetObjectInput)) (string, *s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: aws.String("state"), Key: aws.String(key)}
	for _, f := range edit {
		f(in)
	}
	out, err := c.s3.GetObject(c.t.Context(), in)
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	data, err := io.ReadAll(out.Body)
	return string(data), out, err
}

func TestS3Objects(t *testing.T) {
	c := openS3(t, Options{})
	ctx, bucket := t.Context(), aws.String("state")
	if _, err := c.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	_, err := c.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	failed(t, "creating it again", err, 409, "BucketAlreadyOwnedByYou")
	_, err = c.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("UPPER")})
	failed(t, "a bad name", err, 400, "InvalidBucketName")
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	_, err = c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("nope")})
	failed(t, "no bucket", err, 404, "")
	etag, err := c.put("v1/p/state.json", `{"serial":1}`, func(in *s3.PutObjectInput) {
		in.IfNoneMatch, in.ContentType, in.Metadata = aws.String("*"), aws.String("application/json"), map[string]string{"by": "käse"}
	})
	if err != nil {
		t.Fatal(err)
	}
	body, out, err := c.get("v1/p/state.json", func(in *s3.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled })
	if err != nil || body != `{"serial":1}` || aws.ToString(out.ETag) != etag || aws.ToString(out.ContentType) != "application/json" || !strings.HasPrefix(out.Metadata["by"], "=?utf-8?b?") || aws.ToString(out.ChecksumCRC32) == "" {
		t.Errorf("got %q %v %v", body, out, err)
	}
	_, err = c.put("v1/p/state.json", "x", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	failed(t, "a second first write", err, 412, "PreconditionFailed")
	_, err = c.put("v1/p/state.json", "x", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(`"00000000000000000000000000000000"`) })
	failed(t, "a write over another", err, 412, "PreconditionFailed")
	_, err = c.put("v1/p/none.json", "x", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(etag) })
	failed(t, "a write over nothing", err, 412, "PreconditionFailed")
	next, err := c.put("v1/p/state.json", `{"serial":2}`, func(in *s3.PutObjectInput) { in.IfMatch = aws.String(etag) })
	if err != nil || next == etag {
		t.Errorf("compare and swap: %s %v", next, err)
	}
	for rng, want := range map[string]string{"bytes=2-7": "serial", "bytes=-3": ":2}", "bytes=10-": "2}", "bytes=10-99": "2}"} {
		body, out, err := c.get("v1/p/state.json", func(in *s3.GetObjectInput) { in.Range = aws.String(rng) })
		if err != nil || body != want || out.ContentRange == nil {
			t.Errorf("range %s: %q %v, want %q", rng, body, err, want)
		}
	}
	_, _, err = c.get("v1/p/state.json", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=12-") })
	failed(t, "a range behind the end", err, 416, "InvalidRange")
	_, _, err = c.get("v1/p/state.json", func(in *s3.GetObjectInput) { in.IfNoneMatch = aws.String(next) })
	failed(t, "not modified", err, 304, "")
	_, _, err = c.get("v1/p/state.json", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(etag) })
	failed(t, "another version", err, 412, "PreconditionFailed")
	_, _, err = c.get("nope")
	failed(t, "no object", err, 404, "NoSuchKey")
	head, err := c.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("v1/p/state.json")})
	if err != nil || aws.ToInt64(head.ContentLength) != 12 || aws.ToString(head.ETag) != next {
		t.Errorf("head: %+v %v", head, err)
	}
	_, err = c.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("nope")})
	failed(t, "no head", err, 404, "")
	if _, err := c.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy of ä"), CopySource: aws.String("state/v1/p/state.json"), CopySourceIfMatch: aws.String(next)}); err != nil {
		t.Error(err)
	}
	if body, out, err := c.get("copy of ä"); err != nil || body != `{"serial":2}` || aws.ToString(out.ETag) != next {
		t.Errorf("the copy: %q %v", body, err)
	}
	_, err = c.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("state/v1/p/state.json"), CopySourceIfMatch: aws.String(etag)})
	failed(t, "a copy of another version", err, 412, "PreconditionFailed")
	// What one API wrote the other reads.
	c.cloud.run([]step{
		{method: "GET", path: "A/r2/buckets/state/objects/v1/p/state.json", raw: `{"serial":2}`},
		{method: "PUT", path: "A/r2/buckets/state/objects/rest", body: "rest"},
	})
	if body, _, err := c.get("rest"); err != nil || body != "rest" {
		t.Errorf("written by REST: %q %v", body, err)
	}
	_, err = c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	failed(t, "a full bucket", err, 409, "BucketNotEmpty")
	if _, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("nope")}); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	gone, err := c.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("rest")}, {Key: aws.String("copy of ä")}, {Key: aws.String("v1/p/state.json")}}}})
	if err != nil || len(gone.Deleted) != 3 || len(gone.Errors) != 0 {
		t.Errorf("deleting three: %+v %v", gone, err)
	}
	if _, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(c.files.dir); err != nil || len(files) != 0 {
		t.Errorf("files left: %v %v", files, err)
	}
}

func TestS3Listing(t *testing.T) {
	c := openS3(t, Options{})
	ctx, bucket := t.Context(), aws.String("state")
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	c.must("POST", "A/r2/buckets", `{"name":"other"}`)
	var all []string
	for _, key := range []string{"a", "d/1", "d/2", "d/e/3", "f/4", "z +&<"} {
		if _, err := c.put(key, "x"); err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	// Pages are as small as can be: a folder must neither be lost nor told twice.
	list := func(in s3.ListObjectsV2Input) (keys, folders []string) {
		in.Bucket, in.MaxKeys = bucket, aws.Int32(1)
		for pages := s3.NewListObjectsV2Paginator(c.s3, &in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				keys = append(keys, aws.ToString(o.Key))
			}
			for _, p := range page.CommonPrefixes {
				folders = append(folders, aws.ToString(p.Prefix))
			}
			if n := int(aws.ToInt32(page.KeyCount)); n != len(page.Contents)+len(page.CommonPrefixes) || n > 1 {
				t.Errorf("KeyCount %d of %d and %d", n, len(page.Contents), len(page.CommonPrefixes))
			}
		}
		return keys, folders
	}
	if keys, _ := list(s3.ListObjectsV2Input{}); !slices.Equal(keys, all) {
		t.Errorf("all: %v", keys)
	}
	keys, folders := list(s3.ListObjectsV2Input{Delimiter: aws.String("/")})
	if diff := cmp.Diff([][]string{{"a", "z +&<"}, {"d/", "f/"}}, [][]string{keys, folders}); diff != "" {
		t.Errorf("by folder (-want +got):\n%s", diff)
	}
	keys, folders = list(s3.ListObjectsV2Input{Prefix: aws.String("d/"), Delimiter: aws.String("/"), StartAfter: aws.String("d/1")})
	if diff := cmp.Diff([][]string{{"d/2"}, {"d/e/"}}, [][]string{keys, folders}); diff != "" {
		t.Errorf("in a folder (-want +got):\n%s", diff)
	}
	old, err := c.s3.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket, Marker: aws.String("a"), MaxKeys: aws.Int32(2), EncodingType: types.EncodingTypeUrl})
	if err != nil || len(old.Contents) != 2 || aws.ToString(old.NextMarker) != "d/2" || !aws.ToBool(old.IsTruncated) {
		t.Errorf("the older list: %+v %v", old, err)
	}
	buckets, err := c.s3.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: aws.String("st")})
	if err != nil || len(buckets.Buckets) != 1 || aws.ToString(buckets.Buckets[0].Name) != "state" {
		t.Errorf("buckets: %+v %v", buckets, err)
	}
	_, err = c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("nope")})
	failed(t, "no bucket", err, 404, "NoSuchBucket")
	_, err = c.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	failed(t, "what R2 has not", err, 501, "NotImplemented")
}

func TestS3Multipart(t *testing.T) {
	c := openS3(t, Options{})
	ctx, bucket, key := t.Context(), aws.String("state"), aws.String("big")
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	made, err := c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ContentType: aws.String("x/y")})
	if err != nil {
		t.Fatal(err)
	}
	upload := func(number int32, size int) types.CompletedPart {
		out, err := c.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: made.UploadId, PartNumber: aws.Int32(number),
			Body: bytes.NewReader(bytes.Repeat([]byte{byte(number)}, size))})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(number)}
	}
	complete := func(parts ...types.CompletedPart) error {
		_, err := c.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: made.UploadId,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, IfNoneMatch: aws.String("*")})
		return err
	}
	small, again := upload(1, 100), upload(3, 9)
	failed(t, "a small part", complete(small, again), 400, "EntityTooSmall")
	first, second := upload(1, minPart), upload(2, minPart)
	failed(t, "a part that was replaced", complete(small, second), 400, "InvalidPart")
	failed(t, "another order", complete(second, first), 400, "InvalidPartOrder")
	odd := upload(2, minPart+1)
	failed(t, "parts of two sizes", complete(first, odd, again), 400, "InvalidPart")
	second = upload(2, minPart)
	parts, err := c.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: made.UploadId, MaxParts: aws.Int32(2)})
	if err != nil || len(parts.Parts) != 2 || !aws.ToBool(parts.IsTruncated) || aws.ToString(parts.NextPartNumberMarker) != "2" {
		t.Errorf("parts: %+v %v", parts, err)
	}
	uploads, err := c.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	if err != nil || len(uploads.Uploads) != 1 || aws.ToString(uploads.Uploads[0].UploadId) != aws.ToString(made.UploadId) {
		t.Errorf("uploads: %+v %v", uploads, err)
	}
	if g := c.do("DELETE", "A/r2/buckets/state", nil); g.code() != 10008 {
		t.Errorf("a bucket with an upload was deleted: %s", g.Raw)
	}
	if err := complete(first, second, again); err != nil {
		t.Fatal(err)
	}
	body, out, err := c.get("big")
	if err != nil || len(body) != 2*minPart+9 || body[0] != 1 || body[minPart] != 2 || body[2*minPart] != 3 ||
		!strings.HasSuffix(aws.ToString(out.ETag), `-3"`) || aws.ToString(out.ContentType) != "x/y" {
		t.Errorf("the object: %d bytes, %+v %v", len(body), out, err)
	}
	failed(t, "completing it again", complete(first, second, again), 404, "NoSuchUpload")
	made, err = c.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := c.s3.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: bucket, Key: key, UploadId: made.UploadId, PartNumber: aws.Int32(1),
		CopySource: aws.String("state/big"), CopySourceRange: aws.String("bytes=5242879-5242880")})
	if err != nil || copied.CopyPartResult.ETag == nil {
		t.Fatalf("a part out of an object: %+v %v", copied, err)
	}
	failed(t, "an object that is there by now", complete(types.CompletedPart{ETag: copied.CopyPartResult.ETag, PartNumber: aws.Int32(1)}), 412, "PreconditionFailed")
	if _, err := c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: made.UploadId}); err != nil {
		t.Error(err)
	}
	_, err = c.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: made.UploadId})
	failed(t, "aborting it again", err, 404, "NoSuchUpload")
	if files, err := os.ReadDir(c.files.dir); err != nil || len(files) != 1 {
		t.Errorf("files left: %v %v", files, err)
	}
}

func TestS3Signatures(t *testing.T) {
	c := openS3(t, Options{Tokens: []Token{
		{ID: "00000000000000000000000000000bbb", Value: "reader", Groups: []string{"Workers R2 Storage Read"}},
		{ID: "00000000000000000000000000000ccc", Value: "one", Buckets: []string{acct + "/state"}},
		{ID: "00000000000000000000000000000ddd", Value: "dns", Groups: []string{"DNS Write"}},
		{ID: "00000000000000000000000000000eee", Value: "old", Status: "expired"},
		{ID: "00000000000000000000000000000fff", Value: "far", From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
	}})
	ctx := t.Context()
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	c.must("POST", "A/r2/buckets", `{"name":"other"}`)
	list := func(client *s3.Client, bucket string) error {
		_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		return err
	}
	write := func(client *s3.Client, bucket string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Body: strings.NewReader("x")})
		return err
	}
	as := func(last, value string) *s3.Client {
		return c.client(c.url, strings.Repeat("0", 29)+last, digest(value))
	}
	for _, test := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"another secret", list(c.client(c.url, keyID, value), "state"), 403, "SignatureDoesNotMatch"},
		{"an unknown key", list(as("123", "x"), "state"), 401, "Unauthorized"},
		{"a key of another length", list(c.client(c.url, "AKIA", "x"), "state"), 400, "InvalidArgument"},
		{"another region", list(c.client(c.url, keyID, digest(value), func(o *s3.Options) { o.Region = "us-west-2" }), "state"), 400, "InvalidRegionName"},
		{"reads", list(as("bbb", "reader"), "state"), 0, ""},
		{"may not write", write(as("bbb", "reader"), "state"), 403, "AccessDenied"},
		{"writes its bucket", write(as("ccc", "one"), "state"), 0, ""},
		{"may not write another", write(as("ccc", "one"), "other"), 403, "AccessDenied"},
		{"may not read another", list(as("ccc", "one"), "other"), 403, "AccessDenied"},
		{"has no R2", list(as("ddd", "dns"), "state"), 403, "AccessDenied"},
		{"is over", list(as("eee", "old"), "state"), 401, "Unauthorized"},
		{"comes from elsewhere", list(as("fff", "far"), "state"), 403, "AccessDenied"},
	} {
		if test.status == 0 {
			if test.err != nil {
				t.Errorf("%s: %v", test.name, test.err)
			}
			continue
		}
		failed(t, test.name, test.err, test.status, test.code)
	}
	_, err := as("ccc", "one").ListBuckets(ctx, &s3.ListBucketsInput{})
	failed(t, "a bucket's token may not list them", err, 403, "AccessDenied")
	if g := c.do("PUT", "A/r2/buckets/state/objects/k", "y", "Authorization", "Bearer one"); g.Status != 200 {
		t.Errorf("a bucket's token by REST: %s", g.Raw)
	}
	if g := c.do("PUT", "A/r2/buckets/other/objects/k", "y", "Authorization", "Bearer one"); g.Status != 403 {
		t.Errorf("another bucket's objects by REST: %s", g.Raw)
	}
	r, err := http.Get(c.url + "/state/k")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 400 {
		t.Errorf("not signed at all: %s", r.Status)
	}
}

func TestS3Presigned(t *testing.T) {
	k := &clock{time.Now()}
	c := openS3(t, Options{Now: k.now})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	sign := s3.NewPresignClient(c.s3, s3.WithPresignExpires(time.Minute))
	put, err := sign.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("state"), Key: aws.String("a b"), ContentLength: aws.Int64(2)})
	if err != nil {
		t.Fatal(err)
	}
	get, err := sign.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("state"), Key: aws.String("a b"), ResponseContentType: aws.String("text/x")})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, url, body string) *http.Response {
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Body.Close()
		data, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		out.Body = io.NopCloser(bytes.NewReader(data))
		return out
	}
	if r := send("PUT", put.URL, "hi"); r.StatusCode != 200 {
		t.Errorf("put: %s", r.Status)
	}
	r := send("GET", get.URL, "")
	if data, err := io.ReadAll(r.Body); err != nil || string(data) != "hi" || r.Header.Get("Content-Type") != "text/x" {
		t.Errorf("get: %s %q %v", r.Status, data, r.Header)
	}
	if r := send("GET", get.URL+"&partNumber=1", ""); r.StatusCode != 403 {
		t.Errorf("a changed URL: %s", r.Status)
	}
	k.forward(2 * time.Minute)
	if r := send("GET", get.URL, ""); r.StatusCode != 400 {
		t.Errorf("an old URL: %s", r.Status)
	} else if data, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(data), "<Code>ExpiredRequest</Code>") {
		t.Errorf("an old URL: %s", data)
	}
	k.forward(time.Hour)
	_, _, err = c.get("a b")
	failed(t, "a clock that is wrong", err, 403, "RequestTimeTooSkewed")
}

func TestS3Limits(t *testing.T) {
	k := &clock{time.Now()}
	c := openS3(t, Options{Now: k.now, R2KeyInterval: time.Second, Accounts: []Account{{ID: acct}, {ID: strings.Repeat("b", 32), Without: []string{ProductR2}}}})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	if _, err := c.put("k", "1"); err != nil {
		t.Fatal(err)
	}
	_, err := c.put("k", "2")
	failed(t, "two writes in a second", err, 429, "ServiceUnavailable")
	if g := c.do("PUT", "A/r2/buckets/state/objects/k", "3"); g.Status != 429 || g.code() != 10058 {
		t.Errorf("by REST: %s", g.Raw)
	}
	k.forward(time.Second)
	if _, err := c.put("k", "4"); err != nil {
		t.Error(err)
	}
	c.must("PUT", "A/r2/buckets/state/lock", `{"rules":[{"id":"l","enabled":true,"prefix":"k","condition":{"type":"Age","maxAgeSeconds":60}}]}`)
	k.forward(2 * time.Second)
	_, err = c.put("k", "5")
	failed(t, "a locked object", err, 403, "ObjectLockedByBucketPolicy")
	if g := c.do("DELETE", "A/r2/buckets/state/objects/k", nil); g.code() != 10069 {
		t.Errorf("deleting a locked one: %s", g.Raw)
	}
	k.forward(time.Minute)
	if _, err := c.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("state"), Key: aws.String("k")}); err != nil {
		t.Error(err)
	}
	server := httptest.NewServer(c.Server)
	defer server.Close()
	_, err = c.client(server.URL+s3Prefix+strings.Repeat("b", 32), keyID, digest(value)).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	failed(t, "R2 is not enabled", err, 403, "NotEntitled")
}

// TestS3Addresses reaches one bucket by path, by host, and by the bucket's host.
func TestS3Addresses(t *testing.T) {
	c := openS3(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`, "Cf-R2-Jurisdiction", "eu")
	server := httptest.NewServer(c.Server)
	defer server.Close()
	byHost := func(o *s3.Options) { // every name is the emulator's
		to := strings.TrimPrefix(server.URL, "http://")
		o.HTTPClient = roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Host, r.URL.Host = r.URL.Host, to
			return http.DefaultTransport.RoundTrip(r)
		})
	}
	for name, client := range map[string]*s3.Client{
		"path":   c.client(server.URL+s3Prefix+acct+".eu", keyID, digest(value)),
		"host":   c.client("http://"+acct+".eu"+s3Domain, keyID, digest(value), byHost),
		"bucket": c.client("http://"+acct+".eu"+s3Domain, keyID, digest(value), byHost, func(o *s3.Options) { o.UsePathStyle = false }),
	} {
		c.ResetRequests()
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("state"), Key: aws.String("a/b"), Body: strings.NewReader(name)}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := c.Requests()[0].Path; got != "/__s3/"+acct+".eu/state/a/b" {
			t.Errorf("%s: the log has %s", name, got)
		}
		c.cloud.run([]step{{method: "GET", path: "A/r2/buckets/state/objects/a/b", header: []string{"Cf-R2-Jurisdiction", "eu"}, raw: name}})
	}
	_, _, err := c.get("a/b")
	failed(t, "another jurisdiction", err, 404, "NoSuchBucket")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestS3Faults shows that faults strike here too, in the form that clients read.
func TestS3Faults(t *testing.T) {
	c := openS3(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	c.Fail(Failure{Method: "PUT", Path: "^/__s3/.*/state/k$", Status: 503, Code: 10043, Message: "later"})
	_, err := c.put("k", "x")
	failed(t, "a fault", err, 503, "ServiceUnavailable")
	c.Fail(Failure{Method: "PUT", After: true, Drop: true})
	if _, err = c.put("k", "written"); err == nil {
		t.Error("a dropped connection was a success")
	}
	c.Fail(Failure{Method: "GET", After: true})
	_, _, err = c.get("k")
	failed(t, "a fault after reading", err, 500, "InternalError")
	if body, _, err := c.get("k"); err != nil || body != "written" {
		t.Errorf("what was written before the drop: %q %v", body, err)
	}
}

// TestS3WhileOpen: a reader keeps the version that it began with.
func TestS3WhileOpen(t *testing.T) {
	c := openS3(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	old := strings.Repeat("old", 1<<20)
	if _, err := c.put("k", old); err != nil {
		t.Fatal(err)
	}
	out, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("state"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if _, err := c.put("k", "new"); err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(out.Body); err != nil || string(data) != old {
		t.Errorf("the reader got %d bytes: %v", len(data), err)
	}
}

// TestMinio proves the same with another client, which signs bodies in chunks.
func TestMinio(t *testing.T) {
	c := openS3(t, Options{})
	m, err := minio.New(strings.TrimPrefix(c.url, "http://"), &minio.Options{Creds: miniokeys.NewStaticV4(keyID, digest(value), ""), Region: "auto", TrailingHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := m.MakeBucket(ctx, "state", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if there, err := m.BucketExists(ctx, "state"); err != nil || !there {
		t.Errorf("the bucket: %v %v", there, err)
	}
	if where, err := m.GetBucketLocation(ctx, "state"); err != nil || where == "" {
		t.Errorf("location: %q %v", where, err)
	}
	for name, o := range map[string]minio.PutObjectOptions{
		"plain": {DisableContentSha256: true}, "chunks": {}, "trailer": {Checksum: minio.ChecksumCRC32C},
		"metadata": {UserMetadata: map[string]string{"a": "b"}, ContentEncoding: "gzip"},
	} {
		body := strings.Repeat(name, 50000)
		if _, err := m.PutObject(ctx, "state", name, strings.NewReader(body), int64(len(body)), o); err != nil {
			t.Errorf("put %s: %v", name, err)
			continue
		}
		got, err := m.GetObject(ctx, "state", name, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(got); err != nil || string(data) != body {
			t.Errorf("get %s: %d bytes, %v", name, len(data), err)
		}
	}
	info, err := m.StatObject(ctx, "state", "metadata", minio.StatObjectOptions{})
	if err != nil || info.UserMetadata["A"] != "b" || info.Metadata.Get("Content-Encoding") != "gzip" {
		t.Errorf("stat: %+v %v", info, err)
	}
	big := make([]byte, 11<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	if _, err := m.PutObject(ctx, "state", "big", bytes.NewReader(big), int64(len(big)), minio.PutObjectOptions{PartSize: minPart}); err != nil {
		t.Errorf("in parts: %v", err)
	}
	got, err := m.GetObject(ctx, "state", "big", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(got); err != nil || !bytes.Equal(data, big) {
		t.Errorf("in parts: %d bytes, %v", len(data), err)
	}
	var names []string
	for o := range m.ListObjects(ctx, "state", minio.ListObjectsOptions{Recursive: true, MaxKeys: 2}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		names = append(names, o.Key)
	}
	if diff := cmp.Diff([]string{"big", "chunks", "metadata", "plain", "trailer"}, names); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for result := range m.RemoveObjects(ctx, "state", m.ListObjects(ctx, "state", minio.ListObjectsOptions{Recursive: true}), minio.RemoveObjectsOptions{}) {
		t.Errorf("removing %s: %v", result.ObjectName, result.Err)
	}
	if err := m.RemoveBucket(ctx, "state"); err != nil {
		t.Error(err)
	}
}

// endless gives so many bytes without holding them.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	e.left -= n
	return int(n), nil
}

// TestLargeObjects shows that memory does not grow with objects: 64 MB go in and
// out by both APIs while a few are allocated.
func TestLargeObjects(t *testing.T) {
	c := openS3(t, Options{})
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := httptest.NewRequest("PUT", apiPrefix+"/accounts/"+acct+"/r2/buckets/state/objects/rest", &endless{size})
	r.Header = c.header.Clone()
	w := httptest.NewRecorder()
	if c.ServeHTTP(w, r); w.Code != 200 {
		t.Fatalf("REST: %d %s", w.Code, w.Body)
	}
	server := httptest.NewServer(c.Server)
	defer server.Close()
	client := c.client(server.URL+s3Prefix+acct, keyID, digest(value))
	sign := s3.NewPresignClient(client)
	put, err := sign.PresignPutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("state"), Key: aws.String("s3")})
	if err != nil {
		t.Fatal(err)
	}
	if r, err = http.NewRequest("PUT", put.URL, &endless{size}); err != nil {
		t.Fatal(err)
	}
	r.ContentLength = size
	out, err := http.DefaultClient.Do(r)
	if err != nil || out.StatusCode != 200 {
		t.Fatalf("S3: %v %v", out, err)
	}
	out.Body.Close()
	for _, key := range []string{"rest", "s3"} {
		got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("state"), Key: aws.String(key)})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, got.Body); err != nil || n != size {
			t.Errorf("%s: %d bytes, %v", key, n, err)
		}
		got.Body.Close()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d MB of objects took %d MB of memory", 4*size>>20, took>>20)
	}
}

// TestObjectsSurvive closes and opens: objects and parts are there, and what a
// crash left is swept.
func TestObjectsSurvive(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	c.must("PUT", "A/r2/buckets/state/objects/k", "kept")
	stray := s.files.path(strings.Repeat("f", 32))
	if err := os.WriteFile(stray, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Server, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer c.Server.Close()
	c.run([]step{{method: "GET", path: "A/r2/buckets/state/objects/k", raw: "kept"}})
	if _, err := os.Stat(stray); err == nil {
		t.Error("a file without a record is still there")
	}
}

// TestS3Open: without tokens the caller is believed, as with bearer tokens.
func TestS3Open(t *testing.T) {
	s, err := Open("", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(s.S3(acct))
	defer server.Close()
	c := &s3Cloud{cloud: &cloud{t, s, http.Header{"Authorization": {"Bearer x"}}}}
	c.s3 = c.client(server.URL, allRights.ID, "whatever")
	c.must("POST", "A/r2/buckets", `{"name":"state"}`)
	for i := range 3 {
		if _, err := c.put(fmt.Sprint(i), "in memory"); err != nil {
			t.Fatal(err)
		}
	}
	if body, _, err := c.get("1"); err != nil || body != "in memory" {
		t.Errorf("got %q %v", body, err)
	}
}
