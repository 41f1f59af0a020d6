package state

import (
	"errors"
	"path/filepath"
	"strings"
)

// A tappedDisk does what the real one does and asks before each call, which may
// make it fail, and tells after each.
type tappedDisk struct {
	osDisk
	before func(call string) error
	after  func(call, from, to string, content []byte)
}

func (d tappedDisk) tap(call, from, to string, content []byte, do func() error) error {
	if d.before != nil {
		if err := d.before(call); err != nil {
			return err
		}
	}
	err := do()
	if err == nil && d.after != nil {
		d.after(call, from, to, content)
	}
	return err
}

func (d tappedDisk) create(path string) (f file, err error) {
	err = d.tap("create "+kindOf(path), path, "", nil, func() error {
		f, err = d.osDisk.create(path)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tappedFile{f, path, d}, nil
}

func (d tappedDisk) link(from, to string) error {
	call := "link"
	if filepath.Dir(from) != filepath.Dir(to) {
		call = "link history"
	}
	return d.tap(call, from, to, nil, func() error { return d.osDisk.link(from, to) })
}

func (d tappedDisk) rename(from, to string) error {
	return d.tap("rename "+kindOf(from), from, to, nil, func() error { return d.osDisk.rename(from, to) })
}

func (d tappedDisk) remove(path string) error {
	return d.tap("remove", path, "", nil, func() error { return d.osDisk.remove(path) })
}

func (d tappedDisk) mkdir(dir string) error {
	return d.tap("mkdir", dir, "", nil, func() error { return d.osDisk.mkdir(dir) })
}

func (d tappedDisk) syncDir(dir string) error {
	return d.tap("sync directory", dir, "", nil, func() error { return d.osDisk.syncDir(dir) })
}

type tappedFile struct {
	file
	path string
	disk tappedDisk
}

// Write writes half before it fails, as a full disk does.
func (f tappedFile) Write(b []byte) (n int, err error) {
	err = f.disk.tap("write "+kindOf(f.path), f.path, "", b, func() error {
		n, err = f.file.Write(b)
		return err
	})
	if err != nil && n == 0 {
		n, _ = f.file.Write(b[:len(b)/2])
	}
	return n, err
}

func (f tappedFile) Sync() error {
	return f.disk.tap("sync "+kindOf(f.path), f.path, "", nil, f.file.Sync)
}

func (f tappedFile) Close() error {
	return errors.Join(f.disk.tap("close "+kindOf(f.path), f.path, "", nil, func() error { return nil }), f.file.Close())
}

// kindOf is the part of a save that a temporary file is for.
func kindOf(path string) string {
	parts := strings.Split(filepath.Base(path), ".")
	if part := parts[len(parts)-2]; part == partFirst || part == partBackup || part == partHistory || part == partProbe {
		return part
	}
	return "next"
}
