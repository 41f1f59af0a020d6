package wrangler

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// rivals are the files wrangler may read in place of the one that is edited.
var rivals = map[string][]string{
	"wrangler.jsonc": {"wrangler.json", "wrangler.toml", "cloudflare.config.ts"},
	"wrangler.json":  {"wrangler.jsonc", "wrangler.toml", "cloudflare.config.ts"},
}

// maxLinks bounds how many symbolic links lead to a file.
const maxLinks = 8

// A temporary file is named for what it replaces, and recognised as left behind
// by a run that was killed once it is older than any write takes.
const (
	tempInfix   = ".cfboot-"
	tempSuffix  = ".tmp"
	tempTooOld  = time.Hour
	tempPrefix  = "."
	defaultMode = 0o600 // until the mode of the file is copied
)

// Update makes the edits in the file at path, which must exist, and reports
// whether it wrote. The file is replaced as a whole (written beside, synced,
// renamed) or, on any error, not at all; its permissions stay.
//
// It is an *Error if the file has changed since it was read; if it is not JSONC
// or another file beside it, such as wrangler.toml, makes it unclear what
// wrangler reads; and if it is a symbolic link that leaves its folder. A link
// within the folder is followed and stays. Edits fail as they do in Apply.
//
// Two Updates of one file at the same moment are told apart up to the instant
// of the rename; runs keep each other out by the lock of the state.
func Update(path, env string, edits []Edit) (changed bool, err error) {
	changed, e := update(path, env, edits)
	if e != nil {
		e.File = path
		return false, e
	}
	return changed, nil
}

func update(path, env string, edits []Edit) (bool, *Error) {
	if err := unambiguous(path); err != nil {
		return false, err
	}
	f, err := open(path)
	if err != nil {
		return false, err
	}
	defer f.root.Close()
	out, err := apply(f.data, env, edits)
	if err != nil || bytes.Equal(out, f.data) {
		return false, err
	}
	if err := f.replace(out); err != nil {
		return false, err
	}
	return true, nil
}

// unambiguous refuses a file that wrangler might not be reading.
func unambiguous(path string) *Error {
	dir, base := filepath.Split(path)
	if strings.HasSuffix(base, ".toml") {
		return &Error{
			Msg:   "is TOML, and cfboot edits JSONC",
			Hints: []string{"write the same settings as wrangler.jsonc, and delete " + base},
		}
	}
	for _, rival := range rivals[base] {
		switch _, err := os.Lstat(filepath.Join(dir, rival)); {
		case err == nil:
			return &Error{
				Msg:   fmt.Sprintf("%s stands beside it, and wrangler reads only one of them", rival),
				Hints: []string{fmt.Sprintf("move its settings into %s and delete %s", base, rival)},
			}
		case !errors.Is(err, fs.ErrNotExist):
			return osError("looking for "+rival, err)
		}
	}
	return nil
}

// file is a file as it was read, in a folder that names cannot leave.
type file struct {
	root *os.Root
	name string // in root
	info fs.FileInfo
	data []byte
}

func open(path string) (*file, *Error) {
	dir, base := filepath.Split(path)
	folder, err := os.OpenRoot(filepath.Clean(dir))
	if err != nil {
		return nil, osError("opening its folder", err)
	}
	defer folder.Close()
	name, e := resolve(folder, base)
	if e != nil {
		return nil, e
	}
	f := &file{name: filepath.Base(name)}
	if f.root, err = folder.OpenRoot(filepath.Dir(name)); err != nil {
		return nil, osError("opening its folder", err)
	}
	if f.data, f.info, e = f.read(); e != nil {
		f.root.Close()
		return nil, e
	}
	return f, nil
}

