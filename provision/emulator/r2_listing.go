package emulator

import (
	"strings"
)

// listing asks for the objects of a bucket whose keys begin with a prefix, in order.
// Keys that go on with the delimiter are told as one folder, which counts like a key.
type listing struct {
	prefix, delimiter string
	after             string // begin behind this key or folder
	most              int
}

// listed is a page of a listing.
type listed struct {
	objects []*object
	folders []string
	last    string // where the next page begins behind
	more    bool
}

func (s *Server) list(b *bucket, l listing) listed {
	var out listed
	index := s.objectsByKey
	at, end := index.first(join(b.ID, l.prefix)), index.first(join(b.ID, l.prefix)+"\xff")
	if l.after != "" {
		at = max(at, index.first(join(b.ID, l.after)+"\x00\xff"))
	}
	for at < end {
		o := index.entries[at].row
		folder, inside := l.folder(o.Key)
		switch {
		case !inside:
			at++
		default:
			at = index.first(join(b.ID, folder) + "\xff")
			if folder == l.after { // told on the page before
				continue
			}
		}
		if len(out.objects)+len(out.folders) == l.most {
			out.more = true
			return out
		}
		if inside {
			out.folders, out.last = append(out.folders, folder), folder
			continue
		}
		out.objects, out.last = append(out.objects, o), o.Key
	}
	return out
}

// folder is what a key is told as, if not as itself.
func (l listing) folder(key string) (string, bool) {
	if l.delimiter == "" {
		return "", false
	}
	before, _, inside := strings.Cut(key[len(l.prefix):], l.delimiter)
	return l.prefix + before + l.delimiter, inside
}
