package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cfboot/cfboot/provision"
)

// removeFile is Place.Remove of a state in a file. The file goes last but for its
// lock: until then what is left of it shows that there was a state.
func removeFile(path string, o Options) (err error) {
	if _, exists, err := Read(path); err != nil || !exists {
		return err
	}
	s, err := Open(path, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if st := s.State(); !st.Empty() {
		return ownsStill(path, st)
	}
	past, err := listHistory(s.path)
	if err != nil {
		return err
	}
	for _, p := range past {
		err = errors.Join(err, s.discard(p.Path))
	}
	for _, file := range []string{backupPath(s.path), s.path, lockPath(s.path)} {
		err = errors.Join(err, s.discard(file))
	}
	_ = os.Remove(historyDir(s.path)) // only where it is empty
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &provision.Problem{At: path, Text: "the empty state could not be removed: " + cause(err), Class: provision.Failed,
			Hints: []string{"make the directory " + quote(filepath.Dir(path)) + " writable for you"}}
	}
	return nil
}

// ownsStill refuses to remove a state that knows of something.
func ownsStill(at string, st provision.State) error {
	return &provision.Problem{At: at, Class: provision.Refused,
		Text:  fmt.Sprintf("it is not removed: it knows of %d resources", len(st.Entries)+len(st.Intents)),
		Hints: []string{"destroy them first: cfboot destroy"}}
}
