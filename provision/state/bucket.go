package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/objects"
)

// A Remote says where in a bucket the state of an environment is kept. Its objects
// are these, below PREFIX/v1/PROJECT/ENVIRONMENT/:
//
//	versions/0000000000000000041.json   the state of serial 41, as the file would be
//	lock.json                           who holds it, see lease
//
// The newest version is the state. A save writes the next one on condition that
// there is none, and that is all that keeps two runs apart: of two that save the
// same serial one is refused, and stops. The lock only spares them the attempt.
// The versions before are the history.
//
// A copy of the state lies on this machine, where a state that is kept in a file
// would be. A save writes it first, so that what the bucket did not take is not
// lost; the next run here brings it there. See copy.go.
type Remote struct {
	Objects     *objects.Bucket
	Address     string // as the manifest has it: r2://BUCKET/PREFIX?jurisdiction=eu
	Prefix      string // may be empty
	Project     string
	Environment string
	Dir         string        // of the copies on this machine
	Notice      func(string)  // told what the copy has to do with it; may be nil
	Lease       time.Duration // how long a lock lasts that is not refreshed; 0: 90 s
}

// usualLease is how long a lock lasts that nobody refreshes, and of that the part
// after which its holder does.
const (
	usualLease  = 90 * time.Second
	leaseParts  = 6
	versionPath = "versions/"
	lockObject  = "lock.json"
)

