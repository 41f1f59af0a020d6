package emulator

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	s3Prefix = "/__s3/"
	s3Domain = ".r2.cloudflarestorage.com"
)

// s3Target is what an S3 request is about. The zero value is no S3 request.
type s3Target struct {
	accountID, place string // place is the jurisdiction
	bucket, key      string
}

type s3AccountKey struct{}

// S3 serves R2's S3 API of one account at its root, for clients whose endpoint can
// have no path. The account may end in a jurisdiction: "<account>.eu".
func (s *Server) S3(account string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), s3AccountKey{}, account)))
	})
}

// s3Target finds out whether a request is one of the S3 API, by who serves it, by
// its path, and by its host.
func (s *Server) s3Target(r *http.Request) (s3Target, bool) {
	path := r.URL.EscapedPath()
	if account, is := r.Context().Value(s3AccountKey{}).(string); is {
		return s3At(account, "", path), true
	}
	if rest, is := strings.CutPrefix(path, s3Prefix); is {
		account, rest, _ := strings.Cut(rest, "/")
		return s3At(account, "", rest), true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	labels, is := strings.CutSuffix(host, s3Domain)
	if !is {
		return s3Target{}, false
	}
	if bucket, account, two := strings.Cut(labels, "."); two && !isHex(bucket, 32) {
		return s3At(account, bucket, path), true
	}
	return s3At(labels, "", path), true
}

// s3At takes an address apart; bucket is "" where it is the path's first segment.
func s3At(account, bucket, path string) s3Target {
	t := s3Target{bucket: bucket}
	t.accountID, t.place, _ = strings.Cut(account, ".")
	t.place = cmp.Or(t.place, "default")
	path = strings.TrimPrefix(path, "/")
	if bucket == "" {
		t.bucket, path, _ = strings.Cut(path, "/")
	}
	if key, err := url.PathUnescape(path); err == nil {
		t.key = key
	}
	return t
}

// path is how the log and faults name the target, whatever address it was at.
func (t s3Target) path() string {
	p := s3Prefix + t.accountID
	if t.place != "default" {
		p += "." + t.place
	}
	if t.bucket != "" {
		p += "/" + t.bucket
	}
	if t.key != "" {
		p += "/" + (&url.URL{Path: t.key}).EscapedPath()
	}
	return p
}

// spoiled is a fault's answer in the form that the caller reads.
func (t s3Target) spoiled(f *Failure) answer {
	a := f.answer()
	if t.accountID == "" || f.Body != "" || f.ContentType != "" {
		return a
	}
	x := s3Error(refuse(a.status, a.code, "%s", cmp.Or(f.Message, "emulated failure: "+http.StatusText(a.status))))
	x.header = a.header
	return x
}
