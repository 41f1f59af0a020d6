package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// objectFiles are the bytes of R2 objects and of parts of uploads: a file each
// under the emulator's directory, or in memory without one. A file is written once,
// under the id of its record, and never changed; what a crash left without a record
// is swept when the emulator opens.
type objectFiles struct {
	dir    string // "": memory
	mu     sync.Mutex
	memory map[string][]byte
}

// open begins with the files whose ids are kept.
func (f *objectFiles) open(dir string, kept func(id string) bool) error {
	f.memory = map[string][]byte{}
	if dir == "" {
		return nil
	}
	f.dir = filepath.Join(dir, "r2")
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("making the objects' directory: %w", err)
	}
	files, err := os.ReadDir(f.dir)
	if err != nil {
		return fmt.Errorf("reading the objects' directory: %w", err)
	}
	for _, file := range files {
		if !kept(file.Name()) {
			f.remove(file.Name())
		}
	}
	return nil
}

func (f *objectFiles) path(id string) string { return filepath.Join(f.dir, id) }

// write stores what it reads, and says how much that was.
func (f *objectFiles) write(id string, from io.Reader) (int64, error) {
	if f.dir == "" {
		var b bytes.Buffer
		n, err := b.ReadFrom(from)
		if err == nil {
			f.mu.Lock()
			f.memory[id] = b.Bytes()
			f.mu.Unlock()
		}
		return n, err
	}
	file, err := os.OpenFile(f.path(id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("making an object's file: %w", err)
	}
	n, err := io.Copy(file, from)
	if err = errors.Join(err, file.Close()); err != nil {
		f.remove(id)
	}
	return n, err
}

// objectReader reads an object from any place.
type objectReader interface {
	io.ReadSeekCloser
	io.ReaderAt
}

type memoryReader struct{ *bytes.Reader }

func (memoryReader) Close() error { return nil }

// read opens an object's bytes.
func (f *objectFiles) read(id string) (objectReader, error) {
	if f.dir != "" {
		file, err := os.Open(f.path(id))
		if err != nil {
			return nil, fmt.Errorf("opening an object's file: %w", err)
		}
		return file, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	data, has := f.memory[id]
	if !has {
		return nil, fmt.Errorf("object %s: %w", id, os.ErrNotExist)
	}
	return memoryReader{bytes.NewReader(data)}, nil
}

// part opens a range of an object's bytes.
func (f *objectFiles) part(id string, from, size int64) (*content, error) {
	r, err := f.read(id)
	if err != nil {
		return nil, err
	}
	return &content{struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(r, from, size), r}, size}, nil
}

// remove drops an object's bytes. A file that cannot be removed, because somebody
// reads it still, is swept at the next opening.
func (f *objectFiles) remove(id string) {
	if f.dir != "" {
		err := os.Remove(f.path(id))
		_ = err // see above
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.memory, id)
}
