package emulator

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What AWS publishes in the S3 API reference, "Authenticating Requests (AWS
// Signature Version 4)": keys, requests and the signatures they must have.
const (
	vectorKey    = "AKIAIOSFODNN7EXAMPLE"
	vectorSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	vectorScope  = "20130524/us-east-1/s3/aws4_request"
)

func vectorRequest(method, target, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "https://examplebucket.s3.amazonaws.com"+target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestPublishedSignatures(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, want, payload, headers string
		r                            *http.Request
	}{
		{"get a range", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", emptyHash, "host;range;x-amz-content-sha256;x-amz-date",
			vectorRequest("GET", "/test.txt", "", "Range", "bytes=0-9", "X-Amz-Content-Sha256", emptyHash, "X-Amz-Date", "20130524T000000Z")},
		{"put", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
			vectorRequest("PUT", "/test%24file.text", "Welcome to Amazon S3.", "Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Date", "20130524T000000Z",
				"X-Amz-Storage-Class", "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")},
		{"parameter without value", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", emptyHash, "host;x-amz-content-sha256;x-amz-date",
			vectorRequest("GET", "/?lifecycle", "", "X-Amz-Content-Sha256", emptyHash, "X-Amz-Date", "20130524T000000Z")},
		{"list", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", emptyHash, "host;x-amz-content-sha256;x-amz-date",
			vectorRequest("GET", "/?max-keys=2&prefix=J", "", "X-Amz-Content-Sha256", emptyHash, "X-Amz-Date", "20130524T000000Z")},
		{"presigned", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", unsignedPayload, "host",
			vectorRequest("GET", "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=x", "")},
	} {
		sig := &s3Signature{scope: vectorScope, at: at, payload: test.payload, headers: strings.Split(test.headers, ";")}
		if got := sig.sign(vectorSecret, sig.canonical(test.r)); got != test.want {
			t.Errorf("%s: got %s, want %s for\n%s", test.name, got, test.want, sig.canonical(test.r))
		}
		sig.given = test.want
		if !sig.signedBy(vectorSecret, test.r) || sig.signedBy(vectorSecret+"x", test.r) {
			t.Errorf("%s: the secret is not told from another", test.name)
		}
	}
}

// chunked is the published example of an upload in chunks: 64 KiB and 1 KiB of "a".
func chunked(first string) string {
	chunk := func(n int, signature string) string {
		return fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", n, signature, strings.Repeat("a", n))
	}
	return chunk(65536, first) + chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
		chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
}

func TestPublishedChunks(t *testing.T) {
	const seed, first = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
	sig := &s3Signature{scope: vectorScope, at: time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC), given: seed}
	read := func(body string) ([]byte, error) {
		c := &chunkReader{from: bufio.NewReader(strings.NewReader(body)), sig: sig, key: sig.key(vectorSecret), before: seed, signed: true, trailers: http.Header{}}
		return io.ReadAll(c)
	}
	if got, err := read(chunked(first)); err != nil || string(got) != strings.Repeat("a", 66560) {
		t.Errorf("the published chunks: %d bytes, %v", len(got), err)
	}
	for name, body := range map[string]string{
		"another signature": chunked(strings.Replace(first, "a", "b", 1)),
		"another byte":      strings.Replace(chunked(first), "aaaa", "aaba", 1),
		"an end too soon":   chunked(first)[:66000],
		"no chunks":         "hello",
		"a huge chunk":      "7fffffffffffffff;chunk-signature=x\r\n",
		"a trailer":         chunked(first) + "x-amz-checksum-crc32:AAAAAA==\r\n",
	} {
		if _, err := read(body); err == nil {
			t.Errorf("%s: the body was taken", name)
		}
	}
}

func TestChecksums(t *testing.T) {
	for name, want := range map[string]string{"CRC32": "y/Q5Jg==", "CRC32C": "4waSgw==", "CRC64NVME": "rosUhgp5mIg=",
		"SHA1": "98O8HYCOBHMq32eZZczDTKeuNEE=", "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="} {
		h := checksums[name]()
		h.Write([]byte("123456789"))
		if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// FuzzS3Body throws bodies in chunks at the reader: whatever comes, it ends, with
// what was announced or with a refusal.
func FuzzS3Body(f *testing.F) {
	for _, kind := range []string{streamedUnsigned, streamedSigned, streamedTrailer} {
		f.Add(kind, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
		f.Add(kind, "5;chunk-signature=a\r\nhello\r\n0;chunk-signature=b\r\n\r\n")
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("PUT", "/b/k", strings.NewReader(body))
		r.Header.Set(decodedLength, "5")
		b, err := openS3Body(r, &s3Signature{payload: kind}, nil)
		if err == nil {
			var got bytes.Buffer
			if _, err = got.ReadFrom(b); err == nil && strings.HasPrefix(kind, "STREAMING") && got.Len() != 5 {
				t.Fatalf("%q gave %d bytes where 5 were announced", body, got.Len())
			}
		}
		if said := new(refusal); err != nil && !errors.As(err, &said) {
			t.Fatalf("%q broke with %v", body, err)
		}
	})
}
