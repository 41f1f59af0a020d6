package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// bucketDomain is a custom domain of a bucket.
type bucketDomain struct {
	row
	Bucket, Domain, Zone, MinTLS string
	Enabled                      bool
	Ciphers                      []string
}

// defaultLifecycle is what every new bucket has. guess: its id; that multipart
// uploads are aborted after seven days is documented.
var defaultLifecycle = json.RawMessage(`{"rules":[{"id":"Default Multipart Abort Rule","enabled":true,` +
	`"conditions":{"prefix":""},"abortMultipartUploadsTransition":{"condition":{"type":"Age","maxAge":604800}}}]}`)

func (s *Server) registerR2Settings(base string) {
	s.on("GET", base+"/cors", groupR2, s.getCORS)
	s.on("PUT", base+"/cors", groupR2, s.putCORS)
	s.on("DELETE", base+"/cors", groupR2, s.deleteCORS)
	s.on("GET", base+"/lifecycle", groupR2, s.getLifecycle)
	s.on("PUT", base+"/lifecycle", groupR2, s.putLifecycle)
	s.on("GET", base+"/lock", groupR2, s.getLock)
	s.on("PUT", base+"/lock", groupR2, s.putLock)
	s.on("GET", base+"/domains/managed", groupR2, s.getManaged)
	s.on("PUT", base+"/domains/managed", groupR2, s.putManaged)
	s.on("GET", base+"/domains/custom", groupR2, s.listBucketDomains)
	s.on("POST", base+"/domains/custom", groupR2, s.addBucketDomain)
	s.on("GET", base+"/domains/custom/{domain}", groupR2, s.getBucketDomain)
	s.on("PUT", base+"/domains/custom/{domain}", groupR2, s.putBucketDomain)
	s.on("DELETE", base+"/domains/custom/{domain}", groupR2, s.deleteBucketDomain)
}

// changeBucket puts a changed copy of the path's bucket.
func (s *Server) changeBucket(c *call, edit func(*bucket) error) (*bucket, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	next := *b
	if err := edit(&next); err != nil {
		return nil, err
	}
	s.buckets.put(c.x, &next)
	return &next, nil
}

func (s *Server) getCORS(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	if b.CORS == nil {
		return nil, refuse(http.StatusNotFound, 10059, "The CORS configuration does not exist.")
	}
	return ok(b.CORS)
}

type corsRules struct {
	Rules []struct {
		ID      string `json:"id,omitempty"`
		Allowed struct {
			Methods []string `json:"methods"`
			Origins []string `json:"origins"`
			Headers []string `json:"headers,omitempty"`
		} `json:"allowed"`
		Expose []string `json:"exposeHeaders,omitempty"`
		MaxAge *int     `json:"maxAgeSeconds,omitempty"`
	} `json:"rules"`
}

