package emulator

import (
	"io"
	"net/http"
	"slices"
	"strconv"
)

// s3Call is one S3 request on its way.
type s3Call struct {
	*call
	s3Target
	sig      *s3Signature
	chunkKey []byte // what chunks are signed with; nil: they are not checked
}

// maxDrain is how many bytes of a refused upload are read, so that a client that is
// still sending sees the answer.
const maxDrain = 8 << 20

// performS3 authenticates and serves a request of the S3 API.
func (s *Server) performS3(r *http.Request, t s3Target, fx effects) answer {
	c := &s3Call{call: &call{Request: r, query: r.URL.Query(), x: &txn{store: s.store, now: s.o.Now()}, effects: fx}, s3Target: t}
	a, err := s.serveS3(c)
	if err != nil {
		_, ignored := io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain))
		_ = ignored // it was refused, whatever else comes
		a = s3Error(err)
	}
	a.header.Set("Date", c.x.now.UTC().Format(http.TimeFormat)) // what locks are judged by
	return a
}

func (s *Server) serveS3(c *s3Call) (answer, error) {
	if err := s.admitS3(c); err != nil {
		return answer{}, err
	}
	for name := range c.query {
		if slices.Contains(s3Absent, name) {
			return answer{}, refuse(http.StatusNotImplemented, s3NotImplemented, "%s not implemented", name)
		}
	}
	switch {
	case c.bucket == "":
		return s.s3Account(c)
	case c.key == "":
		return s.s3Bucket(c)
	}
	return s.s3Object(c)
}

// s3Absent are the parts of S3 that R2, or the emulator, does not have. The bucket's
// own settings are in the REST API.
var s3Absent = []string{"accelerate", "acl", "analytics", "cors", "encryption", "inventory", "legal-hold", "lifecycle", "logging", "metrics",
	"notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment",
	"restore", "retention", "select", "tagging", "torrent", "versioning", "versions", "website"}

// admitS3 finds out who signed the request.
func (s *Server) admitS3(c *s3Call) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, known := s.accounts.get(c.accountID)
	if !known || !slices.Contains(jurisdictions, c.place) {
		return errUnsigned // guess: an account that is not there is not told from keys that are not
	}
	c.account = a
	sig, err := readSignature(c.Request)
	if err != nil {
		return err
	}
	c.sig = sig
	if err := sig.timely(c.x.now); err != nil {
		return err
	}
	t, has := s.tokenCalled(sig.keyID)
	switch {
	case has && !sig.signedBy(t.Digest, c.Request):
		return errSignature
	case has:
		c.token, c.chunkKey = t, sig.key(t.Digest)
	case s.open(sig.keyID):
		c.token = allRights
	default:
		return errUnsigned
	}
	if !c.token.live(c.x.now) {
		return errUnsigned
	}
	if c.token.from(c.RemoteAddr) != nil {
		return errAccessDenied
	}
	return a.has(groupR2)
}

var errUnsigned error = refuse(http.StatusUnauthorized, 10002, "Unauthorized")

// may says whether the caller has the right to R2 as a whole or, of items, to those
// of the bucket.
func (c *s3Call) may(write bool, bucket string, items bool) error {
	n := need{group: groupR2, write: write, account: c.account.ID}
	if c.token.may(n) {
		return nil
	}
	n.group, n.bucket = groupR2Items, bucketResource(n.account, c.place, bucket)
	if items && c.token.may(n) {
		return nil
	}
	return errAccessDenied
}

// bucketNamed finds a bucket of the account; the caller holds the lock.
func (s *Server) bucketNamed(c *s3Call, name string) (*bucket, error) {
	b, has := s.bucketsByName.one(c.account.ID, c.place, name)
	if !has || !s.seen(c.call, b.head()) {
		return nil, errNoBucket
	}
	return b, nil
}

// mayBucket finds the target's bucket for whoever may read or write its objects.
func (s *Server) mayBucket(c *s3Call, write bool) (*bucket, error) {
	if err := c.may(write, c.bucket, true); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bucketNamed(c, c.bucket)
}

// body opens what the request sends.
func (c *s3Call) body() (*s3Body, error) { return openS3Body(c.Request, c.sig, c.chunkKey) }

// smallBody reads a document that the request sends. Where checksums in the headers
// are those of an object, they say nothing of the document.
func (c *s3Call) smallBody(ofObject bool) ([]byte, error) {
	b, err := c.body()
	if err != nil {
		return nil, err
	}
	if ofObject {
		clear(b.sums)
	}
	data, err := io.ReadAll(io.LimitReader(b, maxBody))
	if _, said := err.(*refusal); err != nil && !said {
		err = errBody
	}
	return data, err
}

// most reads how many of a list are wanted.
func (c *s3Call) most(names ...string) (int, error) {
	for _, name := range names {
		text := c.query.Get(name)
		if text == "" {
			text = c.Header.Get("Cf-" + name)
		}
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, invalidArgument("%s must be a number that is not negative", name)
		}
		return min(n, 1000), nil
	}
	return 1000, nil
}
