package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
)

// copyData is the consent to put production's data into a preview: always with the
// real name of a database.
const copyData = "copy-data"

// lostSeed stands for the seed of a database of which it was lost with the state
// whether it was filled. One that holds tables counts as filled.
const lostSeed = "lost"

// seeding is what one database of a preview is filled with: a file, or another
// environment's database.
type seeding struct {
	key  provision.Key
	file string          // path of an SQL file
	from provision.Entry // or what is copied
	hash string
}

// said is where it comes from, for people.
func (s seeding) said(a *app) string {
	if s.file != "" {
		return a.shown(s.file)
	}
	return s.from.Name
}

// plannedSeeds finds what the databases are filled with, as the command or the
// manifest says.
func (r *rising) plannedSeeds() ([]seeding, error) {
	for _, a := range r.allow {
		if what, name, named := strings.Cut(a, "="); what != copyData || !named || name == "" {
			return nil, refused(fmt.Sprintf("there is nothing to allow under the name %q", a), "what may be allowed: "+copyData+"=NAME")
		}
	}
	switch {
	case r.seedFrom != "":
		return r.seedsFrom()
	case r.seed != "":
		return r.seedFile(r.seed, r.path)
	case r.says.Seed != "":
		return r.seedFile(r.says.Seed, func(p string) string { return filepath.Join(r.Dir, filepath.FromSlash(p)) })
	}
	return nil, nil
}

// seedFile reads "seed.sql", or "db=seed.sql" where there are several databases.
func (r *rising) seedFile(said string, place func(string) string) ([]seeding, error) {
	databases := r.databases()
	name, file, named := strings.Cut(said, "=")
	if !named {
		file = said
		if len(databases) != 1 {
			return nil, refused(fmt.Sprintf("which database is filled? there are %d", len(databases)), "say it by its logical name: --seed db="+said)
		}
		name = databases[0].Name
	}
	key := provision.Key{Kind: "d1", Name: name}
	if !slices.Contains(databases, key) {
		return nil, refused(fmt.Sprintf("there is no database %q to fill", name))
	}
	f, err := os.Open(place(file))
	if err != nil {
		return nil, &provision.Problem{At: file, Text: "the seed cannot be read", Err: err, Class: provision.Refused}
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, &provision.Problem{At: file, Text: "the seed cannot be read", Err: err, Class: provision.Refused}
	}
	return []seeding{{key: key, file: place(file), hash: hex.EncodeToString(sum.Sum(nil))}}, nil
}

func (r *rising) databases() (out []provision.Key) {
	for _, res := range r.project.desired.Resources {
		if res.Key.Kind == "d1" {
			out = append(out, res.Key)
		}
	}
	return out
}

// seedsFrom finds the databases of another environment that stand for the same.
func (r *rising) seedsFrom() ([]seeding, error) {
	if r.seedFrom == r.environment {
		return nil, refused("a preview cannot be filled with itself")
	}
	place, err := r.place(r.Dir, r.seedFrom)
	if err != nil {
		return nil, err
	}
	st, exists, err := place.Read()
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, refused(fmt.Sprintf("there is no state of %s here, so its databases are not known", r.seedFrom), "see what there is: cfboot preview list, cfboot status")
	}
	var out []seeding
	var hints []string
	for _, key := range r.databases() {
		e, has := st.Entries[key]
		if !has {
			continue
		}
		consent := copyData + "=" + e.Name
		if st.Environment == provision.Production && !slices.Contains(r.allow, consent) {
			hints = append(hints, "if that is meant: --allow "+consent)
		}
		out = append(out, seeding{key: key, from: e, hash: "from " + st.Environment})
	}
	switch {
	case hints != nil:
		return nil, refused("production's database may hold what people have entrusted to it, and whoever has a preview's address could see it", hints...)
	case out == nil:
		return nil, refused(fmt.Sprintf("%s has no database that this project's previews have, too", r.seedFrom))
	case st.Environment == provision.Production:
		r.view().Notice("warning: production's data is copied into %s: see that nobody gets its address who may not see them", r.environment)
	}
	return out, nil
}