func (s *Server) putCORS(c *call) (*reply, error) {
	_, err := s.changeBucket(c, func(b *bucket) error {
		var in corsRules
		if err := c.decode(&in, errBadR2Body); err != nil {
			return err
		}
		for _, r := range in.Rules {
			for _, m := range r.Allowed.Methods {
				if !slices.Contains([]string{"GET", "PUT", "POST", "DELETE", "HEAD"}, m) {
					return errBadR2Body
				}
			}
			if len(r.Allowed.Methods) == 0 || len(r.Allowed.Origins) == 0 {
				return errBadR2Body
			}
		}
		var err error
		b.CORS, err = json.Marshal(in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

func (s *Server) deleteCORS(c *call) (*reply, error) {
	if _, err := s.changeBucket(c, func(b *bucket) error { b.CORS = nil; return nil }); err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

func (s *Server) getLifecycle(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	return ok(b.Lifecycle)
}

// maxRules is how many lifecycle rules a bucket may have.
const maxRules = 1000

// readRules checks a rules body: each rule has an id of its own.
func readRules(c *call) (json.RawMessage, error) {
	var in struct {
		Rules []json.RawMessage `json:"rules"`
	}
	if err := c.decode(&in, errBadR2Body); err != nil {
		return nil, err
	}
	if len(in.Rules) > maxRules {
		return nil, errBadR2Body
	}
	ids := map[string]bool{}
	for _, r := range in.Rules {
		var head struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(r, &head) != nil || head.ID == "" || ids[head.ID] {
			return nil, errBadR2Body
		}
		ids[head.ID] = true
	}
	if in.Rules == nil {
		in.Rules = []json.RawMessage{}
	}
	return json.Marshal(in)
}

func (s *Server) putLifecycle(c *call) (*reply, error) {
	_, err := s.changeBucket(c, func(b *bucket) (err error) {
		b.Lifecycle, err = readRules(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

func (s *Server) getLock(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	if b.Lock == nil {
		return ok(map[string]any{"rules": []any{}})
	}
	return ok(b.Lock)
}

func (s *Server) putLock(c *call) (*reply, error) {
	_, err := s.changeBucket(c, func(b *bucket) (err error) {
		b.Lock, err = readRules(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

func showManaged(b *bucket) any {
	return map[string]any{"bucketId": b.ID, "domain": fmt.Sprintf("pub-%s.r2.dev", b.ID), "enabled": b.Public}
}

func (s *Server) getManaged(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	return ok(showManaged(b))
}

func (s *Server) putManaged(c *call) (*reply, error) {
	b, err := s.changeBucket(c, func(b *bucket) error {
		var in struct {
			Enabled *bool `json:"enabled"`
		}
		if err := c.decode(&in, errBadR2Body); err != nil {
			return err
		}
		if in.Enabled == nil {
			return errBadR2Body
		}
		b.Public = *in.Enabled
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ok(showManaged(b))
}

func (s *Server) showBucketDomain(d *bucketDomain) map[string]any {
	out := map[string]any{"domain": d.Domain, "enabled": d.Enabled, "zoneId": d.Zone, "minTLS": d.MinTLS,
		"status": map[string]string{"ownership": "active", "ssl": "active"}}
	if z, has := s.zones.get(d.Zone); has {
		out["zoneName"] = z.Name
	}
	if d.Ciphers != nil {
		out["ciphers"] = d.Ciphers
	}
	return out
}

func (s *Server) listBucketDomains(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range s.domainsByOwner.within(b.ID) {
		list = append(list, s.showBucketDomain(e.row))
	}
	return ok(map[string]any{"domains": list})
}

type bucketDomainBody struct {
	Domain  string   `json:"domain"`
	Zone    string   `json:"zoneId"`
	Enabled *bool    `json:"enabled"`
	MinTLS  string   `json:"minTLS"`
	Ciphers []string `json:"ciphers"`
}

func (s *Server) addBucketDomain(c *call) (*reply, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	var in bucketDomainBody
	if err := c.decode(&in, errBadR2Body); err != nil {
		return nil, err
	}
	z, has := s.zones.get(in.Zone)
	if !has || z.Account != c.account.ID || in.Domain == "" || !within(in.Domain, z.Name) {
		// guess: code and status.
		return nil, refuse(http.StatusBadRequest, 10040, "The domain '%s' is not in the zone.", in.Domain)
	}
	if _, taken := s.domainsByHost.one(in.Domain); taken {
		// guess: the code.
		return nil, refuse(http.StatusConflict, 10052, "Domain is already in use.")
	}
	d := &bucketDomain{row: row{ID: newID()}, Bucket: b.ID, Domain: in.Domain, Zone: z.ID,
		MinTLS: cmp.Or(in.MinTLS, "1.0"), Enabled: in.Enabled == nil || *in.Enabled, Ciphers: in.Ciphers}
	s.bucketDomains.put(c.x, d)
	return ok(addedDomain(d))
}

func addedDomain(d *bucketDomain) map[string]any {
	out := changedDomain(d)
	out["zoneId"] = d.Zone
	return out
}

// changedDomain is what a change answers: less than reading it does.
func changedDomain(d *bucketDomain) map[string]any {
	out := map[string]any{"domain": d.Domain, "enabled": d.Enabled, "minTLS": d.MinTLS}
	if d.Ciphers != nil {
		out["ciphers"] = d.Ciphers
	}
	return out
}

func (s *Server) theBucketDomain(c *call) (*bucketDomain, error) {
	b, err := s.theBucket(c)
	if err != nil {
		return nil, err
	}
	d, has := s.domainsByOwner.one(b.ID, c.params["domain"])
	if !has {
		return nil, refuse(http.StatusNotFound, 10053, "The specified custom domain does not exist.")
	}
	return d, nil
}

func (s *Server) getBucketDomain(c *call) (*reply, error) {
	d, err := s.theBucketDomain(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showBucketDomain(d))
}

func (s *Server) putBucketDomain(c *call) (*reply, error) {
	d, err := s.theBucketDomain(c)
	if err != nil {
		return nil, err
	}
	var in bucketDomainBody
	if err := c.decode(&in, errBadR2Body); err != nil {
		return nil, err
	}
	next := *d
	if in.Enabled != nil {
		next.Enabled = *in.Enabled
	}
	next.MinTLS = cmp.Or(in.MinTLS, next.MinTLS)
	if in.Ciphers != nil {
		next.Ciphers = in.Ciphers
	}
	s.bucketDomains.put(c.x, &next)
	return ok(changedDomain(&next))
}

func (s *Server) deleteBucketDomain(c *call) (*reply, error) {
	d, err := s.theBucketDomain(c)
	if err != nil {
		return nil, err
	}
	s.bucketDomains.remove(c.x, d.ID)
	return ok(map[string]any{"domain": d.Domain})
}
