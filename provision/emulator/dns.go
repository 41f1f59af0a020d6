package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// dnsRecord is a DNS record as it is kept.
type dnsRecord struct {
	row
	Zone, Name, Type, Content string
	TTL                       int // seconds, 1: automatic
	Proxied                   bool
	Priority                  *int
	Comment                   string
	Tags                      []string
	Settings                  json.RawMessage
	Data                      json.RawMessage
	Modified                  time.Time
	CommentModified           *time.Time
	TagsModified              *time.Time
	Domain                    string // id of the Worker's custom domain that owns it: read-only then
	Script                    string // tag of that Worker
}

func (s *Server) registerDNS() {
	const base = "zones/{zone}/dns_records"
	s.on("POST", base, groupDNS, s.createRecord)
	s.on("GET", base, groupDNS, s.listRecords)
	s.on("POST", base+"/batch", groupDNS, s.batchRecords)
	s.on("GET", base+"/{record}", groupDNS, s.getRecord)
	s.on("PUT", base+"/{record}", groupDNS, s.putRecord)
	s.on("PATCH", base+"/{record}", groupDNS, s.patchRecord)
	s.on("DELETE", base+"/{record}", groupDNS, s.deleteRecord)
}

type recordView struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Type            string          `json:"type"`
	Content         string          `json:"content"`
	Priority        *int            `json:"priority,omitempty"`
	Proxiable       bool            `json:"proxiable"`
	Proxied         bool            `json:"proxied"`
	TTL             int             `json:"ttl"`
	Data            json.RawMessage `json:"data,omitempty"`
	Settings        json.RawMessage `json:"settings"`
	Meta            map[string]any  `json:"meta"`
	Comment         *string         `json:"comment"`
	Tags            []string        `json:"tags"`
	CreatedOn       string          `json:"created_on"`
	ModifiedOn      string          `json:"modified_on"`
	CommentModified string          `json:"comment_modified_on,omitempty"`
	TagsModified    string          `json:"tags_modified_on,omitempty"`
}

var (
	noSettings = json.RawMessage(`{}`)
	noMeta     = map[string]any{}
	noTags     = []string{}
)

func showRecord(r *dnsRecord) any {
	v := recordView{ID: r.ID, Name: r.Name, Type: r.Type, Content: r.Content, Priority: r.Priority,
		Proxiable: proxiable(r.Type), Proxied: r.Proxied, TTL: r.TTL, Data: r.Data, Settings: r.Settings,
		Meta: noMeta, Tags: r.Tags, CreatedOn: micros(r.Made), ModifiedOn: micros(r.Modified)}
	if v.Settings == nil {
		v.Settings = noSettings
	}
	if v.Tags == nil {
		v.Tags = noTags
	}
	if r.Comment != "" {
		v.Comment = &r.Comment
	}
	if r.CommentModified != nil {
		v.CommentModified = micros(*r.CommentModified)
	}
	if r.TagsModified != nil {
		v.TagsModified = micros(*r.TagsModified)
	}
	if r.Domain != "" {
		// guess: the names within meta.
		v.Meta = map[string]any{"origin_worker_id": r.Script, "read_only": true}
	}
	return v
}

// recordBody is what POST, PUT and PATCH take.
type recordBody struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Content  string          `json:"content"`
	TTL      int             `json:"ttl"`
	Proxied  bool            `json:"proxied"`
	Priority *int            `json:"priority"`
	Comment  string          `json:"comment"`
	Tags     []string        `json:"tags"`
	Settings json.RawMessage `json:"settings"`
	Data     json.RawMessage `json:"data"`
}

// bodyOf is the body that would make the record what it is: what a PATCH is
// laid over.
func bodyOf(r *dnsRecord) recordBody {
	return recordBody{r.Name, r.Type, r.Content, r.TTL, r.Proxied, r.Priority, r.Comment, r.Tags, r.Settings, r.Data}
}

func readRecord(raw []byte, over recordBody) (recordBody, error) {
	if err := json.Unmarshal(raw, &over); err != nil {
		// guess: the reason's code and text.
		return over, invalid(9207, "Request body is invalid.")
	}
	return over, nil
}

func errNoRecord() *refusal { return refuse(http.StatusNotFound, 81044, "Record does not exist.") }

func (s *Server) createRecord(c *call) (*reply, error) {
	r, err := s.addRecord(c, c.body)
	if err != nil {
		return nil, err
	}
	return ok(showRecord(r))
}

// freeQuota is how many records a zone on the free plan may have.
const freeQuota = 200

func (s *Server) addRecord(c *call, raw []byte) (*dnsRecord, error) {
	in, err := readRecord(raw, recordBody{TTL: 1})
	if err != nil {
		return nil, err
	}
	if c.zone.free() && len(s.recordsByAge.within(c.zone.ID)) >= freeQuota {
		return nil, refuse(http.StatusBadRequest, 81045, "The record quota has been exceeded.")
	}
	r := &dnsRecord{row: row{ID: newID()}, Zone: c.zone.ID}
	return r, s.storeRecord(c, r, in)
}