// pending says whether a database is still to be filled, and finds out what became
// of a fill that was cut off.
func (r *rising) pending(s seeding, f provision.Filled) (bool, error) {
	if f.Seed == lostSeed {
		h, _, err := r.client.Holds(r.ctx, f.ID)
		if err == nil && h.Tables > 0 {
			r.view().Notice("note: %s holds something already, so it is not filled again", s.key)
		}
		return h.Tables == 0, err
	}
	if f.Seeding {
		return r.resumed(s, f)
	}
	if f.Seed != "" && f.Seed != s.hash {
		r.view().Notice("note: %s was filled once with something else than %s, and is not filled again; for that take the preview down first", s.key, s.said(r.app))
	}
	return f.Seed == "", nil
}

// resumed looks what became of a fill whose outcome is not known: it goes in as a
// whole or not at all, so a database that holds what it held before has not got it.
func (r *rising) resumed(s seeding, f provision.Filled) (bool, error) {
	h, known, err := r.client.Holds(r.ctx, f.ID)
	if err != nil {
		return false, err
	}
	if !known {
		return false, refused(fmt.Sprintf("%s: a run was cut off while it was filled, and its rows cannot be counted, so nobody knows whether it is", s.key), "take the preview down, and make it again")
	}
	if h.Rows == f.Rows && (s.file != "" || h.Tables == 0) {
		return true, nil
	}
	f.Seeding = false
	r.record.Note(f)
	return false, r.keep()
}

// sow fills one database.
func (r *rising) sow(s seeding, id string) (err error) {
	f := r.record.Store(s.key, id)
	h, _, err := r.client.Holds(r.ctx, id)
	if err != nil {
		return err
	}
	if s.file == "" && h.Tables > 0 {
		return refused(fmt.Sprintf("%s has tables already, and a copy goes into an empty database", s.key), "take the preview down, and make it again with --seed-from")
	}
	sql, done, err := r.sql(s)
	if err != nil {
		return err
	}
	defer done()
	f.Seed, f.Seeding, f.Rows = s.hash, true, h.Rows
	r.record.Note(f)
	if err := r.keep(); err != nil {
		return err
	}
	began := r.Now()
	err = r.client.Import(r.ctx, id, sql)
	var untaken *kinds.ImportError
	if errors.As(err, &untaken) {
		f.Seed, f.Seeding = "", false
		r.record.Note(f)
		return errors.Join(&provision.Problem{At: s.key.String(), Text: "it could not be filled from " + s.said(r.app), Err: err, Class: provision.Partial,
			Hints: []string{"mend the SQL, and run the same command again: the database is as it was before"}}, r.keep())
	}
	if err != nil {
		return &provision.Problem{At: s.key.String(), Text: "it could not be filled from " + s.said(r.app), Err: err, Class: provision.Partial, Hints: []string{"run the same command again"}}
	}
	f.Seeding = false
	r.record.Note(f)
	r.doc.Seeded = true
	r.view().Print("Filled %s from %s in %s.", s.key, s.said(r.app), view.Took(r.Now().Sub(began)))
	return r.keep()
}

// sql opens what a database is filled with. A copy lies on this machine as long as
// that takes, readable by the owner only.
func (r *rising) sql(s seeding) (io.ReadSeeker, func(), error) {
	if s.file != "" {
		f, err := os.Open(s.file)
		return f, func() { _ = f.Close() }, err
	}
	f, err := os.CreateTemp("", "cfboot-copy-*.sql")
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = f.Close(); _ = os.Remove(f.Name()) }
	step := provision.Step{Key: s.from.Key, Name: s.from.Name, ID: s.from.ID, Settings: s.from.Settings}
	if err := r.client.Save(r.ctx, step, f); err != nil {
		done()
		return nil, nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, done, err
}