var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`) })

// Bucket is the place of a state that is kept in an R2 bucket. It asks nothing. A
// name that cannot be part of a key is a *provision.Problem of class Refused.
func Bucket(r Remote) (Place, error) {
	if r.Environment == "" {
		r.Environment = Production
	}
	for what, name := range map[string]string{"project": r.Project, "environment": r.Environment} {
		if !plainName().MatchString(name) {
			return nil, &provision.Problem{At: r.Address, Text: fmt.Sprintf("the %s %q cannot have a state there", what, name), Class: provision.Refused,
				Hints: []string{"names consist of letters, digits and dashes"}}
		}
	}
	if r.Notice == nil {
		r.Notice = func(string) {}
	}
	if r.Lease == 0 {
		r.Lease = usualLease
	}
	return &bucketPlace{r}, nil
}

type bucketPlace struct{ Remote }

// projectBase is what the keys of all the project's states begin with.
func (b *bucketPlace) projectBase() string {
	base := "v1/" + b.Project + "/"
	if b.Prefix != "" {
		base = b.Prefix + "/" + base
	}
	return base
}

func (b *bucketPlace) base() string { return b.projectBase() + b.Environment + "/" }

func (b *bucketPlace) key(serial int64) string {
	return fmt.Sprintf("%s%s%019d.json", b.base(), versionPath, serial)
}

// at is how messages name an object of the bucket.
func (b *bucketPlace) at(key string) string { return "r2://" + b.Objects.Name() + "/" + key }

func (b *bucketPlace) String() string { return b.at(strings.TrimSuffix(b.base(), "/")) }
func (b *bucketPlace) Copy() string   { return Path(b.Dir, b.Environment) }

func (b *bucketPlace) Check(st provision.State, project, environment, account string) error {
	return Check(b.String(), st, project, environment, account)
}

// of is the place of another environment's state.
func (b *bucketPlace) of(environment string) *bucketPlace {
	other := b.Remote
	other.Environment, other.Notice = environment, func(string) {}
	return &bucketPlace{other}
}

// command is a command about this state, for a hint.
func (b *bucketPlace) command(c string) string {
	c = "cfboot " + c
	if b.Environment != Production {
		c += " --env " + quote(b.Environment)
	}
	if filepath.Base(b.Dir) == "offline" {
		c += " --offline"
	}
	return c
}

// A listed is one version as the list of objects tells of it.
type listed struct {
	key      string
	serial   int64
	size     int64
	modified time.Time
}

// versions lists what there is, the oldest first, with the server's time.
func (b *bucketPlace) versions() (all []listed, now time.Time, err error) {
	l, err := b.Objects.List(b.base()+versionPath, "")
	for _, o := range l.Objects {
		if serial, ok := serialOf(strings.TrimPrefix(o.Key, b.base()+versionPath)); ok {
			all = append(all, listed{o.Key, serial, o.Size, o.Modified})
		}
	}
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.key, b.key) })
	return all, l.Now, err
}

// serialOf reads the name of a version.
func serialOf(name string) (int64, bool) {
	var serial int64
	n, err := fmt.Sscanf(name, "%019d.json", &serial)
	return serial, n == 1 && err == nil && serial > 0 && name == fmt.Sprintf("%019d.json", serial)
}

// A version is one that was read.
type version struct {
	listed
	object objects.Object
	state  provision.State
	moved  *moved // it is no state, but says where that is
}

// newest reads the state as it is in the bucket; nil: there is none. all is every
// version there is.
func (b *bucketPlace) newest() (v *version, all []listed, now time.Time, err error) {
	for range 5 {
		if all, now, err = b.versions(); err != nil || len(all) == 0 {
			return nil, nil, now, err
		}
		v, err = b.read(all[len(all)-1])
		if !errors.Is(err, objects.ErrNone) {
			return v, all, now, err
		}
		// It was removed between the two looks.
	}
	return nil, nil, now, unusable(b.String(), "its versions go as fast as they are looked at", "see who else works there, and run the same command again")
}

// read reads one version. One that is no sound state is a *provision.Problem of
// class Unusable, but where it is the mark of a move.
func (b *bucketPlace) read(l listed) (*version, error) {
	o, err := b.Objects.Get(l.key)
	if err != nil {
		return nil, err
	}
	v := &version{listed: l, object: o}
	if v.moved = readMoved(o.Data); v.moved != nil {
		return v, nil
	}
	if v.state, err = decode(o.Data); err != nil {
		p := flawProblem(b.at(l.key), o.Data, err).(*provision.Problem)
		if f := (*flaw)(nil); !errors.As(err, &f) || f.hint == "" {
			p.Hints = []string{"put an earlier version back: " + b.command("state restore"), "see which there are: " + b.command("state history")}
		}
		return v, p
	}
	if v.state.Serial != l.serial {
		return v, unusable(b.at(l.key), fmt.Sprintf("it holds serial %d, not the one it is named after", v.state.Serial),
			"put an earlier version back: "+b.command("state restore"))
	}
	return v, nil
}

// Read gives the newest version, in memory; nothing is written on this machine. A
// copy here that has more, which the next run brings there, is what counts.
func (b *bucketPlace) Read() (provision.State, bool, error) {
	v, _, _, err := b.newest()
	if err != nil {
		return provision.State{}, false, err
	}
	if v != nil && v.moved != nil {
		return provision.State{}, false, b.movedProblem(*v.moved)
	}
	c := b.readCopy()
	switch how, err := b.compare(c, v); {
	case how == copyAhead:
		b.Notice(fmt.Sprintf("warning: %s has what is not in %s yet; the next apply brings it there", c.path, b))
		return c.state, true, nil
	case err != nil && v == nil:
		return provision.State{}, false, err
	case err != nil:
		b.Notice("warning: " + err.Error())
	}
	if v == nil {
		return clone(provision.State{}), false, nil
	}
	return v.state, true, nil
}

func (b *bucketPlace) History() ([]Past, error) {
	all, _, err := b.versions()
	var out []Past
	for _, l := range all[:max(0, len(all)-1)] {
		out = append(out, Past{Path: b.at(l.key), Serial: l.serial, Time: l.modified, Size: l.size})
	}
	return out, err
}

func (b *bucketPlace) ReadPast(p Past) (provision.State, error) {
	v, err := b.read(listed{key: b.key(p.Serial), serial: p.Serial})
	switch {
	case errors.Is(err, objects.ErrNone):
		return provision.State{}, unusable(p.Path, "it is no longer there", "see which there are: "+b.command("state history"))
	case err != nil:
		return provision.State{}, err
	case v.moved != nil:
		return provision.State{}, unusable(p.Path, "it is no version, but says that the state was moved to "+v.moved.To)
	}
	return v.state, nil
}

// inspectedVersions is how many of the versions before Inspect reads.
const inspectedVersions = 50

func (b *bucketPlace) Inspect() []Inspected {
	v, all, _, err := b.newest()
	first := Inspected{Role: RoleState, Path: b.String(), Exists: v != nil, Err: err}
	if v != nil {
		first.Path = b.at(v.key)
		first.count(v.state)
		if v.moved != nil && err == nil {
			first.Err = b.movedProblem(*v.moved)
		}
	}
	if first.Exists && first.Err == nil {
		first.Notes = append(dangling(v.state), b.sharedWith(v.state)...)
	}
	out := []Inspected{first}
	c := b.readCopy()
	how, cerr := b.compare(c, v)
	if c.exists && err == nil {
		one := Inspected{Role: RoleCopy, Path: c.path, Exists: true, Err: cerr}
		one.count(c.state)
		if how == copyAhead {
			one.Notes = []string{"it has what is not in the bucket yet; the next apply brings it there"}
		}
		if cerr != nil && first.Err == nil {
			out[0].Err = cerr // a run would refuse
		}
		out = append(out, one)
	}
	past := all[:max(0, len(all)-1)]
	past = past[max(0, len(past)-inspectedVersions):]
	reads := make([]Inspected, len(past))
	each(len(past), func(i int) {
		p, err := b.read(past[i])
		one := Inspected{Role: RoleHistory, Path: b.at(past[i].key), Exists: !errors.Is(err, objects.ErrNone), Err: err}
		if p != nil && p.moved == nil && v != nil {
			one = earlier(one, p.state, v.state)
		}
		reads[i] = one
	})
	for _, one := range slices.Backward(reads) {
		if one.Exists {
			out = append(out, one)
		}
	}
	return out
}

// sharedWith is shared for states in a bucket.
func (b *bucketPlace) sharedWith(st provision.State) []string {
	beside, err := b.Beside()
	if err != nil {
		return []string{"the other environments could not be looked at: " + err.Error()}
	}
	var out []string
	for _, p := range beside {
		other, _, err := p.Read()
		if err != nil {
			continue // whoever works in that environment is told
		}
		for _, e := range provision.Shared(st, other) {
			out = append(out, fmt.Sprintf("%s stands in %s as well (id %s): to destroy either takes it from both", e.Key, p, e.ID))
		}
	}
	return out
}

func (b *bucketPlace) Environments() ([]string, error) {
	l, err := b.Objects.List(b.projectBase(), "")
	var out []string
	for _, o := range l.Objects {
		environment, rest, _ := strings.Cut(strings.TrimPrefix(o.Key, b.projectBase()), "/")
		name, is := strings.CutPrefix(rest, versionPath)
		if _, ok := serialOf(name); is && ok && !slices.Contains(out, environment) {
			out = append(out, environment)
		}
	}
	return out, err
}

func (b *bucketPlace) Beside() ([]Place, error) {
	names, err := b.Environments()
	var out []Place
	for _, name := range names {
		if name != b.Environment {
			out = append(out, b.of(name))
		}
	}
	return out, err
}

// each does n things, some at once.
func each(n int, do func(int)) {
	slots := make(chan struct{}, 8)
	done := make(chan struct{})
	for i := range n {
		go func() {
			slots <- struct{}{}
			defer func() { <-slots; done <- struct{}{} }()
			do(i)
		}()
	}
	for range n {
		<-done
	}
}
