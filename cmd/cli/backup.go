package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// backupDir is where databases are saved, beside the state of whoever owned them.
const backupDir = "backup"

// vault keeps backups as files: NAME-TIME.sql, readable by the owner only, and
// NAME-TIME.sql.sha256 for sha256sum -c. Each is written beside its place and
// renamed into it, so that what has the name is whole.
type vault struct {
	dir   string
	shown func(string) string
	now   func() time.Time
}

func (a *app) vault(dir string) provision.Vault {
	return vault{dir: filepath.Join(dir, backupDir), shown: a.shown, now: a.Now}
}

// Keep implements provision.Vault.
func (v vault) Keep(name string, write func(io.Writer) error) (place string, err error) {
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return "", v.problem(err)
	}
	path := v.free(name)
	sum := sha256.New()
	err = v.put(name, path, func(w io.Writer) error { return write(io.MultiWriter(w, sum)) })
	if err == nil {
		err = v.put(name, path+".sha256", func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%x  %s\n", sum.Sum(nil), filepath.Base(path))
			return err
		})
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}
	for _, dir := range []string{v.dir, filepath.Dir(v.dir)} { // the folder itself may be new
		if err == nil {
			err = syncDirectory(dir)
		}
	}
	if err != nil {
		return "", v.problem(err)
	}
	return v.shown(path), nil
}

// free is a path that nothing has yet. The lock on the state keeps other runs
// from choosing it, too, and other environments have other names.
func (v vault) free(name string) string {
	stem := filepath.Join(v.dir, url.PathEscape(name)+"-"+v.now().UTC().Format("20060102T150405Z"))
	path := stem + ".sql"
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path
		}
		path = fmt.Sprintf("%s-%d.sql", stem, n)
	}
}

// put writes one file whole or not at all. What a killed run left of the same
// store is cleared away.
func (v vault) put(name, path string, write func(io.Writer) error) error {
	unfinished := "." + url.PathEscape(name) + "."
	strays, err := filepath.Glob(filepath.Join(glob(v.dir), glob(unfinished)+"*.tmp"))
	for _, stray := range strays {
		err = errors.Join(err, os.Remove(stray))
	}
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(v.dir, unfinished+"*.tmp") // with mode 0600
	if err != nil {
		return err
	}
	err = write(disk{f})
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what it failed of matters more
	}
	return err
}

// disk marks the errors of writing, to tell them from those of fetching.
type disk struct{ io.Writer }

type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

func (d disk) Write(b []byte) (int, error) {
	n, err := d.Writer.Write(b)
	if err != nil {
		err = diskError{err}
	}
	return n, err
}

// problem says of what the disk did not take where that was. What could not be
// fetched speaks for itself.
func (v vault) problem(err error) error {
	var written diskError
	var path *fs.PathError
	var link *os.LinkError
	if !errors.As(err, &written) && !errors.As(err, &path) && !errors.As(err, &link) {
		return err
	}
	return &provision.Problem{At: v.shown(v.dir), Text: "the backup cannot be written", Err: err, Hints: []string{"make room there, and run the same command again"}}
}

// syncDirectory makes the names in a folder durable. Windows has no such call,
// and its journal keeps the order of renames.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
