package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// What a pattern of one's own may be, beside what one template may.
const (
	maxFiles = 2_000
	maxFile  = 5 << 20  // bytes
	maxTotal = 25 << 20 // bytes, of the pattern and of what it makes
	maxDepth = 20       // folders in folders
)

// ownFolder is cfboot's own in a project.
const ownFolder = ".cfboot"

// leftOut are folders that a pattern may have and that are not part of it.
var leftOut = []string{".git", "node_modules", ".wrangler"}

// A place is an error about one file of a pattern.
func place(name, format string, args ...any) error {
	return fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
}

// Open reads a folder as a pattern, once and whole: what becomes of the folder
// afterwards is of no matter. Folders called .git, node_modules and .wrangler are
// left out. Anything but plain files and folders is refused, symbolic links too,
// and nothing outside of the folder is ever read; so are .cfboot, which is each
// project's own, .dev.vars, which holds secrets, and more than 2,000 files, 5 MiB
// in one, 25 MiB in all or 20 folders in each other. Whether a file may be
// executed is not kept. Errors begin with the file at fault, relative to the
// folder.
func Open(dir string) (Pattern, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Pattern{}, err
	}
	defer root.Close()
	r := reader{root: root, files: sources{}}
	if err := fs.WalkDir(root.FS(), ".", r.visit); err != nil {
		return Pattern{}, err
	}
	return own(dir, r.files)
}

// own makes a pattern of files that came from anywhere.
func own(dir string, files sources) (Pattern, error) {
	p, err := describe(dir, files)
	if err != nil {
		return p, err
	}
	for _, needed := range []string{"cfboot.jsonc", "wrangler.jsonc"} {
		if files[needed] == nil && files[needed+".tmpl"] == nil {
			return p, place(needed+".tmpl", "it is missing: no pattern is without it")
		}
	}
	return p, nil
}

// reader takes in a folder.
type reader struct {
	root  *os.Root
	files sources
	total int
}

func (r *reader) visit(name string, d fs.DirEntry, err error) error {
	base := path.Base(name)
	switch {
	case err != nil:
		return err
	case name == ".":
		return nil
	case d.IsDir() && slices.Contains(leftOut, base):
		return fs.SkipDir
	case d.IsDir() && strings.Count(name, "/") >= maxDepth:
		return place(name, "it lies more than %d folders deep", maxDepth)
	case strings.EqualFold(name, ownFolder):
		return place(name, "it is each project's own and cannot come from a pattern")
	case d.IsDir():
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		return place(name, "it is a symbolic link; a pattern has only files and folders")
	case !d.Type().IsRegular():
		return place(name, "it is neither a file nor a folder")
	case base == ".dev.vars" || strings.HasPrefix(base, ".dev.vars.") && !strings.HasPrefix(base, ".dev.vars.example"):
		return place(name, "it holds secrets, and a pattern is copied; call it .dev.vars.example and take them out")
	case len(r.files) >= maxFiles:
		return place(name, "the pattern has more than %d files", maxFiles)
	}
	return r.take(name)
}

// take reads one file.
func (r *reader) take(name string) error {
	f, err := r.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	// Something else may have come in its place meanwhile.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(place(name, "it is neither a file nor a folder"), err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	if len(b) > maxFile {
		return place(name, "it is larger than %s", size(maxFile))
	}
	if r.total += len(b); r.total > maxTotal {
		return place(name, "with it the pattern is larger than %s", size(maxTotal))
	}
	r.files[name] = b
	return nil
}

// Digest tells one content of a pattern from another: SHA-256, in hex.
func (p Pattern) Digest() string {
	h := sha256.New()
	for _, name := range p.files.names() {
		fmt.Fprintf(h, "%d %s %d %s", len(name), name, len(p.files[name]), p.files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
