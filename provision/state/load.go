package state

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
)

// maxSize is the largest file that is read or written, in bytes. 5,000 entries
// take some 3 MB.
const maxSize = 64 << 20

// loaded is a state as found on disk; info is nil where there is none.
type loaded struct {
	state    provision.State
	info     fs.FileInfo
	warnings []string
}

func unusable(at, text string, hints ...string) *provision.Problem {
	return &provision.Problem{At: at, Text: text, Hints: hints, Class: provision.Unusable}
}

// load reads the file at path and tells a state that never was from one that is
// missing.
func load(path string) (loaded, error) {
	path, err := resolve(path)
	if err != nil {
		return loaded{}, err
	}
	if err := keptElsewhere(path); err != nil {
		return loaded{}, err
	}
	data, info, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		found := traces(path)
		if found == nil {
			return loaded{state: clone(provision.State{})}, nil
		}
		// A first save may have come between the two looks.
		if data, info, err = readRegular(path); errors.Is(err, fs.ErrNotExist) {
			return loaded{}, unusable(path, fmt.Sprintf("it is missing, but %s shows that there was a state", found[0]), restore(path)...)
		}
	}
	if err != nil {
		var p *provision.Problem
		if errors.As(err, &p) && p.Hints == nil {
			p.Hints = restore(path)
		}
		return loaded{}, err
	}
	l := loaded{info: info}
	if l.warnings, err = checkAccess(path, info); err != nil {
		return loaded{}, err
	}
	if l.state, err = decode(data); err != nil {
		return loaded{}, flawProblem(path, data, err)
	}
	return l, nil
}

// flawProblem words a flaw for people: with line, column and byte where it has
// a place, and with what to do.
func flawProblem(path string, data []byte, err error) error {
	p := unusable(path, err.Error())
	var f *flaw
	if errors.As(err, &f) && f.hint != "" {
		p.Hints = []string{f.hint}
		return p
	}
	if f != nil && f.offset >= 0 {
		before := data[:min(f.offset, int64(len(data)))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
		p.At = fmt.Sprintf("%s:%d:%d", path, line, column)
		p.Text = fmt.Sprintf("%s (byte %d)", f.text, f.offset)
	}
	p.Hints = restore(path)
	return p
}

// resolve follows path where it is a symbolic link, which may only lead to a
// place in the same directory, as the directory may only lead to one beside it.
func resolve(path string) (string, error) {
	dir := filepath.Dir(path)
	for _, p := range []string{dir, path} {
		info, err := os.Lstat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return path, nil
		case err != nil:
			return "", unusable(path, "it cannot be looked at: "+cause(err), "make it readable for you")
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := within(p)
			if err != nil {
				return "", err
			}
			if p == path {
				return target, nil
			}
		case p == dir && !info.IsDir():
			return "", unusable(dir, "it is not a directory", "move it aside: mv "+quote(dir)+" "+quote(dir+".old"))
		}
	}
	return path, nil
}

// within returns where a symbolic link leads, below the directory it stands in.
func within(link string) (string, error) {
	outside := unusable(link, "it is a symbolic link that leads out of its directory",
		"put what it leads to in its place, or, if you did not make the link, find out who did")
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", unusable(link, "it is a symbolic link that leads nowhere",
			"put what it should lead to in its place; the link was: "+linkText(link))
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(link))
	if err != nil {
		return "", outside
	}
	rel, err := filepath.Rel(dir, target)
	if err != nil || !filepath.IsLocal(rel) {
		return "", outside
	}
	return filepath.Join(filepath.Dir(link), rel), nil
}

func linkText(link string) string {
	to, err := os.Readlink(link)
	if err != nil {
		return link
	}
	return link + " -> " + to
}

// readRegular reads a regular file and nothing else: it never waits on a pipe
// and never reads a device. What is missing is fs.ErrNotExist, every other error
// a *provision.Problem; it has no hints where restoring the file would help.
func readRegular(path string) ([]byte, fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, nil, readProblem(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, irregular(path, info)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, nil, readProblem(path, err)
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, nil, readProblem(path, err)
	}
	if !opened.Mode().IsRegular() {
		return nil, nil, irregular(path, opened)
	}
	if opened.Size() > maxSize {
		return nil, nil, unusable(path, fmt.Sprintf("it is larger than %d MiB, which no state is", maxSize>>20))
	}
	var data bytes.Buffer
	data.Grow(int(opened.Size()) + bytes.MinRead)
	if _, err := data.ReadFrom(io.LimitReader(f, maxSize)); err != nil {
		return nil, nil, readProblem(path, err)
	}
	return data.Bytes(), opened, nil
}

