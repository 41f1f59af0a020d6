package emulator

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// bucket is an R2 bucket as it is kept. Its name is unique within account and
// jurisdiction; the id is the emulator's own (and part of the r2.dev name).
type bucket struct {
	row
	Account, Jurisdiction, Name string
	Location, StorageClass      string
	Public                      bool // reachable at r2.dev
	CORS                        json.RawMessage
	Lifecycle                   json.RawMessage
	Lock                        json.RawMessage
}

func (s *Server) registerR2() {
	const base = "accounts/{account}/r2/buckets"
	s.on("POST", base, groupR2, s.createBucket)
	s.on("GET", base, groupR2, s.listBuckets)
	s.on("GET", base+"/{bucket}", groupR2, s.getBucket)
	s.on("PATCH", base+"/{bucket}", groupR2, s.patchBucket)
	s.on("DELETE", base+"/{bucket}", groupR2, s.deleteBucket)
	s.registerR2Settings(base + "/{bucket}")
	s.registerR2Objects(base + "/{bucket}")
}

var (
	bucketName     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`) })
	jurisdictions  = []string{"default", "eu", "us", "fedramp", "fedramp-high"}
	storageClasses = []string{"Standard", "InfrequentAccess"}
)

var (
	errBadR2Body = refuse(http.StatusBadRequest, 10040, "The JSON you provided was not well formed.")
	errNoBucket  = refuse(http.StatusNotFound, 10006, "The specified bucket does not exist.")
)

// jurisdictionHeader names the partition of the buckets that a call is about.
const jurisdictionHeader = "Cf-R2-Jurisdiction"

// jurisdiction reads the header that partitions the buckets.
func (c *call) jurisdiction() (string, error) {
	j := cmp.Or(c.Header.Get(jurisdictionHeader), "default")
	if !slices.Contains(jurisdictions, j) {
		// guess: code and status.
		return "", refuse(http.StatusBadRequest, 10040, "The jurisdiction '%s' is not valid.", j)
	}
	return j, nil
}

type bucketView struct {
	Name         string `json:"name"`
	CreationDate string `json:"creation_date"`
	Location     string `json:"location"`
	StorageClass string `json:"storage_class"`
	Jurisdiction string `json:"jurisdiction"`
}

func showBucket(b *bucket) bucketView {
	return bucketView{b.Name, millis(b.Made), b.Location, b.StorageClass, b.Jurisdiction}
}

func (s *Server) createBucket(c *call) (*reply, error) {
	var in struct {
		Name  string `json:"name"`
		Hint  string `json:"locationHint"`
		Class string `json:"storageClass"`
	}
	if err := c.decode(&in, errBadR2Body); err != nil {
		return nil, err
	}
	jurisdiction, err := c.jurisdiction()
	if err != nil {
		return nil, err
	}
	if in.Hint != "" && !slices.Contains(locations, strings.ToLower(in.Hint)) ||
		in.Class != "" && !slices.Contains(storageClasses, in.Class) {
		return nil, errBadR2Body
	}
	b, err := s.newBucket(c.x, c.account, jurisdiction, in.Name, in.Hint, in.Class)
	if err != nil {
		return nil, err
	}
	return ok(showBucket(b))
}

// newBucket makes a bucket, whichever API asked for it.
func (s *Server) newBucket(x *txn, a *account, jurisdiction, name, hint, class string) (*bucket, error) {
	if !bucketName().MatchString(name) {
		return nil, refuse(http.StatusBadRequest, 10005, "The specified bucket name is not valid.")
	}
	if _, taken := s.bucketsByName.one(a.ID, jurisdiction, name); taken {
		return nil, refuse(http.StatusConflict, 10004, "The bucket you tried to create already exists, and you own it.")
	}
	if most := a.limits().buckets; len(s.bucketsByName.within(a.ID)) >= most {
		return nil, refuse(http.StatusBadRequest, 10009, "The account's limit of %d buckets is reached.", most)
	}
	b := &bucket{row: row{ID: newID()}, Account: a.ID, Jurisdiction: jurisdiction, Name: name,
		Location:     strings.ToUpper(cmp.Or(hint, "weur")),
		StorageClass: cmp.Or(class, "Standard"),
		Lifecycle:    defaultLifecycle,
	}
	s.buckets.put(x, b)
	return b, nil
}

func (s *Server) listBuckets(c *call) (*reply, error) {
	jurisdiction, err := c.jurisdiction()
	if err != nil {
		return nil, err
	}
	q := c.query
	per := min(max(c.number("per_page", 20), 1), 1000)
	after := q.Get("start_after")
	if cursor, err := base64.RawURLEncoding.DecodeString(q.Get("cursor")); err == nil && len(cursor) > 0 {
		after = string(cursor)
	}
	all := visible(s, c, s.bucketsByName.within(c.account.ID, jurisdiction))
	descending := q.Get("direction") == "desc"
	if descending {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	if after != "" {
		at, _ := slices.BinarySearchFunc(all, after, func(e entry[*bucket], name string) int {
			c := strings.Compare(e.row.Name, name)
			if descending {
				c = -c
			}
			if c == 0 {
				return -1 // after, not from
			}
			return c
		})
		all = all[at:]
	}
	found, more := []bucketView{}, false
	for _, e := range all {
		if !strings.Contains(e.row.Name, q.Get("name_contains")) {
			continue
		}
		if more = len(found) == per; more {
			break
		}
		found = append(found, showBucket(e.row))
	}
	info := map[string]any{"per_page": per}
	if more {
		info["cursor"] = base64.RawURLEncoding.EncodeToString([]byte(found[per-1].Name))
	}
	return &reply{result: map[string]any{"buckets": found}, info: info}, nil
}

// theBucket finds the path's bucket in the header's jurisdiction.
func (s *Server) theBucket(c *call) (*bucket, error) {
	jurisdiction, err := c.jurisdiction()
	if err != nil {
		return nil, err
	}
	b, has := s.bucketsByName.one(c.account.ID, jurisdiction, c.params["bucket"])
	if !has || !s.seen(c, b.head()) {
		return nil, errNoBucket
	}
	return b, nil
}

func (s *Server) getBucket(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	return ok(showBucket(b))
}

// patchBucket sets the storage class, which comes in a header.
func (s *Server) patchBucket(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	class := c.Header.Get("Cf-R2-Storage-Class")
	if !slices.Contains(storageClasses, class) {
		return nil, refuse(http.StatusBadRequest, 10040, "The storage class '%s' is not valid.", class)
	}
	next := *b
	next.StorageClass = class
	s.buckets.put(c.x, &next)
	return ok(showBucket(&next))
}

func (s *Server) deleteBucket(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	if err := s.dropBucket(c.x, b); err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

// dropBucket removes an empty bucket; uploads that are under way count, too.
func (s *Server) dropBucket(x *txn, b *bucket) error {
	if len(s.objectsByKey.within(b.ID))+len(s.uploadsByKey.within(b.ID)) > 0 {
		return refuse(http.StatusConflict, 10008, "The bucket you tried to delete is not empty (account %s)", b.Account)
	}
	for _, e := range slices.Clone(s.domainsByOwner.within(b.ID)) {
		s.bucketDomains.remove(x, e.row.ID)
	}
	s.buckets.remove(x, b.ID)
	s.removeTags(x, "r2_bucket", b.Name)
	return nil
}