// storeRecord checks the body and puts the record.
func (s *Server) storeRecord(c *call, r *dnsRecord, in recordBody) error {
	old := *r
	if err := r.set(c.zone, in); err != nil {
		return err
	}
	if err := s.clash(r); err != nil {
		return err
	}
	r.Modified = c.x.now
	if r.Comment != old.Comment {
		r.CommentModified = &c.x.now
	}
	if !slices.Equal(r.Tags, old.Tags) {
		r.TagsModified = &c.x.now
	}
	s.records.put(c.x, r)
	return nil
}

// theRecord finds a record of the path's zone.
func (s *Server) theRecord(c *call, id string) (*dnsRecord, error) {
	r, has := find(s, c, s.records, id)
	if !has || r.Zone != c.zone.ID {
		return nil, errNoRecord()
	}
	return r, nil
}

// ownRecord finds a record that may be changed.
func (s *Server) ownRecord(c *call, id string) (*dnsRecord, error) {
	r, err := s.theRecord(c, id)
	if err != nil {
		return nil, err
	}
	if r.Domain != "" {
		// guess: code and text; that the record is read-only is known.
		return nil, refuse(http.StatusBadRequest, 1043, "This record is managed by Workers and is read only.")
	}
	return r, nil
}

func (s *Server) getRecord(c *call) (*reply, error) {
	r, err := s.theRecord(c, c.params["record"])
	if err != nil {
		return nil, err
	}
	return ok(showRecord(r))
}

// putRecord sets everything: what is left out falls back to its default.
func (s *Server) putRecord(c *call) (*reply, error) {
	r, err := s.replaceRecord(c, c.params["record"], c.body, false)
	if err != nil {
		return nil, err
	}
	return ok(showRecord(r))
}

func (s *Server) patchRecord(c *call) (*reply, error) {
	r, err := s.replaceRecord(c, c.params["record"], c.body, true)
	if err != nil {
		return nil, err
	}
	return ok(showRecord(r))
}

func (s *Server) replaceRecord(c *call, id string, raw []byte, merge bool) (*dnsRecord, error) {
	old, err := s.ownRecord(c, id)
	if err != nil {
		return nil, err
	}
	over := recordBody{TTL: 1}
	if merge {
		over = bodyOf(old)
	}
	in, err := readRecord(raw, over)
	if err != nil {
		return nil, err
	}
	next := *old
	return &next, s.storeRecord(c, &next, in)
}

func (s *Server) deleteRecord(c *call) (*reply, error) {
	r, err := s.dropRecord(c, c.params["record"])
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"id": r.ID})
}

func (s *Server) dropRecord(c *call, id string) (*dnsRecord, error) {
	r, err := s.ownRecord(c, id)
	if err != nil {
		return nil, err
	}
	s.records.remove(c.x, r.ID)
	s.removeTags(c.x, "dns_record", r.ID)
	return r, nil
}

// batchRecords does deletes, patches, puts and posts in this order, all or
// none.
func (s *Server) batchRecords(c *call) (*reply, error) {
	var in struct {
		Deletes []json.RawMessage `json:"deletes"`
		Patches []json.RawMessage `json:"patches"`
		Puts    []json.RawMessage `json:"puts"`
		Posts   []json.RawMessage `json:"posts"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return nil, invalid(9207, "Request body is invalid.")
	}
	limit := 3500
	if c.zone.free() {
		limit = 200
	}
	if n := len(in.Deletes) + len(in.Patches) + len(in.Puts) + len(in.Posts); n > limit {
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 9304, "Too many changes in one batch: %d, the limit is %d.", n, limit)
	}
	remove := func(id string, _ []byte) (*dnsRecord, error) { return s.dropRecord(c, id) }
	merge := func(id string, raw []byte) (*dnsRecord, error) { return s.replaceRecord(c, id, raw, true) }
	replace := func(id string, raw []byte) (*dnsRecord, error) { return s.replaceRecord(c, id, raw, false) }
	add := func(_ string, raw []byte) (*dnsRecord, error) { return s.addRecord(c, raw) }
	result := map[string][]any{}
	for _, part := range []struct {
		name  string
		items []json.RawMessage
		do    func(id string, raw []byte) (*dnsRecord, error)
	}{
		{"deletes", in.Deletes, remove}, {"patches", in.Patches, merge}, {"puts", in.Puts, replace}, {"posts", in.Posts, add},
	} {
		done, err := eachRecord(part.items, part.do)
		if err != nil {
			return nil, err
		}
		result[part.name] = done
	}
	return ok(result)
}

// eachRecord does one part of a batch.
func eachRecord(items []json.RawMessage, do func(id string, raw []byte) (*dnsRecord, error)) ([]any, error) {
	done := []any{}
	for _, item := range items {
		var head struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(item, &head); err != nil {
			return nil, invalid(9207, "Request body is invalid.")
		}
		r, err := do(head.ID, item)
		if err != nil {
			return nil, err
		}
		done = append(done, showRecord(r))
	}
	return done, nil
}