func readProblem(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return unusable(path, "it cannot be read: "+cause(err), "make it readable for you: chmod 600 "+quote(path))
}

func irregular(path string, info fs.FileInfo) error {
	what := "not a regular file"
	switch mode := info.Mode(); {
	case mode.IsDir():
		what = "a directory, not a file"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe, not a file"
	case mode&fs.ModeSocket != 0:
		what = "a socket, not a file"
	case mode&fs.ModeDevice != 0:
		what = "a device, not a file"
	}
	return unusable(path, "it is "+what)
}

// checkAccess refuses a file that somebody else may have written, and warns of
// one that somebody else can read.
func checkAccess(path string, info fs.FileInfo) (warnings []string, err error) {
	if !hasModes {
		return nil, nil
	}
	mode := info.Mode().Perm()
	if uid := owner(info); uid != os.Geteuid() {
		return nil, unusable(path, fmt.Sprintf("it belongs to another user (uid %d, and this is uid %d)", uid, os.Geteuid()),
			"run as that user; or, if the content is yours: sudo chown "+fmt.Sprint(os.Geteuid())+" "+quote(path))
	}
	if mode&0o002 != 0 {
		return nil, unusable(path, fmt.Sprintf("anybody on this machine could have changed it (mode %04o)", mode),
			"look whether it is as it should be, then: chmod 600 "+quote(path))
	}
	if mode&0o077 != 0 {
		warnings = append(warnings, fmt.Sprintf("%s: others on this machine have access to it (mode %04o); the next save makes it 0600", path, mode))
	}
	dir := filepath.Dir(path)
	if d, err := os.Stat(dir); err == nil && d.Mode()&0o002 != 0 && d.Mode()&fs.ModeSticky == 0 {
		warnings = append(warnings, fmt.Sprintf("%s: anybody on this machine can replace what is in it (mode %04o): chmod 700 %s", dir, d.Mode().Perm(), quote(dir)))
	}
	return warnings, nil
}

// traces lists what can only be there if a state was saved before: its backup,
// what a killed save of a later version left, or its history.
func traces(path string) []string {
	var out []string
	if _, err := os.Lstat(backupPath(path)); err == nil {
		out = append(out, backupPath(path))
	}
	for _, s := range strays(path) {
		if s.part == partNext || s.part == partBackup || s.part == partHistory {
			out = append(out, s.path)
		}
	}
	past, err := listHistory(path)
	if err != nil || len(past) == 0 {
		return out
	}
	if newest, ok := newestPast(path); ok {
		return append(out, newest.Path)
	}
	return append(out, past[0].Path)
}

// restore says how to get a good state back, from the newest sound version that
// lies beside the file. It never suggests to go on without one.
func restore(path string) []string {
	best, serial := "", int64(0)
	for _, candidate := range traces(path) {
		if data, _, err := readRegular(candidate); err == nil {
			if st, err := decode(data); err == nil && st.Serial > serial {
				best, serial = candidate, st.Serial
			}
		}
	}
	if best == "" {
		return []string{"bring it back from a copy of your own; without it cfboot does not know what it made"}
	}
	command := "cp " + quote(best) + " " + quote(path)
	if _, err := os.Lstat(path); err == nil {
		command = "mv " + quote(path) + " " + quote(path+".damaged") + " && " + command
	}
	return []string{fmt.Sprintf("put back the sound version of serial %d: %s", serial, command),
		"or see first what it knows, and be asked: " + restoreCommand(path)}
}

// restoreCommand is the command that does the same for the state at path, which
// lies where Path says; a rehearsal's lies in a directory named offline.
func restoreCommand(path string) string {
	command := "cfboot state restore"
	if _, environment, ok := strings.Cut(historyStem(path), "."); ok {
		if name, err := url.PathUnescape(environment); err == nil {
			command += " --env " + quote(name)
		}
	}
	if filepath.Base(filepath.Dir(path)) == "offline" {
		command += " --offline"
	}
	return command
}

// quote makes a path safe to paste into a shell.
func quote(path string) string {
	path = filepath.ToSlash(path) // which PowerShell takes as well
	if plainPath().MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+,=~-]*$`) })

// cause is an error's text without the path, which the message has already.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err.Error()
	}
	return err.Error()
}
