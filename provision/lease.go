package provision

import "time"

// A Lease says of an environment that it is a preview: made for a while, for a
// branch or a pull request, and thrown away with all that it holds. It stands in
// the state and in the tags of what was made, by which a preview is known whose
// state is lost. What has none is no preview and never taken for one.
type Lease struct {
	Repository   string    `json:"repository,omitempty"`    // as it was called: "owner/name"
	RepositoryID string    `json:"repository_id,omitempty"` // its number at GitHub, which it keeps under any name
	PullRequest  int       `json:"pull_request,omitempty"`
	Branch       string    `json:"branch,omitempty"`
	Made         time.Time `json:"made"`
	Expires      time.Time `json:"expires"`
}

// A PreviewRecord is what the state keeps of an environment that is one, beside what
// it owns.
type PreviewRecord struct {
	Lease
	Stores   []Filled `json:"stores,omitempty"`
	Deployed string   `json:"deployed,omitempty"` // a hash of what was deployed last
	URLs     []string `json:"urls,omitempty"`     // where that is
}

// Filled is what was put into a database of a preview. It is of that very
// database: one that was made anew under the same key is filled anew.
type Filled struct {
	Key        Key    `json:"key"`
	ID         string `json:"id"`
	Migrations string `json:"migrations,omitempty"` // a hash of those that were applied
	Seed       string `json:"seed,omitempty"`       // a hash of what it was seeded with, or was begun to be
	Seeding    bool   `json:"seeding,omitempty"`    // nobody knows yet whether the seed went in
	Rows       int    `json:"rows,omitempty"`       // what it held before the seed
}

// Clone copies p so that nothing done to the copy is seen in it.
func (p *PreviewRecord) Clone() *PreviewRecord {
	if p == nil {
		return nil
	}
	c := *p
	c.Stores = append([]Filled(nil), p.Stores...)
	c.URLs = append([]string(nil), p.URLs...)
	return &c
}

// Store finds what is known of a database, or nothing is.
func (p PreviewRecord) Store(k Key, id string) Filled {
	for _, f := range p.Stores {
		if f.Key == k && f.ID == id {
			return f
		}
	}
	return Filled{Key: k, ID: id}
}

// Note replaces what is known of the database under f's key.
func (p *PreviewRecord) Note(f Filled) {
	for i := range p.Stores {
		if p.Stores[i].Key == f.Key {
			p.Stores[i] = f
			return
		}
	}
	p.Stores = append(p.Stores, f)
}