// resolve follows the symbolic links that base may be, within the folder.
func resolve(folder *os.Root, base string) (string, *Error) {
	name := base
	for range maxLinks {
		info, err := folder.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == base:
			return "", &Error{Msg: "does not exist", Hints: []string{"make it with: cfboot new"}, cause: err}
		case err != nil:
			return "", osError("looking at it", err)
		case info.Mode()&fs.ModeSymlink == 0:
			// Joining names is not what the system does if a folder on the way
			// is a link itself; it must agree on the result.
			end, err := folder.Stat(base)
			if err != nil || !os.SameFile(end, info) {
				return "", errEscapes()
			}
			return name, nil
		}
		target, err := folder.Readlink(name)
		if err != nil {
			return "", osError("following the link", err)
		}
		name = filepath.Join(filepath.Dir(name), target)
		if filepath.IsAbs(target) || !filepath.IsLocal(name) {
			return "", errEscapes()
		}
	}
	return "", &Error{Msg: fmt.Sprintf("more than %d symbolic links lead to it", maxLinks)}
}

func errEscapes() *Error {
	return &Error{
		Msg:   "is a symbolic link out of its folder, which is not followed",
		Hints: []string{"put the file itself there, or link to it by a relative path inside the folder"},
	}
}

// read returns what the file holds now.
func (f *file) read() ([]byte, fs.FileInfo, *Error) {
	// Asked before it is opened, because opening a pipe waits for a writer.
	if info, err := f.root.Lstat(f.name); err != nil {
		return nil, nil, osError("looking at it", err)
	} else if !info.Mode().IsRegular() {
		return nil, nil, &Error{Msg: "is not a regular file"}
	}
	in, err := f.root.Open(f.name)
	if err != nil {
		return nil, nil, osError("opening it", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, nil, osError("looking at it", err)
	}
	data, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	switch {
	case err != nil:
		return nil, nil, osError("reading it", err)
	case len(data) > MaxSize:
		return nil, nil, errTooLarge()
	}
	return data, info, nil
}

// replace puts data in the place of what was read.
func (f *file) replace(data []byte) *Error {
	f.sweep()
	temp := tempPrefix + f.name + tempInfix + rand.Text() + tempSuffix
	err := f.write(temp, data)
	if err == nil {
		err = f.unchanged()
	}
	if err == nil {
		if rerr := f.root.Rename(temp, f.name); rerr != nil {
			err = osError("replacing it", rerr)
		}
	}
	if err != nil {
		_ = f.root.Remove(temp) // what is left of it is swept another time
		return err
	}
	f.syncFolder()
	return nil
}

func (f *file) write(name string, data []byte) *Error {
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, defaultMode)
	if err != nil {
		return osError("writing beside it", err)
	}
	if _, err = out.Write(data); err == nil {
		err = out.Chmod(f.info.Mode().Perm())
	}
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return osError("writing beside it", err)
	}
	return nil
}

// unchanged compares the file with what was read from it.
func (f *file) unchanged() *Error {
	data, info, err := f.read()
	if err == nil && os.SameFile(info, f.info) && info.Mode() == f.info.Mode() && bytes.Equal(data, f.data) {
		return nil
	}
	e := &Error{Msg: "was changed by someone else while it was being edited; nothing is written", Hints: []string{"run the command again"}}
	if err != nil {
		e.cause = err.cause
	}
	return e
}

// syncFolder makes the new name last through a loss of power. Not every file
// system can; without it the old file, whole, may come back.
func (f *file) syncFolder() {
	dir, err := f.root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	_ = dir.Sync()
}

// sweep removes temporary files of runs that were killed. Failing to is no
// reason not to write.
func (f *file) sweep() {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix+f.name+tempInfix) || !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > tempTooOld {
			_ = f.root.Remove(e.Name())
		}
	}
}

// osError keeps the system's words. PathError would repeat the path.
func osError(doing string, err error) *Error {
	var p *fs.PathError
	text := err.Error()
	if errors.As(err, &p) {
		text = p.Err.Error()
	}
	return &Error{Msg: doing + ": " + text, cause: err}
}
